"""Answers for drivers that keep series and samples apart: decide on series once, then read.

A filter is first decided on each series, by the same code as the memory driver's
(`metering.matching`); what is left asks of samples only. So a database needs no more than a few
plain look-ups by series, time and key: it never sees a foreign name or value, and cannot differ
in what a comparison means. A driver supplies the look-ups (`metering.storage.lookups`); SQLite and
MongoDB are built so.
"""

from collections import defaultdict
from collections.abc import (
    Collection,
    Iterator,
    Mapping,
    Sequence,
)
from datetime import datetime
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any

from metering.cuts import Cuts
from metering.matching import bounds, matches, matches_series, reduce_to_sample, required, without
from metering.model import (
    AllProjects,
    Extent,
    Place,
    Project,
    Sample,
    Scope,
    Series,
    Stream,
    is_visible,
    sample_key,
)
from metering.query import (
    EVERYTHING,
    FIELDS,
    NOTHING,
    ExtentQuery,
    Filter,
    Position,
    SampleQuery,
    StreamQuery,
    SummaryQuery,
)
from metering.storage.base import Effort, WindowSummary, WindowTotal
from metering.storage.blocks import (
    Grain,
    StoredBlock,
)
from metering.storage.chunks import growing_chunks
from metering.storage.handles import Handle, Pair
from metering.storage.limit import Limit
from metering.storage.maintenance import ExpiringSeries, SealedSeries, VerifiedSeries
from metering.storage.reckoning import Reckoner, no_blocks
from metering.storage.streaming import StreamReader, Ways
from metering.storage.totals import TotalReader
from metering.streams import Stretch, stretches
from metering.summary import Reading, joined
from metering.times import Range

# Whose extents are looked up at once; the first are those of a page.
_FIRST_SERIES = 128
_MOST_SERIES = 8_192

AnyQuery = SampleQuery | ExtentQuery | SummaryQuery | StreamQuery


