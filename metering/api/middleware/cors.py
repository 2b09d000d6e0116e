"""Which pages of other origins may ask: oslo.middleware's CORS, by [cors] allowed_origin.

It also answers OPTIONS, as it did for v2.
"""

from oslo_middleware import cors

from metering.api.middleware.request_id import HEADER, Wsgi
from metering.config import Config


def set_defaults() -> None:
    """Say which headers and methods pages of other origins need here."""
    cors.set_defaults(
        allow_headers=["X-Auth-Token", "Authorization", "Idempotency-Key", HEADER],
        expose_headers=["Link", HEADER],
        allow_methods=["GET", "POST"],
    )


def allow_origins(application: Wsgi, config: Config) -> Wsgi:
    """The application, with answers that let the configured origins read them."""
    set_defaults()
    wrapped: Wsgi = cors.CORS(application, config.oslo)
    return wrapped
