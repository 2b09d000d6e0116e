"""A seed for each test, which is printed when it fails, and stores to test with."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.processes import manage
from e2e.stores import fresh_database
from faults.size import new_seed, report
from mongod import ReplicaSet


@pytest.fixture
def seed() -> int:
    """What everything random in the test follows from."""
    number = new_seed()
    report("to repeat it", f"METERING_FAULTS_SEED={number}")
    return number


@pytest.fixture(scope="session")
def one_member() -> Iterator[ReplicaSet]:
    """A replica set of one member, which tests leave running."""
    with ReplicaSet() as servers:
        yield servers


@pytest.fixture(scope="session")
def three_members() -> Iterator[ReplicaSet]:
    """A replica set of three, with an election timeout of 2 s; left whole by tests."""
    # A member undoes what came after its last checkpoint in a time that grows with the square of
    # how often a document was changed since: by default, one a minute, that took up to 3 minutes.
    often = {"syncdelay": "2"}
    with ReplicaSet(3, election_timeout_ms=2000, parameters=often) as servers:
        yield servers


@pytest.fixture(params=["mongodb", "sqlite"])
def url(request: pytest.FixtureRequest) -> str:
    """A fresh store of each kind, prepared."""
    if request.param == "mongodb":
        return fresh_database(request.getfixturevalue("one_member"))
    return str(request.getfixturevalue("sqlite_url"))


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A fresh file, prepared."""
    url = f"sqlite:///{tmp_path / 'metering.db'}"
    assert manage(url, "prepare").returncode == 0
    return url
