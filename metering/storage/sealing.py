"""Sealing: blocks are made of samples, month by month, each batch of tracks in one transaction.

Those of rollups are made of the blocks of their tracks, and of samples where these have no sealed
day. No sample is missing from a block, because of four steps:

1. Whoever seals first publishes up to which hour (`Tables.open_seal`), and waits for writers.
2. A transaction that seals reads a snapshot, and writes the blocks that it makes of it.
3. A writer that knows that an hour may be sealed *strikes* its day, for the track and for its
   rollup, in the transaction of the sample; a transaction that seals takes away those strikes that
   it sees, as it sees their samples.
4. A writer that does not know it checks again, after the sample is stored and before it answers,
   and strikes the day if the hour may be sealed by now; that of a duplicate too, whose first writer
   may have died.

So whenever a sample is acknowledged, its day is struck, or its hour sealed with it, or not sealed
yet. What deletes samples strikes their days as well. Questions take blocks as they find them. A day
that is not over is sealed in part, and read again as a whole when there is more of it.
"""

import abc
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import TypeVar

from metering.storage.base import Effort
from metering.storage.block_codec import (
    decode,
    decode_described,
    encode_days,
    encode_described,
    encode_hours,
)
from metering.storage.block_reader import Sealed
from metering.storage.blocks import (
    HOURS_IN_A_DAY,
    Block,
    Combine,
    DayOf,
    Described,
    Folded,
    Hours,
    StoredBlock,
    days_in,
    fold,
    hours_of,
    hours_range,
    is_busy,
)
from metering.storage.handles import Handle, TrackReading
from metering.storage.stored_sample import StoredSample
from metering.storage.totals import Member, fold_members
from metering.summary import joined, tally
from metering.times import Range


class SealTransaction(abc.ABC):
    """What sealing does in a transaction, which reads a snapshot and writes all or nothing."""

    @abc.abstractmethod
    def blocks(self, handles: Collection[Handle], months: range) -> Iterator[StoredBlock]:
        """The blocks of tracks or rollups in these months, in no order, with descriptions."""

    @abc.abstractmethod
    def hours(self, days: Collection[DayOf]) -> Iterator[tuple[DayOf, bytes]]:
        """The hours of those of these days that have some, in no order."""

    @abc.abstractmethod
    def members(self, rollups: Collection[Handle]) -> Iterator[Member]:
        """The tracks of these rollups."""

    @abc.abstractmethod
    def readings(self, handles: Collection[Handle], range_: Range) -> Iterator[TrackReading]:
        """The readings of the tracks in range: all of one track together, by (at, volume)."""

    @abc.abstractmethod
    def samples_of(self, handles: Collection[Handle], range_: Range) -> Iterator[StoredSample]:
        """The samples of the tracks in range: all of one track together, by time."""

    @abc.abstractmethod
    def keep(self, blocks: Collection[StoredBlock], hours: Mapping[DayOf, bytes | None]) -> None:
        """Replace the blocks of these months by these, with what is struck in them.

        And the hours of these days; None where there are none any more.
        Strikes that this transaction does not see are kept. Those made since its run began may be
        left for the next run.
        """


T = TypeVar("T")


class BatchTooLarge(Exception):
    """More readings, or hours of tracks, than a transaction should have."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of sealing: all before `done` was sealed by an earlier one, if any.

    `number` is another for each run, and after all was unsealed.
    """

    done: datetime | None
    number: int


@dataclass(frozen=True, slots=True)
class Reach:
    """A month to seal up to an hour; days that were struck are sealed again from `begin` on."""

    month: int
    begin: int
    end: int


def seal(
    transaction: SealTransaction, handles: Collection[Handle], reach: Reach, most: int | None = None
) -> Effort:
    """Bring the blocks of the tracks up to the end of the reach; what it took.

    Raises:
        BatchTooLarge: more readings than `most`.
    """
    renewals = _renewals(transaction, handles, reach)
    missing = defaultdict(list)
    for handle, renewal in renewals.items():
        for part in renewal.missing:
            missing[part].append(handle)
    effort = Effort(tracks=len(handles))
    for (begin, after), members in missing.items():
        rows = transaction.samples_of(members, hours_range(begin, after))
        for handle, of_track in groupby(rows, key=attrgetter("track")):
            found = list(of_track)
            effort.samples += len(found)
            if most is not None and effort.samples > most:
                raise BatchTooLarge
            renewals[handle].take(fold(found))
    _keep(transaction, renewals, reach.month, joined)
    return effort


