"""Quantities reckoned another way: fractions, one pair of readings at a time, no calendar at all.

Nothing of metering is used here. Where windows begin is found by looking at the clocks of a zone
every quarter of an hour.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

QUARTER = timedelta(minutes=15)
_PLACES = 10**12
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True, slots=True)
class Window:
    """From an instant up to another; `is_partial` if the range cut it."""

    start: datetime
    end: datetime
    is_partial: bool


@dataclass(frozen=True, slots=True, order=True)
class Told:
    """A reading of a resource's meter, and what was said of the resource."""

    at: datetime
    volume: Fraction
    id: str
    about: Mapping[str, str | None] = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How a question wants its quantities; what goes on is over by `now`."""

    kind: str
    group_by: Sequence[str]
    max_gap: int | None
    from_zero: bool
    now: datetime


@dataclass(slots=True)
class Figures:
    """What one window of one group has."""

    count: int = 0
    sum: Fraction = Fraction(0)
    measured: Fraction = Fraction(0)
    interpolated: Fraction = Fraction(0)
    unit_seconds: Fraction = Fraction(0)
    observed_seconds: Fraction = Fraction(0)
    is_provisional: bool = False

    def usage(self, kind: str) -> Fraction:
        """By the type of the meter."""
        if kind == "gauge":
            return rounded(self.unit_seconds / 3600)
        return self.sum if kind == "delta" else self.measured + self.interpolated


class Clocks:
    """The clocks of a zone, looked at every quarter of an hour."""

    def __init__(self, zone: str, start: datetime, end: datetime) -> None:
        """Look at them from one instant, at a quarter of an hour of UTC, up to another."""
        tz = ZoneInfo(zone)
        self._shown = [
            (at, at.astimezone(tz).replace(tzinfo=None))
            for at in (start + place * QUARTER for place in range((end - start) // QUARTER))
        ]

    def first_at(self, local: datetime) -> datetime:
        """When they first show this time or, if they skip it, a later one."""
        return next(at for at, shown in self._shown if shown >= local)

    def windows(
        self, interval: str, start: datetime, end: datetime, *, week_start: str, anchor: date
    ) -> list[Window]:
        """The windows of the range."""
        edges = self._hours() if interval == "hour" else self._days(interval, week_start, anchor)
        return [
            Window(max(one, start), min(other, end), one < start or other > end)
            for one, other in pairwise(edges)
            if one < end and other > start
        ]

    def _hours(self) -> Iterator[datetime]:
        for (_, before), (at, shown) in pairwise(self._shown):
            if shown.minute == 0 or shown.replace(minute=0) > before:
                yield at

    def _days(self, interval: str, week_start: str, anchor: date) -> Iterator[datetime]:
        latest = self._shown[0][1].date()
        for at, shown in self._shown:
            begun = [latest + timedelta(days=n + 1) for n in range((shown.date() - latest).days)]
            if any(_begins(day, interval, week_start, anchor) for day in begun):
                yield at
            latest = max(latest, shown.date())


def _begins(day: date, interval: str, week_start: str, anchor: date) -> bool:
    if interval == "day":
        return True
    if interval == "week":
        return day.strftime("%a").lower() == week_start
    months = (day.year - anchor.year) * 12 + day.month - anchor.month
    is_last_of_month = (day + timedelta(days=1)).day == 1
    return months % _MONTHS[interval] == 0 and (
        day.day == anchor.day or (is_last_of_month and day.day < anchor.day)
    )


def rounded(value: Fraction) -> Fraction:
    """To twelve places, half to even."""
    return Fraction(round(value * _PLACES), _PLACES)


def reckon(
    streams: Iterable[Sequence[Told]], windows: Sequence[Window], asked: Asked
) -> dict[tuple[datetime, tuple[str | None, ...]], Figures]:
    """The figures of each window and group that has a reading, or an interval between two."""
    found: dict[tuple[datetime, tuple[str | None, ...]], Figures] = defaultdict(Figures)
    for earlier, later, is_first in _pairs(streams):
        group = tuple(earlier.about.get(name) for name in asked.group_by)
        for window in windows:
            if not _concerns(window, earlier, later, asked):
                continue
            one = found[window.start, group]
            if window.start <= earlier.at < window.end:
                one.count += 1
                one.sum += earlier.volume
                one.measured += earlier.volume if is_first and asked.from_zero else 0
            if later is not None:
                _count(one, earlier, later, window)
            _hold(one, earlier, later, window, asked)
            one.is_provisional |= later is None and asked.kind == "cumulative"
    return dict(found)


def _pairs(streams: Iterable[Sequence[Told]]) -> Iterator[tuple[Told, Told | None, bool]]:
    """Each reading, the next one of its stream, and whether it is the first."""
    for readings in streams:
        earlier, is_first = None, True
        for one in sorted(readings):
            if earlier is not None:
                yield earlier, one, is_first
                is_first = False
            earlier = one
        if earlier is not None:
            yield earlier, None, is_first


def _concerns(window: Window, earlier: Told, later: Told | None, asked: Asked) -> bool:
    """Whether a window has a reading, or what its meter's type makes of the time after it."""
    if window.start <= earlier.at < window.end:
        return True
    if asked.kind == "delta" or earlier.at >= window.end:
        return False
    if later is not None:
        return later.at > window.start
    return asked.kind == "gauge" and _held_until(earlier, later, asked) > window.start


def _count(one: Figures, earlier: Told, later: Told, window: Window) -> None:
    """What a counter counted between two readings, as far as it was in the window."""
    is_reset = later.volume < earlier.volume
    rise = later.volume if is_reset else later.volume - earlier.volume
    if earlier.at == later.at:
        one.measured += rise
        return

    def stood_at(at: datetime) -> Fraction:
        if at == later.at:
            return earlier.volume + rise
        return rounded(earlier.volume + rise * _seconds(at - earlier.at) / length)

    length = _seconds(later.at - earlier.at)
    start, end = max(earlier.at, window.start), min(later.at, window.end)
    if start == earlier.at and end == later.at:
        one.measured += rise
    else:
        counted_before = earlier.volume if start == earlier.at else stood_at(start)
        one.interpolated += stood_at(end) - counted_before


def _hold(one: Figures, earlier: Told, later: Told | None, window: Window, asked: Asked) -> None:
    until = min(_held_until(earlier, later, asked), window.end)
    seconds = _seconds(max(until - max(earlier.at, window.start), timedelta()))
    one.unit_seconds += earlier.volume * seconds
    one.observed_seconds += seconds


def _held_until(earlier: Told, later: Told | None, asked: Asked) -> datetime:
    ends = [asked.now] + [later.at for _ in "1" if later is not None]
    if asked.max_gap is not None:
        ends.append(earlier.at + timedelta(seconds=asked.max_gap))
    return min(ends)


def _seconds(length: timedelta) -> Fraction:
    return Fraction(length // timedelta(microseconds=1), 10**6)


def text(instant: datetime) -> str:
    """As v2 writes it."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat()
