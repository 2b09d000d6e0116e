"""The same application under a real uWSGI with our ini file."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.processes import configuration, manage, serving, until, uwsgi
from e2e.stores import fresh_database, stored_ids
from e2e.web import connect, count, exchange, get, post, sample
from mongod import ReplicaSet

BODY = b'[{"counter_name": "m", "counter_type": "gauge", "counter_unit": "u", '
BODY += b'"counter_volume": 1, "resource_id": "r", "message_id": "in-chunks"}]'
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
HEAD = b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
NO_APPLICATION = 22
SECONDS_BETWEEN_LOOKS_OF_THE_MASTER = 1
SECONDS_TO_STOP = 10


@pytest.fixture(scope="module")
def url(replica_set: ReplicaSet) -> str:
    """The store of these tests."""
    return fresh_database(replica_set)


@pytest.fixture(scope="module")
def address(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where uWSGI listens, which takes bodies of 100,000 bytes."""
    with serving("uwsgi", tmp_path_factory.mktemp("uwsgi"), url, max_body_bytes=100_000) as one:
        yield one.address


def test_it_stores_and_answers(address: str) -> None:
    """Samples are stored once and counted; the connection is closed, and says so."""
    first = post(address, [sample("s-1"), sample("s-2")])
    again = post(address, [sample("s-1"), sample("s-2")])

    assert [first.status, again.status] == [201, 201]
    assert count(address) == 2
    assert first.headers["Connection"] == "close"


@pytest.mark.parametrize("path", [b"/v2/meters/m", b"/v2/samples", b"/v2/query/samples"])
@pytest.mark.parametrize("length", [b"", b"Content-Length: 3\r\n"])
def test_a_chunked_body_is_refused(path: bytes, length: bytes, address: str, url: str) -> None:
    """Chunks are not decoded by uWSGI: 411, rather than the answer to an empty body."""
    head = HEAD % path + length + b"Transfer-Encoding: chunked\r\n\r\n"
    answer = exchange(address, head + CHUNKS)

    assert answer[:12] == b"HTTP/1.1 411"
    assert b'"faultstring":"Length Required"' in answer
    assert "in-chunks" not in stored_ids(url)


def test_a_too_large_body_is_refused_with_the_reason(address: str) -> None:
    """The answer is 413 in the shape of all errors, as long as limit-post lets it in."""
    answer = post(address, [sample("s", resource_metadata={"k": "x" * 110_000})])

    assert answer.status == 413
    assert answer.fault == "the body is larger than 100000 bytes"


def long_path(meter: str, characters: int) -> str:
    """A path with a query of about that length, which finds nothing."""
    condition = "q.field=resource_id&q.op=eq&q.value=" + "x" * 2_000
    return f"/v2/meters/{meter}?" + "&".join([condition] * (characters // len(condition)))


def test_a_long_question_is_understood(address: str) -> None:
    """A query of 25,000 characters counts."""
    post(address, [sample("long", counter_name="long")], "long")
    answer = get(address, long_path("long", 25_000))

    assert (answer.status, answer.json) == (200, [])


@pytest.mark.parametrize("characters", [40_000, 60_000])
def test_a_question_that_is_too_long_for_uwsgi_is_refused(characters: int, address: str) -> None:
    """The query that uWSGI drops is missed: 414, rather than all samples."""
    answer = get(address, long_path("m", characters))

    assert answer.status == 414
    assert answer.fault == "Request-URI Too Long"


def test_the_log_names_the_path_without_the_query(tmp_path: Path, mongodb_url: str) -> None:
    """One line for a request: method, path, status, milliseconds."""
    with serving("uwsgi", tmp_path, mongodb_url) as service:
        get(service.address, "/v2/meters?limit=7")
        log = service.log

    assert " GET /v2/meters 200 " in log
    assert "limit=7" not in log


def test_a_body_that_arrives_slowly_costs_no_worker(tmp_path: Path, sqlite_url: str) -> None:
    """Also when another request of the same worker ends meanwhile: harakiri would kill it then."""
    file = str(configuration(tmp_path, sqlite_url))
    head = HEAD % b"/v2/samples" + b"Content-Length: %d\r\n\r\n" % len(BODY)
    manage(sqlite_url, "prepare")
    with uwsgi(tmp_path, "--processes", "1", METERING_CONFIG_FILE=file) as service:
        with connect(service.address) as slow:
            slow.sendall(head + BODY[:20])
            get(service.address, "/")
            slow.sendall(BODY[20:40])
            time.sleep(2 * SECONDS_BETWEEN_LOOKS_OF_THE_MASTER)
            slow.sendall(BODY[40:])
            answer = slow.recv(65536)

        assert answer[:12] == b"HTTP/1.1 201"
        assert "HARAKIRI" not in service.log


def test_it_can_be_stopped_while_it_still_starts(tmp_path: Path, sqlite_url: str) -> None:
    """SIGTERM is heeded before the workers have loaded the application, too."""
    file = str(configuration(tmp_path, sqlite_url))
    with uwsgi(tmp_path, METERING_CONFIG_FILE=file) as service:
        until(lambda: 'running "unix_signal:15' in service.log, "the master heeds signals")
        time.sleep(0.1)  # the line comes just before
        is_loaded = "WSGI app 0" in service.log
        service.signal(signal.SIGTERM)
        status = service.wait(SECONDS_TO_STOP)

    assert (is_loaded, status) == (False, 0)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"insecure": False}, "auth = none would let everyone read and write"),
        ({"max_smaples": 1}, "[api] has no option max_smaples"),
    ],
)
def test_it_ends_with_the_reason_if_it_cannot_serve(
    options: dict[str, object], reason: str, tmp_path: Path, sqlite_url: str
) -> None:
    """No worker is started over and over: uWSGI exits, and the log says what is wrong."""
    file = configuration(tmp_path, sqlite_url, **options)
    with uwsgi(tmp_path, METERING_CONFIG_FILE=str(file)) as service:
        assert service.wait() == NO_APPLICATION
        assert reason in service.log
