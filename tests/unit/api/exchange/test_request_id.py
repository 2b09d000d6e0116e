"""Ids of requests."""

import logging
from collections.abc import Callable, Iterable
from typing import Any

from metering.api.exchange.request_id import HEADER, LogFilter, RequestIds, current


def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """Answers with the current id."""
    start("200 OK", [("Content-Type", "text/plain")])
    return [current().encode()]


def answer() -> tuple[str, str]:
    """The id in the header of an answer, and that which the application saw."""
    told: list[tuple[str, str]] = []
    body = RequestIds(application)({}, lambda *answered: told.extend(answered[1]))
    return dict(told)[HEADER], b"".join(body).decode()


def test_header_has_the_current_id() -> None:
    """The id in the header is the one that the application and its log see."""
    header, seen = answer()

    assert header == seen
    assert header.startswith("req-")


def test_each_request_has_another() -> None:
    """No two requests share an id."""
    assert 5 == len({answer()[0] for _ in range(5)})


def test_log_records_have_the_id() -> None:
    """A log record names the request in which it was made."""
    record = logging.LogRecord("x", logging.INFO, "", 0, "", None, None)
    header, _ = answer()

    assert LogFilter().filter(record)
    assert header == record.request_id  # type: ignore[attr-defined] # the filter set it
