"""Wire and model: one line a field, so that a new field shows in a diff."""

import base64
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from msgspec import UNSET, Raw, UnsetType

from metering import times
from metering.api.writing.tables import Columns
from metering.api.writing.wire import (
    DetailBody,
    LinkBody,
    MeterBody,
    OldSampleBody,
    PresenceBody,
    ResourceBody,
    RevisionBody,
    SampleBody,
    StatisticsBody,
    UsageRowBody,
    UsageWindowBody,
)
from metering.decimals import rounded
from metering.dimensions import Presence
from metering.errors import InvalidQuery
from metering.figures import STANDARD, Aggregate, Detail, Source
from metering.model import Meter, Resource, Sample
from metering.revisions import Revision
from metering.statistics import Fill, Row
from metering.storage.base import Effort
from metering.summary import seconds_between
from metering.times import Range
from metering.usage import Usage
from metering.usage_windows import UsageWindow


def meter_to_api(meter: Meter) -> MeterBody:
    """A meter as v2 shows it."""
    return MeterBody(
        name=meter.name,
        type=meter.type.value,
        unit=meter.unit,
        resource_id=meter.resource_id,
        project_id=meter.project_id,
        user_id=meter.user_id,
        source=meter.source,
        meter_id=_meter_id(meter.resource_id, meter.name),
    )


def unique_meter_to_api(meter: Meter) -> MeterBody:
    """A meter by its name alone, of no resource and nobody, as v2 shows it with `unique`."""
    return replace(
        meter_to_api(meter),
        resource_id=None,
        project_id=None,
        user_id=None,
        source=None,
        meter_id=_meter_id("None", meter.name),
    )


def _meter_id(resource_id: str, name: str) -> str:
    return base64.b64encode(f"{resource_id}+{name}".encode()).decode()


def sample_to_api(sample: Sample) -> SampleBody:
    """A sample as v2 shows it below /v2/samples."""
    series = sample.series
    return SampleBody(
        id=sample.id,
        meter=series.meter,
        type=series.type.value,
        unit=series.unit,
        volume=sample.volume,
        user_id=series.user_id,
        project_id=series.project_id,
        resource_id=series.resource_id,
        source=series.source,
        timestamp=times.write_naive(sample.timestamp),
        recorded_at=times.write_naive(sample.recorded_at),
        metadata=series.metadata.flat,
    )


def sample_to_old_api(sample: Sample) -> OldSampleBody:
    """A sample as v2 shows it below /v2/meters/{meter}."""
    series = sample.series
    return OldSampleBody(
        source=series.source,
        counter_name=series.meter,
        counter_type=series.type.value,
        counter_unit=series.unit,
        counter_volume=sample.volume,
        user_id=series.user_id,
        project_id=series.project_id,
        resource_id=series.resource_id,
        timestamp=times.write_naive(sample.timestamp),
        recorded_at=times.write_naive(sample.recorded_at),
        resource_metadata={**series.metadata.flat},
        message_id=sample.id,
    )


def recorded_sample_to_old_api(sample: Sample) -> OldSampleBody:
    """A sample as v2 answers its POST: metadata as they were sent, if they are one layer of text.

    Only that did v2 accept, and it shows such metadata flattened on reading only.
    """
    tree = sample.series.metadata.tree
    if all(value is None or isinstance(value, str) for value in tree.values()):
        return replace(sample_to_old_api(sample), resource_metadata=tree)
    return sample_to_old_api(sample)


def resource_to_api(resource: Resource, application_url: str, *, meter_links: bool) -> ResourceBody:
    """A resource as v2 shows it; its links are URL-encoded."""
    named = quote(resource.id, safe="")
    links = [LinkBody(href=f"{application_url}/v2/resources/{named}", rel="self")]
    if meter_links:
        query = urlencode({"q.field": "resource_id", "q.value": resource.id}, quote_via=quote)
        links += [
            LinkBody(href=f"{application_url}/v2/meters/{quote(name, safe='')}?{query}", rel=name)
            for name in resource.meters
        ]
    return ResourceBody(
        resource_id=resource.id,
        project_id=resource.project_id,
        user_id=resource.user_id,
        first_sample_timestamp=times.write_naive(resource.first_sample_at),
        last_sample_timestamp=times.write_naive(resource.last_sample_at),
        metadata=resource.metadata.flat,
        links=links,
        source=resource.source,
    )


def presence_to_api(presence: Presence) -> PresenceBody:
    """Who or what was seen, and when."""
    return PresenceBody(
        id=presence.id,
        first_sample_timestamp=times.write(presence.first_sample_at),
        last_sample_timestamp=times.write(presence.last_sample_at),
    )


# Figures whose rows have a detail, for each type of meter or for some.
_DETAILED = (Source.INCREASE, Source.HOLDING, Source.BY_TYPE)


