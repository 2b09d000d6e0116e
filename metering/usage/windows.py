"""The windows of dashboards and bills: a day, week or month, so far or whole, or any range.

Each has a previous one to compare with: all of it once the window is over, until then as much of it
as has passed of this one. Days to years are those of a zone's clocks; weeks begin on
Monday. Windows that lead out of the years 1 to 9999 of UTC raise OverflowError.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from metering.calendar import Calendar, Interval
from metering.times import MILLISECOND, Range


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageWindow:
    """Instants from `start` up to `end`, and those that went before.

    `is_complete` says that the window is over.
    """

    start: datetime
    end: datetime
    previous: Range
    is_complete: bool

    @property
    def range(self) -> Range:
        """Its instants."""
        return Range(self.start, self.end)


def so_far(interval: Interval, zone: ZoneInfo, now: datetime) -> UsageWindow:
    """What has passed of this day, week ...; it is never over."""
    calendar = Calendar(interval=interval, zone=zone)
    start = next(calendar.edges(now))
    return _made(start, now, _before(calendar, start), now, is_complete=False)


def last(interval: Interval, zone: ZoneInfo, now: datetime) -> UsageWindow:
    """The day, week ... that ended when this one began."""
    calendar = Calendar(interval=interval, zone=zone)
    return _whole(calendar, _before(calendar, next(calendar.edges(now))), now)


def around(instant: datetime, interval: Interval, zone: ZoneInfo, now: datetime) -> UsageWindow:
    """The whole day, week ... that an instant is in."""
    return _whole(Calendar(interval=interval, zone=zone), instant, now)


def between(start: datetime, end: datetime, now: datetime) -> UsageWindow:
    """From an instant up to a later one; as long a time is before it."""
    return _made(start, end, start - (end - start), now, is_complete=end <= now)


def _whole(calendar: Calendar, instant: datetime, now: datetime) -> UsageWindow:
    edges = calendar.edges(instant)
    start, end = next(edges), next(edges)
    return _made(start, end, _before(calendar, start), now, is_complete=end <= now)


def _before(calendar: Calendar, instant: datetime) -> datetime:
    """When the window began that ended at this instant."""
    return next(calendar.edges(instant - MILLISECOND))


def _made(
    start: datetime, end: datetime, begin_before: datetime, now: datetime, *, is_complete: bool
) -> UsageWindow:
    passed = max(min(end, now) - start, timedelta())
    end_before = start if is_complete else min(start, begin_before + passed)
    return UsageWindow(
        start=start, end=end, previous=Range(begin_before, end_before), is_complete=is_complete
    )
