"""Requests that reach the application whole: what is missing would change what was asked.

A body that is read as empty asks for everything, and so does a query string that is not there.
"""

from collections.abc import Callable, Iterable
from typing import Any

from webob import exc

from metering.api.faults import respond
from metering.api.middleware.request_id import Wsgi


class WholeRequests:
    """WSGI middleware that refuses a request of which the server passed on a part only."""

    def __init__(self, application: Wsgi) -> None:
        """Wrap the application."""
        self._application = application

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Refuse, or let the application answer."""
        refusal: Exception
        if not _has_whole_url(environ):
            refusal = exc.HTTPRequestURITooLong()
        elif not _has_framed_body(environ):
            refusal = exc.HTTPLengthRequired()
        else:
            return self._application(environ, start_response)
        response = respond(refusal, str(environ.get("HTTP_ACCEPT", "")))
        answer: Iterable[bytes] = response(environ, start_response)
        return answer


def _has_whole_url(environ: dict[str, Any]) -> bool:
    """Whether path and query are there: uWSGI leaves out what does not fit into its buffer."""
    if "uwsgi.version" not in environ:
        return True
    url = environ.get("REQUEST_URI")
    if url is None or "PATH_INFO" not in environ:
        return False
    return bool(url.partition("?")[2] == environ.get("QUERY_STRING", ""))


def _has_framed_body(environ: dict[str, Any]) -> bool:
    """Whether the server knows where the body ends.

    Chunked bodies are passed on by uWSGI as they are, and its own decoder takes a damaged chunk
    for the end; servers that decode them (waitress) say so by `wsgi.input_terminated`.
    """
    length = str(environ.get("CONTENT_LENGTH", ""))
    is_number = length.isascii() and length.isdigit()
    is_decoded = bool(environ.get("wsgi.input_terminated"))
    return (is_number or not length) and (is_decoded or "HTTP_TRANSFER_ENCODING" not in environ)
