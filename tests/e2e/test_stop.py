"""SIGTERM while requests are in flight loses none of them."""

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from e2e.posters import Posters, Posting, ids_of, send
from e2e.processes import metering_api, serving, until
from e2e.stores import fresh_database, held, stored_ids
from e2e.web import connect, count, post, read_all, sample
from mongod import ReplicaSet

STOP_SECONDS = 30
PROCESSES = {"metering-api": 1, "uwsgi": 2}
# What they print when they have acted upon a signal.
HEARD = {
    ("metering-api", signal.SIGTERM): "stopping",
    ("uwsgi", signal.SIGTERM): "Gracefully killing worker",
    ("uwsgi", signal.SIGINT): "goodbye to uWSGI",
}


@dataclass(frozen=True)
class Stopped:
    """A service that clients posted to until a signal ended it, and what became of all that."""

    kind: str
    url: str
    status: int
    log: str
    postings: list[Posting]
    in_flight: list[Posting]

    @property
    def acknowledged(self) -> list[Posting]:
        """What the service said is stored."""
        return [one for one in self.postings if one.is_acknowledged]


def answers(log: str) -> list[str]:
    """The lines of what was stored."""
    return [line for line in log.splitlines() if "POST /v2/meters/m 201" in line]


def who_answered(log: str) -> set[str]:
    """The processes that stored something."""
    return {line.split()[2] for line in answers(log)}


def stopped_by(number: signal.Signals, kind: str, folder: Path, url: str) -> Stopped:
    """Start the service, post all the time, and send the signal in the midst of it.

    What is in flight then cannot be stored before the service has heard of the signal.
    """
    with serving(kind, folder, url) as service:
        posters = Posters(service.address)
        until(lambda: len(posters.acknowledged) >= 8, "8 batches are stored")
        until(lambda: len(who_answered(service.log)) == PROCESSES[kind], "each process answers")
        with held(url):
            until(posters.is_waiting, "requests are in flight")
            sent_at = time.monotonic()
            service.signal(number)
            until(lambda: HEARD[kind, number] in service.log, "it has heard the signal")
        status = service.wait(STOP_SECONDS)
        posters.join()
        return Stopped(
            kind=kind,
            url=url,
            status=status,
            log=service.log,
            postings=posters.postings,
            in_flight=[one for one in posters.postings if one.was_in_flight(sent_at)],
        )


@pytest.fixture(scope="module", params=["metering-api", "uwsgi"])
def stopped(
    request: pytest.FixtureRequest,
    replica_set: ReplicaSet,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stopped]:
    """Both services after SIGTERM: metering-api on SQLite, uWSGI on MongoDB."""
    folder = tmp_path_factory.mktemp("stopped")
    is_small = request.param == "metering-api"
    url = f"sqlite:///{folder / 'metering.db'}" if is_small else fresh_database(replica_set)
    return stopped_by(signal.SIGTERM, request.param, folder, url)


def test_what_is_in_flight_at_sigterm_is_answered(stopped: Stopped) -> None:
    """The clients that waited get their 201, and the service ends well."""
    assert stopped.status == 0
    assert stopped.in_flight != []
    assert [one for one in stopped.in_flight if not one.is_acknowledged] == []


def test_each_request_is_in_the_log_under_its_id(stopped: Stopped) -> None:
    """The id in the header of an answer finds its line, whichever process wrote it."""
    logged = [line.split("[")[1].split("]")[0] for line in answers(stopped.log)]

    assert sorted(str(one.request_id) for one in stopped.acknowledged) == sorted(logged)


def test_what_is_sent_again_to_a_second_start_counts_once(stopped: Stopped, tmp_path: Path) -> None:
    """What was acknowledged is stored once; with the rest sent again everything is, once."""
    before = stored_ids(stopped.url)
    with serving(stopped.kind, tmp_path, stopped.url) as second:
        with ThreadPoolExecutor(4) as pool:
            again = list(pool.map(partial(send, second.address), stopped.postings))
        counted = count(second.address)

    assert len(set(before)) == len(before)
    assert set(ids_of(stopped.acknowledged)) <= set(before)
    assert {one.status for one in again} == {201}
    assert ids_of(stopped.postings) == stored_ids(stopped.url)
    assert len(ids_of(stopped.postings)) == counted


def test_the_book_keeping_sees_lost_requests(tmp_path: Path, mongodb_url: str) -> None:
    """The negative control: uWSGI's SIGINT cuts off what is in flight, and that is noticed."""
    cut = stopped_by(signal.SIGINT, "uwsgi", tmp_path, mongodb_url)

    assert [one for one in cut.in_flight if not one.is_acknowledged] != []


def test_metering_api_takes_the_rest_of_a_body_after_sigterm(
    tmp_path: Path, sqlite_url: str
) -> None:
    """A client that was in the middle of its body is answered, and its samples are kept."""
    body = b'[{"counter_name": "m", "counter_type": "gauge", "counter_unit": "u", '
    rest = b'"counter_volume": 1, "resource_id": "r", "message_id": "late"}]'
    head = b"POST /v2/meters/m HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    length = b"Content-Length: %d\r\n\r\n" % len(body + rest)
    with metering_api(tmp_path, "--connection", sqlite_url) as service:
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
    with metering_api(tmp_path, "--connection", sqlite_url) as service:
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
