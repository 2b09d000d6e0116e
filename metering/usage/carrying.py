"""What a stream carries into a range: the last values of metadata that its description lacks."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from decimal import Decimal

from metering.grouping import Group, text_of
from metering.model import Extent, Place, Stream, Subject
from metering.query import ExtentQuery, Field, Kind, StreamQuery
from metering.storage.base import Storage
from metering.times import Range

_ZERO = Decimal(0)


def carried_into(
    storage: Storage, query: StreamQuery, fields: tuple[Field, ...], streams: Collection[Stream]
) -> Mapping[Stream, Group]:
    """The last values that streams of the question had before its range, of metadata fields.

    Only what is in scope counts, and no more than the streams are told of.
    """
    asked = ExtentQuery(
        scope=query.scope,
        filter=query.filter,
        range=Range(None, query.range.start),
        last_only=True,
    )
    latest: dict[tuple[Stream, Field], list[Extent]] = defaultdict(list)
    for extent in storage.extents(asked):
        stream = extent.subject.stream
        if stream not in streams:
            continue
        for field in fields:
            if field.kind is Kind.METADATA and text_of(extent.subject, field) is not None:
                _add(latest[stream, field], extent)
    volumes = _volumes(storage, latest.values())
    values: dict[Stream, Group] = {}
    for stream in streams:
        found = [latest.get((stream, field)) for field in fields]
        values[stream] = tuple(
            text_of(_last(extents, volumes), field) if extents else None
            for field, extents in zip(fields, found, strict=True)
        )
    return values


def _add(latest: list[Extent], extent: Extent) -> None:
    """Keep the extents that end last; several may end together."""
    if latest and extent.last_sample_at > latest[0].last_sample_at:
        latest.clear()
    if not latest or extent.last_sample_at == latest[0].last_sample_at:
        latest.append(extent)


def _volumes(storage: Storage, latest: Collection[Collection[Extent]]) -> Mapping[Subject, Decimal]:
    """The last volume of each series that ends together with another: it says which is last."""
    tied = {
        Place(one.subject, one.last_sample_at)
        for extents in latest
        if len(extents) > 1
        for one in extents
    }
    volumes: dict[Subject, Decimal] = {}
    for sample in storage.samples_at(tied) if tied else ():
        volumes[sample.series] = max(volumes.get(sample.series, sample.volume), sample.volume)
    return volumes


def _last(extents: Collection[Extent], volumes: Mapping[Subject, Decimal]) -> Subject:
    """The last of extents that end together, in the order of readings."""
    return max(
        (one.subject for one in extents),
        key=lambda series: (volumes.get(series, _ZERO), series.digest),
    )
