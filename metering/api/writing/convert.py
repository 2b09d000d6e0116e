"""Wire and model: one line a field, so that a new field shows in a diff."""

import base64
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote, urlencode

from msgspec import UNSET

from metering import times
from metering.api.writing.wire import (
    LinkBody,
    MeterBody,
    OldSampleBody,
    ResourceBody,
    SampleBody,
    StatisticsBody,
)
from metering.figures import STANDARD
from metering.model import Meter, Resource, Sample
from metering.statistics import Row
from metering.storage.base import Effort
from metering.summary import seconds_between


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


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsShape:
    """What shapes the rows of one answer besides their figures.

    `groupby` names the grouping as the client did; `lower` and `upper` are the bounds that the
    durations keep to; `selected` puts the figures into `aggregate`.
    """

    period_seconds: int
    groupby: tuple[str, ...]
    lower: datetime | None
    upper: datetime | None
    selected: bool


def effort_to_api(effort: Effort) -> str:
    """What an answer took, as a dictionary in a header (RFC 9651)."""
    return f"series={effort.series}, pieces={effort.pieces}, samples={effort.samples}"


def statistics_to_api(row: Row, shape: StatisticsShape) -> StatisticsBody:
    """A row of statistics as v2 shows it."""
    first, last = row.summary.first.at, row.summary.last.at
    start = first if shape.lower is None else max(first, shape.lower)
    end = last if shape.upper is None else min(last, shape.upper)
    clamped_away = start > end
    figures = {aggregate.name: value for aggregate, value in row.figures.items()}
    return StatisticsBody(
        groupby=dict(zip(shape.groupby, row.group, strict=True)) or None,
        unit=row.unit,
        **{one.name: figures[one.name] for one in STANDARD if one.name in figures},
        duration=None if clamped_away else seconds_between(start, end),
        duration_start=None if clamped_away else times.write_naive(start),
        duration_end=None if clamped_away else times.write_naive(end),
        period=shape.period_seconds,
        period_start=times.write_naive(row.window.start or first),
        period_end=times.write_naive(row.window.end or last),
        aggregate=figures if shape.selected else UNSET,
    )
