"""/v2/openapi.json: the API, described for machines."""

from collections.abc import Sequence
from typing import Any

import msgspec

from metering.api.document.openapi import describe
from metering.api.forms.media import JSON
from metering.api.framework.endpoint import Call
from metering.api.framework.expose import expose
from metering.api.framework.routing import Route
from metering.api.services import Controller


class OpenApiController(Controller):
    """The description of the API; the same for every caller."""

    _document = msgspec.Raw(b"{}")

    def publish(self, routes: Sequence[Route]) -> None:
        """Describe these routes from now on."""
        self._document = msgspec.Raw(msgspec.json.encode(describe(routes)))

    @expose(dict[str, Any], forms=(JSON,))
    def show(self, call: Call) -> msgspec.Raw:
        """The API as an OpenAPI document, generated from what is declared."""
        del call
        return self._document
