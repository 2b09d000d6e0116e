"""Meters and resources, as they follow from the extents of their tracks.

A resource is described by its newest sample. Without a time range a filter asks about that
description; with one, about each sample in the range, as v2 had it.
Only samples in scope exist: to a caller, a resource that moved to another project ends there.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from operator import attrgetter

import msgspec
from msgspec import structs

from metering.chunks import chunks
from metering.matching import matches_subject
from metering.model import Extent, Meter, MeterType, Place, Resource, Scope, Series, Subject, Track
from metering.query import (
    EVERYTHING,
    AllOf,
    Comparison,
    ExtentQuery,
    Field,
    Filter,
    asks_metadata,
)
from metering.storage.base import Storage
from metering.times import EVER, Range

_RESOURCES_AT_ONCE = 200


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


class Sighting(msgspec.Struct, frozen=True):
    """A resource as far as tracks tell; the owner, at its newest sample, perhaps with metadata.

    `meters` has the name of each of its meters, once for each type and unit.
    """

    owner: Subject
    first_sample_at: datetime
    last_sample_at: datetime
    meters: tuple[str, ...]

    @property
    def id(self) -> str:
        """The resource's."""
        return self.owner.resource_id

    @property
    def project_id(self) -> str | None:
        """The owner's."""
        return self.owner.project_id

    @property
    def user_id(self) -> str | None:
        """The owner's."""
        return self.owner.user_id


def seen(storage: Storage, query: CatalogueQuery) -> list[Sighting]:
    """The resources, by (user, project, last sample, id), each descending; null comes last.

    To show a page, have only the rows of that page `described`.
    """
    of_resources = _of_resources(query.filter)
    if query.range.is_unbounded:
        whole = _by_resource(storage, query, of_resources, EVER)
        found = [_sighting(extents, extents) for extents in whole]
        if asks_metadata(query.filter):
            found = list(_with_metadata(storage, query, found))
        found = [one for one in found if matches_subject(query.filter, one.owner)]
    else:
        whole = _by_resource(storage, query, of_resources, EVER, last_only=True)
        all_of = {extents[0].subject.resource_id: extents for extents in whole}
        by_series = asks_metadata(query.filter)
        shown = _by_resource(storage, query, query.filter, query.range, by_series=by_series)
        # A resource may have come between the two looks.
        found = [
            _sighting(extents, all_of.get(extents[0].subject.resource_id, extents))
            for extents in shown
        ]
    return sorted(found, key=resource_order, reverse=True)


def described(storage: Storage, query: CatalogueQuery, found: Sequence[Sighting]) -> list[Resource]:
    """The resources that were seen, in the same order; without those that are gone since."""
    return [
        Resource(
            id=one.id,
            source=one.owner.source,
            project_id=one.project_id,
            user_id=one.user_id,
            metadata=one.owner.metadata,
            first_sample_at=one.first_sample_at,
            last_sample_at=one.last_sample_at,
            meters=one.meters,
        )
        for one in _with_metadata(storage, query, found)
        if isinstance(one.owner, Series)
    ]


def resources(storage: Storage, query: CatalogueQuery) -> list[Resource]:
    """All that were seen, described."""
    return described(storage, query, seen(storage, query))


def meters(storage: Storage, query: CatalogueQuery) -> Iterator[Meter]:
    """One for each (resource, name, type, unit), in that order.

    Lazy: who reads a page asks the store for about as much.
    """
    of_resources = _of_resources(query.filter)
    found = _by_resource(storage, query, of_resources, EVER, lazily=True, last_only=True)
    owned: Iterable[tuple[Subject, list[Extent]]]
    if asks_metadata(query.filter):
        owned = _with_described_owners(storage, query, found)
    else:
        owned = ((newest(extents), extents) for extents in found)
    for owner, extents in owned:
        for name, type_, unit in sorted(_meters_of(extents)):
            if query.filter == EVERYTHING or matches_subject(
                query.filter, _renamed(owner, name, type_, unit)
            ):
                yield _meter(owner, name, type_, unit)


