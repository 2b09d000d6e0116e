"""Sealing: blocks are made of samples, month by month, each batch of series in one transaction.

No sample is missing from a block, because of four steps:

1. Whoever seals first publishes up to which day (`_open_seal`), and waits for writers.
2. A transaction that seals sees one moment, and writes the blocks that it makes of it.
3. A writer that knows that a day may be sealed *strikes* it, in the transaction of the sample; a
   strike and a transaction that seals the same month exclude each other.
4. A writer that does not know it looks, after the sample is stored and before it answers, whether
   it is so by now; then it strikes. So for duplicates too: who stored them may be dead.

So whenever a sample is acknowledged, its day is struck, or sealed with it, or not sealed yet. What
deletes samples strikes their days as well. Questions take blocks as they find them.
"""

import abc
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from metering.storage.blocks import (
    Block,
    Folded,
    Grain,
    StoredBlock,
    days_of,
    days_range,
    decode,
    encode_days,
    encode_hours,
    fold,
)
from metering.storage.handles import Handle, Pair
from metering.times import Range


class Access(abc.ABC):
    """What sealing does in a transaction; it sees one moment, and writes all or nothing."""

    @abc.abstractmethod
    def blocks(
        self, handles: Collection[Handle], months: range, grain: Grain
    ) -> Iterator[StoredBlock]:
        """The blocks of the series in these months, in no order; with hours if asked so."""

    @abc.abstractmethod
    def readings(self, handles: Collection[Handle], range_: Range) -> Iterator[Pair]:
        """The readings of the series in range: all of one series together, by (at, volume)."""

    @abc.abstractmethod
    def keep(self, blocks: Collection[StoredBlock]) -> None:
        """Keep these blocks, and what is struck in them, instead of those of the same months.

        Whoever strikes one of them meanwhile and this transaction exclude each other.
        """


class TooMany(Exception):
    """More readings than a transaction should have."""


@dataclass(frozen=True, slots=True)
class Run:
    """A sealing that has begun: up to which day (since 1970) all was sealed before, if it ever was.

    The number changes with each, and when all is unsealed.
    """

    done_day: int | None
    number: int


def seal(
    access: Access,
    handles: Collection[Handle],
    month: int,
    end: int,
    most: int | None = None,
) -> int:
    """Bring the blocks of the series in a month up to the day `end`; how many readings it took.

    Raises:
        TooMany: more than `most`.
    """
    months = range(month, month + 1)
    stored = {one.handle: one for one in access.blocks(handles, months, Grain.HOUR)}
    renewals = {handle: _Renewal.of(month, stored.get(handle), end) for handle in handles}
    missing = defaultdict(list)
    for handle, renewal in renewals.items():
        for part in renewal.missing:
            missing[part].append(handle)
    count = 0
    for (begin, after), members in missing.items():
        readings = access.readings(members, days_range(begin, after))
        for handle, pairs in groupby(readings, key=itemgetter(0)):
            found = [reading for _, reading in pairs]
            count += len(found)
            if most is not None and count > most:
                raise TooMany
            renewals[handle].take(fold(found))
    access.keep(
        [
            StoredBlock(
                handle, month, encode_days(one.block, month), encode_hours(one.block), one.struck
            )
            for handle, one in renewals.items()
            if one.missing
        ]
    )
    return count


@dataclass(slots=True)
class _Renewal:
    """A block without the days that are to be read anew, and from which day up to which these are.

    What is struck later than the block will reach stays struck.
    """

    block: Block
    missing: list[tuple[int, int]]
    struck: Collection[int]

    @classmethod
    def of(cls, month: int, stored: StoredBlock | None, end: int) -> "_Renewal":
        """What is to be done to have the block, if there is one, reach the day `end`."""
        first = days_of(month).start
        if stored is None or stored.days is None:
            block = Block(first, {}, {})
        else:
            block = decode(stored.days, stored.hours)
        struck = () if stored is None else stored.struck
        again = [day for day in struck if first <= day < block.end]
        missing = [(day, day + 1) for day in again]
        if block.end < end:
            missing.append((block.end, end))
        reached = max(block.end, end)
        kept = Block(
            reached,
            {day: one for day, one in block.days.items() if day not in again},
            {day: one for day, one in block.hours.items() if day not in again},
        )
        return cls(kept, missing, [day for day in struck if day >= reached])

    def take(self, folded: Folded) -> None:
        """Have these days too."""
        self.block = Block(
            self.block.end,
            {**self.block.days, **folded.days},
            {**self.block.hours, **folded.hours},
        )


def contradicting(stored: StoredBlock, fresh: Folded) -> Iterator[int]:
    """The days of a block that are not those of the readings of its month, folded anew."""
    if stored.days is None:
        return
    block = decode(stored.days, stored.hours)
    for day in range(days_of(stored.month).start, block.end):
        known = block.days.get(day), block.hours.get(day)
        if day not in stored.struck and known != (fresh.days.get(day), fresh.hours.get(day)):
            yield day
