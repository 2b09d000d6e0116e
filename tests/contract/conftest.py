"""Stores for the contract suite: one parameter per driver, and a fresh store for each test.

A driver from elsewhere is checked with `pytest tests/contract --storage-url URL`, a class that is
not installed as one with `--storage-class package.module:Class`. Nothing is ever skipped because
a server is missing: `mongod` fails with a sentence that says what to install.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from shutil import disk_usage

import pytest
from contract.stores import Choice, Driver, choices, named
from mongod import ReplicaSet

from metering.storage.base import Storage

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a directory of its own is made in it
ROOM_BYTES = 4 * 1024**3


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker of tests that memory cannot pass, for it keeps nothing."""
    config.addinivalue_line("markers", "durable: the store must outlive its connection")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test that asks for a store, directly or not, once for each driver."""
    if "driver" in metafunc.fixturenames:
        option = metafunc.config.getoption
        chosen = choices(option("--storage-url"), option("--storage-class"))
        if metafunc.definition.get_closest_marker("durable"):
            chosen = [choice for choice in chosen if choice.is_durable]
        names = [choice.name for choice in chosen]
        metafunc.parametrize("driver", chosen, ids=names, indirect=True, scope="session")


@pytest.fixture(scope="session")
def replica_set() -> Iterator[ReplicaSet]:
    """A replica set of one member, in memory where there is room: a store for each test is much."""
    with pytest.MonkeyPatch.context() as patch:
        if SHARED_MEMORY.is_dir() and disk_usage(SHARED_MEMORY).free > ROOM_BYTES:
            patch.setattr(tempfile, "tempdir", str(SHARED_MEMORY))
        servers = ReplicaSet()
        servers.__enter__()
    yield servers
    servers.stop()


@pytest.fixture(scope="session")
def driver(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Driver:
    """The driver that the suite is about at the moment."""
    choice: Choice = request.param
    if choice.url is not None:
        return Driver(choice, lambda name: named(str(choice.url), name))
    if choice.scheme == "mongodb":
        return Driver(choice, request.getfixturevalue("replica_set").url)
    if choice.scheme == "sqlite":
        folder = tmp_path_factory.mktemp("sqlite")
        return Driver(choice, lambda name: f"sqlite:///{folder}/{name}.db")
    return Driver(choice, lambda _: f"{choice.scheme}://")


@pytest.fixture
def storage(driver: Driver) -> Iterator[Storage]:
    """A fresh store, prepared."""
    with driver.fresh() as store:
        yield store


@pytest.fixture
def unreachable(driver: Driver, tmp_path: Path) -> Iterator[Storage]:
    """A store that is not there."""
    blocked = tmp_path / "file"
    blocked.touch()
    urls = {"sqlite": f"sqlite:///{blocked}/below.db"}
    scheme = driver.choice.scheme
    store = driver.open(urls.get(scheme, f"{scheme}://127.0.0.1:1/none"), timeout_seconds=1)
    yield store
    store.close()
