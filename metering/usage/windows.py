"""The windows that dashboards and bills ask for by name: this month so far, yesterday, 2026-10.

Each has one before it, to compare with: that of the window as a whole once it is over, until then
as much of it as has passed of this one.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from metering.calendar import Calendar, Interval, first_instant
from metering.errors import InvalidQuery, InvalidRequest
from metering.times import MILLISECOND, Range, read_wall

# Windows that began when this day, week ... did, and end now.
TO_DATE = {
    "today": Interval.DAY,
    "wtd": Interval.WEEK,
    "mtd": Interval.MONTH,
    "qtd": Interval.QUARTER,
    "ytd": Interval.YEAR,
}
# Windows that ended when this one began.
LAST = {"yesterday": Interval.DAY, "last_month": Interval.MONTH}
# With what a window is compared.
PREVIOUS = "previous"
_DATED = {
    re.compile(r"\d{4}-\d{2}", re.ASCII): ("%Y-%m", Interval.MONTH),
    re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII): ("%Y-%m-%d", Interval.DAY),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageWindow:
    """Instants from `start` up to `end`, by the clocks of a zone, and those that went before.

    `is_complete` says that the window is over.
    """

    name: str
    zone: ZoneInfo
    start: datetime
    end: datetime
    previous: Range
    is_complete: bool

    @property
    def range(self) -> Range:
        """Its instants."""
        return Range(self.start, self.end)


def read_usage_window(name: str, zone: ZoneInfo, now: datetime) -> UsageWindow:
    """The window of that name: `mtd`, `yesterday`, `2026-10`, `2026-10-14`, `<start>/<end>`.

    Bounds without an offset are local to the zone; weeks begin on Monday.

    Raises:
        InvalidQuery: it is none, or not within the years 1 to 9999.
    """
    try:
        return _window(name, zone, now)
    except OverflowError:
        message = f"window leads out of the calendar: '{name[:100]}'"
        raise InvalidQuery(message, field="window") from None


def _window(name: str, zone: ZoneInfo, now: datetime) -> UsageWindow:
    if name in TO_DATE:
        calendar = Calendar(interval=TO_DATE[name], zone=zone)
        start = next(calendar.edges(now))
        return _made(name, zone, Range(start, now), _before(calendar, start), now)
    if name in LAST:
        calendar = Calendar(interval=LAST[name], zone=zone)
        end = next(calendar.edges(now))
        start = _before(calendar, end)
        return _made(name, zone, Range(start, end), _before(calendar, start), now)
    for pattern, (form, interval) in _DATED.items():
        if pattern.fullmatch(name):
            calendar = Calendar(interval=interval, zone=zone)
            edges = calendar.edges(first_instant(_read_date(name, form), zone))
            start = next(edges)
            return _made(name, zone, Range(start, next(edges)), _before(calendar, start), now)
    start, end = _read_bounds(name, zone)
    return _made(name, zone, Range(start, end), start - (end - start), now)


def _before(calendar: Calendar, instant: datetime) -> datetime:
    """When the window began that ended at this instant."""
    return next(calendar.edges(instant - MILLISECOND))


def _made(
    name: str, zone: ZoneInfo, window: Range, begin_before: datetime, now: datetime
) -> UsageWindow:
    start, end = window.start, window.end
    assert start is not None  # noqa: S101 - all windows have both
    assert end is not None  # noqa: S101
    is_complete = end <= now and name not in TO_DATE
    passed = max(min(end, now) - start, timedelta())
    before = Range(begin_before, start if is_complete else min(start, begin_before + passed))
    return UsageWindow(
        name=name, zone=zone, start=start, end=end, previous=before, is_complete=is_complete
    )


def _read_date(text: str, form: str) -> datetime:
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007 - a zone's clocks show it
    except ValueError:
        raise _unknown(text) from None


def _read_bounds(text: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    parts = text.split("/")
    try:
        first, last = (read_wall(part, "window") for part in parts)
    except (ValueError, InvalidRequest):
        raise _unknown(text) from None
    start, end = (at if at.tzinfo else first_instant(at, zone) for at in (first, last))
    if start >= end:
        raise InvalidQuery(f"window must end after it begins: '{text[:100]}'", field="window")
    return start, end


def _unknown(text: str) -> InvalidQuery:
    names = ", ".join([*TO_DATE, *LAST, "YYYY-MM", "YYYY-MM-DD", "<start>/<end>"])
    return InvalidQuery(f"window must be one of {names}, not '{text[:100]}'", field="window")
