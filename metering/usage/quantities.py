"""From stretches of streams to portions: what each window has of readings and of intervals.

*Increase* is C(end) - C(start), where C is the reading of a counter, corrected for resets (a fall
means that counting began again from zero) and linear between the readings that bracket an instant.
It is rounded once at each boundary, so that the increases of neighbouring windows add up. *Holding*
is the time integral of the step function: a reading holds until the next one of its stream, but no
longer than `max_gap`, and not beyond now. Both are exact but for that one rounding. What happens
between two readings belongs to the description at the earlier one. docs/quantities.rst reckons
each by hand.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from metering.decimals import EXACT, rounded_quotient
from metering.model import Rollup, Subject
from metering.streams import Stretch
from metering.summary import Reading, Summary, seconds_between
from metering.times import LAST, MILLISECOND, Range, Windows

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How a question wants its quantities.

    `range` is what was asked for; it clips the windows. `max_gap` is how long a reading holds at
    most, None for ever. With `first_counts` a stream's first reading counts from zero, at its own
    instant; without it is the baseline. With `returning` a description that was replaced may come
    back and add to the same figure; that of a single segment cannot.
    """

    windows: Windows
    range: Range
    now: datetime
    max_gap: timedelta | None
    first_counts: bool = False
    returning: bool = True

    def extent(self, window: Range) -> Range:
        """As much of a window as was asked for."""
        return window & self.range


class Level(msgspec.Struct, frozen=True):
    """A volume that held from an instant until another."""

    start: datetime
    end: datetime
    volume: Decimal


class Portion(msgspec.Struct, frozen=True, kw_only=True):
    """What a stretch adds to one window: the Summary of its readings, or something of intervals.

    `measured` and `interpolated` are increase: between readings that are both inside, and of an
    interval that the window has a part of. `level` is there where one volume held throughout.
    `is_provisional` says that a later reading could still change it, also if the window is over.
    """

    subject: Subject | Rollup
    window: Range
    summary: Summary | None = None
    measured: Decimal = _ZERO
    interpolated: Decimal = _ZERO
    resets: int = 0
    unit_seconds: Decimal = _ZERO
    observed_seconds: Decimal = _ZERO
    level: Level | None = None
    is_provisional: bool = False


# How portions are made of a stretch.
Crediting = Callable[[Stretch, Rules], Iterator[Portion]]


def readings(stretch: Stretch, rules: Rules) -> Iterator[Portion]:
    """The readings themselves, of a stretch in range."""
    first = stretch.summary.first.at
    if first in rules.range:
        yield Portion(
            subject=stretch.subject, window=rules.windows.containing(first), summary=stretch.summary
        )


def increase(stretch: Stretch, rules: Rules) -> Iterator[Portion]:
    """What was counted in a stretch, and from it to the next reading.

    Nothing is known after the stream's last reading: its window is provisional. Nor is there if the
    next one is somebody else's, whose volumes are no business of the caller's.
    """
    summary, subject, follower = stretch.summary, stretch.subject, stretch.next
    if summary.first.at in rules.range:
        opening = summary.first.volume if stretch.opens and rules.first_counts else _ZERO
        window = rules.windows.containing(summary.first.at)
        yield Portion(
            subject=subject,
            window=window,
            measured=EXACT.add(summary.increase, opening),
            resets=summary.resets,
            is_provisional=_is_provisional(stretch, window, rules),
        )
    if follower is not None:
        yield from _between(stretch, follower, rules)


def _is_provisional(stretch: Stretch, window: Range, rules: Rules) -> bool:
    """Whether a later reading would count: the stream has none at or after the window's end."""
    last, end = stretch.stream_last, rules.extent(window).end
    is_last = last is not None and (end is None or last < end)
    return is_last and (rules.returning or stretch.until is None)


def _between(stretch: Stretch, later: Reading, rules: Rules) -> Iterator[Portion]:
    """The rise from one reading to the next, spread evenly over the time between them."""
    subject, earlier = stretch.subject, stretch.summary.last
    is_reset = later.volume < earlier.volume
    rise = later.volume if is_reset else EXACT.subtract(later.volume, earlier.volume)
    if earlier.at == later.at:
        if earlier.at in rules.range:
            window = rules.windows.containing(earlier.at)
            yield Portion(subject=subject, window=window, measured=rise, resets=int(is_reset))
        return
    length = (later.at - earlier.at) // MILLISECOND

    def counted(at: datetime) -> Decimal:
        """C at an instant of the interval."""
        if at == later.at:
            return EXACT.add(earlier.volume, rise)
        if at == earlier.at:
            return earlier.volume
        part = (at - earlier.at) // MILLISECOND
        times_length = EXACT.fma(rise, part, EXACT.multiply(earlier.volume, length))
        return rounded_quotient(times_length, length)

    for window, start, end in _spread(earlier.at, later.at, rules):
        amount = EXACT.subtract(counted(end), counted(start))
        is_whole = start == earlier.at and end == later.at
        yield Portion(
            subject=subject,
            window=window,
            measured=amount if is_whole else _ZERO,
            interpolated=_ZERO if is_whole else amount,
            resets=int(is_reset and end == later.at),
            is_provisional=_is_provisional(stretch, window, rules),
        )


def holding(stretch: Stretch, rules: Rules) -> Iterator[Portion]:
    """For how long which volumes held: within a stretch, and after it.

    Pieces must have been cut at gaps that are longer than `max_gap`, and at now.
    """
    summary, subject = stretch.summary, stretch.subject
    first, last = summary.first, summary.last
    if first.at in rules.range and first.at < rules.now:
        window = rules.windows.containing(first.at)
        is_level = summary.min == summary.max and first.at < last.at
        yield Portion(
            subject=subject,
            window=window,
            unit_seconds=summary.unit_seconds,
            observed_seconds=seconds_between(first.at, last.at),
            level=Level(first.at, last.at, first.volume) if is_level else None,
        )
    for window, start, end in _spread(last.at, _held_until(stretch, rules), rules):
        seconds = seconds_between(start, end)
        yield Portion(
            subject=subject,
            window=window,
            unit_seconds=EXACT.multiply(last.volume, seconds),
            observed_seconds=seconds,
            level=Level(start, end, last.volume),
        )


def gaps(stretch: Stretch, rules: Rules) -> Iterator[Portion]:
    """An empty portion for each window in which a stretch has ended, but its stream goes on."""
    if stretch.until is not None:
        until = min(stretch.until, rules.now)
        for window, _, _ in _spread(_held_until(stretch, rules), until, rules):
            yield Portion(subject=stretch.subject, window=window)


def _held_until(stretch: Stretch, rules: Rules) -> datetime:
    """Until when the last reading of a stretch holds."""
    ends = [rules.now]
    if stretch.until is not None:
        ends.append(stretch.until)
    if rules.max_gap is not None and rules.max_gap < LAST - stretch.summary.last.at:
        ends.append(stretch.summary.last.at + rules.max_gap)
    return min(ends)


def _spread(
    begin: datetime, end: datetime, rules: Rules
) -> Iterator[tuple[Range, datetime, datetime]]:
    """Each window that has a part of the time between, and from when to when, in order."""
    asked = Range(begin, end) & rules.range
    assert asked.start is not None  # noqa: S101 - `begin` is given
    assert asked.end is not None  # noqa: S101 - so is `end`
    at = asked.start
    while at < asked.end:
        window = rules.windows.containing(at)
        until = asked.end if window.end is None else min(window.end, asked.end)
        yield window, at, until
        at = until
