"""What observers are told of a request."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from webob import Request, Response

from metering.api.exchange import observed
from metering.api.exchange.observed import Exchange, Observed, outcomes_of


class Kept:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[Exchange | str] = []

    def began(self) -> None:
        """Keep."""
        self.told.append("began")

    def ended(self, exchange: Exchange) -> None:
        """Keep."""
        self.told.append(exchange)


class Broken(Kept):
    """An observer whose files are gone."""

    def began(self) -> None:
        """Fail."""
        raise FileNotFoundError

    def ended(self, exchange: Exchange) -> None:
        """Fail."""
        raise FileNotFoundError(exchange)


def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """An application that notes what it finds out."""
    environ[observed.ROUTE] = "/a/{b}"
    environ[observed.PROJECT] = "p"
    environ[observed.FAULT] = "why"
    outcomes_of(environ)["accepted"] += 2
    return Response(status=207)(environ, start_response)  # type: ignore[no-any-return]


def fail(_: dict[str, Any], __: Callable[..., Any]) -> Iterable[bytes]:
    """An application with a fault in it."""
    raise LookupError


def test_everything_that_was_noted_is_told() -> None:
    """The begin first; then all that is known."""
    observer = Kept()
    Request.blank("/a/x?y=z", method="POST").get_response(Observed(answer, observer))
    began, ended = observer.told

    assert began == "began"
    assert isinstance(ended, Exchange)
    assert ended.seconds > 0
    assert ended == Exchange(
        method="POST",
        path="/a/x",
        status=207,
        seconds=ended.seconds,
        route="/a/{b}",
        project_id="p",
        fault="why",
        outcomes=Counter(accepted=2),
    )


def test_a_request_without_an_answer_is_told_too() -> None:
    """Nothing is known but what was asked, and the fault goes on to the server."""
    observer = Kept()
    with pytest.raises(LookupError):
        Request.blank("/").get_response(Observed(fail, observer))
    _, ended = observer.told

    assert isinstance(ended, Exchange)
    assert (None, None, None, {}) == (ended.status, ended.route, ended.project_id, ended.outcomes)


def test_an_observer_that_fails_costs_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    """The answer comes, the next observer is told, and the log says what is wrong."""
    other = Kept()
    response = Request.blank("/").get_response(Observed(answer, Broken(), other))

    assert (207, 2) == (response.status_int, len(other.told))
    assert 2 == sum("was not counted" in record.getMessage() for record in caplog.records)
