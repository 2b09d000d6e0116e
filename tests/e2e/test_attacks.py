"""The table of attacks through a real uWSGI on a real MongoDB, and those in HTTP itself.

Whatever is sent: the answer of the table, in two seconds; and in the end the same workers as in
the beginning, no larger by much, which answer as before and have told the log no secret.
"""

import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest
from api.client import v2_sample
from attacks.attack import Attack
from attacks.everything import ATTACKS
from attacks.wire import CLOSED, WIRE, Wire
from e2e.processes import Service, serving, until
from e2e.stores import fresh_database
from e2e.web import TIMEOUT_SECONDS, Answer, connect, get, post, read_all, sample
from mongod import ReplicaSet

from metering.model import AllProjects
from metering.query import SampleQuery
from metering.storage import open_storage
from metering.storage.base import Storage

SECONDS = 2
SLOW = 4
# What a worker remembers of series and descriptions is bounded, but may come to so much.
GROWTH_KIB = 192 * 1024
SECRET = "s3cret"  # noqa: S105 - none: it must not get out
CREDENTIALS = {"X-Auth-Token": SECRET, "Authorization": f"Bearer {SECRET}"}
XML = "application/xml"
T = TypeVar("T")
FAULT = {"faultcode", "faultstring", "debuginfo"}


@dataclass(frozen=True)
class Target:
    """Where uWSGI listens, and what is stored there, seen past it."""

    address: str
    storage: Storage

    def stored(self) -> int:
        """How many samples there are."""
        return sum(1 for _ in self.storage.samples(SampleQuery(scope=AllProjects())))


