"""The service in a process of its own, and the real clients that talk to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from clients.asking import record
from clients.ceilometer import Ceilometer
from clients.usage import USAGE
from clients.venvs import python_with
from e2e.processes import metering_api


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a service listens whose store begins empty; one for each file of tests."""
    folder = tmp_path_factory.mktemp("clients")
    with metering_api(folder, "--connection", f"sqlite:///{folder}/metering.db") as served:
        yield served.address


@pytest.fixture(scope="module")
def address_with_usage(address: str) -> str:
    """The same service, when it has recorded `usage.USAGE`."""
    record(address, USAGE)
    return address


@pytest.fixture(scope="session")
def client_python() -> Path:
    """The Python that has python-ceilometerclient."""
    return python_with("ceilometerclient")


@pytest.fixture(scope="session")
def agent_python() -> Path:
    """The Python that has the agents' publisher."""
    return python_with("agent")


@pytest.fixture(scope="session")
def client_process(client_python: Path) -> Iterator[Ceilometer]:
    """The client, of nobody's service yet."""
    with Ceilometer(client_python) as client:
        yield client


@pytest.fixture
def ceilometer(client_process: Ceilometer, address: str) -> Ceilometer:
    """The client, of the service with the empty store."""
    client_process.endpoint = f"http://{address}"
    return client_process


@pytest.fixture
def reader(ceilometer: Ceilometer, address_with_usage: str) -> Ceilometer:
    """The client, of the service that has recorded `usage.USAGE`."""
    return ceilometer