class SeriesStorage(SealedSeries, ExpiringSeries, VerifiedSeries):
    """A store that keeps series and samples apart."""

    def samples(self, query: SampleQuery) -> Iterator[Sample]:
        """See `Storage.samples`."""
        limit = Limit(self._timeout_seconds)
        ids = required(query.filter, FIELDS["id"])
        if ids:
            yield from self._samples_with_id(str(ids[0]), query, limit)
            return
        plan = self._plan(query, limit)
        series = {handle: one for _, members in plan for handle, one in members.items()}
        left = {handle: rest for rest, members in plan if rest != EVERYTHING for handle in members}
        range_ = query.range & bounds(query.filter)
        if not series or range_.is_empty:
            return
        for row in limit.over(self._scan(series.keys(), range_, query.after)):
            sample = row.sample(series[row.handle])
            if row.handle not in left or matches(left[row.handle], sample):
                yield sample
                limit.restart()  # what the caller did meanwhile does not count

    def _samples_with_id(
        self, sample_id: str, query: SampleQuery, limit: Limit
    ) -> Iterator[Sample]:
        """The samples with that id under any source: the key is enough, ids need no index."""
        keys = {sample_key(source, sample_id) for source in self._sources(_look_up(query))}
        rows = list(limit.over(self._rows(keys)))
        series = dict(self._series({row.handle for row in rows}))
        samples = [row.sample(series[row.handle]) for row in rows]
        after = query.after
        samples.sort(key=lambda one: (one.timestamp, one.key), reverse=True)
        for sample in samples:
            if (
                is_visible(sample.series, query.scope)
                and sample.timestamp in query.range
                and (after is None or Position(sample.timestamp, sample.key) < after)
                and matches(query.filter, sample)
            ):
                yield sample

    def samples_at(self, places: Collection[Place]) -> Iterator[Sample]:
        """See `Storage.samples_at`."""
        limit = Limit(self._timeout_seconds)
        series = {one.series.digest: one.series for one in places}
        distinct = {(one.series.digest, one.at) for one in places}
        for digest, row in limit.over(self._rows_at(distinct)):
            yield row.sample(series[digest])

    def extents(self, query: ExtentQuery) -> Iterator[Extent]:
        """See `Storage.extents`."""
        if query.range.is_empty:
            return
        limit = Limit(self._timeout_seconds)
        left = _left(query)
        visible = self._visible(query, limit, by_resource=True)
        asked = ((handle, one) for handle, one in visible if matches_series(left, one))
        at_once = _FIRST_SERIES if query.lazily else _MOST_SERIES
        for some in growing_chunks(asked, at_once, _MOST_SERIES):
            series = dict(some)
            look_up = self._last_extents if query.last_only else self._extents
            found = limit.over(look_up(series.keys(), query.range, query.as_of))
            extents = [Extent(series[handle], first, last) for handle, first, last in found]
            yield from sorted(extents, key=attrgetter("series.resource_id"))

    def _last_extents(
        self, handles: Collection[Handle], range_: Range, as_of: datetime | None
    ) -> Iterator[tuple[Handle, datetime, datetime]]:
        for handle, last in self._lasts(handles, range_, as_of):
            yield handle, last, last

    def oldest(self, scope: Scope) -> datetime | None:
        """See `Storage.oldest`."""
        limit = Limit(self._timeout_seconds)
        if isinstance(scope, AllProjects):
            found = self._oldest(None)
        else:
            visible = self._visible(ExtentQuery(scope=scope), limit)
            found = self._oldest([handle for handle, _ in visible])
        return min(limit.over(found), default=None)

    def summaries(
        self, query: SummaryQuery, effort: Effort | None = None
    ) -> Iterator[WindowSummary]:
        """See `Storage.summaries`."""
        limit = Limit(self._timeout_seconds)
        effort = effort or Effort()
        for rest, series in self._plan(query, limit):
            range_ = query.range & bounds(rest)
            if range_.is_empty:
                continue

            windows = query.windows
            reckoner = Reckoner(
                partial(self._limited_blocks, limit) if rest == EVERYTHING else no_blocks,
                partial(self._limited_readings, limit)
                if rest == EVERYTHING
                else partial(self._matching_readings, limit, rest, series),
                range_,
                Cuts(windows=windows),
            )
            kinds = {handle: one.type for handle, one in series.items()}
            for handle, pieces in limit.over(reckoner.pieces(kinds, effort)):
                in_windows = groupby(pieces, key=lambda piece: windows.holding(piece.first.at))
                for window, members in in_windows:
                    yield WindowSummary(series[handle], window, joined(list(members)))

    def totals(self, query: SummaryQuery, effort: Effort | None = None) -> Iterator[WindowTotal]:
        """See `Storage.totals`."""
        if query.range.is_empty:
            return
        limit = Limit(self._timeout_seconds)
        left = _left(query)
        rollups = {
            handle: one
            for handle, one in limit.over(self._find_rollups(_look_up(query)))
            if is_visible(one, query.scope) and matches_series(left, one)
        }
        reader = TotalReader(
            partial(self._limited_blocks, limit),
            partial(self._limited_readings, limit),
            lambda rollups: limit.over(self._members(rollups)),
            query.range,
            query.windows,
        )
        for totals in limit.over(reader.totals(rollups, effort or Effort())):
            for (handle, window), summary in totals.items():
                yield WindowTotal(rollups[handle], window, summary)

    def streams(
        self, query: StreamQuery, effort: Effort | None = None
    ) -> Iterator[Sequence[Stretch]]:
        """See `Storage.streams`."""
        limit = Limit(self._timeout_seconds)
        if query.range.is_empty:
            return
        ways = Ways(
            partial(self._limited_blocks, limit),
            partial(self._limited_readings, limit),
            self._last_before,
            self._first_from,
        )
        reader = StreamReader(ways, query, effort or Effort())
        for pieces in limit.over(reader.streams(self._whole_streams(query, limit))):
            found = stretches(pieces, query)
            if found:
                yield found

    def _whole_streams(
        self, query: StreamQuery, limit: Limit
    ) -> Mapping[Stream, Mapping[Handle, Series]]:
        """All series of the streams of which a series matches, whoever's they are."""
        streams: dict[Stream, dict[Handle, Series]] = defaultdict(dict)
        left, asked = _left(query), _look_up(query)
        found = list(self._visible(query, limit))
        for handle, series in found:
            if matches_series(left, series):
                streams[series.stream][handle] = series
        of_stream = {name: value for name, value in asked.items() if name in Stream._fields}
        if of_stream != asked:  # else the look-up has found all of each stream
            resources = {stream.resource_id for stream in streams}
            besides = {handle for handle, _ in found}
            found += limit.over(self._series_of_resources(resources, of_stream, besides))
        for handle, series in found:
            if series.stream in streams:
                streams[series.stream][handle] = series
        return streams

    def _limited_blocks(
        self, limit: Limit, handles: Collection[Handle], months: range, grain: Grain
    ) -> Iterator[StoredBlock]:
        return limit.over(self._blocks(handles, months, grain))

    def _limited_readings(
        self, limit: Limit, handles: Collection[Handle], range_: Range
    ) -> Iterator[Pair]:
        return limit.over(self._readings(handles, range_))

    def _matching_readings(
        self,
        limit: Limit,
        rest: Filter,
        series: Mapping[Handle, Series],
        handles: Collection[Handle],
        range_: Range,
    ) -> Iterator[Pair]:
        """The readings that match what is left to ask: all of one series together, in order."""
        found: dict[Handle, list[Reading]] = defaultdict(list)
        for row in limit.over(self._scan(handles, range_, None)):
            if matches(rest, row.sample(series[row.handle])):
                found[row.handle].append(Reading(row.timestamp, row.volume))
        for handle, readings in found.items():
            for reading in sorted(readings):
                yield handle, reading

    def _plan(
        self, query: SampleQuery | SummaryQuery, limit: Limit
    ) -> list[tuple[Filter, dict[Handle, Series]]]:
        """The series that can match, by what is left to ask of their samples."""
        plan: dict[str, tuple[Filter, dict[Handle, Series]]] = {}
        left = _left(query)
        for handle, series in self._visible(query, limit):
            rest = left if left is EVERYTHING else reduce_to_sample(left, series)
            if rest != NOTHING:
                # By text: Python takes 1 and True for equal, and lists cannot be keys.
                key = "" if rest is EVERYTHING else repr(rest)
                plan.setdefault(key, (rest, {}))[1][handle] = series
        return list(plan.values())

    def _visible(
        self, query: AnyQuery, limit: Limit, *, by_resource: bool = False
    ) -> Iterator[tuple[Handle, Series]]:
        """The series in scope that the look-up finds; the scope is checked again."""
        found = self._find_series(_look_up(query), by_resource=by_resource)
        for handle, series in limit.over(found):
            if is_visible(series, query.scope):
                yield handle, series


def _left(query: AnyQuery) -> Filter:
    """What the look-up leaves to ask of series and samples."""
    return without(query.filter, _look_up(query))


def _look_up(query: AnyQuery) -> dict[str, Any]:
    """What the fields of every matching series must equal; scope wins over what was asked."""
    equal: dict[str, Any] = {}
    for field in FIELDS.values():
        values = required(query.filter, field) if field.of_series else []
        if values and (values[0] is None or isinstance(values[0], str)):
            equal[field.name] = values[0]
    if isinstance(query.scope, Project):
        equal["project_id"] = query.scope.id
    return equal
