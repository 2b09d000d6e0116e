"""Stores for real servers."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from e2e.processes import manage
from mongod import ReplicaSet

_numbers = itertools.count()


@pytest.fixture(scope="session")
def replica_set() -> Iterator[ReplicaSet]:
    """A replica set of one member, for tests that leave it as it is."""
    with ReplicaSet() as servers:
        yield servers


@pytest.fixture
def mongodb_url(replica_set: ReplicaSet) -> str:
    """A database of its own, prepared as an operator does."""
    url = replica_set.url(f"e2e{next(_numbers)}")
    assert manage(url, "prepare").returncode == 0
    return url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A file that is not there yet."""
    return f"sqlite:///{tmp_path / 'metering.db'}"


@pytest.fixture
def url_for(sqlite_url: str, request: pytest.FixtureRequest) -> Callable[[str], str]:
    """The store that one of SERVERS is tested on: MongoDB under uWSGI, SQLite for metering-api."""

    def url(kind: str) -> str:
        return str(request.getfixturevalue("mongodb_url")) if kind == "uwsgi" else sqlite_url

    return url
