"""/healthz/live, /healthz/ready and /metrics: for those who run the service, without a token."""

import msgspec
import pecan
from webob import Request, Response

from metering.api.forms.media import JSON
from metering.api.framework.endpoint import Endpoint
from metering.api.operation.health import Readiness
from metering.api.services import Services
from metering.errors import NotReady

TEXT = "text/plain"
_VERSION = {"version": "0.0.4", "charset": "utf-8"}


class HealthController:
    """Whether the service lives, and whether it can answer."""

    def __init__(self, readiness: Readiness) -> None:
        """Take what knows of the store."""
        self._readiness = readiness

    @pecan.expose(content_type=JSON)
    def live(self, request: Request, response: Response) -> Response:
        """The process answers; it need not be restarted, whatever ails the store."""
        del request, response
        return _status("live")

    @pecan.expose(content_type=JSON)
    def ready(self, request: Request, response: Response) -> Response:
        """Requests would be answered, as far as a look at the store within a second tells.

        Else 503 with a word for the reason: `storage_unavailable`, `not_prepared`,
        `misconfigured`, `stopping`.
        """
        del request, response
        reason = self._readiness.reason()
        if reason is not None:
            raise NotReady(reason)
        return _status("ready")

    live.endpoint = Endpoint(returns=dict[str, str], forms=(JSON,))
    ready.endpoint = Endpoint(returns=dict[str, str], forms=(JSON,), statuses=(200, 503))


class MetricsController:
    """Figures for Prometheus."""

    def __init__(self, services: Services) -> None:
        """Take the figures."""
        self._metrics = services.metrics

    @pecan.expose(content_type=TEXT)
    def show(self, request: Request, response: Response) -> Response:
        """Requests by route, samples by what became of them, and faults of the store."""
        del request, response
        answer = Response(body=self._metrics.exposition(), content_type=TEXT, charset="utf-8")
        answer.content_type_params = _VERSION
        return answer

    show.endpoint = Endpoint(returns=str, forms=(TEXT,))


def _status(word: str) -> Response:
    return Response(body=msgspec.json.encode({"status": word}), content_type=JSON)
