"""The only place where the application is put together."""

import threading

from metering.api.access import Access
from metering.api.exchange.observed import Observed
from metering.api.exchange.request_id import RequestIds, Wsgi
from metering.api.faults import FaultHook
from metering.api.framework.requests import ApiRequest
from metering.api.framework.routing import Routed
from metering.api.middleware.access_log import AccessLog
from metering.api.middleware.cors import allow_origins
from metering.api.middleware.framing import WholeRequests
from metering.api.middleware.keystone_gate import KeystoneGate
from metering.api.middleware.no_store import NoStore
from metering.api.routes import make_routes
from metering.api.services import Services
from metering.config import Config
from metering.recording.recorder import Recorder
from metering.storage.base import Storage


def make_app(config: Config, storage: Storage, stopping: threading.Event | None = None) -> Wsgi:
    """The WSGI application that answers from the storage; not ready once `stopping` is set."""
    services = Services(
        storage=storage,
        recorder=Recorder(storage),
        access=Access(config),
        config=config.api,
        usage=config.usage,
        stopping=stopping or threading.Event(),
    )
    application: Wsgi = Routed(
        make_routes(services),
        hooks=[FaultHook()],
        request_cls=ApiRequest,
        guess_content_type_from_ext=False,
        force_canonical=False,
        default_renderer="json",
    )
    if config.api.auth == "keystone":
        application = KeystoneGate(application, config)
    # Pages of other origins read refusals of framing, too.
    readable = allow_origins(WholeRequests(application), config)
    return RequestIds(Observed(NoStore(readable), services.metrics, AccessLog()))
