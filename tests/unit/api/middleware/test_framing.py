"""Requests of which the server passed on a part only are refused."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from webob import Request, Response

from metering.api.middleware.framing import WholeRequests


def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """An application that is content with everything."""
    return Response("fine")(environ, start_response)  # type: ignore[no-any-return]


def status(**environ: Any) -> int:
    """The status of the answer to a request with that environment."""
    request = Request.blank("/v2/meters?limit=1")
    for name, value in environ.items():
        key = name.replace("__", ".")
        if value is None:
            del request.environ[key]
        else:
            request.environ[key] = value
    number: int = request.get_response(WholeRequests(answer)).status_int
    return number


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, 200),
        ({"CONTENT_LENGTH": "12"}, 200),
        ({"CONTENT_LENGTH": ""}, 200),
        ({"CONTENT_LENGTH": "-12"}, 411),
        ({"CONTENT_LENGTH": "+12"}, 411),
        ({"CONTENT_LENGTH": "1_2"}, 411),
        ({"CONTENT_LENGTH": "\u0661"}, 411),
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, 411),
        ({"HTTP_TRANSFER_ENCODING": "Chunked", "CONTENT_LENGTH": "12"}, 411),
        ({"HTTP_TRANSFER_ENCODING": "chunked", "wsgi__input_terminated": True}, 200),
    ],
)
def test_the_length_of_the_body_must_be_known(environ: dict[str, Any], expected: int) -> None:
    """By its header, or because the server finds the end."""
    assert status(**environ) == expected


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"REQUEST_URI": "/v2/meters?limit=1"}, 200),
        ({"REQUEST_URI": "/v2/meters?limit=1", "QUERY_STRING": None}, 414),
        ({"REQUEST_URI": "/v2/meters?limit=1", "PATH_INFO": None}, 414),
        ({"REQUEST_URI": "/v2/meters?limit=1?x", "QUERY_STRING": "limit=1?x"}, 200),
        ({"REQUEST_URI": "/v2/meters", "QUERY_STRING": None}, 200),
        ({}, 414),
    ],
)
def test_uwsgi_must_have_passed_on_the_whole_url(environ: dict[str, Any], expected: int) -> None:
    """Path and query agree with what was requested."""
    assert status(uwsgi__version="2.0", **environ) == expected


def test_a_refusal_has_the_shape_of_all_errors() -> None:
    """Also in XML, for those who ask for it."""
    request = Request.blank("/", accept="application/xml")
    request.environ["HTTP_TRANSFER_ENCODING"] = "chunked"
    response = request.get_response(WholeRequests(answer))

    assert response.content_type == "application/xml"
    assert "<faultstring>Length Required</faultstring>" in response.text
