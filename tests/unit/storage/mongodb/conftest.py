"""Real servers, and a fresh database for each test."""

import secrets
from collections.abc import Iterator

import pytest
from mongod import ReplicaSet, Standalone
from pymongo.database import Database

from metering.storage.mongodb import MongoStorage
from metering.storage.mongodb.connection import Connection


@pytest.fixture(scope="session")
def replica_set() -> Iterator[ReplicaSet]:
    """A replica set of one member, for all tests."""
    with ReplicaSet() as servers:
        yield servers


@pytest.fixture(scope="session")
def standalone() -> Iterator[Standalone]:
    """A server that is not a replica set, for all tests."""
    with Standalone() as server:
        yield server


@pytest.fixture
def url(replica_set: ReplicaSet) -> str:
    """The URL of a database that no other test uses."""
    return replica_set.url(f"unit_{secrets.token_hex(6)}")


@pytest.fixture
def storage(url: str) -> Iterator[MongoStorage]:
    """A prepared store, dropped in the end."""
    store = MongoStorage.open(url, timeout_seconds=20)
    store.prepare()
    yield store
    back_door(store).client.drop_database(back_door(store).name)
    store.close()


@pytest.fixture
def connection(storage: MongoStorage) -> Connection:
    """The connection of the store, to look at what it wrote."""
    return storage.tables._connection


def back_door(storage: MongoStorage) -> Database[dict[str, object]]:
    """The database of a store."""
    return storage.tables._connection.database
