"""Everything that is stored, read again by every way there is, and compared."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal, localcontext
from functools import partial
from itertools import groupby
from operator import attrgetter

from metering.decimals import EXACT
from metering.model import Track, sample_key
from metering.storage.base import Effort, Inspection
from metering.storage.block_codec import decode, decode_described, decode_hours, decode_whole
from metering.storage.block_reader import NOTHING_SEALED
from metering.storage.blocks import (
    Combine,
    DayOf,
    Described,
    Hours,
    Parts,
    StoredBlock,
    by_description,
)
from metering.storage.folding import Folded, fold, fold_hours, is_busy
from metering.storage.handles import Handle
from metering.storage.spans import (
    day_of,
    days_in,
    days_of,
    hours_of,
    hours_range,
    month_of,
    start_of,
)
from metering.storage.stored_sample import StoredSample
from metering.storage.tables import Tables
from metering.storage.totals import hours_of_members
from metering.summary import Reading, joined, tally
from metering.times import EVER, FIRST, LAST, Range

_ROWS_AT_ONCE = 2_000
_LOOKS_AT_A_BLOCK = 3
_ALL_MONTHS = range(month_of(day_of(FIRST)), month_of(day_of(LAST)) + 1)


class Verifier:
    """Reads everything again in every way, and compares."""

    def __init__(self, tables: Tables) -> None:
        """Take what is to be verified."""
        self._tables = tables

    def verify(self) -> Iterator[Inspection]:
        """See `Storage.verify`."""
        yield Inspection(0, tuple(self._tables.flaws()))
        for handle, track in list(self._tables.find_tracks({})):
            name = f"meter {track.meter} of resource {track.resource_id}"
            for inspection in self._inspect(handle, track):
                told = tuple(f"{name}: {one}" for one in inspection.contradictions)
                yield Inspection(inspection.samples, told)
        for handle, rollup in list(self._tables.find_rollups({})):
            name = f"meter {rollup.meter} of project {rollup.project_id}"
            found = self._wrong_blocks(handle, partial(self._total_month, handle), tally)
            yield Inspection(0, tuple(f"{name}: {one}" for one in found))

    def _inspect(self, handle: Handle, track: Track) -> Iterator[Inspection]:
        """Compare what samples say with keys, readings and blocks, some thousands at a time."""
        end: datetime | None = None
        for rows in _whole_instants(self._tables.scan([handle], EVER, None)):
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

    def _wrong_keys(self, track: Track, rows: Sequence[StoredSample]) -> Iterator[str]:
        keys = [sample_key(track.source, row.id) for row in rows]
        if len(set(keys)) < len(keys):
            yield f"{len(keys) - len(set(keys))} samples are there twice"
        known = set(rows)
        found = {
            sample_key(track.source, row.id)
            for row in self._tables.samples_by_key(set(keys))
            if row in known
        }
        missing = [row for key, row in zip(keys, rows, strict=True) if key not in found]
        kept = self._not_expired(track.meter, missing)
        if kept:
            yield f"{len(kept)} samples are not found under their key"

    def _wrong_readings(
        self, handle: Handle, range_: Range, rows: Sequence[StoredSample]
    ) -> Iterator[str]:
        """The samples are read before and after the readings: what comes meanwhile is none."""
        readings = Counter(reading for _, reading in self._tables.readings([handle], range_))
        before = Counter(Reading(row.timestamp, row.volume) for row in rows)
        if before == readings:
            return
        again = self._tables.scan([handle], range_, None)
        after = Counter(Reading(row.timestamp, row.volume) for row in again)
        missing, more = (before & after) - readings, readings - (before | after)
        if missing or more:
            yield (
                f"{_figures(before)} in its samples, {_figures(readings)} in its readings "
                f"from {range_.start:%Y-%m-%d %H:%M} on"
            )

    def _wrong_rows(
        self, handle: Handle, track: Track, range_: Range, rows: Sequence[StoredSample]
    ) -> Iterator[str]:
        """Their descriptions are there, and the way by which blocks are made finds them all."""
        described = {row.description for row in rows}
        missing = described - {one for one, _ in self._tables.descriptions(described)}
        if missing:
            yield f"{len(missing)} descriptions of its samples do not exist"
        found = set(self._tables.samples_of([handle], range_))
        lost = self._not_expired(track.meter, [row for row in rows if row not in found])
        if lost:
            yield f"{len(lost)} samples are not found under their track"

    def _wrong_blocks(
        self, handle: Handle, read: Callable[[Range], Folded], together: Combine
    ) -> Iterator[str]:
        for block in list(self._tables.blocks([handle], _ALL_MONTHS, described=True)):
            if not _is_of_its_days(block, together):
                begin = start_of(days_of(block.month).start)
                yield f"what was sealed of {begin:%Y-%m} is not what its days are together"
            for day in self._contradicted_days(block, read):
                yield f"what was sealed of {start_of(day):%Y-%m-%d} is not in its samples"

    def _fold_month(self, handle: Handle, range_: Range) -> Folded:
        rows = list(self._tables.samples_of([handle], range_))
        return fold(rows) if rows else Folded({}, {})

    def _total_month(self, handle: Handle, range_: Range) -> Folded:
        """From samples alone."""
        members = self._tables.members([handle])
        found = hours_of_members(NOTHING_SEALED, self._tables.readings, members, range_, Effort())
        return fold_hours(found.get(handle, {}))

    def _contradicted_days(self, block: StoredBlock, read: Callable[[Range], Folded]) -> list[int]:
        """The days of a block that its samples contradict, if it stays as it is meanwhile."""
        months = range(block.month, block.month + 1)
        for _ in range(_LOOKS_AT_A_BLOCK):
            wrong = list(_contradicting(block, self._hours_of(block), read))
            if not wrong:
                break
            found = self._tables.blocks([block.handle], months, described=True)
            again = next(iter(found), None)
            if again == block:
                return wrong
            if again is None:
                break
            block = again
        return []

    def _hours_of(self, block: StoredBlock) -> Hours:
        """The hours of the busy days of a block, as far as they are there."""
        days = decode(block.days).days if block.days is not None else {}
        busy = [DayOf(block.handle, day) for day, one in days.items() if is_busy(one)]
        return {
            of.day: decode_hours(kept, hours_of(block.month))[1]
            for of, kept in self._tables.hours(busy)
        }

    def _not_expired(self, meter: str, rows: Sequence[StoredSample]) -> list[StoredSample]:
        """What may not be missing: horizons may have moved since the samples were read."""
        if not rows:
            return []
        horizon = self._tables.horizons().of(meter)
        return [row for row in rows if row.timestamp >= horizon]


def _figures(readings: Counter[Reading]) -> str:
    with localcontext(EXACT):
        total = sum((one.volume * count for one, count in readings.items()), Decimal(0))
    return f"count {readings.total()} and sum {total:f}"


def _whole_instants(rows: Iterator[StoredSample]) -> Iterator[list[StoredSample]]:
    """Rows in time order, some thousands at a time; all of one instant together."""
    some: list[StoredSample] = []
    for _, of_instant in groupby(rows, key=attrgetter("timestamp")):
        some += of_instant
        if len(some) >= _ROWS_AT_ONCE:
            yield some
            some = []
    if some:
        yield some


def _is_of_its_days(stored: StoredBlock, together: Combine) -> bool:
    """Whether the Summaries of a whole block are those of its days."""
    if stored.days is None:
        return True
    days = decode(stored.days).days
    described = decode_described(stored.described, stored.month)
    _, whole = decode_whole(stored.days, stored.month)
    if described and described.wholes != by_description(days, described):
        return False
    return whole == (together([days[day] for day in sorted(days)]) if days else None)


def _contradicting(
    stored: StoredBlock, hours: Hours, read: Callable[[Range], Folded]
) -> Iterator[int]:
    """The days of a block that are not those of its samples, read and folded anew."""
    if stored.days is None:
        return
    block = decode(stored.days)
    described = decode_described(stored.described, stored.month)
    covered = range(hours_of(stored.month).start, block.end)
    fresh = read(hours_range(covered.start, covered.stop))
    for day in days_in(covered.start, covered.stop):
        known = block.days.get(day), hours.get(day)
        again = fresh.days.get(day), fresh.hours.get(day)
        is_described = day not in block.days or _on(described, day) == _on(fresh.described, day)
        if day not in stored.struck and not (known == again and is_described):
            yield day


def _on(described: Described | None, day: int) -> tuple[Handle | None, Parts | None]:
    """What is said of a day."""
    return (None, None) if described is None else (described.on(day), described.parts.get(day))
