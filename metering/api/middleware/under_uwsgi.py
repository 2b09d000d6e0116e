"""What uWSGI lacks for answers that are made while they are sent: an end, and time.

Only `metering.wsgi` wraps the application in this: metering-api's server does both by itself.
"""

import importlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from metering.api.middleware.request_id import Wsgi

# Of [api] query_timeout. A question takes one, and a batch of samples may wait for its store twice.
_TIMEOUTS_UNTIL_IT_HANGS = 3

_OWN_PROTOCOL = {"socket", "uwsgi-socket"}


class UnderUwsgi:
    """WSGI middleware that sends chunks where uWSGI would not, and says when a worker hangs.

    uWSGI ends an answer without a length by closing the connection, and so it does when it breaks
    off: a client could not tell. In chunks (for HTTP/1.1, and where what we write goes to an HTTP
    client as it is, not to a proxy by uWSGI's own protocol) what breaks off lacks the last chunk.

    uWSGI's `harakiri` counts the whole answer, however slowly the client takes it. The time here
    counts only while we work; it is the worker's, as uWSGI's own is, so with several threads it
    counts from the last beginning of any.
    """

    def __init__(self, application: Wsgi, server: Any, query_timeout_seconds: float) -> None:
        """Take uWSGI's module and the time limit of a question."""
        self._application = application
        self._is_http = "http-socket" in server.opt and not _OWN_PROTOCOL & server.opt.keys()
        self._end_in = server.set_user_harakiri
        self._seconds = int(_TIMEOUTS_UNTIL_IT_HANGS * query_timeout_seconds) + 1

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer; uWSGI itself forgets the time when the request is over."""
        has_length = False
        is_http = self._is_http or environ.get("UWSGI_ROUTER") == "http"
        can_chunk = is_http and environ.get("SERVER_PROTOCOL") == "HTTP/1.1"

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            nonlocal has_length
            has_length = any(name.lower() == "content-length" for name, _ in headers)
            more = [] if has_length or not can_chunk else [("Transfer-Encoding", "chunked")]
            return start_response(status, [*headers, *more], *rest)

        self._end_in(self._seconds)
        answer = self._application(environ, start)
        if isinstance(answer, list):
            return answer
        return _Timed(answer, self._end_in, self._seconds, in_chunks=can_chunk and not has_length)


class _Timed:
    """A body in whose making only our own time counts."""

    def __init__(
        self,
        parts: Iterable[bytes],
        end_in: Callable[[int], None],
        seconds: int,
        *,
        in_chunks: bool,
    ) -> None:
        self._parts = parts
        self._end_in = end_in
        self._seconds = seconds
        self._in_chunks = in_chunks

    def __iter__(self) -> Iterator[bytes]:
        for part in self._parts:
            self._end_in(0)
            if part:
                yield b"%x\r\n%s\r\n" % (len(part), part) if self._in_chunks else part
            self._end_in(self._seconds)
        if self._in_chunks:
            yield b"0\r\n\r\n"

    def close(self) -> None:
        """Close the body."""
        close = getattr(self._parts, "close", None)
        if close is not None:
            close()


def under_uwsgi(application: Wsgi, query_timeout_seconds: float) -> Wsgi:
    """The application, with what uWSGI lacks, if it is uWSGI that runs it."""
    try:
        server = importlib.import_module("uwsgi")  # uWSGI makes it; it is in no package
    except ImportError:
        return application
    return UnderUwsgi(application, server, query_timeout_seconds)
