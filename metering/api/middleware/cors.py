"""Which pages of other origins may ask: oslo.middleware's CORS, by [cors] allowed_origin.

It also answers OPTIONS, as it did for v2.
"""

from collections.abc import Callable, Iterable
from typing import Any

from oslo_middleware import cors

from metering.api.exchange.request_id import HEADER, Wsgi
from metering.config import Config


def set_defaults() -> None:
    """Say which headers and methods pages of other origins need here."""
    cors.set_defaults(
        allow_headers=["X-Auth-Token", "Authorization", "Idempotency-Key", HEADER],
        expose_headers=["Link", "Metering-Effort", HEADER],
        allow_methods=["GET", "POST"],
    )


def allow_origins(application: Wsgi, config: Config) -> Wsgi:
    """The application, with answers that let the configured origins read them.

    What no page of another origin asks goes past the middleware, which would make a request and an
    answer of its own of it, and then leave them as they are.
    """
    set_defaults()
    allowing: Wsgi = cors.CORS(application, config.oslo)

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        is_concerned = "HTTP_ORIGIN" in environ or environ.get("REQUEST_METHOD") == "OPTIONS"
        return (allowing if is_concerned else application)(environ, start_response)

    return answer
