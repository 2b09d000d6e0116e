"""Answers for drivers that keep series and samples apart: decide on series once, then read.

A filter is first decided on each series, by the same code as the memory driver's
(`metering.matching`); what is left asks of samples only. So a database needs no more than a few
plain look-ups by series, time and key: it never sees a foreign name or value, and cannot differ
in what a comparison means. A driver supplies the look-ups; SQLite and MongoDB are built so.
"""

import abc
from collections import Counter, defaultdict
from collections.abc import (
    Callable,
    Collection,
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any, TypeVar

from metering.decimals import EXACT
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
from metering.storage.base import Effort, Inspection, Storage, WindowSummary
from metering.storage.blocks import (
    Grain,
    StoredBlock,
    day_of,
    days_of,
    days_range,
    fold,
    month_of,
    start_of,
)
from metering.storage.chunks import chunks
from metering.storage.limit import Limit
from metering.storage.reckoning import Reckoner
from metering.storage.sealing import Access, Run, TooMany, contradicting, seal
from metering.summary import Reading
from metering.times import EVER, FIRST, LAST, Range

Handle = Hashable
T = TypeVar("T")
Pair = tuple[Handle, Reading]
AnyQuery = SampleQuery | ExtentQuery | SummaryQuery

_ROWS_AT_ONCE = 2_000
_LOOKS_AT_A_BLOCK = 3
# A transaction that seals takes about half a second for so many.
_READINGS_AT_ONCE = 30_000
_MOST_SERIES = 500
_ALL_MONTHS = range(month_of(day_of(FIRST)), month_of(day_of(LAST)) + 1)


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
    def _sources(self, equal: Mapping[str, Any]) -> Iterator[str]:
        """The source of each of these series, each once."""

    @abc.abstractmethod
    def _series(self, handles: Collection[Handle]) -> Iterator[tuple[Handle, Series]]:
        """The series with these handles."""

    @abc.abstractmethod
    def _scan(
        self, handles: Collection[Handle], range_: Range, after: Position | None
    ) -> Iterator[Row]:
        """The samples of the series in range, by (timestamp, key) descending, after a position.

        They may be read slowly: between two of them nothing is held, and no limit of time runs.
        """

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
        """Delete the samples of the series in range bit by bit, yielding the size of each bit.

        Their days are struck in the same transaction.
        """

    @abc.abstractmethod
    def _blocks(
        self, handles: Collection[Handle], months: range, grain: Grain
    ) -> Iterator[StoredBlock]:
        """The blocks of the series in these months, in no order; with hours if asked so."""

    @abc.abstractmethod
    def _open_seal(self, day: int, settle_seconds: float) -> Run:
        """Let whoever records a sample from before the day strike it, from now on.

        Waits then, if the driver has writers that may not know it yet, and days are not sealed.
        """

    @abc.abstractmethod
    def _close_seal(self, day: int, run: Run) -> None:
        """Note that all before the day is sealed, unless it was unsealed since the run began."""

    @abc.abstractmethod
    def _struck(self) -> list[tuple[int, list[Handle]]]:
        """Where days are struck: by month the series."""

    @abc.abstractmethod
    def _transact(self, work: Callable[[Access], int]) -> int:
        """Do the work in a transaction, which is durable when it returns; again on a conflict.

        Raises:
            Misconfigured: the database has no transactions.
        """

    @abc.abstractmethod
    def _flaws(self) -> Iterator[str]:
        """What the database itself finds broken, samples of no series and the like."""

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

    def extents(self, query: ExtentQuery) -> Iterator[Extent]:
        """See `Storage.extents`."""
        limit = Limit(self._timeout_seconds)
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

            if rest == EVERYTHING:
                readings = partial(self._limited_readings, limit)
                blocks = partial(self._limited_blocks, limit)
                reckoner = Reckoner(blocks, readings, range_, query.windows)
            else:
                readings = partial(self._matching_readings, limit, rest, series)
                reckoner = Reckoner(_no_blocks, readings, range_, query.windows)
            yield from limit.over(reckoner.summaries(series, effort))

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

    def seal(self, until: datetime, *, settle_seconds: float = 0) -> Iterator[int]:
        """See `Storage.seal`."""
        end = day_of(until)
        if end <= day_of(FIRST):
            return
        run = self._open_seal(end, settle_seconds)
        yield from self._seal_months(self._months_with_samples(run.done_day, end), end)
        yield from self._seal_months(self._struck(), end)
        self._close_seal(end, run)

    def _months_with_samples(self, begin: int | None, end: int) -> list[tuple[int, list[Handle]]]:
        """The series by month, between their first and last sample of these days."""
        found: dict[int, list[Handle]] = defaultdict(list)
        range_ = Range(None if begin is None else start_of(begin), start_of(end))
        handles = [handle for handle, _ in self._find_series({})]
        for handle, first, last in self._extents(handles, range_, None):
            for month in range(month_of(day_of(first)), month_of(day_of(last)) + 1):
                found[month].append(handle)
        return sorted(found.items())

    def _seal_months(self, work: Iterable[tuple[int, Sequence[Handle]]], end: int) -> Iterator[int]:
        """As many series at once as have few enough samples: nobody else writes to SQLite then."""
        size = 1
        for month, handles in work:
            stop = min(days_of(month).stop, end)
            at = 0
            while at < len(handles):
                some = handles[at : at + size]
                do = partial(seal, handles=some, month=month, end=stop, most=_READINGS_AT_ONCE)
                try:
                    count = self._transact(do)
                except TooMany:
                    if len(some) > 1:
                        size = len(some) // 2
                        continue
                    yield from self._seal_by_days(some, month, stop)
                else:
                    size = min(2 * size, _MOST_SERIES) if count < _READINGS_AT_ONCE / 2 else size
                    yield count
                at += len(some)

    def _seal_by_days(self, handles: Sequence[Handle], month: int, end: int) -> Iterator[int]:
        for day in range(days_of(month).start, end):
            yield self._transact(partial(seal, handles=handles, month=month, end=day + 1))

    def retire(self, horizons: Horizons) -> None:
        """See `Storage.retire`."""
        for handles, range_, series in self._expired(self._publish(horizons)):
            for some in chunks(self._scan(handles, range_, None), _ROWS_AT_ONCE):
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
            name = f"meter {series.meter} of resource {series.resource_id}"
            for inspection in self._inspect(handle, series):
                told = tuple(f"{name}: {one}" for one in inspection.contradictions)
                yield Inspection(inspection.samples, told)

    def _inspect(self, handle: Handle, series: Series) -> Iterator[Inspection]:
        """Compare what samples say with keys, readings and blocks, some thousands at a time."""
        end: datetime | None = None
        for rows in _whole_instants(self._scan([handle], EVER, None)):
            range_ = Range(rows[-1].timestamp, end)
            end = rows[-1].timestamp
            told = [*self._wrong_keys(series, rows), *self._wrong_readings(handle, range_, rows)]
            yield Inspection(len(rows), tuple(told))
        yield Inspection(0, tuple(self._wrong_blocks(handle)))

    def _wrong_keys(self, series: Series, rows: Sequence[Row]) -> Iterator[str]:
        keys = [sample_key(series.source, row.id) for row in rows]
        if len(set(keys)) < len(keys):
            yield f"{len(keys) - len(set(keys))} samples are there twice"
        known = set(rows)
        found = {sample_key(series.source, row.id) for row in self._rows(set(keys)) if row in known}
        missing = [row for key, row in zip(keys, rows, strict=True) if key not in found]
        kept = self._not_expired(series.meter, missing)
        if kept:
            yield f"{len(kept)} samples are not found under their key"

    def _wrong_readings(self, handle: Handle, range_: Range, rows: Sequence[Row]) -> Iterator[str]:
        """The samples are read before and after the readings: what comes meanwhile is none."""
        readings = Counter(reading for _, reading in self._readings([handle], range_))
        before = Counter(Reading(row.timestamp, row.volume) for row in rows)
        if before == readings:
            return
        again = self._scan([handle], range_, None)
        after = Counter(Reading(row.timestamp, row.volume) for row in again)
        missing, more = (before & after) - readings, readings - (before | after)
        if missing or more:
            yield (
                f"{_figures(before)} in its samples, {_figures(readings)} in its readings "
                f"from {range_.start:%Y-%m-%d %H:%M} on"
            )

    def _wrong_blocks(self, handle: Handle) -> Iterator[str]:
        for block in list(self._blocks([handle], _ALL_MONTHS, Grain.HOUR)):
            for day in self._contradicting(handle, block):
                yield f"what was sealed of {start_of(day):%Y-%m-%d} is not in its samples"

    def _contradicting(self, handle: Handle, block: StoredBlock) -> list[int]:
        """The days of a block that its samples contradict, if it stays as it is meanwhile."""
        days, months = days_of(block.month), range(block.month, block.month + 1)
        for _ in range(_LOOKS_AT_A_BLOCK):
            found = self._readings([handle], days_range(days.start, days.stop))
            wrong = list(contradicting(block, fold(reading for _, reading in found)))
            again = next(iter(self._blocks([handle], months, Grain.HOUR)), None) if wrong else block
            if again == block:
                return wrong
            if again is None:
                break
            block = again
        return []

    def _not_expired(self, meter: str, rows: Sequence[Row]) -> list[Row]:
        return [row for row in rows if row.timestamp >= self.horizons().of(meter)] if rows else []

    def _plan(
        self, query: SampleQuery | SummaryQuery, limit: Limit
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

    def _visible(self, query: AnyQuery, limit: Limit) -> Iterator[tuple[Handle, Series]]:
        """The series in scope that may match: the look-up narrows, the scope is checked again."""
        for handle, series in limit.over(self._find_series(_look_up(query))):
            if is_visible(series, query.scope):
                yield handle, series


def _figures(readings: Counter[Reading]) -> str:
    with localcontext(EXACT):
        total = sum((one.volume * count for one, count in readings.items()), Decimal(0))
    return f"count {readings.total()} and sum {total:f}"


def _whole_instants(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """Rows in time order, some thousands at a time; all of one instant together."""
    some: list[Row] = []
    for _, of_instant in groupby(rows, key=attrgetter("timestamp")):
        some += of_instant
        if len(some) >= _ROWS_AT_ONCE:
            yield some
            some = []
    if some:
        yield some


def _no_blocks(_: Collection[Handle], __: range, ___: Grain) -> Iterator[StoredBlock]:
    """For questions that ask something of each sample."""
    return iter(())


def _part(month: int, end: int) -> Range:
    """What of the month lies before the day."""
    days = days_of(month)
    return days_range(days.start, min(days.stop, end))


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
