"""Plain documents in MongoDB, by pymongo alone."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

import msgspec
from bson.codec_options import CodecOptions, UuidRepresentation
from pymongo import ASCENDING, DESCENDING, MongoClient
from pymongo.collection import Collection
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from bench.data import END, METER, PROJECT, START, Usage
from bench.plain import INDEXES, OF_RESOURCE, OF_RESOURCES, OF_SIZES, OF_STATISTICS, OF_USAGE, Size
from bench.plain.reckoning import Quantities, usage

_DURABLE = WriteConcern(w="majority", j=True)
_MAJORITY = ReadConcern("majority")
_CODEC = CodecOptions(uuid_representation=UuidRepresentation.STANDARD)
_DOCUMENTS_AT_ONCE = 10_000
_MONTH = {"$gte": START, "$lt": END}
_FIGURES = {
    "count": {"$sum": 1},
    "sum": {"$sum": "$counter_volume"},
    "min": {"$min": "$counter_volume"},
    "max": {"$max": "$counter_volume"},
    "avg": {"$avg": "$counter_volume"},
    "first": {"$min": "$timestamp"},
    "last": {"$max": "$timestamp"},
}


class PlainDocuments:
    """Documents like Ceilometer's, their ids in 16 bytes."""

    def __init__(self, url: str) -> None:
        """Take the URL of a database that is theirs alone."""
        self._url = url
        self._samples = self._connect()

    def prepare(self) -> None:
        """See `Plain.prepare`."""
        for fields in INDEXES:
            self._samples.create_index(_keys(fields))

    def writer(self, batches: Sequence[Sequence[Usage]]) -> Callable[[], None]:
        """See `Plain.writer`."""
        samples = self._connect()
        samples.database.command("ping")
        now = datetime.now(UTC)
        ready = [[_document(one, now) for one in batch] for batch in batches]

        def write() -> None:
            for documents in ready:
                samples.insert_many(documents, ordered=False)

        return write

    @contextmanager
    def indexed(self, *fields: str) -> Iterator[None]:
        """See `Plain.indexed`."""
        name = self._samples.create_index(_keys(fields))
        yield
        self._samples.drop_index(name)

    def month_of_project(self) -> object:
        """See `Plain.month_of_project`: from an index alone."""
        match = {"project_id": PROJECT, "counter_name": METER, "timestamp": _MONTH}
        return self._grouped(match, None, OF_STATISTICS)

    def usage_of_project(self) -> Quantities:
        """See `Plain.usage_of_project`: a cursor over an index alone."""
        wanted = dict.fromkeys(OF_USAGE[1:], True)
        cursor = self._samples.find(
            {"project_id": PROJECT, "timestamp": _MONTH}, {"_id": False, **wanted}
        )
        fields = itemgetter(*OF_USAGE[1:-2])
        ordered = cursor.sort(_keys(OF_USAGE)).hint(_keys(OF_USAGE)).batch_size(_DOCUMENTS_AT_ONCE)
        return usage(
            (*fields(one), one["timestamp"].replace(tzinfo=UTC).timestamp(), one["counter_volume"])
            for one in ordered
        )

    def month_by_resource(self) -> object:
        """See `Plain.month_by_resource`: from an index alone."""
        match = {"counter_name": METER, "timestamp": _MONTH}
        return self._grouped(match, "$resource_id", OF_RESOURCES)

    def month_by_size(self) -> object:
        """See `Plain.month_by_size`: from an index alone."""
        match = {"counter_name": METER, "timestamp": _MONTH}
        return self._grouped(match, f"${OF_SIZES[1]}", OF_SIZES)

    def resources(self, limit: int) -> list:
        """See `Plain.resources`: two skips through an index, which read a key for each resource."""
        ends = [
            list(
                self._samples.aggregate(
                    [
                        {"$sort": {"resource_id": way, "timestamp": way}},
                        {"$group": {"_id": "$resource_id", "end": {"$first": what}}},
                    ],
                    hint=dict(_keys(OF_RESOURCE)),
                )
            )
            for way, what in ((ASCENDING, "$timestamp"), (DESCENDING, "$$ROOT"))
        ]
        first = {one["_id"]: one["end"] for one in ends[0]}
        newest = sorted(ends[1], key=lambda one: one["end"]["timestamp"], reverse=True)
        return [(one["end"], first[one["_id"]]) for one in newest[:limit]]

    def grouped_resources(self, limit: int) -> list:
        """See `Plain.grouped_resources`: what one writes who does not know of the skips."""
        ends = {"first": {"$min": "$timestamp"}, "last": {"$max": "$timestamp"}}
        stages = [
            {"$group": {"_id": "$resource_id", **ends}},
            {"$sort": {"last": -1}},
            {"$limit": limit},
        ]
        return list(self._samples.aggregate(stages, hint=dict(_keys(OF_RESOURCE))))

    def meters(self, limit: int) -> list:
        """See `Plain.meters`: a group over an index alone."""
        names = ("resource_id", "counter_name", "counter_type", "counter_unit")
        group = {"_id": {name: f"${name}" for name in names}}
        stages = [{"$group": group}, {"$sort": {"_id": 1}}, {"$limit": limit}]
        return list(self._samples.aggregate(stages, hint=dict(_keys(names))))

    def newest(self, limit: int) -> bytes:
        """See `Plain.newest`."""
        cursor = self._samples.find().sort("timestamp", DESCENDING).limit(limit)
        # BSON's 64-bit integers come as a class of their own, which is left to the hook.
        return msgspec.json.encode(list(cursor), enc_hook=int)

    def size(self) -> Size:
        """See `Plain.size`."""
        return size(self._samples.database.client, self._samples.database.name)

    def _grouped(self, match: dict, by: str | None, index: tuple[str, ...]) -> list:
        stages = [{"$match": match}, {"$group": {"_id": by, **_FIGURES}}]
        return list(self._samples.aggregate(stages, hint=dict(_keys(index))))

    def _connect(self) -> Collection[Any]:
        database = MongoClient(self._url).get_default_database()
        return database.get_collection("plain", _CODEC, None, _DURABLE, _MAJORITY)


def size(client: MongoClient, database: str) -> Size:
    """What a database has in use, after it was written; indexes have no other form than on disk."""
    client.admin.command("fsync")
    found = client[database].command("dbStats", freeStorage=1)
    on_disk = found["totalSize"] - found["totalFreeStorageSize"]
    return Size(int(on_disk), int(found["dataSize"] + found["indexSize"]))


def _keys(fields: Sequence[str]) -> list[tuple[str, int]]:
    return [(field, ASCENDING) for field in fields]


def _document(one: Usage, now: datetime) -> dict[str, Any]:
    document = {"_id": UUID(one["message_id"]), **one}
    del document["message_id"]
    document["timestamp"] = datetime.fromisoformat(one["timestamp"]).replace(tzinfo=UTC)
    document["recorded_at"] = now
    return document
