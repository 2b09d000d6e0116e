"""Blocks: the Summaries of a track for each day of a month, so that its samples need not be read.

A rollup has blocks too, in which a day sums up all its tracks. A block covers the hours (UTC) from
the first of its month up to `end`: a day that it covers and does not have is empty, and of the last
it may have a part only. If a track had one description on a day, its block says which; if it had a
few, the block has a Summary under each. Where there were more, queries by series read the samples.
The hours of busy days are kept apart, each day for itself: few questions cut a day.
Blocks are derived: without one, samples are read. A day that is *struck* is read from samples,
whatever its block says, until it is sealed again.
"""

import calendar
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain, groupby
from typing import NamedTuple

import msgspec

from metering.storage.handles import Handle
from metering.storage.stored_sample import StoredSample
from metering.summary import Reading, Summary, joined, of_stream, tally
from metering.times import EPOCH, Range, from_milliseconds, to_milliseconds

DAY_MS = 86_400_000
HOUR_MS = 3_600_000

HOURS_IN_A_DAY = 24

_FIRST_ORDINAL = EPOCH.toordinal()

# Below this many readings a day they are read as quickly as its hours.
READINGS_FOR_HOURS = 96

# With more descriptions a day, or fewer readings for each, its samples are read as quickly.
MOST_PARTS = 16
READINGS_FOR_A_PART = 4

# By day and by hour since 1970.
Hours = Mapping[int, Mapping[int, Summary]]
Combine = Callable[[Sequence[Summary]], Summary]
Parts = Mapping[Handle, Summary]


@dataclass(frozen=True, slots=True)
class Described:
    """Which description a track had on each day; None where it had several.

    The first of `descriptions` holds from the first day in `since` (counted from 1970) up to the
    next, and so on. `parts` has a Summary under each description, for days that had a few; `wholes`
    the same for all days together, if it is known for every day and there are few. No sample of
    these days was recorded after `recorded_until`.
    """

    recorded_until: datetime
    since: Sequence[int]
    descriptions: Sequence[Handle | None]
    parts: Mapping[int, Parts] = field(default_factory=dict)
    wholes: Parts = field(default_factory=dict)

    @classmethod
    def of_days(
        cls,
        days: Mapping[int, Handle | None],
        recorded_until: datetime,
        parts: Mapping[int, Parts] | None = None,
    ) -> "Described":
        """Of these days, which are all that have samples."""
        changes = [
            (next(of_run), description)
            for description, of_run in groupby(sorted(days), key=days.__getitem__)
        ]
        since, descriptions = [day for day, _ in changes], [one for _, one in changes]
        return cls(recorded_until, since, descriptions, parts or {})

    @property
    def of_all(self) -> Handle | None:
        """The description of all days; None if there are several."""
        return self.descriptions[0] if len(self.descriptions) == 1 else None

    def on(self, day: int) -> Handle | None:
        """The description of a day that has samples."""
        index = bisect_right(self.since, day)
        return self.descriptions[index - 1] if index else None


class Block(msgspec.Struct, frozen=True):
    """What is kept of a month before the hour `end` (since 1970), by day since 1970.

    `described` is there for tracks only.
    """

    end: int
    days: Mapping[int, Summary]
    described: Described | None = None


class StoredBlock(msgspec.Struct, frozen=True):
    """A block as a driver keeps it; `days` None where there is nothing but days that are struck.

    `described` is there if it was asked for.
    """

    handle: Handle
    month: int
    days: bytes | None
    described: bytes | None
    struck: Collection[int]


class DayOf(NamedTuple):
    """A day (since 1970) of a track or rollup."""

    handle: Handle
    day: int


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


def is_busy(day: Summary) -> bool:
    """Whether the hours of a day are kept, as far as it is sealed."""
    return day.count >= READINGS_FOR_HOURS


class Folded(NamedTuple):
    """Summaries of days, by day since 1970, and of the hours of busy days.

    Of tracks their descriptions too.
    """

    days: Mapping[int, Summary]
    hours: Hours
    described: Described | None = None


class Begun(NamedTuple):
    """A busy day that is sealed up to some hour: only what came since is read for it.

    For a track, all its samples so far have this one description. `hours` are as they are stored.
    """

    day: int
    summary: Summary
    description: Handle | None
    hours: bytes


def fold(rows: Sequence[StoredSample], begun: Begun | None = None) -> Folded:
    """The days and hours of the rows of one track, at least one, which are in order of time.

    Of a day that was begun the rows are what there is more of it, and so are its hours.
    """
    days: dict[int, Summary] = {}
    hours: dict[int, dict[int, Summary]] = {}
    only: dict[int, Handle | None] = {}
    parts: dict[int, Parts] = {}
    for ordinal, of_day in groupby(rows, key=lambda row: row.timestamp.toordinal()):
        day = ordinal - _FIRST_ORDINAL
        under: dict[Handle, list[Reading]] = defaultdict(list)
        for row in of_day:
            under[row.description].append(Reading(row.timestamp, row.volume))
        readings = sorted(chain.from_iterable(under.values()))
        days[day] = of_stream(readings)
        if begun and begun.day == day:
            days[day] = joined([begun.summary, days[day]])
        if is_busy(days[day]):
            hours[day] = {
                HOURS_IN_A_DAY * day + hour: of_stream(list(of_hour))
                for hour, of_hour in groupby(readings, key=lambda one: one.at.hour)
            }
        only[day] = next(iter(under)) if len(under) == 1 else None
        if 1 < len(under) <= min(MOST_PARTS, len(readings) // READINGS_FOR_A_PART):
            parts[day] = {one: of_stream(sorted(some)) for one, some in under.items()}
    recorded_until = max(row.recorded_at for row in rows)
    return Folded(days, hours, Described.of_days(only, recorded_until, parts))


def fold_hours(hours: Mapping[int, Summary], begun: Begun | None = None) -> Folded:
    """The days of a rollup whose hours these are, and the hours of busy ones.

    Of a day that was begun they are what there is more of it, and so are its hours.
    """
    of_days: dict[int, dict[int, Summary]] = defaultdict(dict)
    for hour, summary in hours.items():
        of_days[hour // HOURS_IN_A_DAY][hour] = summary
    sealed = {begun.day: [begun.summary]} if begun else {}
    days = {day: tally([*sealed.get(day, ()), *of_day.values()]) for day, of_day in of_days.items()}
    busy = {day: of_days[day] for day, one in days.items() if is_busy(one)}
    return Folded(days, busy)


def by_description(days: Mapping[int, Summary], described: Described) -> Parts:
    """A Summary of these days under each description; nothing if one, too many, or unknown."""
    found: dict[Handle, list[Summary]] = defaultdict(list)
    for day in sorted(days):
        only = described.on(day)
        parts = described.parts.get(day, {}) if only is None else {only: days[day]}
        for description, part in parts.items():
            found[description].append(part)
        if not parts or len(found) > MOST_PARTS:
            return {}
    if len(found) == 1:
        return {}
    return {description: joined(parts) for description, parts in found.items()}
