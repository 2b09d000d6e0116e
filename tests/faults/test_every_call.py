"""A store that fails at every n-th call: 503 or 2xx, and re-sent, everything counts once."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import TypeVar

import pytest
from api.client import Client, agent_sample, kept, v2_sample
from faults.failing import FailingStorage, Fault, failing_connections, input_output_error
from webtest import TestResponse

from metering.api.app import make_app
from metering.config import load
from metering.storage import open_storage
from metering.storage.base import Storage

IDS = ("a", "b", "c")
KEY = {"Idempotency-Key": "the same for each retry"}
V2 = [v2_sample(message_id=one) for one in IDS]
AGENTS = [agent_sample(id=one) for one in IDS]
FILTER = json.dumps({"filter": '{"=": {"meter": "cpu"}}', "orderby": '[{"timestamp": "asc"}]'})
MOST_CALLS = 200
NEED_NO_STORE = {"/", "/healthz/live", "/metrics", "/v2/capabilities", "/v2/openapi.json"}

Seen = TypeVar("Seen")


@dataclass(frozen=True)
class Request:
    """A request; a body of samples is recorded, any other is a question."""

    method: str
    template: str
    path: str
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Method and path."""
        return f"{self.method} {self.path}"

    def send(self, storage: Storage) -> TestResponse:
        """The answer of a new application over the store."""
        client = Client(make_app(load(), storage))
        media = "application/x-ndjson" if "\n" in self.body else "application/json"
        return client.request(
            self.method, self.path, self.body, content_type=media, headers=self.headers
        )


QUESTIONS = [
    Request("GET", "/", "/"),
    Request("GET", "/v2/meters", "/v2/meters"),
    Request("GET", "/v2/meters", "/v2/meters?unique=true"),
    Request("GET", "/v2/meters/{meter}", "/v2/meters/cpu"),
    Request("GET", "/v2/meters/{meter}", "/v2/meters/cpu?limit=1"),
    Request("GET", "/v2/meters/{meter}/statistics", "/v2/meters/cpu/statistics"),
    Request("GET", "/v2/meters/{meter}/statistics", "/v2/meters/cpu/statistics?period=3600"),
    Request("GET", "/v2/meters/{meter}/statistics", "/v2/meters/cpu/statistics?groupby=user_id"),
    Request("GET", "/v2/meters/{meter}/segments", "/v2/meters/cpu/segments?by=user_id"),
    Request(
        "GET", "/v2/meters/{meter}/segments", "/v2/meters/cpu/segments?by=metadata.a&start=2016"
    ),
    Request("GET", "/v2/usage", "/v2/usage?window=mtd"),
    Request("GET", "/v2/dimensions", "/v2/dimensions"),
    Request("GET", "/v2/dimensions/{name}/values", "/v2/dimensions/meter/values"),
    *(
        Request("GET", f"/v2/{nouns}", f"/v2/{nouns}?start=2015")
        for nouns in ("projects", "users", "sources")
    ),
    Request("GET", "/v2/resources", "/v2/resources"),
    Request("GET", "/v2/resources/{resource_id}", "/v2/resources/vm-1"),
    Request("GET", "/v2/revisions", "/v2/revisions?resource_id=vm-1"),
    Request("GET", "/v2/samples", "/v2/samples"),
    Request("GET", "/v2/samples/{sample_id}", "/v2/samples/a"),
    Request("POST", "/v2/query/samples", "/v2/query/samples", FILTER),
    Request("GET", "/v2/capabilities", "/v2/capabilities"),
    Request("GET", "/healthz/live", "/healthz/live"),
    Request("GET", "/healthz/ready", "/healthz/ready"),
    Request("GET", "/metrics", "/metrics"),
    Request("GET", "/v2/openapi.json", "/v2/openapi.json"),
]

_METER = ("POST", "/v2/meters/{meter}", "/v2/meters/cpu")
_SAMPLES = ("POST", "/v2/samples", "/v2/samples")
WITHOUT_IDS = Request(*_METER, json.dumps([v2_sample()] * 3))
RECORDING = [
    Request(*_METER, json.dumps(V2)),
    Request(*_METER, WITHOUT_IDS.body, KEY),
    Request(*_SAMPLES, json.dumps(V2)),
    Request(*_SAMPLES, json.dumps(AGENTS)),
    Request(*_SAMPLES, "\n".join(map(json.dumps, AGENTS))),
    Request(*_SAMPLES, WITHOUT_IDS.body, KEY),
]


@pytest.fixture(params=["memory", "sqlite"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Storage]]:
    """Opens stores that are empty."""
    opened: list[Storage] = []

    def new() -> Storage:
        place = "" if request.param == "memory" else f"/{tmp_path}/{len(opened)}.db"
        opened.append(open_storage(f"{request.param}://{place}", timeout_seconds=30))
        opened[-1].prepare()
        return opened[-1]

    yield new
    for one in opened:
        one.close()


