"""Meters and resources, as they follow from the extents of their series.

A resource is described by its newest sample. Without a time range a filter asks about that
description; with one, about each sample in the range, as v2 had it (ceilometer-v2.md section 6).
Only samples in scope exist: to a caller, a resource that moved to another project ends there.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from metering.matching import matches_series, required
from metering.model import Extent, Meter, MeterType, Resource, Scope, Series
from metering.query import (
    EVERYTHING,
    FIELDS,
    AllOf,
    Comparison,
    ExtentQuery,
    Filter,
    Operator,
)
from metering.storage.base import Storage
from metering.times import EVER, Range


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueQuery:
    """Which resources or meters; `as_of` as in `ExtentQuery`.

    The filter of a question for resources asks for what describes one: id, owner, source and
    metadata; of one for meters, for any field of a series.
    """

    scope: Scope
    filter: Filter = EVERYTHING
    range: Range = EVER
    as_of: datetime | None = None


def resources(storage: Storage, query: CatalogueQuery) -> list[Resource]:
    """The resources, by (user, project, last sample, id), each descending; null comes last."""
    whole = _by_resource(storage, query, query.filter, EVER)
    if query.range.is_unbounded:
        shown = {
            resource_id: extents
            for resource_id, extents in whole.items()
            if matches_series(query.filter, newest(extents))
        }
    else:
        shown = _by_resource(storage, query, query.filter, query.range, filtered=True)
    # A resource may have come between the two looks.
    found = [_resource(shown[one], whole.get(one, shown[one])) for one in shown]
    return sorted(found, key=resource_order, reverse=True)


def meters(storage: Storage, query: CatalogueQuery) -> list[Meter]:
    """One for each (resource, name, type, unit), in that order."""
    found = []
    for extents in _by_resource(storage, query, query.filter, EVER).values():
        owner = newest(extents)
        for name, type_, unit in _meters_of(extents):
            if query.filter == EVERYTHING or matches_series(
                query.filter, replace(owner, meter=name, type=type_, unit=unit)
            ):
                found.append(_meter(name, type_, unit, owner))
    return sorted(found, key=meter_order)


def newest(extents: Iterable[Extent]) -> Series:
    """The series of the newest sample; of equally new ones always the same."""
    newest_extent = max(extents, key=lambda extent: (extent.last_sample_at, extent.series.digest))
    return newest_extent.series


def resource_order(resource: Resource) -> tuple[bool, str, bool, str, datetime, str]:
    """By which resources are sorted, descending."""
    return (
        resource.user_id is not None,
        resource.user_id or "",
        resource.project_id is not None,
        resource.project_id or "",
        resource.last_sample_at,
        resource.id,
    )


def meter_order(meter: Meter) -> tuple[str, str, str, str]:
    """By which meters are sorted, ascending."""
    return meter.resource_id, meter.name, meter.type, meter.unit


def _by_resource(
    storage: Storage,
    query: CatalogueQuery,
    filter_: Filter,
    range_: Range,
    *,
    filtered: bool = False,
) -> dict[str, list[Extent]]:
    """The extents of each resource: those that match, or all of the resources asked for by id."""
    asked = filter_ if filtered else _resources_named(filter_)
    found: dict[str, list[Extent]] = defaultdict(list)
    question = ExtentQuery(scope=query.scope, filter=asked, range=range_, as_of=query.as_of)
    for extent in storage.extents(question):
        found[extent.series.resource_id].append(extent)
    return found


def _resources_named(filter_: Filter) -> Filter:
    """As much of the filter as holds for every sample of a resource that it matches."""
    field = FIELDS["resource_id"]
    return AllOf(tuple(Comparison(field, Operator.EQ, value) for value in required(filter_, field)))


def _resource(shown: list[Extent], whole: list[Extent]) -> Resource:
    series = newest(shown)
    return Resource(
        id=series.resource_id,
        source=series.source,
        project_id=series.project_id,
        user_id=series.user_id,
        metadata=series.metadata,
        first_sample_at=min(extent.first_sample_at for extent in shown),
        last_sample_at=max(extent.last_sample_at for extent in shown),
        meters=tuple(name for name, _, _ in sorted(_meters_of(whole))),
    )


def _meters_of(extents: Iterable[Extent]) -> set[tuple[str, MeterType, str]]:
    return {(one.series.meter, one.series.type, one.series.unit) for one in extents}


def _meter(name: str, type_: MeterType, unit: str, owner: Series) -> Meter:
    return Meter(
        name=name,
        type=type_,
        unit=unit,
        resource_id=owner.resource_id,
        source=owner.source,
        project_id=owner.project_id,
        user_id=owner.user_id,
    )
