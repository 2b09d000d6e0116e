"""Requests that did not arrive whole are refused: what is missing would change what they ask.

A body that is read as empty asks for everything, and so does a query string that is not there. A
request that the server understood differently from what was sent is refused, too.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote_to_bytes

from webob import exc

from metering.api.exchange.request_id import Wsgi
from metering.api.faults import respond
from metering.errors import InvalidRequest

_PROTOCOL = re.compile(r"HTTP/[0-9](\.[0-9])?")
_HEADER = re.compile(r"HTTP_[A-Z0-9_!#$&'*+.^`|~]+")
# A name or an address, with or without a port; it comes back in every link of an answer.
_HOST = re.compile(r"[A-Za-z0-9._~:\[\]-]{0,255}")
_SCHEMES = ("http", "https")


class WholeRequests:
    """WSGI middleware that refuses a request of which the server passed on a part only."""

    def __init__(self, application: Wsgi) -> None:
        """Wrap the application."""
        self._application = application

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Refuse, or let the application answer."""
        environ.setdefault("REQUEST_METHOD", "")  # uWSGI has none where the line has no blank
        for is_met, refusal in _CONDITIONS:
            if not is_met(environ):
                response = respond(refusal(), str(environ.get("HTTP_ACCEPT", "")))
                answer: Iterable[bytes] = response(environ, start_response)
                return answer
        return self._application(environ, start_response)


def _has_request_line(environ: dict[str, Any]) -> bool:
    """Whether it ended in a version: uWSGI takes what follows a blank in the URL for one."""
    return bool(_PROTOCOL.fullmatch(str(environ.get("SERVER_PROTOCOL", ""))))


def _has_whole_url(environ: dict[str, Any]) -> bool:
    """Whether path and query are there: uWSGI leaves out what does not fit into its buffer."""
    if "uwsgi.version" not in environ:
        return True
    url = environ.get("REQUEST_URI")
    if url is None or "PATH_INFO" not in environ:
        return False
    return bool(url.partition("?")[2] == environ.get("QUERY_STRING", ""))


def _has_path_as_sent(environ: dict[str, Any]) -> bool:
    """Whether the path is the URL's: uWSGI drops damaged escapes, goes up at `..`, stops at `#`."""
    if "uwsgi.version" not in environ:
        return True
    sent = unquote_to_bytes(environ["REQUEST_URI"].partition("?")[0].encode("latin-1"))
    path = environ.get("SCRIPT_NAME", "") + environ["PATH_INFO"]
    return bool(sent == path.encode("latin-1"))


def _has_plain_headers(environ: dict[str, Any]) -> bool:
    """Whether the names of headers are such: a blank before the colon hides one from us."""
    return all(_HEADER.fullmatch(name) for name in environ if name.startswith("HTTP_"))


def _has_plain_origin(environ: dict[str, Any]) -> bool:
    """Whether links in the answer can begin with the host and the scheme."""
    is_host = _HOST.fullmatch(str(environ.get("HTTP_HOST", "")))
    return bool(is_host) and environ["wsgi.url_scheme"] in _SCHEMES


def _has_framed_body(environ: dict[str, Any]) -> bool:
    """Whether the server knows where the body ends.

    Chunked bodies are passed on by uWSGI as they are, and its own decoder takes a damaged chunk
    for the end; servers that decode them (waitress) say so by `wsgi.input_terminated`.
    """
    length = str(environ.get("CONTENT_LENGTH", ""))
    is_number = length.isascii() and length.isdigit()
    is_decoded = bool(environ.get("wsgi.input_terminated"))
    return (is_number or not length) and (is_decoded or "HTTP_TRANSFER_ENCODING" not in environ)


def _refused(message: str) -> Callable[[], Exception]:
    return lambda: InvalidRequest(message)


_CONDITIONS: tuple[tuple[Callable[[dict[str, Any]], bool], Callable[[], Exception]], ...] = (
    (_has_request_line, _refused("the request line is malformed")),
    (_has_whole_url, exc.HTTPRequestURITooLong),
    (
        _has_path_as_sent,
        _refused("the path has a damaged escape, a fragment, or dots that are not encoded"),
    ),
    (_has_plain_headers, _refused("the name of a header is malformed")),
    (_has_plain_origin, _refused("the host or the scheme is malformed")),
    (_has_framed_body, exc.HTTPLengthRequired),
)
