"""Samples as lines of JSON from real servers: flat memory, nothing left, no part for the whole."""

import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from builders import after_noon, submission
from e2e.processes import Service, configuration, serving, until, uwsgi
from e2e.stores import fresh_database
from e2e.web import connect, read_all
from mongod import Member, ReplicaSet

from metering.storage import open_storage

SAMPLES = 200_000
AT_ONCE = 5_000
# A row has some 800 bytes, so that all of them are larger than the bound and all buffers.
METADATA = {f"field_{n}": f"value {n}" for n in range(20)}
MOST_GROWTH_KIB = 60 * 1024
SERVERS = ["metering-api", "uwsgi", "uwsgi behind its router"]
REQUEST = b"GET /v2/samples HTTP/%s\r\nHost: a\r\nAccept: application/x-ndjson\r\n\r\n"
FEW_BYTES = 4096
LINE = "GET /v2/samples 200"


def fill(url: str, count: int = SAMPLES) -> None:
    """Record so many samples of twenty series, past the service."""
    storage = open_storage(url, timeout_seconds=60)
    storage.prepare()
    for begin in range(0, count, AT_ONCE):
        batch = [
            submission(
                id=f"s-{n}",
                resource_id=f"vm-{n % 20}",
                timestamp=after_noon(n),
                metadata=METADATA,
            )
            for n in range(begin, begin + AT_ONCE)
        ]
        storage.record(batch, atomic=False)
    storage.close()


