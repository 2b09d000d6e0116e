"""The line that each request leaves in the log."""

import logging
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from webob import Request, Response

from metering.api.exchange.observed import Exchange, Observed
from metering.api.exchange.request_id import RequestIds, Wsgi, current
from metering.api.middleware.access_log import AccessLog


def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """An application that finds nothing."""
    return Response(status=404)(environ, start_response)  # type: ignore[no-any-return]


def fail(_: dict[str, Any], __: Callable[..., Any]) -> Iterable[bytes]:
    """An application with a fault in it."""
    raise LookupError


def logged(application: Wsgi) -> Observed:
    """The application, with a line in the log for each request."""
    return Observed(application, AccessLog())


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
    said = line(caplog, logged(answer), "/v2/meters?q.value=secret", method="POST")

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
    assert line(caplog, logged(answer), path) == f"GET {shown} 404"


def test_no_method_can_either(caplog: pytest.LogCaptureFixture) -> None:
    """Servers take any word for a method."""
    assert line(caplog, logged(answer), "/", method="A\nB") == "A%0AB / 404"


def test_a_request_without_an_answer_leaves_a_line_too(caplog: pytest.LogCaptureFixture) -> None:
    """There is no status, and the fault goes on to the server."""
    with caplog.at_level(logging.INFO), pytest.raises(LookupError):
        Request.blank("/").get_response(logged(fail))

    assert caplog.records[-1].getMessage().startswith("GET / - ")


def test_the_line_is_written_under_the_id_in_the_answer(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Header and log agree."""
    seen = []
    monkeypatch.setattr(
        "metering.api.middleware.access_log.LOG.info", lambda *_, **__: seen.append(current())
    )
    with caplog.at_level(logging.INFO):
        response = Request.blank("/").get_response(RequestIds(logged(answer)))

    assert [response.headers["X-Openstack-Request-Id"]] == seen


def test_a_program_finds_every_part_of_the_line_by_name(caplog: pytest.LogCaptureFixture) -> None:
    """What is known stands in the record's fields, and nothing else does."""
    exchange = Exchange(
        method="POST",
        path="/v2/samples",
        route="/v2/samples",
        status=207,
        seconds=0.0123456,
        sent_bytes=77,
        project_id="p-1",
        outcomes={"accepted": 2, "rejected": 1},
    )
    with caplog.at_level(logging.INFO):
        AccessLog().ended(exchange)

    expected = {
        "method": "POST",
        "path": "/v2/samples",
        "route": "/v2/samples",
        "status": 207,
        "duration_ms": 12.346,
        "bytes": 77,
        "project": "p-1",
        "samples": 3,
    }
    assert expected == vars(caplog.records[-1])["fields"]


def test_nothing_is_made_up_for_a_level_that_is_off(caplog: pytest.LogCaptureFixture) -> None:
    """With the level WARNING no request leaves a line."""
    with caplog.at_level(logging.WARNING):
        AccessLog().ended(Exchange(method="GET", path="/", status=200, seconds=0.0))

    assert [] == caplog.records
