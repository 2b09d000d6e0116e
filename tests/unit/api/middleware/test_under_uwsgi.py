"""Chunks, where uWSGI has none."""

import socket
from collections.abc import Callable, Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from metering.api.exchange.client import IS_GONE
from metering.api.middleware.under_uwsgi import UnderUwsgi, under_uwsgi

HTTP = {"http-socket": b":8777"}
OWN = {"socket": b":1"}
CHUNKED = ("Transfer-Encoding", "chunked")


class Body:
    """A body that is made while it is sent."""

    is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield from (b"", b"0123456789\n", b"b\n")

    def close(self) -> None:
        """Remember."""
        self.is_closed = True


def application(
    body: Iterable[bytes], *headers: tuple[str, str]
) -> Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]:
    """An application that answers so."""

    def answer(_: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", list(headers))
        return body

    return answer


class Under:
    """The application under a uWSGI with these options."""

    def __init__(self, options: dict[str, bytes], body: Iterable[bytes], *headers: Any) -> None:
        self.headers: list[tuple[str, str]] = []
        server = SimpleNamespace(opt=options, connection_fd=lambda: -1)
        self._application = UnderUwsgi(application(body, *headers), server)

    def ask(self, **environ: str) -> Iterable[bytes]:
        """The body of the answer."""
        return self._application(
            {"SERVER_PROTOCOL": "HTTP/1.1"} | environ,
            lambda _, headers: self.headers.extend(headers),
        )


@pytest.mark.parametrize(
    ("options", "environ", "in_chunks"),
    [
        (HTTP, {}, True),
        (HTTP, {"SERVER_PROTOCOL": "HTTP/1.0"}, False),
        (HTTP, {"REQUEST_METHOD": "HEAD"}, False),
        (OWN, {}, False),
        (HTTP | OWN, {}, False),
        (OWN, {"UWSGI_ROUTER": "http"}, True),
    ],
)
def test_what_has_no_length_goes_in_chunks_to_a_client_of_http(
    options: dict[str, bytes], environ: dict[str, str], in_chunks: bool
) -> None:
    """A proxy that speaks uWSGI's own protocol would take chunks for the body."""
    under = Under(options, Body())
    parts = b"".join(under.ask(**environ))

    assert ([CHUNKED] if in_chunks else []) == under.headers
    plain, chunked = b"0123456789\nb\n", b"b\r\n0123456789\n\r\n2\r\nb\n\r\n0\r\n\r\n"
    assert (chunked if in_chunks else plain) == parts


def test_what_has_a_length_stays() -> None:
    """Whether it is there at once or made while it is sent."""
    for body in ([b"ab"], Body()):
        under = Under(HTTP, body, ("Content-Length", "2"))

        assert b"".join(body) == b"".join(under.ask())
        assert CHUNKED not in under.headers


def test_what_breaks_off_has_no_last_chunk() -> None:
    """The error goes on to uWSGI, which closes."""

    def breaking() -> Iterator[bytes]:
        yield b"a"
        raise LookupError

    received: list[bytes] = []
    with pytest.raises(LookupError):
        received.extend(Under(HTTP, breaking()).ask())

    assert [b"1\r\na\r\n"] == received


def test_it_closes_the_body() -> None:
    """As a server does."""
    body = Body()
    Under(HTTP, body).ask().close()  # type: ignore[attr-defined]

    assert body.is_closed


def test_the_application_can_ask_whether_the_client_has_gone() -> None:
    """By the connection of the request, which uWSGI knows."""
    found: list[bool] = []

    def look(environ: dict[str, Any], _: Callable[..., Any]) -> Iterable[bytes]:
        found.append(environ[IS_GONE]())
        theirs.close()
        found.append(environ[IS_GONE]())
        return []

    ours, theirs = socket.socketpair()
    with ours:
        server = SimpleNamespace(opt=HTTP, connection_fd=ours.fileno)
        UnderUwsgi(look, server)({}, lambda *_: None)

    assert [False, True] == found


def test_another_server_needs_none_of_it() -> None:
    """The application stays as it is."""
    plain = application([])

    assert plain is under_uwsgi(plain)
