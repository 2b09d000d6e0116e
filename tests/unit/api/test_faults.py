"""Errors and their answers."""

import json

import pytest
from webob import exc

from metering import errors
from metering.api.exchange.request_id import current
from metering.api.faults import STATUS, respond
from metering.errors import InvalidQuery, MeteringError, NotFound


def subclasses(kind: type[MeteringError]) -> set[type[MeteringError]]:
    """Every class below one."""
    below = set(kind.__subclasses__())
    return below.union(*map(subclasses, below))


def test_every_error_has_a_status() -> None:
    """Each class of error is in the table, or below one that is."""
    ours = {one for one in subclasses(MeteringError) if one.__module__ == errors.__name__}

    assert set() == {one for one in ours if not set(one.__mro__) & set(STATUS)}


def test_no_status_is_that_of_a_crash() -> None:
    """What we raise on purpose is never 500."""
    assert 500 not in STATUS.values()


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (InvalidQuery("why"), 400, "why"),
        (NotFound("Sample", "x" * 200), 404, f"Sample {'x' * 100} Not Found"),
        (exc.HTTPNotFound("path /secret"), 404, "The resource could not be found."),
        (exc.HTTPMethodNotAllowed(), 405, "The method is not allowed for this resource."),
        (exc.HTTPRequestHeaderFieldsTooLarge("x"), 431, "Request Header Fields Too Large"),
        (InvalidQuery("lone \ud800"), 400, "lone \\ud800"),
    ],
)
def test_status_and_text(error: Exception, status: int, text: str) -> None:
    """An error of ours has its words, one of the router plain ones."""
    response = respond(error, "")

    expected = {"faultcode": "Client", "faultstring": text, "debuginfo": None}
    assert (status, {"error_message": expected}) == (response.status_int, json.loads(response.text))


@pytest.mark.parametrize("kind", [exc.HTTPInternalServerError, KeyError, MeteringError])
def test_any_other_error_tells_nothing(kind: type[Exception]) -> None:
    """Of any other error only the id of the request gets out."""
    response = respond(kind("secret"), "")

    expected = {
        "faultcode": "Server",
        "faultstring": f"internal error; the log has more under {current()}",
        "debuginfo": None,
    }
    assert (500, {"error_message": expected}) == (response.status_int, json.loads(response.text))


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "application/json"),
        ("text/html", "application/json"),
        ("*/*", "application/json"),
        ("text/xml", "text/xml"),
        ("application/xml, application/json;q=0.5", "application/xml"),
        ("\xff,,;q=x", "application/json"),
    ],
)
def test_form(accept: str, expected: str) -> None:
    """An error comes in the form that is accepted best, and in JSON where there is none."""
    assert expected == respond(InvalidQuery("why"), accept).content_type
