"""The arithmetic at the heart: Summaries of readings and their two operations.

`joined` joins Summaries of one stream in time order; it is associative, not commutative, and
credits the intervals between them. `total` adds Summaries of different streams; it is associative
and commutative. Statistics of any window, group and range are built from these two, for all
drivers, and everything is an exact decimal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from itertools import pairwise
from operator import mul, sub
from typing import NamedTuple

import msgspec
from msgspec import structs

from metering.decimals import EXACT, canonical
from metering.times import MILLISECOND

_ZERO = Decimal(0)


class Reading(NamedTuple):
    """A volume at an instant; readings of a stream are in this order."""

    at: datetime
    volume: Decimal


def seconds_between(start: datetime, end: datetime) -> Decimal:
    """The exact length in seconds."""
    return canonical(Decimal((end - start) // MILLISECOND).scaleb(-3))


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of readings. All sums are exact.

    The first five do not depend on order. The rest does: `increase` is corrected for resets (a
    fall means that counting began again from zero); `unit_seconds` is the integral of the step
    function in which each reading holds until the next, however long that is, and
    `longest_gap_seconds` the longest such time, so that a caller with a shorter `max_gap` knows
    that the integral is not for it.
    """

    count: int
    sum: Decimal
    sum_of_squares: Decimal
    min: Decimal
    max: Decimal
    first: Reading
    last: Reading
    increase: Decimal
    resets: int
    unit_seconds: Decimal
    longest_gap_seconds: Decimal


def of_stream(readings: Sequence[Reading]) -> Summary:
    """The Summary of the readings of one stream: each by itself, `joined`.

    At least one reading, in order of (instant, volume).
    """
    instants, volumes = zip(*readings, strict=True)
    gaps = [gap // MILLISECOND for gap in map(sub, instants[1:], instants)]
    fallen_from = [earlier for earlier, later in pairwise(volumes) if later < earlier]
    with localcontext(EXACT):
        # All that rose is the last less the first, and what the falls took away.
        return Summary(
            count=len(volumes),
            sum=sum(volumes, _ZERO),
            sum_of_squares=sum(map(mul, volumes, volumes), _ZERO),
            min=min(volumes),
            max=max(volumes),
            first=readings[0],
            last=readings[-1],
            increase=sum(fallen_from, volumes[-1] - volumes[0]),
            resets=len(fallen_from),
            unit_seconds=sum(map(mul, volumes, gaps), _ZERO).scaleb(-3),
            longest_gap_seconds=Decimal(max(gaps, default=0)).scaleb(-3),
        )


def of_reading(reading: Reading) -> Summary:
    """The Summary of a stream's only reading."""
    volume = reading.volume
    return Summary(
        count=1,
        sum=volume,
        sum_of_squares=EXACT.multiply(volume, volume),
        min=volume,
        max=volume,
        first=reading,
        last=reading,
        increase=_ZERO,
        resets=0,
        unit_seconds=_ZERO,
        longest_gap_seconds=_ZERO,
    )


def joined(parts: Sequence[Summary]) -> Summary:
    """Summaries of one stream, at least one, with the intervals between them.

    Each must begin at or after the end of the one before, in the order of readings.
    """
    if len(parts) == 1:
        return parts[0]
    with localcontext(EXACT):
        increase, resets, unit_milliseconds, longest_gap = _ZERO, 0, _ZERO, 0
        for earlier, later in pairwise(parts):
            step = later.first.volume - earlier.last.volume
            if step < 0:
                step, resets = later.first.volume, resets + 1
            increase += step
            gap = (later.first.at - earlier.last.at) // MILLISECOND
            unit_milliseconds += earlier.last.volume * gap
            longest_gap = max(longest_gap, gap)
        return _added(
            parts,
            first=parts[0].first,
            last=parts[-1].last,
            between=_Between(
                increase, resets, unit_milliseconds.scaleb(-3), Decimal(longest_gap).scaleb(-3)
            ),
        )


def total(parts: Sequence[Summary]) -> Summary:
    """Summaries of different streams, at least one; nothing is credited between them."""
    if len(parts) == 1:
        return parts[0]
    with localcontext(EXACT):
        return _added(
            parts,
            first=min(part.first for part in parts),
            last=max(part.last for part in parts),
            between=_NOTHING_BETWEEN,
        )


def tally(parts: Sequence[Summary]) -> Summary:
    """The total of Summaries, at least one, as far as it does not depend on any intervals.

    Associative and commutative, whichever streams they are of and however these were cut.
    """
    return structs.replace(
        total(parts),
        increase=_ZERO,
        resets=0,
        unit_seconds=_ZERO,
        longest_gap_seconds=_ZERO,
    )


@dataclass(frozen=True, slots=True)
class _Between:
    """What the intervals between Summaries add."""

    increase: Decimal
    resets: int
    unit_seconds: Decimal
    gap_seconds: Decimal


_NOTHING_BETWEEN = _Between(_ZERO, 0, _ZERO, _ZERO)


def _added(
    parts: Sequence[Summary], *, first: Reading, last: Reading, between: _Between
) -> Summary:
    return Summary(
        count=sum([part.count for part in parts]),
        sum=sum([part.sum for part in parts], _ZERO),
        sum_of_squares=sum([part.sum_of_squares for part in parts], _ZERO),
        min=min([part.min for part in parts]),
        max=max([part.max for part in parts]),
        first=first,
        last=last,
        increase=sum([part.increase for part in parts], between.increase),
        resets=sum([part.resets for part in parts], between.resets),
        unit_seconds=sum([part.unit_seconds for part in parts], between.unit_seconds),
        longest_gap_seconds=max(
            [part.longest_gap_seconds for part in parts] + [between.gap_seconds]
        ),
    )
