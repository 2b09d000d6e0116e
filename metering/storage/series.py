"""Answers for drivers that keep series and samples apart: decide on series once, then read.

A filter is first decided on each series, by the same code as the memory driver's
(`metering.matching`); what is left asks of samples only. So a database needs no more than a few
plain look-ups by series, time and key: it never sees a foreign name or value, and cannot differ
in what a comparison means. A driver supplies the look-ups; SQLite and MongoDB are built so.
"""

import abc
import time
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby, islice
from typing import Any, TypeVar

from metering.errors import QueryTooExpensive
from metering.matching import bounds, matches, matches_series, reduce_to_sample, required
from metering.model import Extent, Project, Sample, Series, is_visible, sample_key
from metering.query import (
    EVERYTHING,
    FIELDS,
    NOTHING,
    ExtentQuery,
    Filter,
    Position,
    SampleQuery,
    SummaryQuery,
)
from metering.retention import Horizons, becomes_spent
from metering.storage.base import Inspection, Storage, WindowSummary
from metering.summary import Reading, of_stream
from metering.times import EVER, FIRST, Range, Windows, runs

Handle = Hashable
T = TypeVar("T")
AnyQuery = SampleQuery | ExtentQuery | SummaryQuery

_ROWS_AT_ONCE = 1_000
_LOOKS_AT_A_SERIES = 3


@dataclass(frozen=True, slots=True)
class Row:
    """A sample as a driver keeps it: `handle` is the driver's name for the series."""

    handle: Handle
    id: str
    timestamp: datetime
    volume: Decimal
    recorded_at: datetime

    def sample(self, series: Series) -> Sample:
        """The sample, given the series that the handle stands for."""
        return Sample(
            series=series,
            id=self.id,
            timestamp=self.timestamp,
            volume=self.volume,
            recorded_at=self.recorded_at,
        )


