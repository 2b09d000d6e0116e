"""How the log is written: to stderr, as text or as JSON, a line an event, without secrets."""

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

from metering.api.exchange.request_id import LogFilter
from metering.config import LogConfig

_TEXT = "%(asctime)s %(process)d %(levelname)s %(name)s [%(request_id)s] %(message)s"

# A password in a URL.
_IN_URL = re.compile(r"//[^\s/@:]*:\S{1,500}@")
# The value of a header or an option, as text, in a dict or in a WSGI environ.
_NAMED = re.compile(
    r"""((?:x[-_](?:auth|subject|service)[-_]token|authorization|idempotency[-_]key"""
    r"""|password|secret)["']?\s*[:=,]\s*(?:b?["'])?)"""
    r"""(?:(?:basic|bearer|digest|negotiate)\s+)?[^\s"',;}\])]+""",
    re.IGNORECASE,
)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def set_up_logging(config: LogConfig) -> None:
    """Log to stderr, each line with its process and the id of its request.

    The level is that of the service itself. Of its libraries only what is INFO or more is
    written, whatever the level: at DEBUG the driver of a database shows what it sends.
    """
    handler = logging.StreamHandler()
    handler.setFormatter({"json": JsonFormatter, "text": TextFormatter}[config.format]())
    handler.addFilter(LogFilter())
    level = logging.getLevelNamesMapping()[config.level]
    logging.basicConfig(level=max(level, logging.INFO), handlers=[handler])
    logging.getLogger("metering").setLevel(level)
    # Pecan logs as errors what clients do wrong; our own hook says what matters.
    logging.getLogger("pecan").setLevel(logging.CRITICAL)
    # At INFO this one tells of each token that is refused, and quotes what Keystone said of it.
    logging.getLogger("keystonemiddleware").setLevel(logging.WARNING)


class TextFormatter(logging.Formatter):
    """Lines for people.

    Control characters are escaped and tracebacks indented, so that only a line of ours begins
    with a time.
    """

    def __init__(self) -> None:
        """Take the format that there is."""
        super().__init__(_TEXT)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The line, without what may follow it."""
        return _CONTROL.sub(_escaped, mask(super().formatMessage(record)))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """The traceback."""
        lines = mask(super().formatException(ei)).splitlines()
        return "\n".join("    " + _CONTROL.sub(_escaped, line) for line in lines)


class JsonFormatter(logging.Formatter):
    """An object a line: time, level, logger, process, request_id, message; then what there is more.

    That is the record's `fields` (those of a request: see `metering.api.middleware.access_log`) and
    `exception`. All is ASCII, control characters are escaped.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        event = {
            "time": time.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "request_id": getattr(record, "request_id", None),
            "message": mask(record.getMessage()),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            event["exception"] = mask(self.formatException(record.exc_info))
        return json.dumps(event, default=str).replace("\x7f", "\\u007f")


def mask(text: str) -> str:
    """The text without what must not be known: passwords in URLs, tokens, keys.

    We log none; libraries might, in the text of an error.
    """
    return _NAMED.sub(r"\1***", _IN_URL.sub("//***@", text))


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
