"""A block that is brought up to date: which days must be read for it, and what is kept as it is."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from msgspec import structs

from metering.storage.block_codec import decode, decode_described, decode_whole, encode_hours
from metering.storage.blocks import Block, Described, StoredBlock
from metering.storage.folding import Begun, Folded, is_busy
from metering.storage.spans import HOURS_IN_A_DAY, day_of, days_in, hours_of
from metering.storage.stored_sample import StoredSample
from metering.summary import Summary

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reach:
    """A month to seal up to an hour; days that were struck are sealed again from `begin` on."""

    month: int
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What sealing does to a block, so that it reaches `end`.

    `missing` are the hours to be read, as half-open pairs. The days that they are of are `renewed`;
    those in `struck` stay struck. The day that was `begun` keeps what it has, and gets more.
    """

    block: Block
    end: int
    missing: Sequence[tuple[int, int]]
    renewed: frozenset[int]
    struck: Sequence[int]
    begun: Begun | None

    @property
    def replaced(self) -> frozenset[int]:
        """The days of which nothing is kept."""
        return self.renewed - {self.begun.day} if self.begun else self.renewed


def end_of(stored: StoredBlock) -> int | None:
    """The hour (since 1970) up to which something was sealed; None if nothing was."""
    return None if stored.days is None else decode_whole(stored.days, stored.month)[0]


def plan(reach: Reach, stored: StoredBlock | None, last_hours: bytes | None) -> Plan:
    """What is to be done with a block, and the hours of its last day, if there are any."""
    first = hours_of(reach.month).start
    block = Block(first, {})
    struck: Collection[int] = ()
    if stored is not None:
        struck = stored.struck
        if stored.days is not None:
            described = decode_described(stored.described, stored.month)
            block = structs.replace(decode(stored.days), described=described)
    grows = block.end < reach.end
    kept = _midnight(block.end) if grows else block.end
    anew = range(max(first, reach.begin), min(kept, reach.end))
    begins = sorted(day * HOURS_IN_A_DAY for day in struck)
    missing = [(hour, min(hour + HOURS_IN_A_DAY, kept)) for hour in begins if hour in anew]
    begun = _begun(block, struck, last_hours) if grows and not missing else None
    if grows:
        missing.append((block.end if begun else kept, reach.end))
    renewed = frozenset(day for part in missing for day in days_in(*part))
    left = [day for day in struck if day not in renewed]
    return Plan(block, max(block.end, reach.end), missing, renewed, left, begun)


def _begun(block: Block, struck: Collection[int], last_hours: bytes | None) -> Begun | None:
    """The last day of a block, if it can go on from the block's end."""
    day = block.end // HOURS_IN_A_DAY
    summary, described = block.days.get(day), block.described
    if last_hours is None or summary is None or not is_busy(summary) or day in struck:
        return None
    description = described and described.on(day)
    if described and description is None:
        return None
    return Begun(day, summary, description, last_hours)


def _midnight(hour: int) -> int:
    """The hour with which its day begins."""
    return hour // HOURS_IN_A_DAY * HOURS_IN_A_DAY


class Renewal:
    """A block that is brought up to date by a plan."""

    def __init__(self, of: Plan) -> None:
        """Take the plan; nothing of what is missing was found yet."""
        self.plan = of
        self._found: list[Folded] = []

    def can_take(self, rows: Iterable[StoredSample]) -> bool:
        """Whether a day that was begun has its one description still with these rows.

        If not, all of the day has to be read.
        """
        begun = self.plan.begun
        return begun is None or all(
            row.description == begun.description or day_of(row.timestamp) != begun.day
            for row in rows
        )

    def take(self, folded: Folded) -> None:
        """Have what was found of the days that are missing, and maybe of others between them."""
        self._found.append(folded)

    def done(self) -> tuple[Block, Mapping[int, bytes | None]]:
        """The block, and the hours of the days that have others now; None where there are none."""
        plan = self.plan
        days = {day: one for day, one in plan.block.days.items() if day not in plan.replaced}
        described = plan.block.described
        hours: dict[int, Mapping[int, Summary]] = {}
        for folded in self._found:
            days |= _among(folded.days, plan.renewed)
            described = _described_anew(days, described, folded.described, folded.days.keys())
            hours |= _among(folded.hours, plan.renewed)
        before = {plan.begun.day: plan.begun.hours} if plan.begun else {}
        encoded: dict[int, bytes | None] = {
            day: None
            for day in plan.replaced & plan.block.days.keys()
            if is_busy(plan.block.days[day])
        }
        for day, of_day in hours.items():
            encoded[day] = encode_hours(of_day, days[day].count, before.get(day))
        return Block(plan.end, days, described), encoded


def _described_anew(
    days: Collection[int],
    before: Described | None,
    fresh: Described | None,
    renewed: Collection[int],
) -> Described | None:
    """What the days are described as, some of which are read anew."""
    if before is None or fresh is None:
        return fresh or before
    sources = {day: fresh if day in renewed else before for day in days}
    return Described.of_days(
        {day: one.on(day) for day, one in sources.items()},
        max(before.recorded_until, fresh.recorded_until),
        {day: one.parts[day] for day, one in sources.items() if day in one.parts},
    )


def _among(found: Mapping[int, T], days: Collection[int]) -> dict[int, T]:
    return {day: one for day, one in found.items() if day in days}