def revision_to_api(revision: Revision, first: Sample) -> RevisionBody:
    """A revision, with its first sample; metadata are nested and typed."""
    series = revision.series
    return RevisionBody(
        from_=times.write(revision.start),
        to=None if revision.end is None else times.write(revision.end),
        metadata=Raw(series.metadata.text),
        project_id=series.project_id,
        user_id=series.user_id,
        changed=list(revision.changed),
        sample_id=first.id,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsShape:
    """What shapes the rows of one answer besides their figures.

    `groupby` names the grouping as the client did; `lower` and `upper` are the bounds that the
    durations keep to; `selected` puts the figures into `aggregate`. A window without end is shown
    up to the last sample, or up to `now` if it has none. `zone` is whose local time is
    shown beside UTC, if any. Of a calendar's windows, `partial` are those that were cut, and
    `period_seconds` is None: each has its own length. `fill` is how rows without samples look.
    """

    period_seconds: int | None
    groupby: tuple[str, ...]
    lower: datetime | None
    upper: datetime | None
    selected: bool
    now: datetime
    zone: ZoneInfo | None = None
    partial: frozenset[Range] = frozenset()
    fill: Fill | None = None


EFFORT = "Metering-Effort"


def effort_to_api(effort: Effort) -> str:
    """What an answer took, as a dictionary in a header (RFC 9651)."""
    return f"series={effort.series}, pieces={effort.pieces}, samples={effort.samples}"


def statistics_to_api(row: Row, shape: StatisticsShape) -> StatisticsBody:
    """A row of statistics as v2 shows it.

    Raises:
        InvalidQuery: its window is not in the years 1 to 9999 of the zone.
    """
    start, end = _window(row, shape)
    held = _held(row, shape)
    no_duration = shape.fill.value if shape.fill and row.summary is None else None
    seconds = shape.period_seconds
    figures = {aggregate.name: value for aggregate, value in row.figures.items()}
    return StatisticsBody(
        groupby=dict(zip(shape.groupby, row.group, strict=True)) or None,
        unit=row.unit,
        **{one.name: figures[one.name] for one in STANDARD if one.name in figures},
        duration=seconds_between(*held) if held else no_duration,
        duration_start=times.write_naive(held[0]) if held else None,
        duration_end=times.write_naive(held[1]) if held else None,
        period=seconds_between(start, end) if seconds is None else Decimal(seconds),
        period_start=times.write_naive(start),
        period_end=times.write_naive(end),
        period_start_local=_write_local(start, shape.zone),
        period_end_local=_write_local(end, shape.zone),
        partial=True if row.window in shape.partial else UNSET,
        aggregate=figures if shape.selected else UNSET,
        detail=UNSET if row.detail is None else detail_to_api(row.detail),
    )


def statistics_columns(shape: StatisticsShape, chosen: Collection[Aggregate]) -> Columns:
    """The columns of such rows: of their groups, and of the figures if any were chosen."""
    optional = {
        **{one.name: one in chosen or not chosen for one in STANDARD},
        "period_start_local": shape.zone is not None,
        "period_end_local": shape.zone is not None,
        "partial": bool(shape.partial),
        "detail": any(one.source in _DETAILED for one in chosen),
    }
    return Columns(
        keys={"groupby": shape.groupby, "aggregate": [one.name for one in chosen]},
        absent=[name for name, is_there in optional.items() if not is_there],
    )


def detail_to_api(detail: Detail) -> DetailBody:
    """What a quantity is made of."""
    return DetailBody(
        unit=detail.unit,
        measured=detail.measured,
        interpolated=detail.interpolated,
        resets=detail.resets,
        unit_seconds=detail.unit_seconds,
        observed_seconds=detail.observed_seconds,
        quality=quality_to_api(is_provisional=detail.is_provisional),
    )


def quality_to_api(*, is_provisional: bool) -> str:
    """Whether later readings could still change a figure."""
    return "provisional" if is_provisional else "final"


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


def usage_window_to_api(window: UsageWindow) -> UsageWindowBody:
    """A window by name, with how long it is; to 12 decimal places, if need be."""
    length = seconds_between(window.start, window.end)
    return UsageWindowBody(
        name=window.name,
        start=times.write(window.start),
        end=times.write(window.end),
        tz=window.zone.key,
        hours=figure_to_api(rounded(Fraction(length) / 3600)),
    )


def usage_to_api(row: Usage, names: tuple[str, ...], aggregate: Aggregate) -> UsageRowBody:
    """A row of usage; the first of its group is the meter."""
    meter, *group = row.group
    return UsageRowBody(
        groupby=dict(zip(names, group, strict=True)),
        meter=meter or "",
        func=aggregate.name,
        quantity=None if row.quantity is None else figure_to_api(row.quantity),
        unit=row.unit,
        previous=None if row.previous is None else figure_to_api(row.previous),
        quality=quality_to_api(is_provisional=row.is_provisional),
    )


def figure_to_api(number: Decimal) -> str:
    """A decimal as text, so that whatever reads it keeps every digit."""
    return format(number, "f")
