"""A block that is brought up to date: which days must be read for it, and what is kept as it is."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from msgspec import structs

from metering.storage.block_codec import decode, decode_described, encode_hours
from metering.storage.blocks import (
    HOURS_IN_A_DAY,
    Begun,
    Block,
    Described,
    Folded,
    Hours,
    StoredBlock,
    days_in,
    hours_of,
    is_busy,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reach:
    """A month to seal up to an hour; days that were struck are sealed again from `begin` on."""

    month: int
    begin: int
    end: int


@dataclass(slots=True)
class Renewal:
    """A block without the days that must be read: `missing`, each from an hour up to another.

    Those days are `renewed`, and some of them `had_hours`; those in `struck` stay struck. Of a day
    that was `begun`, and has `begun_hours`, only the rest is missing. `hours` has what was found.
    """

    block: Block
    missing: list[tuple[int, int]]
    renewed: Collection[int]
    struck: Collection[int]
    begun: Begun | None
    begun_hours: bytes | None
    had_hours: Collection[int]
    hours: Hours

    @classmethod
    def of(cls, reach: Reach, stored: StoredBlock, last_hours: bytes | None) -> "Renewal":
        """What is to be done with the block, the last day of which has hours."""
        first = hours_of(reach.month).start
        block = Block(first, {}) if stored.days is None else decode(stored.days)
        described = decode_described(stored.described, stored.month)
        grows = block.end < reach.end
        kept = _midnight(block.end) if grows else block.end
        anew = range(max(first, reach.begin), min(kept, reach.end))
        begins = sorted(day * HOURS_IN_A_DAY for day in stored.struck)
        missing = [(hour, min(hour + HOURS_IN_A_DAY, kept)) for hour in begins if hour in anew]
        begun = None
        if grows and not missing and last_hours is not None:
            begun = _begun(structs.replace(block, described=described), stored.struck)
        if grows:
            missing.append((block.end if begun else kept, reach.end))
        goes_on = {begun.day} if begun else set()
        renewed = _days_of(missing)
        gone = renewed - goes_on
        rest = Block(
            max(block.end, reach.end),
            {day: one for day, one in block.days.items() if day not in gone},
            described,
        )
        left = [day for day in stored.struck if day not in renewed]
        had_hours = [day for day in gone & block.days.keys() if is_busy(block.days[day])]
        return cls(rest, missing, renewed, left, begun, last_hours, had_hours, {})

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

    def encoded_hours(self, day: int) -> bytes | None:
        """The hours of a day, as they are to be stored, if it has any."""
        if day not in self.hours:
            return None
        end = min((day + 1) * HOURS_IN_A_DAY, self.block.end)
        goes_on = self.begun is not None and self.begun.day == day
        return encode_hours(self.hours[day], end, self.begun_hours if goes_on else None)


def _begun(block: Block, struck: Collection[int]) -> Begun | None:
    """The last day of a block, if it can go on from the block's end."""
    day = block.end // HOURS_IN_A_DAY
    summary, described = block.days.get(day), block.described
    if summary is None or not is_busy(summary) or day in struck:
        return None
    description = described and described.on(day)
    return None if described and description is None else Begun(day, summary, description)


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
