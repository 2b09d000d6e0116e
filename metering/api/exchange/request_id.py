"""Each request has an id: in the log, in every answer's X-Openstack-Request-Id, in our faults."""

import logging
import uuid
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any

HEADER = "X-Openstack-Request-Id"

_current: ContextVar[str] = ContextVar("request_id", default="-")

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def current() -> str:
    """The id of the request that is being answered, or `-`."""
    return _current.get()


class RequestIds:
    """WSGI middleware that gives each request an id."""

    def __init__(self, application: Wsgi) -> None:
        """Wrap the application."""
        self._application = application

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer, with the id."""
        made = f"req-{uuid.uuid4()}"
        _current.set(made)

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, [*headers, (HEADER, made)], *rest)

        return self._application(environ, start)


class LogFilter(logging.Filter):
    """Gives each log record the `request_id` that its format names."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the id; keep the record."""
        record.request_id = current()
        return True
