"""Questions whose client has gone are given up; what was sent to be recorded is recorded."""

import json
import logging
import re
from collections.abc import Callable, Iterator
from contextvars import copy_context
from typing import Any

import pytest
from api.client import NDJSON, Client, assert_fault, kept, v2_sample
from api.client import keep as keep_samples
from api.conftest import Serve
from builders import after_noon
from webob import Request

from metering import asker
from metering.api.app import make_app
from metering.api.exchange.client import IS_GONE
from metering.api.framework.routing import ANY_METHOD
from metering.api.routes import make_routes
from metering.api.services import Services
from metering.config import load
from metering.deadline import Deadline
from metering.errors import Abandoned
from metering.model import Sample
from metering.query import SampleQuery
from metering.storage.base import Storage
from metering.storage.memory import MemoryStorage

GONE, THERE = {IS_GONE: lambda: True}, {IS_GONE: lambda: False}
SERVICES = Services(storage=None, recorder=None, access=None, config=None, usage=None)  # type: ignore[arg-type]
DECLARED = [
    (method, route.template, controller.endpoint.records)  # type: ignore[attr-defined]
    for route in make_routes(SERVICES)
    for method, controller in route.verbs.items()
    if method != ANY_METHOD
]
RECORDED = [("/v2/samples", v2_sample()), ("/v2/meters/cpu", [v2_sample()])]


class Untouched(MemoryStorage):
    """A store that takes every use for a fault, but what is recorded."""

    def __getattribute__(self, name: str) -> Any:
        """Fail, unless it is recorded or is a part of that."""
        assert name == "record" or name.startswith("_"), name
        return super().__getattribute__(name)


class Watchful(MemoryStorage):
    """A store whose samples are read by a deadline, as those for production do."""

    taken = 0

    def samples(self, query: SampleQuery) -> Iterator[Sample]:
        """Look before each."""
        for one in super().samples(query):
            self.taken += 1
            yield from Deadline(60).guard([one])


@pytest.fixture(autouse=True)
def _whoever_asks_is_forgotten() -> Iterator[None]:
    """A thread of a server never does anything but requests; that of the tests does."""
    yield
    asker.begin(asker.never_gone)


@pytest.mark.parametrize(
    ("method", "template"), [(method, path) for method, path, records in DECLARED if not records]
)
def test_a_question_begun_too_late_reads_nothing(serve: Serve, method: str, template: str) -> None:
    """Neither the store nor who asks; the log and the figures know which it was."""
    client = serve(Untouched(), auth="headers")
    answer = client.request(method, re.sub("{.*?}", "x", template), environ=GONE)

    assert_fault(answer, 499, "the client closed the connection")
    counted = f'requests_total{{method="{method}",route="{template}",status="499"}} 1.0'
    assert counted in client.get("/metrics").text


def test_all_else_are_questions() -> None:
    """Nothing but these two is done for who does not wait."""
    recording = [(method, path) for method, path, records in DECLARED if records]

    assert [("POST", "/v2/meters/{meter...}"), ("POST", "/v2/samples")] == recording


@pytest.mark.parametrize(("path", "sent"), RECORDED)
def test_what_was_sent_is_recorded(
    client: Client, storage: Storage, path: str, sent: object
) -> None:
    """Whether or not anybody waits to hear so."""
    assert 201 == client.post(path, sent, environ=GONE).status_int
    assert 1 == len(kept(storage))


def test_nobody_is_taken_for_who_came_before(client: Client) -> None:
    """In one thread there are many, one after the other."""
    asked: list[Callable[[], Any]] = [
        lambda: client.get("/v2/meters", environ=GONE),
        lambda: client.get("/v2/meters", environ=THERE),
        lambda: client.get("/v2/meters", environ=GONE),
        lambda: client.get("/v2/meters"),
        lambda: client.get("/v2/meters", environ=GONE),
        lambda: client.post("/v2/samples", v2_sample()),
    ]

    statuses = copy_context().run(lambda: [ask().status_int for ask in asked])
    assert [499, 200, 499, 200, 499, 201] == statuses


@pytest.mark.parametrize("path", ["/healthz/live", "/healthz/ready", "/metrics", "/"])
def test_probes_are_answered(client: Client, path: str) -> None:
    """They cost nothing, and nobody can tell how they are asked."""
    assert 200 == client.get(path, environ=GONE).status_int


def test_the_log_has_the_status(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """That of nginx, and the code of the error; it is no fault of the store, nor of ours."""
    client = serve()
    with caplog.at_level(logging.INFO):
        client.get("/v2/meters", environ=GONE)

    (record,) = caplog.records
    fields = vars(record)["fields"]
    assert (logging.INFO, 499, "abandoned") == (
        record.levelno,
        fields["status"],
        fields["fault"],
    )


def test_lines_that_nobody_reads_break_off(caplog: pytest.LogCaptureFixture) -> None:
    """They are read while they are sent, in the same thread: the asker is still theirs."""
    store = Watchful()
    large = {"metadata": {"a": "x" * 500}}
    keep_samples(store, *({"timestamp": after_noon(n)} | large for n in range(600)))
    is_gone = False
    request = Request.blank("/v2/samples", headers={"Accept": NDJSON})
    request.environ.update({"REMOTE_ADDR": "127.0.0.1", IS_GONE: lambda: is_gone})
    status, _, body = request.call_application(make_app(load(), store))
    parts = iter(body)
    received = [next(parts)]
    is_gone = True
    taken = store.taken

    with caplog.at_level(logging.INFO), pytest.raises(Abandoned):
        received.extend(parts)
    body.close()

    assert "200 OK" == status
    assert taken + 1 == store.taken
    with pytest.raises(json.JSONDecodeError):
        json.loads(b"".join(received).split(b"\n")[-1])
    assert {"INFO"} == {record.levelname for record in caplog.records}
