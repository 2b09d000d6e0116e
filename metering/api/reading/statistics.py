"""Parameters of statistics: which figures, of which windows and groups, and how rows show them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from metering import times
from metering.api.framework.declare import AggregateChoice, Condition
from metering.api.reading.aggregates import read_aggregates
from metering.api.reading.calendars import read_slicing
from metering.api.reading.conditions import SAMPLE_FIELDS, Conditions, of_meter, read_conditions
from metering.api.reading.frames import framed, read_frame
from metering.api.reading.groups import read_group_fields
from metering.api.reading.holding import read_first, read_max_gap
from metering.api.services import Services
from metering.errors import InvalidQuery
from metering.model import Scope
from metering.storage.base import Storage
from metering.times import EPOCH, FixedWindows, Range, WholeRange, Windows
from metering.usage.figures import STANDARD, Aggregate
from metering.usage.query import StatisticsQuery
from metering.usage.statistics import Fill

# As long as the calendar: ten thousand years.
MAX_PERIOD_SECONDS = 315_569_520_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The parameters as they were sent."""

    q: Iterable[Condition] = ()
    start: str | None = None
    end: str | None = None
    tz: str | None = None
    groupby: Iterable[str] = ()
    period: int | None = None
    interval: str | None = None
    week_start: str | None = None
    anchor: str | None = None
    fill: str | None = None
    aggregate: Iterable[AggregateChoice] = ()
    max_gap: str | None = None
    first: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsShape:
    """What shapes the rows of one answer besides their figures.

    `groupby` names the grouping as the client did; `lower` and `upper` are the bounds that the
    durations keep to; `chosen` are the figures that were asked for, which stand in `aggregate`. A
    window without end is shown up to the last sample, or up to `now` if it has none. `zone` is
    whose local time is shown beside UTC, if any. Of a calendar's windows, `partial` are those that
    were cut, and `period_seconds` is None: each has its own length. `fill` is how rows without
    samples look.
    """

    period_seconds: int | None
    groupby: tuple[str, ...]
    lower: datetime | None
    upper: datetime | None
    chosen: tuple[Aggregate, ...]
    now: datetime
    zone: ZoneInfo | None = None
    partial: frozenset[Range] = frozenset()
    fill: Fill | None = None


def read_statistics(
    asked: Asked, meter: str, scope: Scope, services: Services
) -> tuple[StatisticsQuery, StatisticsShape]:
    """The question for the figures of a meter, and how their rows look.

    Raises:
        InvalidQuery: what makes no sense; it is named.
        Unauthorized: a caller confined to a project names another.
    """
    frame = read_frame(asked.start, asked.end, asked.tz)
    found = read_conditions(asked.q, SAMPLE_FIELDS, scope, services.config)
    conditions = framed(of_meter(meter, found), frame)
    slicing = read_slicing(
        frame,
        interval=asked.interval,
        week_start=asked.week_start,
        anchor=asked.anchor,
        fill=asked.fill,
    )
    if slicing and asked.period is not None:
        raise InvalidQuery("period and interval exclude each other", field="period")
    names = tuple(dict.fromkeys(asked.groupby))
    chosen = read_aggregates(asked.aggregate)
    seconds = read_period(asked.period)
    cut = slicing.windows(conditions.range) if slicing else None
    query = StatisticsQuery(
        scope=scope,
        filter=conditions.filter,
        range=conditions.range,
        windows=cut.windows if cut else _windows(conditions, seconds, scope, services.storage),
        group_by=read_group_fields(names),
        aggregates=chosen or STANDARD,
        now=times.now(),
        max_gap=read_max_gap(asked.max_gap, services.usage),
        first_counts=read_first(asked.first),
    )
    if not query.is_of_readings:  # else the answer has no quality
        query = replace(query, horizons=services.storage.horizons())
    shape = StatisticsShape(
        period_seconds=None if cut else seconds,
        groupby=names,
        lower=conditions.lower,
        upper=conditions.upper,
        chosen=chosen,
        now=query.now,
        zone=frame.tz,
        partial=cut.partial if cut else frozenset(),
        fill=slicing.fill if slicing else None,
    )
    return query, shape


def _windows(
    conditions: Conditions, period_seconds: int, scope: Scope, storage: Storage
) -> Windows:
    """Anchored at the lower bound, else at the oldest sample of any meter in scope, as v2."""
    anchor = conditions.anchor
    if anchor is None:
        anchor = storage.oldest(scope) or EPOCH
    return FixedWindows(anchor, period_seconds) if period_seconds else WholeRange(Range(anchor))


def read_period(period: int | None) -> int:
    """The length of the windows of statistics in seconds; 0 for one window.

    Raises:
        InvalidQuery: negative, or longer than the calendar.
    """
    seconds = period or 0
    if seconds < 0:
        raise InvalidQuery("Period must be positive.", field="period")
    if seconds > MAX_PERIOD_SECONDS:
        raise InvalidQuery(f"Invalid period {str(seconds)[:100]}: too long", field="period")
    return seconds
