"""No cache keeps an answer: under one URL each token, and each form, has one of its own.

A cache may keep an answer that says nothing of it, and would give it to whoever comes next: HTTP
excepts requests with `Authorization`, but knows nothing of `X-Auth-Token`.
"""

from collections.abc import Callable, Iterable
from typing import Any

from metering.api.exchange.request_id import Wsgi

_NO_STORE = ("Cache-Control", "no-store")


class NoStore:
    """WSGI middleware that lets no cache keep an answer."""

    def __init__(self, application: Wsgi) -> None:
        """Wrap the application."""
        self._application = application

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer, with the header."""

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, [*headers, _NO_STORE], *rest)

        return self._application(environ, start)
