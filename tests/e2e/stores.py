"""Stores for real servers, and what one holds, seen past the service: by a driver of its own."""

import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from e2e.processes import manage
from mongod import ReplicaSet
from pymongo import MongoClient

from metering.model import AllProjects
from metering.query import SampleQuery
from metering.storage import open_storage

_numbers = itertools.count()


def fresh_database(servers: ReplicaSet) -> str:
    """The URL of a database of its own, prepared as an operator does."""
    url = servers.url(f"e2e{next(_numbers)}")
    assert manage(url, "prepare").returncode == 0
    return url


def stored_ids(url: str) -> list[str]:
    """The id of every sample in the store, in order of the alphabet."""
    storage = open_storage(url, timeout_seconds=30)
    try:
        return sorted(one.id for one in storage.samples(SampleQuery(scope=AllProjects())))
    finally:
        storage.close()


@contextmanager
def held(url: str) -> Iterator[None]:
    """Meanwhile nobody writes to the store: requests that want to are in flight until the end."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
            database.execute("BEGIN IMMEDIATE")
            yield
    else:
        with MongoClient(url) as server:
            server.admin.command("fsync", lock=True)
            try:
                yield
            finally:
                server.admin.command("fsyncUnlock")
