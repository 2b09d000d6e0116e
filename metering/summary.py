"""The arithmetic at the heart: Summaries of readings and their two operations.

`then` joins two Summaries of one stream in time order; it is associative, not commutative, and
credits the joint between them. `plus` adds Summaries of different streams; it is associative and
commutative. Statistics of any window, group and range are built from these two, for all drivers,
and everything is an exact decimal.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from functools import reduce
from itertools import pairwise
from typing import NamedTuple

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What is kept of readings. All sums are exact.

    The first five do not depend on order. The rest does: `increase` is corrected for resets (a
    fall means that counting began again from zero); `unit_seconds` is the integral of the step
    function in which each reading holds until the next, however long that is, and
    `longest_gap_seconds` the longest such time, so that a caller with a shorter patience knows
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

    def then(self, later: "Summary") -> "Summary":
        """This and a later Summary of the same stream, with the interval between them.

        The later one must begin at or after the end of this one, in the order of readings.
        """
        with localcontext(EXACT):
            gap = seconds_between(self.last.at, later.first.at)
            fell = later.first.volume < self.last.volume
            joint = later.first.volume if fell else later.first.volume - self.last.volume
            held = self.last.volume * gap
            return _joined(
                self,
                later,
                first=self.first,
                last=later.last,
                between=_Between(joint, int(fell), held, gap),
            )

    def plus(self, other: "Summary") -> "Summary":
        """This and a Summary of another stream; nothing is credited between them."""
        with localcontext(EXACT):
            return _joined(
                self,
                other,
                first=min(self.first, other.first),
                last=max(self.last, other.last),
                between=_NOTHING_BETWEEN,
            )


@dataclass(frozen=True, slots=True)
class _Between:
    """What the interval between two Summaries adds."""

    increase: Decimal
    resets: int
    unit_seconds: Decimal
    gap_seconds: Decimal


_NOTHING_BETWEEN = _Between(_ZERO, 0, _ZERO, _ZERO)


def _joined(
    one: Summary, two: Summary, *, first: Reading, last: Reading, between: _Between
) -> Summary:
    return Summary(
        count=one.count + two.count,
        sum=one.sum + two.sum,
        sum_of_squares=one.sum_of_squares + two.sum_of_squares,
        min=min(one.min, two.min),
        max=max(one.max, two.max),
        first=first,
        last=last,
        increase=one.increase + between.increase + two.increase,
        resets=one.resets + between.resets + two.resets,
        unit_seconds=one.unit_seconds + between.unit_seconds + two.unit_seconds,
        longest_gap_seconds=max(
            one.longest_gap_seconds, between.gap_seconds, two.longest_gap_seconds
        ),
    )


def of_stream(readings: Sequence[Reading]) -> Summary:
    """The Summary of the readings of one stream: each by itself, joined with `then`.

    Computed in one pass. At least one reading, in order of (instant, volume).
    """
    volumes = [reading.volume for reading in readings]
    with localcontext(EXACT):
        increase, resets, unit_milliseconds, longest_gap = _ZERO, 0, _ZERO, 0
        for earlier, later in pairwise(readings):
            step = later.volume - earlier.volume
            if step < 0:
                step, resets = later.volume, resets + 1
            increase += step
            gap = (later.at - earlier.at) // MILLISECOND
            unit_milliseconds += earlier.volume * gap
            longest_gap = max(longest_gap, gap)
        return Summary(
            count=len(volumes),
            sum=sum(volumes, _ZERO),
            sum_of_squares=sum((volume * volume for volume in volumes), _ZERO),
            min=min(volumes),
            max=max(volumes),
            first=readings[0],
            last=readings[-1],
            increase=increase,
            resets=resets,
            unit_seconds=unit_milliseconds.scaleb(-3),
            longest_gap_seconds=Decimal(longest_gap).scaleb(-3),
        )


def chained(parts: Sequence[Summary]) -> Summary:
    """Summaries of one stream in time order, at least one, joined with `then` in one pass."""
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
        return Summary(
            count=sum(part.count for part in parts),
            sum=sum((part.sum for part in parts), _ZERO),
            sum_of_squares=sum((part.sum_of_squares for part in parts), _ZERO),
            min=min(part.min for part in parts),
            max=max(part.max for part in parts),
            first=parts[0].first,
            last=parts[-1].last,
            increase=sum((part.increase for part in parts), increase),
            resets=sum((part.resets for part in parts), resets),
            unit_seconds=sum((part.unit_seconds for part in parts), unit_milliseconds.scaleb(-3)),
            longest_gap_seconds=max(
                Decimal(longest_gap).scaleb(-3), *(part.longest_gap_seconds for part in parts)
            ),
        )


def total(summaries: Iterable[Summary]) -> Summary:
    """The Summaries of different streams, added with `plus`; at least one."""
    return reduce(Summary.plus, summaries)