def answers(request: Request, storage: Storage, *, is_after: bool) -> Iterator[TestResponse]:
    """The answers when call 1 fails, call 2, and so on to the last; re-sent until it is 2xx."""
    for number in count(1):
        assert number < MOST_CALLS
        fault = Fault(number, is_after=is_after)
        answer = request.send(FailingStorage(storage, fault))
        if not fault.has_happened:
            assert 2 == answer.status_int // 100
            return
        yield answer


@pytest.mark.parametrize("is_after", [False, True])
@pytest.mark.parametrize("request_", QUESTIONS, ids=str)
def test_a_question_is_refused_whole(
    request_: Request, fresh: Callable[[], Storage], is_after: bool
) -> None:
    """Wherever the store fails, the answer is 503, not a part of one."""
    storage = fresh()
    RECORDING[2].send(storage)

    statuses = {one.status_int for one in answers(request_, storage, is_after=is_after)}

    assert (set() if request_.template in NEED_NO_STORE else {503}) == statuses


def test_another_status_would_be_seen() -> None:
    """Negative control: a store that fails in a way of its own is a fault of ours, 500."""
    fault = Fault(1, is_after=False, error=RuntimeError)
    storage = FailingStorage(open_storage("memory://", timeout_seconds=1), fault)

    assert 500 == QUESTIONS[1].send(storage).status_int


@pytest.mark.parametrize("is_after", [False, True])
@pytest.mark.parametrize("request_", RECORDING, ids=str)
def test_what_is_sent_again_is_kept_once(
    request_: Request, fresh: Callable[[], Storage], is_after: bool
) -> None:
    """Whether it had been stored or not, after the re-send there is one copy."""
    storage = fresh()

    statuses = [one.status_int for one in answers(request_, storage, is_after=is_after)]

    assert [503] == statuses
    assert 3 == len(kept(storage))


def test_without_an_id_it_is_kept_twice(fresh: Callable[[], Storage]) -> None:
    """Negative control: what is stored before the fault is doubled by the re-send."""
    storage = fresh()

    list(answers(WITHOUT_IDS, storage, is_after=True))

    assert 6 == len(kept(storage))


def test_every_path_is_asked() -> None:
    """The table above has every path and method that the API documents."""
    answer = QUESTIONS[-1].send(open_storage("memory://", timeout_seconds=1))
    documented = {
        (method.upper(), path)
        for path, methods in json.loads(answer.text)["paths"].items()
        for method in methods
        if method in {"get", "post", "put", "delete", "patch"} and "alarms" not in path
    }

    assert documented == {(one.method, one.template) for one in QUESTIONS + RECORDING}


@dataclass(frozen=True)
class Swept:
    """What came of it when each statement of SQLite failed in turn."""

    statuses: set[int]
    copies: set[int]
    found_before_the_re_send: set[int]
    statements: int


def swept(
    request: Request, folder: Path, monkeypatch: pytest.MonkeyPatch, *, is_after: bool
) -> Swept:
    """Send the request, with the n-th statement failing, and again without; for each n."""
    statuses, copies, before = set(), set(), set()
    for number in count(1):
        assert number < MOST_CALLS
        url = f"sqlite:///{folder / f'{number}.db'}"
        look = partial(looked_at, url)
        fault = Fault(number, is_after=is_after, error=input_output_error)
        look(lambda storage: storage.prepare())
        with monkeypatch.context() as patch:
            connect = partial(sqlite3.connect, factory=failing_connections(fault))
            patch.setattr(sqlite3, "connect", connect)
            answer = look(request.send)
        if not fault.has_happened:
            assert 201 == answer.status_int
            return Swept(statuses, copies, before, number - 1)
        statuses.add(answer.status_int)
        before.add(len(look(kept)))
        look(request.send)
        copies.add(len(look(kept)))
    raise AssertionError


def looked_at(url: str, look: Callable[[Storage], Seen]) -> Seen:
    """What is seen through a store that is opened for it."""
    storage = open_storage(url, timeout_seconds=30)
    try:
        return look(storage)
    finally:
        storage.close()


@pytest.mark.parametrize("is_after", [False, True])
@pytest.mark.parametrize("request_", [RECORDING[0], RECORDING[1], RECORDING[2]], ids=str)
def test_every_statement_of_sqlite_may_fail(
    request_: Request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_after: bool
) -> None:
    """Pragmas, reads, inserts and COMMIT: 503, all or nothing of it is stored, then one copy."""
    done = swept(request_, tmp_path, monkeypatch, is_after=is_after)

    assert {503} == done.statuses
    assert {3} == done.copies
    assert done.found_before_the_re_send <= {0, 3}
    assert (3 in done.found_before_the_re_send) == is_after
    assert done.statements > 8


def test_a_statement_that_fails_doubles_what_has_no_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: the same without ids; what was committed is there twice."""
    done = swept(WITHOUT_IDS, tmp_path, monkeypatch, is_after=True)

    assert 6 in done.copies
