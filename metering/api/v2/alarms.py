"""/v2/alarms: gone, as in v2 without Aodh; clients that look for alarms learn it by the status."""

from typing import NoReturn

import pecan
from webob import Request, Response

from metering.api.forms.media import JSON, XML
from metering.errors import Gone


class AlarmsController:
    """Answers every question about alarms."""

    @pecan.expose(content_type=JSON)
    @pecan.expose(content_type=XML[1])
    @pecan.expose(content_type=XML[0])
    def show(self, request: Request, response: Response) -> NoReturn:
        """There are none here."""
        del request, response
        raise Gone("alarms are not part of this service")
