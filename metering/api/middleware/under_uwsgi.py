"""What uWSGI lacks: an end of answers that are made while they are sent, and a look at the client.

Only `metering.wsgi` wraps the application in this: metering-api's server does it by itself.
"""

import importlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from metering.api.exchange.client import IS_GONE, has_hung_up
from metering.api.exchange.request_id import Wsgi

# Options by which uWSGI talks to a proxy in its own protocol, which would take chunks for the body.
_OWN_PROTOCOL = {"socket", "uwsgi-socket"}


class UnderUwsgi:
    """WSGI middleware that sends chunks where uWSGI would not, and can tell when a client has gone.

    uWSGI ends an answer without a length by closing the connection, and so it does when it breaks
    off: a client could not tell. In chunks (for HTTP/1.1, and where what we write goes to an HTTP
    client as it is, not to a proxy by uWSGI's own protocol) what breaks off lacks the last chunk.

    uWSGI's `is_connected` takes a connection that its client has closed for one that is there.
    """

    def __init__(self, application: Wsgi, server: Any) -> None:
        """Take uWSGI's module."""
        self._application = application
        self._server = server
        self._is_http = "http-socket" in server.opt and not _OWN_PROTOCOL & server.opt.keys()

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer, in chunks if the length is not known."""
        environ[IS_GONE] = partial(has_hung_up, self._server.connection_fd())
        has_length = False
        is_http = self._is_http or environ.get("UWSGI_ROUTER") == "http"
        has_body = environ.get("REQUEST_METHOD") != "HEAD"
        can_chunk = is_http and has_body and environ.get("SERVER_PROTOCOL") == "HTTP/1.1"

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            nonlocal has_length
            has_length = any(name.lower() == "content-length" for name, _ in headers)
            more = [] if has_length or not can_chunk else [("Transfer-Encoding", "chunked")]
            return start_response(status, [*headers, *more], *rest)

        answer = self._application(environ, start)
        return _Chunks(answer) if can_chunk and not has_length else answer


class _Chunks:
    """A body in chunks; without the last one if it breaks off."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = parts

    def __iter__(self) -> Iterator[bytes]:
        for part in self._parts:
            if part:
                yield b"%x\r\n%s\r\n" % (len(part), part)
        yield b"0\r\n\r\n"

    def close(self) -> None:
        """Close the body."""
        close = getattr(self._parts, "close", None)
        if close is not None:
            close()


def under_uwsgi(application: Wsgi) -> Wsgi:
    """The application, with what uWSGI lacks, if it is uWSGI that runs it."""
    try:
        server = importlib.import_module("uwsgi")  # uWSGI makes it; it is in no package
    except ImportError:
        return application
    return UnderUwsgi(application, server)
