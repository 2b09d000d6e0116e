"""/: the versions of the API, as Ceilometer announced them; clients look for it first."""

from typing import Any

import msgspec
import pecan
from webob import Request, Response

from metering.api.forms.media import JSON
from metering.api.framework.endpoint import Endpoint


class VersionsController:
    """The version document: JSON for every method, and open to everybody."""

    @pecan.expose(content_type=JSON)
    def show(self, request: Request, response: Response) -> Response:
        """The versions of the API; for any method."""
        del response
        return Response(
            body=msgspec.json.encode(_document(request.application_url)), content_type=JSON
        )

    show.endpoint = Endpoint(returns=dict[str, dict[str, list[dict[str, Any]]]], forms=(JSON,))


def _document(application_url: str) -> dict[str, Any]:
    return {
        "versions": {
            "values": [
                {
                    "id": "v2",
                    "status": "stable",
                    "updated": "2013-02-13T00:00:00Z",
                    "links": [
                        {"rel": "self", "href": f"{application_url}/v2"},
                        {
                            "rel": "describedby",
                            "type": "text/html",
                            "href": "http://docs.openstack.org/",
                        },
                    ],
                    "media-types": [
                        {
                            "base": f"application/{form}",
                            "type": f"application/vnd.openstack.telemetry-v2+{form}",
                        }
                        for form in ("json", "xml")
                    ],
                }
            ]
        }
    }
