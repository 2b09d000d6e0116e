"""/healthz/live and /healthz/ready: for load balancers, which send no token."""

import threading
import time
from collections.abc import Iterator

import pytest
from api.client import Client, assert_fault
from api.conftest import Serve

from metering.api.app import make_app
from metering.api.operation import health
from metering.api.operation.health import Readiness
from metering.config import load
from metering.errors import Misconfigured, NotPrepared, StorageUnavailable
from metering.storage.memory import MemoryStorage

FROM_AFAR = {"REMOTE_ADDR": "10.0.0.1"}


class Asked(MemoryStorage):
    """A store that counts how often it is asked, and answers as it is told."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.error = error
        self.pings = 0

    def ping(self) -> None:
        """Count, and fail if told so."""
        self.pings += 1
        if self.error:
            raise self.error


class Frozen(Asked):
    """A store that does not answer until it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.goes_on = threading.Event()

    def ping(self) -> None:
        """Wait."""
        super().ping()
        assert self.goes_on.wait(30)


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Frozen]:
    """A store that is frozen, and looks that are given up after 0.2 s."""
    monkeypatch.setattr(health, "_PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(health, "_FRESH_SECONDS", 0.2)
    store = Frozen()
    yield store
    store.goes_on.set()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/healthz/live", "/healthz/ready"])
def test_everybody_may_ask(proxied: Client, method: str, path: str) -> None:
    """Without identity, and from anywhere, the answer is 200."""
    response = proxied.request(method, path, environ=FROM_AFAR)

    assert (200, "application/json") == (response.status_int, response.content_type)


def test_words(client: Client) -> None:
    """The body says it in a word."""
    words = [client.rows(path) for path in ("/healthz/live", "/healthz/ready")]

    assert [{"status": "live"}, {"status": "ready"}] == words


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (StorageUnavailable("no answer from db-1.example.org"), "storage_unavailable"),
        (NotPrepared("the database has no schema version"), "not_prepared"),
        (Misconfigured("schema version 7"), "misconfigured"),
        (KeyError("a fault of the driver"), "storage_unavailable"),
    ],
)
def test_reason_is_a_word(serve: Serve, error: Exception, word: str) -> None:
    """What is wrong with the store is said in the one shape of errors, and nothing internal."""
    client = serve(Asked(error))

    response = client.get("/healthz/ready")

    assert_fault(response, 503)
    assert word == response.json["error_message"]["faultstring"]
    assert 503 == client.request("HEAD", "/healthz/ready").status_int


def test_live_asks_no_store(serve: Serve) -> None:
    """A process whose store is away lives: a restart would not help."""
    store = Asked(StorageUnavailable("away"))

    assert {"status": "live"} == serve(store).rows("/healthz/live")
    assert 0 == store.pings


def test_stopping_is_told_before_the_end() -> None:
    """As soon as the service stops it is not ready, though it answers."""
    stopping = threading.Event()
    application = make_app(load(), MemoryStorage(), stopping)
    client = Client(application, {})
    stopping.set()

    assert_fault(client.get("/healthz/ready"), 503, "stopping")
    assert {"status": "live"} == client.rows("/healthz/live")


def test_the_store_is_asked_once_a_second(serve: Serve) -> None:
    """However often load balancers ask."""
    store = Asked()
    client = serve(store)

    assert {200} == {client.get("/healthz/ready").status_int for _ in range(20)}
    assert 1 == store.pings


def test_a_frozen_store_costs_a_thread_and_no_more(frozen: Frozen) -> None:
    """While a look hangs nobody begins another, and after the first nobody waits."""
    readiness = Readiness(frozen, threading.Event())
    before = set(threading.enumerate())

    begin = time.monotonic()
    words = {readiness.reason() for _ in range(50)}

    assert {"storage_unavailable"} == words
    assert time.monotonic() - begin < 2
    # Threads of others may end meanwhile.
    assert (1, 1) == (frozen.pings, len(set(threading.enumerate()) - before))


def test_a_store_that_goes_on_is_seen(frozen: Frozen, caplog: pytest.LogCaptureFixture) -> None:
    """It is ready again as soon as a look finds it; the log has both changes, once."""
    caplog.set_level("INFO")
    readiness = Readiness(frozen, threading.Event())
    frozen.error = StorageUnavailable("away")
    frozen.goes_on.set()
    first = [readiness.reason() for _ in range(2)]
    frozen.error = None
    deadline = time.monotonic() + 10
    while readiness.reason() is not None:
        assert time.monotonic() < deadline
        time.sleep(0.05)

    assert ["storage_unavailable"] * 2 == first
    assert ["the store cannot be used: away", "the store answers"] == [
        record.getMessage() for record in caplog.records
    ]
