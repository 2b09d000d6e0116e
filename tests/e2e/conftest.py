"""Stores for real servers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.stores import fresh_database
from mongod import ReplicaSet


@pytest.fixture(scope="session")
def replica_set() -> Iterator[ReplicaSet]:
    """A replica set of one member, for tests that leave it as it is."""
    with ReplicaSet() as servers:
        yield servers


@pytest.fixture
def mongodb_url(replica_set: ReplicaSet) -> str:
    """A database of its own."""
    return fresh_database(replica_set)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A file that is not there yet."""
    return f"sqlite:///{tmp_path / 'metering.db'}"
