"""One line in the log for each request: what was asked, and what came of it."""

import logging
from typing import Any
from urllib.parse import quote

from metering.api.exchange.observed import Exchange

LOG = logging.getLogger(__name__)

_LONGEST_PATH = 500
_LONGEST_PROJECT = 255


class AccessLog:
    """Logs method, path, status and milliseconds; in the fields of JSON there is more.

    The query string is left out: it is long, and may name what is nobody's business. What a
    client sent is percent-encoded, so that it cannot begin a line of its own.
    """

    def began(self) -> None:
        """Say nothing yet."""

    def ended(self, exchange: Exchange) -> None:
        """Log the line."""
        if not LOG.isEnabledFor(logging.INFO):
            return
        # WSGI gives the bytes of the path as Latin-1.
        path = quote(exchange.path.encode("latin-1", "replace"))[:_LONGEST_PATH]
        method = quote(exchange.method)[:20]
        status = "-" if exchange.status is None else exchange.status
        milliseconds = round(exchange.seconds * 1000)
        fields = _fields(exchange, method, path)
        LOG.info("%s %s %s %d ms", method, path, status, milliseconds, extra={"fields": fields})


def _fields(exchange: Exchange, method: str, path: str) -> dict[str, Any]:
    """What is known; a POST of samples says how many there were."""
    known = {
        "method": method,
        "path": path,
        "route": exchange.route,
        "status": exchange.status,
        "duration_ms": round(exchange.seconds * 1000, 3),
        "bytes": exchange.sent_bytes,
        "project": exchange.project_id and exchange.project_id[:_LONGEST_PROJECT],
        "samples": sum(exchange.outcomes.values()) if exchange.outcomes else None,
        "fault": exchange.fault,
    }
    return {name: value for name, value in known.items() if value is not None}
