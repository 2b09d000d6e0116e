"""Bodies whose length is known: others would be read as empty, and an empty body has a meaning."""

from collections.abc import Callable, Iterable
from typing import Any

from webob import exc

from metering.api.faults import respond
from metering.api.request_id import Wsgi


class FramedBodies:
    """WSGI middleware that answers 411 where the server did not find the end of the body.

    uWSGI passes chunked bodies on as they are, and its own decoder takes a damaged chunk for the
    end; servers that decode them (waitress) say so by `wsgi.input_terminated`.
    """

    def __init__(self, application: Wsgi) -> None:
        """Wrap the application."""
        self._application = application

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Refuse, or let the application answer."""
        if _is_framed(environ):
            return self._application(environ, start_response)
        refusal = respond(exc.HTTPLengthRequired(), str(environ.get("HTTP_ACCEPT", "")))
        answer: Iterable[bytes] = refusal(environ, start_response)
        return answer


def _is_framed(environ: dict[str, Any]) -> bool:
    length = str(environ.get("CONTENT_LENGTH", ""))
    is_chunked = "HTTP_TRANSFER_ENCODING" in environ
    is_decoded = bool(environ.get("wsgi.input_terminated"))
    return (not length or (length.isascii() and length.isdigit())) and (
        is_decoded or not is_chunked
    )