def newest(extents: Iterable[Extent]) -> Subject:
    """The series or track of the newest sample; of equally new ones always the same."""
    newest_extent = max(extents, key=lambda extent: (extent.last_sample_at, extent.subject.digest))
    return newest_extent.subject


def resource_order(resource: Resource | Sighting) -> tuple[bool, str, bool, str, datetime, str]:
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
    by_series: bool = False,
    **how: bool,
) -> Iterator[list[Extent]]:
    """The extents that match, a list for each resource, by id; how as in `ExtentQuery`."""
    asked = ExtentQuery(
        scope=query.scope,
        filter=filter_,
        range=range_,
        as_of=query.as_of,
        by_series=by_series,
        **how,
    )
    for _, members in groupby(storage.extents(asked), key=attrgetter("subject.resource_id")):
        yield list(members)


def _of_resources(filter_: Filter) -> Filter:
    """As much of the filter as holds for every sample of a resource that it matches."""
    match filter_:
        case Comparison(Field("resource_id")):
            return filter_
        case AllOf(parts):
            return AllOf(tuple(map(_of_resources, parts)))
    return EVERYTHING


def _sighting(shown: list[Extent], whole: list[Extent]) -> Sighting:
    return Sighting(
        owner=newest(shown),
        first_sample_at=min(extent.first_sample_at for extent in shown),
        last_sample_at=max(extent.last_sample_at for extent in shown),
        meters=tuple(name for name, _, _ in sorted(_meters_of(whole))),
    )


def _with_metadata(
    storage: Storage, query: CatalogueQuery, found: Iterable[Sighting]
) -> Iterator[Sighting]:
    """The resources with the metadata of their newest samples; without those that are gone."""
    seen = list(found)
    places = {Place(one.owner, one.last_sample_at) for one in seen if isinstance(one.owner, Track)}
    newest_at: dict[Place, Series] = {}
    for sample in storage.samples_at(places) if places else ():
        if query.as_of is None or sample.recorded_at <= query.as_of:
            place = Place(sample.series.track, sample.timestamp)
            known = newest_at.get(place, sample.series)
            newest_at[place] = max(known, sample.series, key=attrgetter("digest"))
    for one in seen:
        if isinstance(one.owner, Series):
            yield one
        elif Place(one.owner, one.last_sample_at) in newest_at:
            yield structs.replace(one, owner=newest_at[Place(one.owner, one.last_sample_at)])


def _with_described_owners(
    storage: Storage, query: CatalogueQuery, found: Iterable[list[Extent]]
) -> Iterator[tuple[Subject, list[Extent]]]:
    """The newest series of each resource, with its extents."""
    for some in chunks(found, _RESOURCES_AT_ONCE):
        extents_of = {extents[0].subject.resource_id: extents for extents in some}
        sightings = (_sighting(extents, extents) for extents in some)
        for one in _with_metadata(storage, query, sightings):
            yield one.owner, extents_of[one.id]


def _meters_of(extents: Iterable[Extent]) -> set[tuple[str, MeterType, str]]:
    return {(one.subject.meter, one.subject.type, one.subject.unit) for one in extents}


def _renamed(owner: Subject, meter: str, type_: MeterType, unit: str) -> Subject:
    """The owner, of another meter."""
    if isinstance(owner, Series):
        return Series(replace(owner.track, meter=meter, type=type_, unit=unit), owner.metadata)
    return replace(owner, meter=meter, type=type_, unit=unit)


def _meter(owner: Subject, name: str, type_: MeterType, unit: str) -> Meter:
    return Meter(
        name=name,
        type=type_,
        unit=unit,
        resource_id=owner.resource_id,
        source=owner.source,
        project_id=owner.project_id,
        user_id=owner.user_id,
    )
