"""One line in the log for each request: what was asked, and what came of it."""

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

from metering.api.request_id import Wsgi

LOG = logging.getLogger(__name__)

_LONGEST_PATH = 500


class AccessLog:
    """WSGI middleware that logs method, path, status and milliseconds until the answer began.

    The query string is left out: it is long, and may name what is nobody's business. What a
    client sent is percent-encoded, so that it cannot begin a line of its own.
    """

    def __init__(self, application: Wsgi) -> None:
        """Wrap the application."""
        self._application = application

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer, and log."""
        begin = time.monotonic()
        status = "-"

        def start(line: str, *rest: Any) -> Any:
            nonlocal status
            status = line.partition(" ")[0]
            return start_response(line, *rest)

        try:
            return self._application(environ, start)
        finally:
            milliseconds = round((time.monotonic() - begin) * 1000)
            LOG.info("%s %s %s %d ms", *_asked(environ), status, milliseconds)


def _asked(environ: dict[str, Any]) -> tuple[str, str]:
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    # WSGI gives the bytes of the path as Latin-1.
    shown = quote(path.encode("latin-1", "replace"))[:_LONGEST_PATH]
    return quote(str(environ["REQUEST_METHOD"]))[:20], shown