@pytest.fixture(scope="module")
def full(replica_set: ReplicaSet, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Stores with many samples, by scheme."""
    urls = {
        "sqlite": f"sqlite:///{tmp_path_factory.mktemp('full')}/metering.db",
        "mongodb": fresh_database(replica_set),
    }
    for url in urls.values():
        fill(url)
    return urls


@contextmanager
def served(kind: str, folder: Path, url: str, **options: object) -> Iterator[tuple[Service, str]]:
    """A server on the store; with its router, uWSGI has a process more that speaks HTTP."""
    if kind in ("metering-api", "uwsgi"):
        with serving(kind, folder, url, **options) as service:
            yield service, service.address
        return
    public, private = (f"127.0.0.1:{port}" for port in free_ports(2))
    file = configuration(folder, url, **options)
    router = ("--http", public, "--http-to", private, "--socket", private)
    with uwsgi(folder, *router, METERING_CONFIG_FILE=str(file)) as service:
        until(lambda: "ready" in service.log, "a worker is ready")
        yield service, public


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def resident_kib(service: Service) -> int:
    """The memory of the largest process of the server."""
    sizes = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = dict(line.split(":\t", 1) for line in status.read_text().splitlines())
        except (OSError, ValueError):
            continue
        if str(service.process.pid) in (lines["Pid"], lines["PPid"]) and "VmRSS" in lines:
            sizes.append(int(lines["VmRSS"].split()[0]))
    return max(sizes)


def open_cursors(member: Member) -> int:
    """How many cursors the server holds."""
    with member.client() as client:
        status = client.admin.command("serverStatus")
    found: int = status["metrics"]["cursor"]["open"]["total"]
    return found


def ask(address: str, path: str) -> http.client.HTTPResponse:
    """The answer in lines, which is not read yet."""
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request("GET", path, headers={"Accept": "application/x-ndjson"})
    response = connection.getresponse()
    assert (200, "application/x-ndjson") == (response.status, response.headers["Content-Type"])
    return response


@pytest.mark.parametrize("scheme", ["sqlite", "mongodb"])
@pytest.mark.parametrize("kind", SERVERS)
def test_many_samples_take_no_memory(
    kind: str, scheme: str, full: dict[str, str], tmp_path: Path
) -> None:
    """All of them come, in a memory that is smaller than they are."""
    with served(kind, tmp_path, full[scheme]) as (service, address):
        ask(address, "/v2/samples?limit=1000").read()
        before = most = resident_kib(service)
        response = ask(address, "/v2/samples")
        rows = size = 0
        while part := response.read(1 << 20):
            rows += part.count(b"\n")
            size += len(part)
            most = max(most, resident_kib(service))

    assert SAMPLES == rows
    assert size > 2 * MOST_GROWTH_KIB * 1024
    assert most - before < MOST_GROWTH_KIB


@pytest.mark.parametrize("kind", SERVERS)
def test_who_goes_away_leaves_nothing_behind(
    kind: str, full: dict[str, str], replica_set: ReplicaSet, tmp_path: Path
) -> None:
    """The first rows come while the rest is not read; with the client goes the request."""
    with served(kind, tmp_path, full["mongodb"]) as (service, address):
        with connect(address, receive_bytes=FEW_BYTES) as bare:
            bare.sendall(REQUEST % b"1.1")
            begin = bare.recv(FEW_BYTES)
            assert b" 200 OK" in begin
            # A server that had read to the end would have logged it.
            time.sleep(1)
            assert LINE not in service.log
            assert 0 == open_cursors(replica_set.members[0])
        until(lambda: LINE in service.log, "the request is over", 10)

        assert 0 == open_cursors(replica_set.members[0])
        assert AT_ONCE == ask(address, f"/v2/samples?limit={AT_ONCE}").read().count(b"\n")


@pytest.fixture
def fragile() -> Iterator[ReplicaSet]:
    """A server of its own, to be killed."""
    with ReplicaSet() as servers:
        yield servers


@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
@pytest.mark.parametrize("kind", SERVERS)
def test_what_breaks_off_is_seen(
    kind: str, version: bytes, fragile: ReplicaSet, tmp_path: Path
) -> None:
    """When the store dies in the middle, the last line is cut, and so are the chunks."""
    url = fresh_database(fragile)
    fill(url, 100_000)
    with served(kind, tmp_path, url) as (service, address):
        with connect(address, receive_bytes=FEW_BYTES) as bare:
            bare.sendall(REQUEST % version)
            begin = bare.recv(FEW_BYTES)
            fragile.members[0].kill()
            answer = begin + read_all(bare)
        until(lambda: LINE in service.log, "the request is over")
        log = service.log

    head, _, body = answer.partition(b"\r\n\r\n")
    assert b" 200 OK" in head
    assert (b"\r\nTransfer-Encoding: chunked" in head) == (version == b"1.1")
    assert not body.endswith(b"0\r\n\r\n")
    last = body.rstrip(b"\r\n").rpartition(b"\n")[2]
    assert b"MongoDB did not answer" in last
    with pytest.raises(json.JSONDecodeError):
        json.loads(last)
    assert "an answer of status 200 breaks off" in log


@pytest.mark.parametrize("kind", SERVERS)
def test_a_whole_answer_has_its_end(kind: str, full: dict[str, str], tmp_path: Path) -> None:
    """The control of the test above: the last chunk is there, and the last line is a row."""
    with served(kind, tmp_path, full["sqlite"]) as (_, address):
        whole = {}
        for version in (b"1.1", b"1.0"):
            with connect(address) as bare:
                request = REQUEST.replace(b"/v2/samples", b"/v2/samples?limit=1000") % version
                bare.sendall(request)
                whole[version] = read_all(bare)

    assert whole[b"1.1"].endswith(b"\r\n0\r\n\r\n")
    assert whole[b"1.0"].endswith(b"}\n")


@pytest.mark.parametrize("kind", SERVERS)
def test_who_reads_slowly_gets_all(kind: str, full: dict[str, str], tmp_path: Path) -> None:
    """Neither the time limit of questions nor uWSGI's watch over workers counts a client's time."""
    limit, pause, asked = 1.5, 8, 50_000
    with served(kind, tmp_path, full["mongodb"], query_timeout=limit) as (_, address):
        response = ask(address, f"/v2/samples?limit={asked}")
        rows = response.read(FEW_BYTES).count(b"\n")
        time.sleep(pause)
        while part := response.read(1 << 20):
            rows += part.count(b"\n")

    assert asked == rows
