"""Wire and model: one line a field, so that a new field shows in a diff."""

import base64
from dataclasses import replace
from functools import lru_cache
from urllib.parse import quote

from msgspec import Raw

from metering import times
from metering.api.writing.wire import (
    LinkBody,
    MeterBody,
    OldSampleBody,
    PresenceBody,
    ResourceBody,
    RevisionBody,
    SampleBody,
)
from metering.catalogue.dimensions import Presence
from metering.catalogue.revisions import Revision
from metering.decimals import with_fraction
from metering.model import Meter, Resource, Sample


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
        volume=with_fraction(sample.volume),
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
        counter_volume=with_fraction(sample.volume),
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

    v2 accepted nothing else, and flattened metadata only when they were read.
    """
    tree = sample.series.metadata.tree
    if all(value is None or isinstance(value, str) for value in tree.values()):
        return replace(sample_to_old_api(sample), resource_metadata=tree)
    return sample_to_old_api(sample)


@lru_cache(maxsize=10_000)
def _quoted(text: str) -> str:
    """As a part of a path or a value in a query; remembered, since a page has each meter often."""
    return quote(text, safe="")


def resource_to_api(resource: Resource, application_url: str, *, meter_links: bool) -> ResourceBody:
    """A resource as v2 shows it; its links are URL-encoded."""
    named = _quoted(resource.id)
    links = [LinkBody(href=f"{application_url}/v2/resources/{named}", rel="self")]
    if meter_links:
        query = f"q.field=resource_id&q.value={named}"
        links += [
            LinkBody(href=f"{application_url}/v2/meters/{_quoted(name)}?{query}", rel=name)
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
