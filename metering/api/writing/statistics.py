"""Rows of statistics, as v2 has them and with what is new."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from msgspec import UNSET, UnsetType

from metering import times
from metering.api.forms.csv import Columns
from metering.api.reading.statistics import StatisticsShape
from metering.api.writing.figures import detail_to_api, fractional
from metering.api.writing.wire import StatisticsBody
from metering.errors import InvalidQuery
from metering.summary import seconds_between
from metering.usage.figures import STANDARD, Basis
from metering.usage.statistics import Row

_DETAILED = (Basis.INCREASE, Basis.HOLDING, Basis.BY_TYPE)


def statistics_to_api(row: Row, shape: StatisticsShape) -> StatisticsBody:
    """A row of statistics as v2 shows it.

    Raises:
        InvalidQuery: its window is not in the years 1 to 9999 of the zone.
    """
    start, end = _window(row, shape)
    held = _held(row, shape)
    no_duration = shape.fill.value if shape.fill and row.summary is None else None
    seconds = shape.period_seconds
    figures = {one.name: fractional(value) for one, value in row.figures.items()}
    whole = {one.name: value for one, value in row.figures.items() if one.name == "count"}
    top = figures | whole
    return StatisticsBody(
        groupby=dict(zip(shape.groupby, row.group, strict=True)) or None,
        unit=row.unit,
        **{one.name: top[one.name] for one in STANDARD if one.name in top},
        duration=fractional(seconds_between(*held) if held else no_duration),
        duration_start=times.write_naive(held[0]) if held else None,
        duration_end=times.write_naive(held[1]) if held else None,
        period=seconds_between(start, end) if seconds is None else Decimal(seconds),
        period_start=times.write_naive(start),
        period_end=times.write_naive(end),
        period_start_local=_write_local(start, shape.zone),
        period_end_local=_write_local(end, shape.zone),
        partial=True if row.window in shape.partial else UNSET,
        aggregate=figures if shape.chosen else UNSET,
        detail=UNSET if row.detail is None else detail_to_api(row.detail),
    )


def statistics_columns(shape: StatisticsShape) -> Columns:
    """The columns of such rows: of their groups, and of the figures if any were chosen."""
    optional = {
        **{one.name: one in shape.chosen or not shape.chosen for one in STANDARD},
        "period_start_local": shape.zone is not None,
        "period_end_local": shape.zone is not None,
        "partial": bool(shape.partial),
        "detail": any(one.basis in _DETAILED for one in shape.chosen),
    }
    return Columns(
        keys={"groupby": shape.groupby, "aggregate": [one.name for one in shape.chosen]},
        absent=[name for name, is_there in optional.items() if not is_there],
    )


def _window(row: Row, shape: StatisticsShape) -> tuple[datetime, datetime]:
    """The bounds of the row's window; where it has none, of its samples, or now."""
    start, end = row.window.start, row.window.end
    if row.summary is not None:
        start, end = start or row.summary.first.at, end or row.summary.last.at
    return start or shape.now, end or shape.now


def _held(row: Row, shape: StatisticsShape) -> tuple[datetime, datetime] | None:
    """From the first to the last sample, as far as the bounds go; None where nothing is left."""
    if row.summary is None:
        return None
    first, last = row.summary.first.at, row.summary.last.at
    start = first if shape.lower is None else max(first, shape.lower)
    end = last if shape.upper is None else min(last, shape.upper)
    return None if start > end else (start, end)


def _write_local(instant: datetime, zone: ZoneInfo | None) -> str | UnsetType:
    try:
        return UNSET if zone is None else times.write_local(instant, zone)
    except OverflowError:
        message = f"{times.write(instant)} is out of the calendar of tz {zone}"
        raise InvalidQuery(message, field="tz") from None
