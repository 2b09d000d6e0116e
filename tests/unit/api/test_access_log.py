"""The line that each request leaves in the log."""

import logging
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from webob import Request, Response

from metering.api.access_log import AccessLog
from metering.api.request_id import RequestIds, current


def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """An application that finds nothing."""
    return Response(status=404)(environ, start_response)  # type: ignore[no-any-return]


def fail(_: dict[str, Any], __: Callable[..., Any]) -> Iterable[bytes]:
    """An application with a fault in it."""
    raise LookupError


def line(caplog: pytest.LogCaptureFixture, application: Any, path: str, **changes: Any) -> str:
    """The line for a request, without the milliseconds."""
    request = Request.blank(path, **changes)
    with caplog.at_level(logging.INFO):
        request.get_response(application)
    message = caplog.records[-1].getMessage()
    assert message.endswith(" ms")
    return message.rpartition(" ")[0].rpartition(" ")[0]


def test_it_has_method_path_and_status(caplog: pytest.LogCaptureFixture) -> None:
    """The query string is left out."""
    said = line(caplog, AccessLog(answer), "/v2/meters?q.value=secret", method="POST")

    assert said == "POST /v2/meters 404"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/a%0Ab", "/a%0Ab"),
        ("/caf%C3%A9", "/caf%C3%A9"),
        ("/%ff", "/%FF"),
        ("/" + "x" * 600, "/" + "x" * 499),
    ],
)
def test_no_path_can_begin_a_line_of_its_own(
    path: str, shown: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What is no plain character is percent-encoded, and what is long is cut."""
    assert line(caplog, AccessLog(answer), path) == f"GET {shown} 404"


def test_no_method_can_either(caplog: pytest.LogCaptureFixture) -> None:
    """Servers take any word for a method."""
    assert line(caplog, AccessLog(answer), "/", method="A\nB") == "A%0AB / 404"


def test_a_request_without_an_answer_leaves_a_line_too(caplog: pytest.LogCaptureFixture) -> None:
    """There is no status, and the fault goes on to the server."""
    with caplog.at_level(logging.INFO), pytest.raises(LookupError):
        Request.blank("/").get_response(AccessLog(fail))

    assert caplog.records[-1].getMessage().startswith("GET / - ")


def test_the_line_is_written_under_the_id_in_the_answer(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Header and log agree."""
    seen = []
    monkeypatch.setattr("metering.api.access_log.LOG.info", lambda *_: seen.append(current()))
    response = Request.blank("/").get_response(RequestIds(AccessLog(answer)))

    assert [response.headers["X-Openstack-Request-Id"]] == seen
