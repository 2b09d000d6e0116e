"""The database itself: what `prepare` creates, and what `check` finds wrong."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import pymongo
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError, OperationFailure

from metering.errors import Misconfigured, NotPrepared
from metering.storage.mongodb import faults, indexes
from metering.storage.mongodb.connection import Connection
from metering.storage.mongodb.mapping import Document

SCHEMA_VERSION = 1
_SCHEMA = "schema"
_PING_SECONDS = 3
_CHECK_SECONDS = 10
_INDEX_CONFLICTS = (85, 86)
_UNAUTHORIZED = 13
_NEVER_PREPARED = "the database has no schema version"


def _compressed(by: str) -> dict[str, Any]:
    return {"storageEngine": {"wiredTiger": {"configString": f"block_compressor={by}"}}}


# On disk, four fifths of MongoDB's own choice for documents, and two thirds for indexes, which it
# leaves as they are. Documents are added at one end, so zstd is cheap; a key somewhere in an index
# has a page compressed again, which by zstd costs more than all the rest of a sample.
_COMPRESSED = {**_compressed("zstd"), "indexOptionDefaults": _compressed("snappy")}


def ping(connection: Connection) -> None:
    """Return if the server answers within seconds.

    Raises:
        StorageUnavailable: it does not.
    """
    with faults.of_order(), pymongo.timeout(_PING_SECONDS):
        connection.client.admin.command("ping")


def require(connection: Connection) -> None:
    """Return if the server answers within seconds, and has this release's schema.

    Raises:
        NotPrepared: it was never prepared.
        Misconfigured: a newer version made the database.
        StorageUnavailable: it does not answer.
    """
    with faults.of_order(), pymongo.timeout(_PING_SECONDS):
        version = _schema_version(connection)
    if version is None:
        raise NotPrepared(f"{_NEVER_PREPARED}: run metering-manage prepare")
    _require_known(version)


def prepare(connection: Connection) -> None:
    """Create what is missing. Several processes may do so at once.

    Raises:
        Misconfigured: a newer version made the database, or an index is there with other options.
        StorageUnavailable: it cannot be reached.
    """
    ping(connection)
    with faults.of_order():
        _require_known(_schema_version(connection))
        for name in indexes.COLLECTIONS:
            collection = connection.database[name]
            _create(collection)
            models = indexes.models(name)
            try:
                if models:
                    collection.create_indexes(models)
            except OperationFailure as error:
                if error.code not in _INDEX_CONFLICTS:
                    raise
                message = f"an index of {name} has other options than ours: drop it"
                raise Misconfigured(message) from error
        document = {"_id": _SCHEMA, "version": SCHEMA_VERSION}
        try:
            connection.meta.insert_many([document], ordered=False)
        except BulkWriteError as error:
            faults.require_taken(error.details)


def _create(collection: Collection[Document]) -> None:
    """Create the collection with stronger compression, unless it is there or the server cannot.

    Then it stays as it is, or is created with its indexes: nothing but its size differs.
    """
    with suppress(OperationFailure):
        collection.database.create_collection(collection.name, check_exists=False, **_COMPRESSED)


def check(connection: Connection) -> list[str]:
    """What is wrong, a sentence each.

    Raises:
        StorageUnavailable: the server cannot be reached.
    """
    ping(connection)
    with faults.of_order(), pymongo.timeout(_CHECK_SECONDS):
        hello = connection.client.admin.command("hello")
        return [
            *wrong_with_server(hello, _replica_set_config(connection, hello)),
            *_wrong_with_schema(connection),
            *(
                sentence
                for name in indexes.COLLECTIONS
                for sentence in indexes.missing(name, connection.database[name].list_indexes())
            ),
        ]


def wrong_with_server(hello: Mapping[str, Any], config: Mapping[str, Any] | None) -> Iterator[str]:
    """What the server's own description and its set's configuration (None: not shown) reveal."""
    if hello.get("msg") == "isdbgrid":
        return
    if "setName" not in hello:
        yield (
            "MongoDB runs as a standalone server, where nothing is atomic across samples: "
            "make it a replica set (one member will do)"
        )
        return
    if hello.get("arbiters"):
        yield (
            "the replica set has an arbiter: when one of its data members fails, no write is "
            "confirmed; use a third data member instead"
        )
    if config is None:
        yield (
            "the replica set's configuration is not shown to this user, so whether a majority "
            "means journaled is not known: grant it the role clusterMonitor"
        )
    elif not config.get("writeConcernMajorityJournalDefault", True):
        yield (
            "the replica set has writeConcernMajorityJournalDefault false: what is read at "
            "majority can be lost in a power failure"
        )


def _replica_set_config(
    connection: Connection, hello: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    if "setName" not in hello:
        return None
    try:
        reply = connection.client.admin.command("replSetGetConfig")
    except OperationFailure as error:
        if error.code != _UNAUTHORIZED:
            raise
        return None
    config: Mapping[str, Any] = reply["config"]
    return config


def _wrong_with_schema(connection: Connection) -> Iterator[str]:
    version = _schema_version(connection)
    if version is None:
        yield f"{_NEVER_PREPARED}: run metering-manage prepare"
    elif version > SCHEMA_VERSION:
        yield _newer_schema(version)


def _schema_version(connection: Connection) -> int | None:
    document = connection.committed(lambda: connection.meta.find_one({"_id": _SCHEMA}))
    return int(document["version"]) if document else None


def _require_known(version: int | None) -> None:
    if version is not None and version > SCHEMA_VERSION:
        raise Misconfigured(_newer_schema(version))


def _newer_schema(version: int) -> str:
    return (
        f"the database has schema version {version}, made by a newer version of this software; "
        f"this one knows {SCHEMA_VERSION}: upgrade it"
    )