class SeriesStorage(Storage):
    """A store that keeps series and samples apart."""

    def __init__(self, timeout_seconds: float) -> None:
        """Take the time limit of a question."""
        self._timeout_seconds = timeout_seconds

    @abc.abstractmethod
    def _find_series(self, equal: Mapping[str, Any]) -> Iterator[tuple[Handle, Series]]:
        """The series whose fields equal these values (None for absent); all, if none is given."""

    @abc.abstractmethod
    def _scan(
        self, handles: Collection[Handle], range_: Range, after: Position | None
    ) -> Iterator[Row]:
        """The samples of the series in range, by (timestamp, key) descending, after a position."""

    @abc.abstractmethod
    def _readings(
        self, handles: Collection[Handle], range_: Range
    ) -> Iterator[tuple[Handle, Reading]]:
        """The readings of the series in range: all of one series together, by (at, volume)."""

    @abc.abstractmethod
    def _extents(
        self, handles: Collection[Handle], range_: Range, as_of: datetime | None
    ) -> Iterator[tuple[Handle, datetime, datetime]]:
        """The first and last timestamp of each of the series that has samples in range.

        Only samples with recorded_at <= as_of count, if it is given.
        """

    @abc.abstractmethod
    def _rows(self, keys: Collection[bytes]) -> Iterator[Row]:
        """The samples with these keys, in no order."""

    @abc.abstractmethod
    def _publish(self, horizons: Horizons) -> Horizons:
        """Make the later of these and the horizons published before durable, and return them."""

    @abc.abstractmethod
    def _spend(self, keys: Collection[bytes]) -> None:
        """Remember the keys as spent, durably; some may be so already."""

    @abc.abstractmethod
    def _delete(self, handles: Collection[Handle], range_: Range) -> Iterator[int]:
        """Delete the samples of the series in range bit by bit, yielding the size of each bit."""

    @abc.abstractmethod
    def _flaws(self) -> Iterator[str]:
        """What the database itself finds broken, samples of no series and the like."""

    def samples(self, query: SampleQuery) -> Iterator[Sample]:
        """See `Storage.samples`."""
        limit = _Limit(self._timeout_seconds)
        plan = self._plan(query, limit)
        series = {handle: one for _, members in plan for handle, one in members.items()}
        left = {handle: rest for rest, members in plan for handle in members}
        range_ = query.range & bounds(query.filter)
        if not series or range_.is_empty:
            return
        ids = required(query.filter, FIELDS["id"])
        if ids:
            rows = self._by_id(str(ids[0]), series, range_, query.after)
        else:
            rows = self._scan(series.keys(), range_, query.after)
        for row in limit.over(rows):
            sample = row.sample(series[row.handle])
            if left[row.handle] == EVERYTHING or matches(left[row.handle], sample):
                yield sample

    def extents(self, query: ExtentQuery) -> Iterator[Extent]:
        """See `Storage.extents`."""
        limit = _Limit(self._timeout_seconds)
        series = {
            handle: one
            for handle, one in self._visible(query, limit)
            if matches_series(query.filter, one)
        }
        if not series or query.range.is_empty:
            return
        found = self._extents(series.keys(), query.range, query.as_of)
        for handle, first, last in limit.over(found):
            yield Extent(series[handle], first, last)

    def summaries(self, query: SummaryQuery) -> Iterator[WindowSummary]:
        """See `Storage.summaries`."""
        limit = _Limit(self._timeout_seconds)
        for rest, series in self._plan(query, limit):
            range_ = query.range & bounds(rest)
            if range_.is_empty:
                continue
            if rest == EVERYTHING:
                readings = self._readings(series.keys(), range_)
            else:
                rows = limit.over(self._scan(series.keys(), range_, None))
                readings = _matching_readings(rest, series, rows)
            for handle, group in groupby(limit.over(readings), key=lambda pair: pair[0]):
                yield from _cut(series[handle], [reading for _, reading in group], query.windows)

    def retire(self, horizons: Horizons) -> None:
        """See `Storage.retire`."""
        for handles, range_, series in self._expired(self._publish(horizons)):
            rows = iter(self._scan(handles, range_, None))
            while some := list(islice(rows, _ROWS_AT_ONCE)):
                samples = [row.sample(series[row.handle]) for row in some]
                self._spend([sample.key for sample in samples if becomes_spent(sample)])

    def purge(self) -> Iterator[int]:
        """See `Storage.purge`."""
        for handles, range_, _ in self._expired(self.horizons()):
            yield from self._delete(handles, range_)

    def _expired(
        self, horizons: Horizons
    ) -> Iterator[tuple[Collection[Handle], Range, Mapping[Handle, Series]]]:
        """Series, by what range of them has expired."""
        by_horizon: dict[datetime, dict[Handle, Series]] = defaultdict(dict)
        for handle, series in self._find_series({}):
            by_horizon[horizons.of(series.meter)][handle] = series
        by_horizon.pop(FIRST, None)
        for before, members in by_horizon.items():
            yield members.keys(), Range(None, before), members

    def verify(self) -> Iterator[Inspection]:
        """See `Storage.verify`."""
        yield Inspection(0, tuple(self._flaws()))
        for handle, series in list(self._find_series({})):
            yield self._inspect(handle, series)

    def _inspect(self, handle: Handle, series: Series) -> Inspection:
        """Compare the ways to read a series; again, if samples may have come in between."""
        for _ in range(_LOOKS_AT_A_SERIES):
            inspection = self._look_at(handle, series)
            if not inspection.contradictions:
                break
        return inspection

    def _look_at(self, handle: Handle, series: Series) -> Inspection:
        readings = sorted(reading for _, reading in self._readings([handle], EVER))
        scanned, keys, found = [], set(), set()
        rows = iter(self._scan([handle], EVER, None))
        while some := list(islice(rows, _ROWS_AT_ONCE)):
            asked = {sample_key(series.source, row.id) for row in some}
            keys |= asked
            found |= {
                sample_key(series.source, row.id)
                for row in self._rows(asked)
                if row.handle == handle
            }
            scanned += [Reading(row.timestamp, row.volume) for row in some]
        name = f"meter {series.meter} of resource {series.resource_id}"
        contradictions = []
        if len(keys) < len(scanned):
            contradictions.append(f"{name}: {len(scanned) - len(keys)} samples are there twice")
        if found != keys:
            missing = len(keys - found)
            contradictions.append(f"{name}: {missing} samples are not found under their key")
        if readings != sorted(scanned):
            contradictions.append(
                f"{name}: {_figures(scanned)} in its samples, {_figures(readings)} in its readings"
            )
        return Inspection(len(scanned), tuple(contradictions))

    def _plan(
        self, query: SampleQuery | SummaryQuery, limit: "_Limit"
    ) -> list[tuple[Filter, dict[Handle, Series]]]:
        """The series that can match, by what is left to ask of their samples."""
        plan: dict[str, tuple[Filter, dict[Handle, Series]]] = {}
        for handle, series in self._visible(query, limit):
            rest = reduce_to_sample(query.filter, series)
            if rest != NOTHING:
                # By text: Python takes 1 and True for equal, and lists cannot be keys.
                key = "" if rest is EVERYTHING else repr(rest)
                plan.setdefault(key, (rest, {}))[1][handle] = series
        return list(plan.values())

    def _visible(self, query: AnyQuery, limit: "_Limit") -> Iterator[tuple[Handle, Series]]:
        """The series in scope that may match: the look-up narrows, the scope is checked again."""
        for handle, series in limit.over(self._find_series(_look_up(query))):
            if is_visible(series, query.scope):
                yield handle, series

    def _by_id(
        self,
        sample_id: str,
        series: Mapping[Handle, Series],
        range_: Range,
        after: Position | None,
    ) -> Iterator[Row]:
        """The samples with that id under any source: the key is enough, ids need no index."""
        keys = {sample_key(one.source, sample_id) for one in series.values()}
        rows = [
            (Position(row.timestamp, sample_key(series[row.handle].source, row.id)), row)
            for row in self._rows(keys)
            if row.handle in series and row.timestamp in range_
        ]
        rows.sort(key=lambda pair: (pair[0].timestamp, pair[0].key), reverse=True)
        for position, row in rows:
            if after is None or (position.timestamp, position.key) < (after.timestamp, after.key):
                yield row


class _Limit:
    """The time limit of one question, from now on."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def over(self, rows: Iterable[T]) -> Iterator[T]:
        """The rows, as long as there is time: a look at the clock costs less than any row."""
        for row in rows:
            if time.monotonic() > self._end:
                raise QueryTooExpensive(self._seconds)
            yield row


def _figures(readings: Collection[Reading]) -> str:
    if not readings:
        return "nothing"
    whole = of_stream(sorted(readings))
    return f"count {whole.count} and sum {whole.sum:f}"


def _matching_readings(
    rest: Filter, series: Mapping[Handle, Series], rows: Iterable[Row]
) -> Iterator[tuple[Handle, Reading]]:
    """The readings that match what is left to ask: all of one series together, in order."""
    found: dict[Handle, list[Reading]] = defaultdict(list)
    for row in rows:
        if matches(rest, row.sample(series[row.handle])):
            found[row.handle].append(Reading(row.timestamp, row.volume))
    for handle, readings in found.items():
        for reading in sorted(readings):
            yield handle, reading


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


def _cut(series: Series, readings: list[Reading], windows: Windows) -> Iterator[WindowSummary]:
    instants = [reading.at for reading in readings]
    for window, begin, after in runs(windows, instants):
        yield WindowSummary(series, window, of_stream(readings[begin:after]))
