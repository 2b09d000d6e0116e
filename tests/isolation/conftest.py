"""Stores of every driver, callers that are known in every way, and a clock that stands still."""

from collections.abc import Iterator

import pytest
from contract.stores import BUILT_IN, Choice, Driver
from isolation.fixed import fixed
from isolation.twins import Auth, Twins, by_headers, by_keys, opened
from mongod import ReplicaSet


@pytest.fixture(scope="session")
def replica_set() -> Iterator[ReplicaSet]:
    """A replica set of one member."""
    with ReplicaSet() as servers:
        yield servers


@pytest.fixture(scope="session", params=BUILT_IN)
def driver(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Driver:
    """A driver of each kind."""
    scheme = request.param
    if scheme == "mongodb":
        return Driver(Choice(scheme, scheme), request.getfixturevalue("replica_set").url)
    folder = tmp_path_factory.mktemp("stores")
    places = {"memory": "memory://", "sqlite": f"sqlite:///{folder}/{{}}.db"}
    return Driver(Choice(scheme, scheme), places[scheme].format)


@pytest.fixture(scope="session", params=[by_headers, by_keys])
def auth(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Auth:
    """A way in which callers are known."""
    made: Auth = request.param(tmp_path_factory.mktemp("auth"))
    return made


@pytest.fixture(scope="module", autouse=True)
def same_answers() -> Iterator[None]:
    """Answers are the same again."""
    with fixed():
        yield


@pytest.fixture(scope="module")
def twins(driver: Driver, auth: Auth) -> Iterator[Twins]:
    """Two stores for many questions."""
    with opened(auth, driver.fresh) as made:
        yield made
