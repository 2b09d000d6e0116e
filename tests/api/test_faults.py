"""The one shape of errors, wherever they come from, in JSON and XML."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from api.client import Client, assert_fault, kept, v2_sample

from metering import errors
from metering.errors import MeteringError, QueryTooExpensive, StorageUnavailable
from metering.model import Sample
from metering.query import SampleQuery
from metering.storage.base import Storage
from metering.storage.memory import MemoryStorage

FORMS = pytest.mark.parametrize("accept", ["application/json", "application/xml", "text/xml"])
SECRET = "mongodb://user:password@db.internal/metering"  # noqa: S105 - none: it must not get out
READS = [
    "/v2/meters",
    "/v2/meters/cpu",
    "/v2/meters/cpu/statistics",
    "/v2/samples",
    "/v2/samples/s-1",
    "/v2/resources",
    "/v2/resources/vm-1",
]


class BrokenStorage(MemoryStorage):
    """A store whose every answer is an error."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def _fail(self, *_: Any, **__: Any) -> Any:
        raise self._error

    samples = extents = oldest = summaries = totals = record = _fail


class LateStorage(MemoryStorage):
    """A store that fails after the first row."""

    def samples(self, query: SampleQuery) -> Iterator[Sample]:
        """Fail between two rows."""
        yield from list(super().samples(query))[:1]
        raise ValueError(SECRET)


ERRORS = {
    "controller": ("GET", "/v2/samples?limit=0", 400, "Limit must be positive"),
    "parameter": ("GET", "/v2/samples?limit=x", 400, "limit"),
    "unknown parameter": ("GET", "/v2/samples?x=1", 400, 'Unknown argument: "x"'),
    "absent item": ("GET", "/v2/samples/x", 404, "Sample x Not Found"),
    "no such path": ("GET", "/v2/nothing", 404, "could not be found"),
    "no such root": ("GET", "/v3", 404, "could not be found"),
    "empty segments": ("GET", "//v2//samples", 404, "could not be found"),
    "attribute of a controller": ("GET", "/v2/meters/cpu/__class__", 404, "Not Found"),
    "hook of the router": ("GET", "/_route", 404, "could not be found"),
    "path not UTF-8": ("GET", "/v2/samples/%ff", 400, "the path is not valid UTF-8"),
    "surrogate in a path": ("GET", "/v2/samples/%ED%A0%80", 400, "the path is not valid UTF-8"),
    "parameter not UTF-8": ("GET", "/v2/samples?limit=%ff", 400, "not valid UTF-8"),
    "name not UTF-8": ("GET", "/v2/samples?%ff=1", 400, "not valid UTF-8"),
    "method": ("DELETE", "/v2/samples", 405, "method"),
    "unheard-of method": ("BREW", "/v2/samples", 405, "method"),
    "statistics of a statistic": ("GET", "/v2/meters/a/statistics/b", 404, "Not Found"),
}


@FORMS
@pytest.mark.parametrize(("method", "path", "status", "words"), ERRORS.values(), ids=ERRORS)
@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")
def test_one_shape(  # noqa: PLR0913, PLR0917 - the columns of the table
    client: Client, accept: str, method: str, path: str, status: int, words: str
) -> None:
    """An error has the one shape in the form that was asked for, wherever it comes from."""
    response = client.request(method, path, headers={"Accept": accept})

    assert_fault(response, status, words)
    assert accept == response.content_type


@FORMS
@pytest.mark.parametrize(
    ("body", "media", "status"),
    [
        pytest.param("{[", "application/json", 400, id="no JSON"),
        pytest.param("[1]", "application/json", 400, id="no sample"),
        pytest.param("x", "text/plain", 415, id="no media type of ours"),
        pytest.param("x" * 101, "application/json", 413, id="too large"),
    ],
)
def test_one_shape_for_bodies(
    serve: Callable[..., Client], accept: str, body: str, media: str, status: int
) -> None:
    """Errors in bodies have the same shape."""
    client = serve(max_body_bytes=100)

    response = client.post("/v2/meters/cpu", body, content_type=media, headers={"Accept": accept})

    assert_fault(response, status)
    assert accept == response.content_type


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v2/meters", "GET"),
        ("/v2/meters/cpu", "GET, POST"),
        ("/v2/meters/cpu/statistics", "GET"),
        ("/v2/samples", "GET, POST"),
        ("/v2/samples/s-1", "GET"),
        ("/v2/resources", "GET"),
        ("/v2/resources/vm-1", "GET"),
        ("/v2/capabilities", "GET"),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "TRACE"])
def test_wrong_method(client: Client, path: str, allowed: str, method: str) -> None:
    """A known path says which methods it has, and does not do another."""
    response = client.request(method, path)

    assert (405, allowed) == (response.status_int, response.headers["Allow"])


