"""Windows of a calendar: hours, days, weeks, months, quarters, years, as a zone's clocks show them.

They become instants here, so that no store needs to know where clocks change: a local midnight
that does not exist is the first instant that does, one that comes twice is the first of the two.
The rules of the zones are the machine's, or, where it has none, those of the package tzdata.
"""

import zoneinfo
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from itertools import chain, count
from zoneinfo import ZoneInfo

from metering.errors import InvalidQuery
from metering.times import EPOCH, MILLISECOND, ListedWindows, Range

MAX_WINDOWS = 10_000

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


class Interval(StrEnum):
    """How long windows are, as people count time."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


# Of windows that are counted in months.
MONTHS = {Interval.MONTH: 1, Interval.QUARTER: 3, Interval.YEAR: 12}
_LONGEST = {
    Interval.HOUR: _HOUR,
    Interval.DAY: _DAY,
    Interval.WEEK: 7 * _DAY,
    Interval.MONTH: 31 * _DAY,
    Interval.QUARTER: 92 * _DAY,
    Interval.YEAR: 366 * _DAY,
}
# By how much a zone's clocks can move on while true time does not, or the other way round: some
# crossed the date line.
_SHIFTS = 2 * _DAY

WEEK_STARTS = {"mon": 0, "sun": 6}
FIRST_OF_A_YEAR = date(1970, 1, 1)

# The name stands for whatever the machine is set to.
_NO_ZONES = {"localtime"}


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones() - _NO_ZONES)


def read_zone(name: str) -> ZoneInfo:
    """The zone of that name in the IANA database, in its letter case.

    Raises:
        InvalidQuery: there is none.
    """
    # Not left to ZoneInfo, which looks for a file.
    if name not in _zone_names():
        message = f"tz must be a name of the IANA time zone database, not '{name[:100]}'"
        raise InvalidQuery(message, field="tz")
    return ZoneInfo(name)


def first_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant (UTC) at which the clocks of the zone show that for the first time.

    Where they skip it, the first instant after.

    Raises:
        OverflowError: it is not in the years 1 to 9999 of UTC.
    """
    early, late = ((wall - _offset_on(wall, zone, fold)).replace(tzinfo=UTC) for fold in (0, 1))
    return early if early <= late else _change(late, early, zone)


@dataclass(frozen=True, slots=True)
class CalendarWindows:
    """The windows of a range: they fill it, without gaps or overlaps.

    `partial` are those that the bounds of the range cut; none but the first and last can be.
    """

    windows: ListedWindows
    partial: frozenset[Range]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """How time is cut into windows.

    Weeks begin on `first_weekday` (Monday is 0). Months, quarters and years are counted from
    `anchor`, each begins on its day of the month, or on the last day of a month that is too short.
    """

    interval: Interval
    zone: ZoneInfo
    first_weekday: int = WEEK_STARTS["mon"]
    anchor: date = FIRST_OF_A_YEAR

    def windows(self, start: datetime, end: datetime) -> CalendarWindows:
        """The windows from start to end, the first and the last cut at these.

        Raises:
            InvalidQuery: they are more than 10,000.
            OverflowError: a window or its local time is not in the years 1 to 9999.
        """
        if start >= end:
            return CalendarWindows(ListedWindows(), frozenset())
        if end - start - _SHIFTS > MAX_WINDOWS * _LONGEST[self.interval]:
            raise _too_many()
        edges = self.edges(start)
        whole = [next(edges)]
        while whole[-1] < end:
            whole.append(next(edges))
            if len(whole) > MAX_WINDOWS + 1:
                raise _too_many()
        found, uncut = ListedWindows((start, *whole[1:-1], end)), ListedWindows(tuple(whole))
        partial = (cut for cut, whole in zip(found, uncut, strict=True) if cut != whole)
        return CalendarWindows(found, frozenset(partial))

    def edges(self, instant: datetime) -> Iterator[datetime]:
        """The instants at which windows begin, in order, from the last that is not after this one.

        Raises:
            OverflowError: on the way they leave the years 1 to 9999.
        """
        edges = self._edges_from_before(instant)
        last = next(edges)
        while (edge := next(edges)) <= instant:
            last = edge
        yield last
        for later in chain([edge], edges):
            if later > last:  # a day that was skipped begins when the next one does
                yield later
                last = later

    def _edges_from_before(self, instant: datetime) -> Iterator[datetime]:
        """The same, from some time before the instant, and perhaps one twice."""
        if self.interval is Interval.HOUR:
            # No window of an hour has two: clocks are never set back by 60 minutes and a part.
            edge = instant - 2 * _HOUR
            while True:
                edge = _next_full_hour(edge, self.zone)
                yield edge
        for day in self._first_days(instant.astimezone(self.zone).date()):
            yield first_instant(datetime.combine(day, time()), self.zone)

    def _first_days(self, day: date) -> Iterator[date]:
        """The first day of each window, from the one that has this day, or the one before."""
        if self.interval in MONTHS:
            step = MONTHS[self.interval]
            number = (_month_number(day) - _month_number(self.anchor)) // step
            # In a month that has not come to its day yet, the window is that of before.
            for later in count(number - 1):
                yield _months_after(self.anchor, later * step)
        length = _LONGEST[self.interval]
        if self.interval is Interval.WEEK:
            day -= (day.weekday() - self.first_weekday) % 7 * _DAY
        while True:
            yield day
            day += length


def _too_many() -> InvalidQuery:
    message = f"more than {MAX_WINDOWS} windows: ask for a longer interval or a shorter range"
    return InvalidQuery(message, field="interval")


def _month_number(day: date) -> int:
    return day.year * 12 + day.month - 1


def _months_after(anchor: date, months: int) -> date:
    year, month = divmod(_month_number(anchor) + months, 12)
    if not date.min.year <= year <= date.max.year:
        raise OverflowError(f"no year {year}")
    return date(year, month + 1, min(anchor.day, monthrange(year, month + 1)[1]))


def _next_full_hour(instant: datetime, zone: ZoneInfo) -> datetime:
    """The next instant at which clocks show a full hour, or skip one."""
    offset = _offset_at(instant, zone)
    edge = instant + _HOUR - (instant - EPOCH + offset) % _HOUR
    if _offset_at(edge, zone) == offset:
        return edge
    change = _change(instant, edge, zone)
    before, after = (change - EPOCH + one for one in (offset, _offset_at(change, zone)))
    skips = before + -before % _HOUR < after
    return change if skips or not after % _HOUR else _next_full_hour(change, zone)


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """When clocks are changed, which they are once between these instants, or at the second."""
    offset = _offset_at(before, zone)
    low, high = 0, (after - before) // MILLISECOND
    while high - low > 1:
        middle = (low + high) // 2
        if _offset_at(before + middle * MILLISECOND, zone) == offset:
            low = middle
        else:
            high = middle
    return before + high * MILLISECOND


def _offset_at(instant: datetime, zone: ZoneInfo) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta()


def _offset_on(wall: datetime, zone: ZoneInfo, fold: int) -> timedelta:
    return wall.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta()
