"""Sealing: blocks are made of samples, month by month, each batch of series in one transaction."""

import abc
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterator
from itertools import groupby
from operator import itemgetter

from metering.storage.blocks import (
    Block,
    Grain,
    Kept,
    days_of,
    days_range,
    decode,
    encode_days,
    encode_hours,
    fold,
)
from metering.summary import Reading
from metering.times import Range


class Access(abc.ABC):
    """What sealing does in a transaction; it sees one moment, and writes all or nothing."""

    @abc.abstractmethod
    def blocks(self, handles: Collection[Hashable], months: range, grain: Grain) -> Iterator[Kept]:
        """The blocks of the series in these months, in no order; with hours if asked so."""

    @abc.abstractmethod
    def readings(
        self, handles: Collection[Hashable], range_: Range
    ) -> Iterator[tuple[Hashable, Reading]]:
        """The readings of the series in range: all of one series together, by (at, volume)."""

    @abc.abstractmethod
    def keep(self, blocks: Collection[Kept]) -> None:
        """Keep these blocks instead of those of the same series and months.

        Whoever strikes one of them meanwhile and this transaction exclude each other.
        """


def seal(access: Access, handles: Collection[Hashable], month: int, end: int) -> int:
    """Bring the blocks of the series in a month up to the day `end`; how many readings it took."""
    first = days_of(month)[0]
    old = {
        kept.handle: kept for kept in access.blocks(handles, range(month, month + 1), Grain.HOUR)
    }
    blocks, missing = {}, defaultdict(list)
    for handle in handles:
        kept = old.get(handle)
        block = Block(first, {}, {})
        struck: Collection[int] = ()
        if kept is not None and kept.days is not None:
            block = decode(kept.days, kept.hours)
            struck = [day for day in kept.struck if first <= day < block.end]
        blocks[handle] = _without(block, struck, max(end, block.end))
        for day in struck:
            missing[day, day + 1].append(handle)
        if block.end < end:
            missing[block.end, end].append(handle)
    count = 0
    for (begin, after), members in missing.items():
        readings = access.readings(members, days_range(begin, after))
        for handle, pairs in groupby(readings, key=itemgetter(0)):
            fresh = fold(reading for _, reading in pairs)
            count += sum(one.count for one in fresh.days.values())
            blocks[handle] = _with(blocks[handle], fresh)
    touched = {handle for members in missing.values() for handle in members}
    access.keep(
        [
            Kept(
                handle, month, encode_days(blocks[handle], month), encode_hours(blocks[handle]), ()
            )
            for handle in touched
        ]
    )
    return count


def contradicting(kept: Kept, fresh: Block) -> Iterator[int]:
    """The days of a block that are not those of all readings of its series, folded anew."""
    if kept.days is None:
        return
    block = decode(kept.days, kept.hours)
    for day in range(days_of(kept.month)[0], block.end):
        known = block.days.get(day), block.hours.get(day)
        if day not in kept.struck and known != (fresh.days.get(day), fresh.hours.get(day)):
            yield day


def _without(block: Block, days: Collection[int], end: int) -> Block:
    return Block(
        end,
        {day: one for day, one in block.days.items() if day not in days},
        {day: one for day, one in block.hours.items() if day not in days},
    )


def _with(block: Block, more: Block) -> Block:
    return Block(block.end, {**block.days, **more.days}, {**block.hours, **more.hours})
