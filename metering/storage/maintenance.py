"""What an operator does with a store of tracks: seal days, let samples expire, verify it all."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal, localcontext
from functools import partial
from itertools import groupby
from operator import attrgetter

from metering.chunks import chunks
from metering.decimals import EXACT
from metering.model import Track, sample_key
from metering.retention import Horizons, becomes_spent
from metering.storage.base import Effort, Inspection
from metering.storage.blocks import (
    Folded,
    Grain,
    StoredBlock,
    Together,
    day_of,
    days_of,
    days_range,
    fold,
    is_of_its_days,
    month_of,
    start_of,
)
from metering.storage.handles import Handle, Row
from metering.storage.lookups import LookUps
from metering.storage.reckoning import no_blocks
from metering.storage.sealing import Reach, Run, TooMany, add_up, contradicting, seal
from metering.storage.totals import days_of_members
from metering.summary import Reading, joined, tally
from metering.times import EVER, FIRST, LAST, Range

_ROWS_AT_ONCE = 2_000
_LOOKS_AT_A_BLOCK = 3
# A transaction that seals takes about half a second for so many.
_READINGS_AT_ONCE = 30_000
_MOST_TRACKS = 500
_ALL_MONTHS = range(month_of(day_of(FIRST)), month_of(day_of(LAST)) + 1)


# Makes the blocks of some tracks or rollups in a month, in a transaction: `seal`, `add_up`.
Make = Callable[..., Effort]
Work = Sequence[tuple[int, Sequence[Handle]]]


class SealedTracks(LookUps):
    """Keeps Summaries of days that are over."""

    def seal(self, until: datetime, *, settle_seconds: float = 0) -> Iterator[int]:
        """See `Storage.seal`."""
        end = day_of(until)
        run = self._open_seal(end, settle_seconds)
        rollup_of = {one.track: one.rollup for one in self._members(None)}
        with_samples = self._months_with_samples(rollup_of.keys(), run.done_day, end)
        yield from self._seal_months(run, seal, with_samples, end)
        struck = self._struck()
        # Read after that: whatever is struck was stored before.
        rollups = {handle for handle, _ in self._find_rollups({})}
        of_tracks = [(month, [one for one in some if one not in rollups]) for month, some in struck]
        yield from self._seal_months(run, seal, of_tracks, end)
        totals: dict[int, set[Handle]] = defaultdict(set)
        for month, handles in with_samples:
            totals[month].update(rollup_of[handle] for handle in handles)
        for month, handles in struck:
            totals[month].update(rollups.intersection(handles))
        work = [(month, list(totals[month])) for month in sorted(totals)]
        yield from self._seal_months(run, add_up, work, end)
        self._close_seal(end, run)

    def _months_with_samples(
        self, handles: Collection[Handle], begin: int | None, end: int
    ) -> list[tuple[int, list[Handle]]]:
        """The tracks by month, between their first and last sample of these days."""
        found: dict[int, list[Handle]] = defaultdict(list)
        range_ = Range(None if begin is None else start_of(begin), start_of(end))
        for handle, first, last in self._extents(handles, range_, None):
            for month in range(month_of(day_of(first)), month_of(day_of(last)) + 1):
                found[month].append(handle)
        return sorted(found.items())

    def _seal_months(self, run: Run, make: Make, work: Work, end: int) -> Iterator[int]:
        """As many at once as have little enough to read: nobody else writes to SQLite then."""
        size = 1
        for month, handles in work:
            days = days_of(month)
            reach = Reach(month, days.start, min(days.stop, end))
            at = 0
            while at < len(handles):
                some = handles[at : at + size]
                do = partial(make, handles=some, reach=reach, most=_READINGS_AT_ONCE)
                try:
                    effort = self._transact(run, do)
                except TooMany:
                    if len(some) > 1:
                        size = len(some) // 2
                        continue
                    yield from self._seal_by_days(run, make, some, reach)
                else:
                    is_little = effort.samples + effort.pieces < _READINGS_AT_ONCE / 2
                    size = min(2 * size, _MOST_TRACKS) if is_little else size
                    yield effort.samples
                at += len(some)

    def _seal_by_days(
        self, run: Run, make: Make, handles: Sequence[Handle], reach: Reach
    ) -> Iterator[int]:
        for day in range(reach.begin, reach.end):
            one = replace(reach, begin=day, end=day + 1)
            effort = self._transact(run, partial(make, handles=handles, reach=one))
            yield effort.samples


class ExpiringTracks(LookUps):
    """Lets samples expire, and deletes them."""

    def retire(self, horizons: Horizons) -> Horizons:
        """See `Storage.retire`."""
        published = self._publish(horizons)
        for handles, range_, tracks in self._expired(published):
            for some in chunks(self._scan(handles, range_, None), _ROWS_AT_ONCE):
                spent = (row for row in some if becomes_spent(row.timestamp, row.recorded_at))
                self._spend([sample_key(tracks[row.handle].source, row.id) for row in spent])
        return published

    def purge(self, retired: Horizons) -> Iterator[int]:
        """See `Storage.purge`."""
        for handles, range_, _ in self._expired(retired):
            yield from self._delete(handles, range_)

    def _expired(
        self, horizons: Horizons
    ) -> Iterator[tuple[Collection[Handle], Range, Mapping[Handle, Track]]]:
        """Tracks, by what range of them has expired."""
        by_horizon: dict[datetime, dict[Handle, Track]] = defaultdict(dict)
        for handle, track in self._find_tracks({}):
            by_horizon[horizons.of(track.meter)][handle] = track
        by_horizon.pop(FIRST, None)
        for before, members in by_horizon.items():
            yield members.keys(), Range(None, before), members


class VerifiedTracks(LookUps):
    """Reads everything again in every way, and compares."""

    def verify(self) -> Iterator[Inspection]:
        """See `Storage.verify`."""
        yield Inspection(0, tuple(self._flaws()))
        for handle, track in list(self._find_tracks({})):
            name = f"meter {track.meter} of resource {track.resource_id}"
            for inspection in self._inspect(handle, track):
                told = tuple(f"{name}: {one}" for one in inspection.contradictions)
                yield Inspection(inspection.samples, told)
        for handle, rollup in list(self._find_rollups({})):
            name = f"meter {rollup.meter} of project {rollup.project_id}"
            found = self._wrong_blocks(handle, partial(self._total_month, handle), tally)
            yield Inspection(0, tuple(f"{name}: {one}" for one in found))

    def _inspect(self, handle: Handle, track: Track) -> Iterator[Inspection]:
        """Compare what samples say with keys, readings and blocks, some thousands at a time."""
        end: datetime | None = None
        for rows in _whole_instants(self._scan([handle], EVER, None)):
            range_ = Range(rows[-1].timestamp, end)
            end = rows[-1].timestamp
            told = [
                *self._wrong_keys(track, rows),
                *self._wrong_readings(handle, range_, rows),
                *self._wrong_rows(handle, track, range_, rows),
            ]
            yield Inspection(len(rows), tuple(told))
        read = partial(self._fold_month, handle)
        yield Inspection(0, tuple(self._wrong_blocks(handle, read, joined)))

    def _wrong_keys(self, track: Track, rows: Sequence[Row]) -> Iterator[str]:
        keys = [sample_key(track.source, row.id) for row in rows]
        if len(set(keys)) < len(keys):
            yield f"{len(keys) - len(set(keys))} samples are there twice"
        known = set(rows)
        found = {sample_key(track.source, row.id) for row in self._rows(set(keys)) if row in known}
        missing = [row for key, row in zip(keys, rows, strict=True) if key not in found]
        kept = self._not_expired(track.meter, missing)
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

    def _wrong_rows(
        self, handle: Handle, track: Track, range_: Range, rows: Sequence[Row]
    ) -> Iterator[str]:
        """Their descriptions are there, and the way by which blocks are made finds them all."""
        described = {row.description for row in rows}
        missing = described - {one for one, _ in self._descriptions(described)}
        if missing:
            yield f"{len(missing)} descriptions of its samples do not exist"
        found = set(self._rows_of([handle], range_))
        lost = self._not_expired(track.meter, [row for row in rows if row not in found])
        if lost:
            yield f"{len(lost)} samples are not found under their track"

    def _wrong_blocks(
        self, handle: Handle, read: Callable[[Range], Folded], together: Together
    ) -> Iterator[str]:
        for block in list(self._blocks([handle], _ALL_MONTHS, Grain.HOUR, described=True)):
            if not is_of_its_days(block, together):
                begin = start_of(days_of(block.month).start)
                yield f"what was sealed of {begin:%Y-%m} is not what its days are together"
            for day in self._contradicting(block, read):
                yield f"what was sealed of {start_of(day):%Y-%m-%d} is not in its samples"

    def _fold_month(self, handle: Handle, range_: Range) -> Folded:
        rows = list(self._rows_of([handle], range_))
        return fold(rows) if rows else Folded({}, {})

    def _total_month(self, handle: Handle, range_: Range) -> Folded:
        """From samples alone."""
        members = self._members([handle])
        days = days_of_members(no_blocks, self._readings, members, range_, Effort())
        return Folded(days.get(handle, {}), {})

    def _contradicting(self, block: StoredBlock, read: Callable[[Range], Folded]) -> list[int]:
        """The days of a block that its samples contradict, if it stays as it is meanwhile."""
        days, months = days_of(block.month), range(block.month, block.month + 1)
        for _ in range(_LOOKS_AT_A_BLOCK):
            wrong = list(contradicting(block, read(days_range(days.start, days.stop))))
            if not wrong:
                break
            found = self._blocks([block.handle], months, Grain.HOUR, described=True)
            again = next(iter(found), None)
            if again == block:
                return wrong
            if again is None:
                break
            block = again
        return []

    def _not_expired(self, meter: str, rows: Sequence[Row]) -> list[Row]:
        """What may not be missing: horizons may have moved since the samples were read."""
        if not rows:
            return []
        horizon = self.horizons().of(meter)
        return [row for row in rows if row.timestamp >= horizon]


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