def add_up(
    transaction: SealTransaction, handles: Collection[Handle], reach: Reach, most: int | None = None
) -> Effort:
    """The same for rollups: from the sealed hours of their tracks, else from readings.

    The days between two that are missing are read too: to find a block costs more than its days.

    Raises:
        BatchTooLarge: more tracks and hours of them, and readings, than `most`.
    """
    renewals = _renewals(transaction, handles, reach)
    lacking = {handle: one for handle, one in renewals.items() if one.missing}
    members = list(transaction.members(lacking.keys())) if lacking else []
    by_span: dict[tuple[int, int], list[Member]] = defaultdict(list)
    for member in members:
        missing = lacking[member.rollup].missing
        by_span[missing[0][0], missing[-1][1]].append(member)
    if most is not None:
        hours = sum(len(some) * (after - begin) for (begin, after), some in by_span.items())
        if hours > most:
            raise BatchTooLarge
    effort = Effort()
    for (begin, after), some in by_span.items():
        folded = fold_members(
            Sealed(transaction.blocks, transaction.hours),
            transaction.readings,
            some,
            hours_range(begin, after),
            effort,
        )
        for handle, found in folded.items():
            lacking[handle].take(found)
        if most is not None and effort.samples > most:
            raise BatchTooLarge
    _keep(transaction, renewals, reach.month, tally)
    return effort


def _renewals(
    transaction: SealTransaction, handles: Collection[Handle], reach: Reach
) -> dict[Handle, "_Renewal"]:
    months = range(reach.month, reach.month + 1)
    stored = {one.handle: one for one in transaction.blocks(handles, months)}
    return {
        handle: _Renewal.of(
            reach, stored.get(handle, StoredBlock(handle, reach.month, None, None, ()))
        )
        for handle in handles
    }


def _keep(
    transaction: SealTransaction,
    renewals: Mapping[Handle, "_Renewal"],
    month: int,
    together: Combine,
) -> None:
    done = {handle: one for handle, one in renewals.items() if one.missing}
    blocks = [
        StoredBlock(
            handle,
            month,
            encode_days(one.block, month, together),
            encode_described(one.block, month),
            one.struck,
        )
        for handle, one in done.items()
    ]
    hours = {
        DayOf(handle, day): encode_hours(one.hours[day]) if day in one.hours else None
        for handle, one in done.items()
        for day in {*one.hours, *one.had_hours}
    }
    transaction.keep(blocks, hours)


@dataclass(slots=True)
class _Renewal:
    """A block without the days that must be read: `missing`, each from an hour up to another.

    Those days are `renewed`; those in `struck` stay struck. Of the days that are renewed some
    `had_hours`, which are stored; and when they were read, some have.
    """

    block: Block
    missing: list[tuple[int, int]]
    renewed: Collection[int]
    struck: Collection[int]
    had_hours: Collection[int]
    hours: Hours

    @classmethod
    def of(cls, reach: Reach, stored: StoredBlock) -> "_Renewal":
        """What is to be done with the block."""
        first = hours_of(reach.month).start
        block = Block(first, {}) if stored.days is None else decode(stored.days)
        reached = max(block.end, reach.end)
        # A block that grows loses what it has of a day in part.
        kept = block.end if reached == block.end else _midnight(block.end)
        anew = range(max(first, reach.begin), min(kept, reach.end))
        begins = sorted(day * HOURS_IN_A_DAY for day in stored.struck)
        missing = [(hour, min(hour + HOURS_IN_A_DAY, kept)) for hour in begins if hour in anew]
        if kept < reached:
            missing.append((kept, reached))
        renewed = _days_of(missing)
        rest = Block(
            reached,
            {day: one for day, one in block.days.items() if day not in renewed},
            decode_described(stored.described, stored.month),
        )
        left = [day for day in stored.struck if day not in renewed]
        had_hours = [day for day in renewed & block.days.keys() if is_busy(block.days[day])]
        return cls(rest, missing, renewed, left, had_hours, {})

    def take(self, folded: Folded) -> None:
        """Have those of these days that are missing."""
        block = self.block
        days = {**block.days, **_among(folded.days, self.renewed)}
        self.block = Block(
            block.end,
            days,
            _described_anew(days, block.described, folded.described, folded.days.keys()),
        )
        self.hours = {**self.hours, **_among(folded.hours, self.renewed)}


def _described_anew(
    days: Collection[int],
    before: Described | None,
    fresh: Described | None,
    renewed: Collection[int],
) -> Described | None:
    """What the days are described as, some of which are read anew."""
    if before is None or fresh is None:
        return fresh or before
    of = {day: fresh if day in renewed else before for day in days}
    return Described.of_days(
        {day: one.on(day) for day, one in of.items()},
        max(before.recorded_until, fresh.recorded_until),
        {day: one.parts[day] for day, one in of.items() if day in one.parts},
    )


def _midnight(hour: int) -> int:
    """The hour with which its day begins."""
    return hour // HOURS_IN_A_DAY * HOURS_IN_A_DAY


def _days_of(parts: Iterable[tuple[int, int]]) -> set[int]:
    return {day for part in parts for day in days_in(*part)}


def _among(found: Mapping[int, T], days: Collection[int]) -> dict[int, T]:
    return {day: one for day, one in found.items() if day in days}