@pytest.mark.parametrize("accept", ["text/plain", "text/html", "image/*", "*/*;q=0"])
def test_form_that_there_is_none_of(client: Client, accept: str) -> None:
    """Who accepts none of our forms gets 406, in JSON."""
    response = client.get("/v2/samples", headers={"Accept": accept})

    assert_fault(response, 406, "no form that is accepted")
    assert "application/json" == response.content_type


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("garbage", "application/json"),
        ("\xff", "application/json"),
        ("application/json;q=0.1, text/xml", "text/xml"),
        ("application/xml;q=0.1, application/json", "application/json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/xml"),
        ("text/*", "text/xml"),
    ],
)
def test_form_that_is_chosen(client: Client, accept: str, expected: str) -> None:
    """An answer and an error come in the form that is accepted best; JSON where all are equal."""
    headers = {"Accept": accept}
    forms = {client.get(path, headers=headers).content_type for path in ("/v2/meters", "/v2/x")}

    assert {expected} == forms


@FORMS
@pytest.mark.parametrize("path", READS)
def test_crash_tells_nothing(
    serve: Callable[..., Client], caplog: pytest.LogCaptureFixture, path: str, accept: str
) -> None:
    """An unexpected error is 500 with the id of the request, and nothing of what happened."""
    response = serve(BrokenStorage(ValueError(SECRET))).get(path, headers={"Accept": accept})

    assert_fault(response, 500, response.headers["X-Openstack-Request-Id"])
    assert "internal error" in response.text
    assert all(word not in response.text for word in ("mongodb", "password", "ValueError", "File"))
    assert SECRET in caplog.text


def test_crash_after_the_first_row(serve: Callable[..., Client]) -> None:
    """An answer is whole or an error: no list is cut short without a word."""
    client = serve(LateStorage())
    client.post("/v2/samples", [v2_sample()])

    assert_fault(client.get("/v2/samples"), 500, "internal error")


@pytest.mark.parametrize("path", ["/v2/samples", "/v2/meters/cpu"])
@pytest.mark.parametrize(
    ("error", "status"), [(ValueError(SECRET), 500), (StorageUnavailable("no primary"), 503)]
)
def test_failure_of_a_write(
    serve: Callable[..., Client], path: str, error: Exception, status: int
) -> None:
    """A write whose fate is unknown is an error of the server, so it is sent again."""
    assert_fault(serve(BrokenStorage(error)).post(path, [v2_sample()]), status)


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (StorageUnavailable("the store did not answer"), "the store did not answer"),
        (QueryTooExpensive(30), "took longer than 30 s"),
    ],
    ids=["store away", "too expensive"],
)
def test_failures_of_a_store(
    serve: Callable[..., Client], path: str, error: Exception, words: str
) -> None:
    """A store that is away or too slow is 503, with what to do."""
    assert_fault(serve(BrokenStorage(error)).get(path), 503, words)


def test_every_error_has_a_status(serve: Callable[..., Client]) -> None:
    """Each error that we raise on purpose is answered, and none is internal."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    raised = {kind: kind for kind in kinds if issubclass(kind, MeteringError)}
    raised.pop(MeteringError)
    made = [kind.__new__(kind, "x") for kind in raised]

    assert [] == [
        type(error).__name__
        for error in made
        if serve(BrokenStorage(error)).get("/v2/samples").status_int == 500
    ]


def test_each_request_has_an_id(client: Client) -> None:
    """Every answer has an id of its own."""
    ids = {client.get("/v2/samples").headers["X-Openstack-Request-Id"] for _ in range(3)}

    assert 3 == len(ids)
    assert all(one.startswith("req-") for one in ids)


def test_id_cannot_be_chosen(client: Client) -> None:
    """A request's own id is not taken over."""
    headers = {"X-Openstack-Request-Id": "req-forged"}

    assert "forged" not in str(client.get("/v2/samples", headers=headers).headers)


def test_control_characters_in_an_error(client: Client) -> None:
    """What a client sent is repeated in XML so that it can be parsed."""
    headers = {"Accept": "application/xml"}

    assert_fault(client.get("/v2/samples/a%01%0Ab", headers=headers), 404, "a\ufffd\nb")


def test_long_parameter_is_not_repeated(client: Client) -> None:
    """An error repeats little of what was sent."""
    response = client.get(f"/v2/samples?{'x' * 5000}=1")

    assert_fault(response, 400, "Unknown argument")
    assert len(response.text) < 400


def test_bad_samples_are_not_repeated_at_length(client: Client, storage: Storage) -> None:
    """An error names no more than a hundred characters of a value."""
    response = client.post("/v2/meters/cpu", [v2_sample(counter_volume="x" * 5000)])

    assert_fault(response, 400, "counter_volume")
    assert len(response.text) < 400
    assert [] == kept(storage)


def test_expected_errors_make_no_noise(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """What clients do wrong is no warning in the log."""
    caplog.set_level(logging.INFO)
    client.get("/v2/samples?limit=0")

    assert [] == [one for one in caplog.records if one.levelno >= logging.WARNING]
