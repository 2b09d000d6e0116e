"""What samples can be filtered and grouped by, and who they are of, as it follows from extents.

Only samples in scope exist. Values are texts, as the groups of statistics have them.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from metering.grouping import text_of
from metering.model import Extent, Series, Subject
from metering.query import (
    FIELDS,
    MAX_PATH_LENGTH,
    ExtentQuery,
    Field,
    Kind,
    asks_metadata,
    metadata_field,
)
from metering.storage.base import Storage


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """Somebody or something, and the timestamps of its first and last sample, both inclusive."""

    id: str
    first_sample_at: datetime
    last_sample_at: datetime


def dimensions(storage: Storage, query: ExtentQuery) -> list[str]:
    """The fields of series, and each path in the metadata of these that leads to a value; by name.

    A path that is too long to be asked for is left out.
    """
    found = storage.extents(replace(query, last_only=True))
    described = {one.subject.metadata for one in found if isinstance(one.subject, Series)}
    paths = {path for metadata in described for path in metadata.paths}
    of_metadata = (metadata_field(one).name for one in paths if 0 < len(one) <= MAX_PATH_LENGTH)
    return sorted([*(name for name, field in FIELDS.items() if field.of_series), *of_metadata])


def values(storage: Storage, query: ExtentQuery, dimension: Field) -> list[str | None]:
    """The values of a field of series, each once: null first if some have none, then by text."""
    by_series = asks_metadata(query.filter, [dimension])
    extents = storage.extents(replace(query, last_only=True, by_series=by_series))
    found: Iterable[Subject] = (extent.subject for extent in extents)
    if dimension.kind is Kind.METADATA:  # each description is read once
        found = {one.metadata: one for one in found if isinstance(one, Series)}.values()
    texts = {text_of(series, dimension) for series in found}
    return sorted(texts, key=value_order)


def value_order(value: str | None) -> tuple[bool, str]:
    """By which values are sorted, ascending."""
    return value is not None, value or ""


def presences(storage: Storage, query: ExtentQuery, field: Field) -> list[Presence]:
    """Between which samples each value of a field of series was seen, by value; null is none."""
    found: dict[str | None, list[Extent]] = defaultdict(list)
    for extent in storage.extents(replace(query, by_series=asks_metadata(query.filter))):
        found[getattr(extent.subject, field.name)].append(extent)
    return [
        Presence(
            id=one,
            first_sample_at=min(extent.first_sample_at for extent in found[one]),
            last_sample_at=max(extent.last_sample_at for extent in found[one]),
        )
        for one in sorted(one for one in found if one is not None)
    ]
