"""SIGTERM while requests are in flight loses none of them."""

import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from e2e.posters import Posters, Posting, ids_of, send
from e2e.processes import SERVERS, Service, serving, until
from e2e.stores import stored_ids
from e2e.web import connect, count, post, read_all, sample

STOP_SECONDS = 30


def interrupted(service: Service, number: int) -> tuple[Posters, list[Posting]]:
    """Post until the signal has ended the service; and the requests that were in flight at it."""
    posters = Posters(service.address)
    until(lambda: len(posters.acknowledged) >= 12, "12 batches are stored")
    sent_at = time.monotonic()
    service.signal(number)
    service.wait(STOP_SECONDS)
    posters.join()
    return posters, [one for one in posters.postings if one.was_in_flight(sent_at)]


@pytest.mark.parametrize("kind", SERVERS)
def test_sigterm_loses_no_request(kind: str, tmp_path: Path, url_for: Callable[[str], str]) -> None:
    """What is in flight is answered and stored once; what was refused counts once when re-sent."""
    url = url_for(kind)
    with serving(kind, tmp_path, url) as first:
        posters, in_flight = interrupted(first, signal.SIGTERM)

        assert first.process.returncode == 0
    assert in_flight
    assert [one for one in in_flight if not one.is_acknowledged] == []
    stored = stored_ids(url)
    assert len(set(stored)) == len(stored)
    assert set(ids_of(posters.acknowledged)) <= set(stored)

    with serving(kind, tmp_path, url) as second:
        with ThreadPoolExecutor(4) as pool:
            again = list(pool.map(partial(send, second.address), posters.postings))
        counted = count(second.address)

    assert {201} == {one.status for one in again}
    assert ids_of(posters.postings) == stored_ids(url)
    assert len(ids_of(posters.postings)) == counted


def test_the_book_keeping_sees_lost_requests(tmp_path: Path, mongodb_url: str) -> None:
    """The negative control: uWSGI's SIGINT cuts off what is in flight, and that is noticed."""
    with serving("uwsgi", tmp_path, mongodb_url) as service:
        _, in_flight = interrupted(service, signal.SIGINT)

    assert [one for one in in_flight if not one.is_acknowledged] != []


def test_uwsgi_uses_both_workers_and_logs_every_request(tmp_path: Path, mongodb_url: str) -> None:
    """The id in an answer's header finds its line in the log, which names one of two processes."""
    with serving("uwsgi", tmp_path, mongodb_url) as service:
        posters, _ = interrupted(service, signal.SIGTERM)
        lines = [line for line in service.log.splitlines() if "POST /v2/meters/m 201" in line]

    assert len({line.split()[2] for line in lines}) == 2
    logged = sorted(line.split("[")[1].split("]")[0] for line in lines)
    assert sorted(str(one.request_id) for one in posters.acknowledged) == logged


def test_metering_api_takes_the_rest_of_a_body_after_sigterm(
    tmp_path: Path, sqlite_url: str
) -> None:
    """A client that was in the middle of its body is answered, and its samples are kept."""
    body = b'[{"counter_name": "m", "counter_type": "gauge", "counter_unit": "u", '
    rest = b'"counter_volume": 1, "resource_id": "r", "message_id": "late"}]'
    head = b"POST /v2/meters/m HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    length = b"Content-Length: %d\r\n\r\n" % len(body + rest)
    with serving("metering-api", tmp_path, sqlite_url) as service:
        with connect(service.address) as bare:
            bare.sendall(head + length + body)
            # The next connection is accepted after this one's bytes were read.
            count(service.address)
            service.signal(signal.SIGTERM)
            until(lambda: "stopping" in service.log, "it stops")
            bare.sendall(rest)
            answer = bare.recv(65536)

        assert service.wait(STOP_SECONDS) == 0
    assert answer[:12] == b"HTTP/1.1 201"
    assert stored_ids(sqlite_url) == ["late"]


def test_metering_api_sends_an_answer_to_its_end_after_sigterm(
    tmp_path: Path, sqlite_url: str
) -> None:
    """A client that reads slowly gets all of a long answer."""
    long = {"text": "x" * 2000}
    samples = [sample(f"s{i}", resource_metadata=long) for i in range(3000)]
    question = b"GET /v2/meters/m?limit=3000 HTTP/1.0\r\n\r\n"
    with serving("metering-api", tmp_path, sqlite_url) as service:
        post(service.address, samples)
        with connect(service.address, receive_bytes=4096) as bare:
            bare.sendall(question)
            begin = bare.recv(1000)
            service.signal(signal.SIGTERM)
            until(lambda: "stopping" in service.log, "it stops")
            head, _, body = (begin + read_all(bare)).partition(b"\r\n\r\n")

        assert service.wait(STOP_SECONDS) == 0
    assert b"Content-Length: %d\r\n" % len(body) in head + b"\r\n"
    assert body.endswith(b"]")
