"""Meters and resources, as they follow from the extents of their series.

A resource is described by its newest sample. Without a time range a filter asks about that
description; with one, about each sample in the range, as v2 had it (ceilometer-v2.md section 6).
Only samples in scope exist: to a caller, a resource that moved to another project ends there.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from metering.matching import matches_series
from metering.model import Extent, Meter, MeterType, Resource, Scope, Series
from metering.query import (
    EVERYTHING,
    AllOf,
    Comparison,
    ExtentQuery,
    Field,
    Filter,
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
    of_resources = _of_resources(query.filter)
    if query.range.is_unbounded:
        found = [
            _resource(extents, extents)
            for extents in _by_resource(storage, query, of_resources, EVER)
            if matches_series(query.filter, newest(extents))
        ]
    else:
        whole = _by_resource(storage, query, of_resources, EVER, last_only=True)
        all_of = {extents[0].series.resource_id: extents for extents in whole}
        shown = _by_resource(storage, query, query.filter, query.range)
        # A resource may have come between the two looks.
        found = [
            _resource(extents, all_of.get(extents[0].series.resource_id, extents))
            for extents in shown
        ]
    return sorted(found, key=resource_order, reverse=True)


def meters(storage: Storage, query: CatalogueQuery) -> Iterator[Meter]:
    """One for each (resource, name, type, unit), in that order.

    Lazy: who reads a page asks the store for about as much.
    """
    of_resources = _of_resources(query.filter)
    for extents in _by_resource(storage, query, of_resources, EVER, lazily=True, last_only=True):
        owner = newest(extents)
        for name, type_, unit in sorted(_meters_of(extents)):
            described = replace(owner, meter=name, type=type_, unit=unit)
            if matches_series(query.filter, described):
                yield _meter(described)


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
    **how: bool,
) -> Iterator[list[Extent]]:
    """The extents that match, a list for each resource, by id; how as in `ExtentQuery`."""
    question = ExtentQuery(
        scope=query.scope, filter=filter_, range=range_, as_of=query.as_of, **how
    )
    for _, members in groupby(storage.extents(question), key=attrgetter("series.resource_id")):
        yield list(members)


def _of_resources(filter_: Filter) -> Filter:
    """As much of the filter as holds for every sample of a resource that it matches."""
    match filter_:
        case Comparison(Field("resource_id")):
            return filter_
        case AllOf(parts):
            return AllOf(tuple(map(_of_resources, parts)))
    return EVERYTHING


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


def _meter(series: Series) -> Meter:
    return Meter(
        name=series.meter,
        type=series.type,
        unit=series.unit,
        resource_id=series.resource_id,
        source=series.source,
        project_id=series.project_id,
        user_id=series.user_id,
    )