@pytest.fixture(scope="module")
def target(replica_set: ReplicaSet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A uWSGI with two workers and one sample, which has withstood everything in the end."""
    url = fresh_database(replica_set)
    storage = open_storage(url, timeout_seconds=30)
    with serving("uwsgi", tmp_path_factory.mktemp("attacks"), url) as service:
        attacked = Target(service.address, storage)
        until(lambda: len(workers(service)) == 2, "two workers")
        known = v2_sample(resource_metadata={"a": 1}, message_id="before")
        assert post(attacked.address, [known], "cpu").status == 201
        before = workers(service)
        yield attacked
        check_survival(service, before)
    storage.close()


def check_survival(service: Service, before: dict[int, int]) -> None:
    """The same workers as before, not much larger, answer; the log is clean."""
    after = workers(service)
    log = service.log
    assert before.keys() == after.keys(), log
    assert all(after[pid] - before[pid] <= GROWTH_KIB for pid in after), (before, after)
    assert post(service.address, [sample("after")]).status == 201
    assert get(service.address, "/v2/samples/after").status == 200
    assert "Traceback" not in log
    assert SECRET not in log
    assert [line for line in log.splitlines() if not line.isprintable()] == []


def workers(service: Service) -> dict[int, int]:
    """The resident memory in KiB of every worker that ever started, by process id."""
    pids = map(int, re.findall(r"pawned uWSGI worker \d+ \((?:new )?pid: (\d+)", service.log))
    return {pid: resident(pid) for pid in pids}


def resident(pid: int) -> int:
    """The resident memory of a process in KiB; 0 if it is gone."""
    with suppress(FileNotFoundError):
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        return int(status.partition("VmRSS:")[2].split()[0])
    return 0


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_attack(target: Target, attack: Attack) -> None:
    """It is answered in time as the table says, and stores no more than that."""
    before = target.stored()
    answer = in_time(lambda: ask(target.address, attack), again=not attack.stored)

    assert answer.status == attack.status, answer.body
    assert target.stored() - before == attack.stored
    if attack.status < 400:
        assert attack.words in answer.body.decode()
        return
    assert attack.words in answer.fault
    if "Accept" not in attack.headers:
        assert attack.words in xml_fault(ask(target.address, attack, XML))


@pytest.mark.parametrize("attack", WIRE.values(), ids=WIRE)
def test_attack_in_http_itself(target: Target, attack: Wire) -> None:
    """It is answered as the table says, or the connection is closed without a word."""
    before = target.stored()
    received = in_time(lambda: say(target.address, attack), again=not attack.stored)

    if attack.status is CLOSED:
        assert received == b""
    else:
        answer = read(received)
        assert answer.status == attack.status, received
        has_body = not attack.sent.startswith(b"HEAD ")
        assert attack.status < 400 or not has_body or attack.words in answer.fault
    assert target.stored() - before == attack.stored


@pytest.mark.parametrize("key", ["a.b", "$where", "$", "", " ", "a.$gt", "%24", "\u043a", "\u202e"])
def test_keys_are_nothing_but_keys(target: Target, key: str) -> None:
    """A key of metadata is stored as it is, and found by it and by no other."""
    meter = f"key {key.encode().hex()}"
    value = "$ne"
    sent = v2_sample(counter_name=meter, resource_metadata={key: value})
    assert post(target.address, [sent], quote(meter)).status == 201
    (row,) = get(target.address, f"/v2/meters/{quote(meter)}").json
    asked = f"/v2/meters/{quote(meter)}?" + "q.field=metadata.{}&q.value={}"

    assert row["resource_metadata"] == {key: value}
    assert len(get(target.address, asked.format(quote(key), quote(value))).json) == 1
    assert get(target.address, asked.format(quote(key), quote("{'$ne': 1}"))).json == []
    assert get(target.address, asked.format(quote(f"{key}x"), quote(value))).json == []


def test_bodies_that_come_slowly(target: Target) -> None:
    """They end no worker, though others are answered meanwhile, and are kept when they are whole.

    Each request that ends while bodies come in resets what uWSGI keeps for a whole worker.
    """
    samples = [sample(f"slow-{number}") for number in range(SLOW)]
    body = json.dumps([one | {"resource_metadata": {"a": "x" * 15_000}} for one in samples] * 6)
    heads = f"POST /v2/meters/m HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n"
    request = f"{heads}Content-Type: application/json\r\n\r\n{body}".encode()
    slow = [connect(target.address) for _ in range(SLOW)]
    for begin in range(0, len(request), 70_000):
        for bare in slow:
            bare.sendall(request[begin : begin + 70_000])
        for _ in range(SLOW):
            assert get(target.address, "/healthz/live").status == 200
        time.sleep(0.3)  # uWSGI looks at its workers once in a second
    answers = [read(read_all(bare)).status for bare in slow]
    for bare in slow:
        bare.close()

    assert answers == [201] * SLOW
    assert get(target.address, "/v2/samples/slow-0").status == 200


def in_time(attempt: Callable[[], T], *, again: bool) -> T:
    """What it gives within two seconds, or else the second time: the machine may be busy."""
    begin = time.monotonic()
    given = attempt()
    if time.monotonic() - begin > SECONDS and again:
        begin = time.monotonic()
        given = attempt()
        assert time.monotonic() - begin <= SECONDS
    return given


def ask(address: str, attack: Attack, accept: str = "") -> Answer:
    """The answer to the attack, with credentials that nobody may see."""
    headers = {**CREDENTIALS, **({"Accept": accept} if accept else {}), **attack.headers}
    connection = HTTPConnection(address, timeout=TIMEOUT_SECONDS)
    try:
        connection.request(attack.method, attack.path, bytes(attack.body), headers)
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


def xml_fault(answer: Answer) -> str:
    """The text of an error in XML."""
    envelope = ET.fromstring(answer.body)  # noqa: S314 - our own answer
    assert (envelope.tag, [child.tag for child in envelope]) == ("error_message", ["error"])
    assert {element.tag for element in envelope[0]} == FAULT
    return envelope.findtext("error/faultstring") or ""


def say(address: str, attack: Wire) -> bytes:
    """What comes back for its bytes, after which no more are sent; a reset is an end.

    That is told where uWSGI waits for more; elsewhere it would be who goes away.
    """
    with connect(address) as bare:
        with suppress(OSError):  # it may have closed before it had all
            bare.sendall(attack.sent)
            if attack.status is CLOSED:
                bare.shutdown(socket.SHUT_WR)
        with suppress(ConnectionError):
            return read_all(bare)
    return b""


def read(received: bytes) -> Answer:
    """The answer in these bytes; uWSGI begins it with what it takes for the version."""
    found = re.search(rb" (\d{3}) [A-Z]", received)
    assert found, received
    return Answer(int(found[1]), {}, received.partition(b"\r\n\r\n")[2])
