"""What prepare creates, and what check finds wrong."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from mongod import Standalone
from pymongo.collection import Collection

from metering.errors import Misconfigured, NotPrepared, StorageUnavailable
from metering.storage.mongodb import MongoStorage
from metering.storage.mongodb.connection import Connection
from metering.storage.mongodb.deployment import wrong_with_server
from metering.storage.mongodb.indexes import BY_TIME
from metering.storage.mongodb.names import VOLUME

MEMBER = {"setName": "rs"}


@pytest.fixture
def unprepared(url: str) -> Iterator[MongoStorage]:
    """A store that nobody has prepared."""
    store = MongoStorage.open(url, timeout_seconds=20)
    yield store
    store.close()


def test_nothing_is_wrong_after_prepare(storage: MongoStorage) -> None:
    """A prepared replica set has no faults."""
    assert [] == storage.check()


def test_prepare_twice_changes_nothing(storage: MongoStorage) -> None:
    """A second prepare is allowed."""
    storage.prepare()

    assert [] == storage.check()


def test_several_may_prepare_at_once(url: str) -> None:
    """Processes that start together do not disturb each other."""
    stores = [MongoStorage.open(url, timeout_seconds=20) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(MongoStorage.prepare, stores))

    assert [] == stores[0].check()
    for store in stores:
        store.close()


def test_documents_and_indexes_are_compressed(
    storage: MongoStorage, connection: Connection
) -> None:
    """Those of all large collections, each by its own means."""
    large = connection.samples, connection.tracks, connection.descriptions
    for collection in (*large, connection.blocks, connection.hours):
        assert compressors(collection) == ("zstd", {"snappy"})


def test_a_collection_that_is_there_stays_as_it_is(unprepared: MongoStorage) -> None:
    """Somebody may have made it, or a restore: it serves, and nothing is wrong with it."""
    samples = unprepared.tables._connection.samples
    samples.create_index([(VOLUME, 1)])

    unprepared.prepare()

    assert [] == unprepared.check()
    assert compressors(samples) == ("snappy", {""})


def test_a_server_that_compresses_otherwise(unprepared: MongoStorage) -> None:
    """What it does not take is left out."""
    admin = unprepared.tables._connection.client.admin
    refused = {"failCommands": ["create"], "errorCode": 72}
    admin.command("configureFailPoint", "failCommand", mode={"times": 3}, data=refused)

    unprepared.prepare()

    assert [] == unprepared.check()
    assert compressors(unprepared.tables._connection.samples) == ("snappy", {""})


def compressors(collection: Collection[Any]) -> tuple[str, set[str]]:
    """What compresses the documents, and what the indexes."""
    statistics = collection.database.command("collStats", collection.name)
    by = re.compile(r"block_compressor=(\w*)")
    documents, *indexes = [
        by.findall(one["creationString"])[-1]
        for one in (statistics["wiredTiger"], *statistics["indexDetails"].values())
    ]
    return documents, set(indexes)


def test_an_unprepared_store_says_what_is_missing(unprepared: MongoStorage) -> None:
    """The schema version and nine indexes are missing."""
    faults = unprepared.check()

    assert 10 == len(faults)
    assert "the database has no schema version: run metering-manage prepare" == faults[0]


def test_a_dropped_index_is_found_missing(storage: MongoStorage, connection: Connection) -> None:
    """Check compares with what is there now."""
    connection.samples.drop_index(BY_TIME.name)

    (fault,) = storage.check()

    assert fault.startswith("the index r of the collection samples is missing")


def test_a_database_that_was_never_prepared(url: str) -> None:
    """The server answers, but it is told apart from a store that is ready."""
    store = MongoStorage.open(url, timeout_seconds=20)

    with pytest.raises(NotPrepared, match="run metering-manage prepare"):
        store.ping()

    store.close()


def test_a_newer_schema_is_left_alone(storage: MongoStorage, connection: Connection) -> None:
    """Check says so, prepare and ping refuse."""
    connection.meta.update_many({"_id": "schema"}, {"$set": {"version": 2}})
    fault = (
        "the database has schema version 2, made by a newer version of this software; "
        "this one knows 1: upgrade it"
    )

    assert [fault] == storage.check()
    with pytest.raises(Misconfigured, match="schema version 2"):
        storage.prepare()
    with pytest.raises(Misconfigured, match="schema version 2"):
        storage.ping()


def test_an_index_in_the_way_is_reported(url: str) -> None:
    """Prepare drops nothing that somebody else made."""
    store = MongoStorage.open(url, timeout_seconds=20)
    store.tables._connection.samples.create_index([(VOLUME, 1)], name=BY_TIME.name)

    with pytest.raises(Misconfigured, match="an index of samples has other options"):
        store.prepare()

    store.close()


def test_a_standalone_server_is_reported(standalone: Standalone) -> None:
    """Nothing is atomic across samples there."""
    store = MongoStorage.open(standalone.url("prepared"), timeout_seconds=20)
    store.prepare()

    (fault,) = store.check()

    assert fault.startswith("MongoDB runs as a standalone server")
    store.close()


@pytest.mark.parametrize(
    ("hello", "config", "words"),
    [
        ({}, None, "standalone"),
        (MEMBER | {"arbiters": ["a:1"]}, {}, "arbiter"),
        (MEMBER, {"writeConcernMajorityJournalDefault": False}, "JournalDefault false"),
        (MEMBER, None, "clusterMonitor"),
    ],
)
def test_a_bad_deployment_is_reported(
    hello: dict[str, Any], config: dict[str, Any] | None, words: str
) -> None:
    """Each fault has its sentence."""
    (fault,) = wrong_with_server(hello, config)

    assert words in fault


@pytest.mark.parametrize("hello", [MEMBER, {"msg": "isdbgrid"}])
def test_a_good_deployment_has_no_faults(hello: dict[str, Any]) -> None:
    """A replica set and a sharded cluster are fine."""
    assert [] == list(wrong_with_server(hello, {"writeConcernMajorityJournalDefault": True}))


@pytest.mark.parametrize("question", [MongoStorage.check, MongoStorage.ping, MongoStorage.prepare])
def test_an_unreachable_store_is_unavailable(question: Any) -> None:
    """Nobody listens on port 1."""
    store = MongoStorage.open("mongodb://127.0.0.1:1", timeout_seconds=20)

    with pytest.raises(StorageUnavailable, match="ServerSelectionTimeoutError"):
        question(store)

    store.close()
