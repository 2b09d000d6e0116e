"""Which index serves which question: `prepare` applies the table, `check` compares with it.

Answers do not depend on indexes, only their cost does. No index is unique but `_id`, and none
deletes: a TTL index on the time of an event would take samples that came late.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pymongo import ASCENDING, IndexModel

from metering.storage.mongodb.names import RANK, TRACK, VOLUME

_CHANGES_WHAT_IS_INDEXED = ("hidden", "sparse", "partialFilterExpression", "collation")


@dataclass(frozen=True, slots=True)
class Index:
    """An index on fields of a collection, ascending, and the question that needs it."""

    collection: str
    fields: tuple[str, ...]
    question: str

    @property
    def keys(self) -> list[tuple[str, int]]:
        """The fields and directions, as pymongo wants them for sorting and hints too."""
        return [(field, ASCENDING) for field in self.fields]

    @property
    def name(self) -> str:
        """The name in the database."""
        return "_".join(self.fields)

    @property
    def model(self) -> IndexModel:
        """What creates it."""
        return IndexModel(self.keys, name=self.name)


# The volume is there so that readings are answered from the index alone.
BY_TRACK = Index(
    "samples",
    (TRACK, RANK, VOLUME),
    "readings, extents and pages of samples of some tracks",
)
BY_TIME = Index("samples", (RANK,), "pages of samples of very many tracks")

BY_ROLLUP = Index("tracks", ("rollup",), "tracks by rollup")
BY_RESOURCE = Index("tracks", ("resource_id",), "tracks by resource")

# What is struck comes before the block: nobody reads a block that is older than the strikes.
BLOCKS = Index("blocks", ("of", "month", "is_block"), "blocks of some tracks or rollups")
STRUCK = Index("blocks", ("struck",), "what is to be sealed again")

TABLE = (
    BY_TRACK,
    BY_TIME,
    BLOCKS,
    STRUCK,
    Index("tracks", ("meter", "project_id"), "tracks by meter, and project"),
    Index("tracks", ("project_id",), "tracks by project"),
    BY_RESOURCE,
    BY_ROLLUP,
    Index("rollups", ("meter", "project_id"), "rollups by meter, and project"),
)

# All that grow; descriptions and hours have no index but that of their keys.
COLLECTIONS = ("descriptions", "hours", *dict.fromkeys(index.collection for index in TABLE))


def models(collection: str) -> list[IndexModel]:
    """What creates the indexes of a collection."""
    return [index.model for index in TABLE if index.collection == collection]


def missing(collection: str, existing: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A sentence for each index that is not among those that the collection has."""
    usable = [
        list(index["key"].items())
        for index in existing
        if not any(index.get(option) for option in _CHANGES_WHAT_IS_INDEXED)
    ]
    for index in TABLE:
        if index.collection == collection and index.keys not in usable:
            yield (
                f"the index {index.name} of the collection {collection} is missing, "
                f"which serves {index.question}: run metering-manage prepare"
            )
