"""What there was of a track on a day and in its hours, made of its samples; and so of a rollup."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain, groupby
from typing import NamedTuple

from metering.storage.blocks import MOST_PARTS, Described, Hours, Parts
from metering.storage.handles import Handle
from metering.storage.spans import HOURS_IN_A_DAY
from metering.storage.stored_sample import StoredSample
from metering.summary import Reading, Summary, joined, of_stream, tally
from metering.times import EPOCH

_FIRST_ORDINAL = EPOCH.toordinal()

# Below this many readings a day they are read as quickly as its hours.
READINGS_FOR_HOURS = 96

# With fewer readings for each description, or more than `MOST_PARTS`, samples are read as quickly.
READINGS_FOR_A_PART = 4


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
