"""Clients that hang up: their questions end with them, and what they sent is recorded."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from builders import after_noon, submission
from e2e.processes import Service, configuration, manage, metering_api, until, uwsgi
from e2e.stores import fresh_database, held, stored_ids
from e2e.web import connect, get, sample
from mongod import ReplicaSet

from metering.storage import open_storage

THREADS = 2
ABANDONED = 3 * THREADS
SAMPLES, AT_ONCE = 40_000, 5_000
NDJSON = "application/x-ndjson"
QUESTION = "/v2/dimensions"
# The newest samples, which are more than is sent at once, but not twice as many; then no other.
NEWEST = f"q.field=metadata.number&q.op=ge&q.value={SAMPLES - 350}&q.type=integer"
LINES = f"GET /v2/samples?{NEWEST} HTTP/1.1\r\nHost: a\r\nAccept: {NDJSON}\r\n\r\n".encode()
POST = b"POST /v2/meters/m HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
SECONDS_UNTIL_BEGUN = 0.3
KINDS = ["metering-api", "uwsgi"]


@pytest.fixture
def url(kind: str, replica_set: ReplicaSet, tmp_path: Path) -> str:
    """SQLite for metering-api, MongoDB for uWSGI; prepared."""
    if kind == "uwsgi":
        return fresh_database(replica_set)
    url = f"sqlite:///{tmp_path}/metering.db"
    assert manage(url, "prepare").returncode == 0
    return url


@contextmanager
def served(kind: str, folder: Path, url: str) -> Iterator[Service]:
    """The server with one process and few threads."""
    file = str(configuration(folder, url, threads=THREADS))
    if kind == "metering-api":
        with metering_api(folder, METERING_CONFIG_FILE=file) as service:
            yield service
    else:
        few = ("--processes", "1", "--threads", str(THREADS))
        with uwsgi(folder, *few, METERING_CONFIG_FILE=file) as service:
            yield service


def fill(url: str) -> None:
    """Record samples each of which has metadata of its own, past the service."""
    storage = open_storage(url, timeout_seconds=60)
    for begin in range(0, SAMPLES, AT_ONCE):
        batch = [
            submission(
                id=f"s-{n}",
                resource_id=f"vm-{n % 20}",
                timestamp=after_noon(n),
                metadata={"number": n, "flavor": {"name": f"m{n}"}},
            )
            for n in range(begin, begin + AT_ONCE)
        ]
        storage.record(batch, atomic=False)
    storage.close()


def seconds_of_a_probe(address: str) -> float:
    """How long a load balancer waits."""
    begin = time.monotonic()
    assert get(address, "/healthz/live").status == 200
    return time.monotonic() - begin


def hang_up(address: str, request: bytes, times: int) -> None:
    """Send it whole so often, each time over a connection of its own; close all a little later."""
    connections = [connect(address) for _ in range(times)]
    for connection in connections:
        connection.sendall(request)
    time.sleep(SECONDS_UNTIL_BEGUN)
    for connection in connections:
        connection.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_question_ends_with_its_client(kind: str, url: str, tmp_path: Path) -> None:
    """Behind those whose clients have gone a probe waits less than behind those who wait.

    There are three times as many of them, so that some are not begun when their clients go.
    """
    fill(url)
    with served(kind, tmp_path, url) as service, ThreadPoolExecutor() as pool:
        address = service.address
        patient = [pool.submit(get, address, QUESTION) for _ in range(THREADS)]
        time.sleep(SECONDS_UNTIL_BEGUN)
        behind_patient = seconds_of_a_probe(address)
        answers = [one.result() for one in patient]

        hang_up(address, f"GET {QUESTION} HTTP/1.1\r\nHost: a\r\n\r\n".encode(), ABANDONED)
        behind_abandoned = seconds_of_a_probe(address)
        until(lambda: service.log.count(f"GET {QUESTION} 499 ") == ABANDONED, "all have ended")
        figures = get(address, "/metrics").body.decode()

    assert [200] * THREADS == [one.status for one in answers]
    assert behind_abandoned < behind_patient / 2
    counted = f'requests_total{{method="GET",route="{QUESTION}",status="499"}} {ABANDONED}.0'
    assert counted in figures
    assert "Traceback" not in service.log


@pytest.mark.parametrize("kind", KINDS)
def test_lines_end_with_who_reads_them(kind: str, url: str, tmp_path: Path) -> None:
    """Also where none comes for long, so that nothing is written that could fail."""
    fill(url)
    with served(kind, tmp_path, url) as service:
        with connect(service.address) as reader:
            reader.sendall(LINES)
            assert b" 200 OK" in reader.recv(1000)
        until(lambda: "GET /v2/samples 200 " in service.log, "it has ended")

    assert "an answer of status 200 breaks off" in service.log
    assert " ERROR " not in service.log


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_sent_is_recorded(kind: str, url: str, tmp_path: Path) -> None:
    """By clients that hang up while the store makes them wait, or that wait for a thread."""
    sent = [f"s-{number}" for number in range(ABANDONED)]
    with served(kind, tmp_path, url) as service:
        get(service.address, "/")
        with held(url), ThreadPoolExecutor(ABANDONED) as pool:
            for name in sent:
                body = json.dumps([sample(name)]).encode()
                request = POST + b"Content-Length: %d\r\n\r\n" % len(body) + body
                pool.submit(hang_up, service.address, request, 1)
        until(lambda: service.log.count("POST /v2/meters/m 201 ") == ABANDONED, "all are recorded")

    assert sent == stored_ids(url)
