"""`window`: which window of usage, by name or date: this month so far, yesterday, 2026-10."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from metering.calendar import Interval, first_instant
from metering.errors import InvalidQuery, InvalidRequest
from metering.times import read_wall
from metering.usage.windows import UsageWindow, around, between, last, so_far

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
_DATED = {
    re.compile(r"\d{4}-\d{2}", re.ASCII): ("%Y-%m", Interval.MONTH),
    re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII): ("%Y-%m-%d", Interval.DAY),
}


def read_window(name: str, zone: ZoneInfo, now: datetime) -> UsageWindow:
    """The window of that name: `mtd`, `yesterday`, `2026-10`, `2026-10-14`, `<start>/<end>`.

    Bounds without an offset are local to the zone.

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
        return so_far(TO_DATE[name], zone, now)
    if name in LAST:
        return last(LAST[name], zone, now)
    for pattern, (form, interval) in _DATED.items():
        if pattern.fullmatch(name):
            return around(first_instant(_read_date(name, form), zone), interval, zone, now)
    return between(*_read_bounds(name, zone), now)


def _read_date(text: str, form: str) -> datetime:
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007 - a zone's clocks show it
    except ValueError:
        raise _unknown(text) from None


def _read_bounds(text: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    parts = text.split("/")
    try:
        opening, closing = (read_wall(part, "window") for part in parts)
    except (ValueError, InvalidRequest):
        raise _unknown(text) from None
    start, end = (at if at.tzinfo else first_instant(at, zone) for at in (opening, closing))
    if start >= end:
        raise InvalidQuery(f"window must end after it begins: '{text[:100]}'", field="window")
    return start, end


def _unknown(text: str) -> InvalidQuery:
    names = ", ".join([*TO_DATE, *LAST, "YYYY-MM", "YYYY-MM-DD", "<start>/<end>"])
    return InvalidQuery(f"window must be one of {names}, not '{text[:100]}'", field="window")
