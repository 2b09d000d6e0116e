"""Days, hours and months as numbers: days and hours since 1970 (UTC), months since the year 0."""

import calendar
from datetime import UTC, datetime
from functools import lru_cache

from metering.times import Range, from_milliseconds, to_milliseconds

DAY_MS = 86_400_000
HOUR_MS = 3_600_000

HOURS_IN_A_DAY = 24


def day_of(instant: datetime) -> int:
    """Days since 1970."""
    return to_milliseconds(instant) // DAY_MS


def start_of(day: int) -> datetime:
    """The first instant of a day since 1970."""
    return from_milliseconds(day * DAY_MS)


def days_range(begin: int, end: int) -> Range:
    """The instants from a day on up to another."""
    return Range(start_of(begin), start_of(end))


def hour_of(instant: datetime) -> int:
    """Hours since 1970."""
    return to_milliseconds(instant) // HOUR_MS


def start_of_hour(hour: int) -> datetime:
    """The first instant of an hour since 1970."""
    return from_milliseconds(hour * HOUR_MS)


def days_in(begin: int, end: int) -> range:
    """The days that have hours from one on up to another."""
    return range(begin // HOURS_IN_A_DAY, -(-end // HOURS_IN_A_DAY)) if begin < end else range(0)


def hours_range(begin: int, end: int) -> Range:
    """The instants from an hour on up to another."""
    return Range(start_of_hour(begin), start_of_hour(end))


def month_of(day: int) -> int:
    """Months since the year 0."""
    date = start_of(day)
    return date.year * 12 + date.month - 1


@lru_cache
def days_of(month: int) -> range:
    """The days of a month."""
    year, index = divmod(month, 12)
    first = day_of(datetime(year, index + 1, 1, tzinfo=UTC))
    return range(first, first + calendar.monthrange(year, index + 1)[1])


def hours_of(month: int) -> range:
    """The hours of a month."""
    days = days_of(month)
    return range(days.start * HOURS_IN_A_DAY, days.stop * HOURS_IN_A_DAY)
