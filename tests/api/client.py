"""The application as one caller sees it, and short ways to say what is sent and expected."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode
from xml.etree import ElementTree as ET

from builders import submission
from webtest import TestApp, TestRequest, TestResponse

from metering.model import AllProjects, Sample
from metering.query import SampleQuery
from metering.storage.base import Storage

JSON = "application/json"
XML = "application/xml"
NDJSON = "application/x-ndjson"
CSV = "text/csv"
_LOCAL = {"REMOTE_ADDR": "127.0.0.1"}


class Client:
    """One caller of an application; `headers` are sent with each request."""

    def __init__(self, application: Any, headers: Mapping[str, str] | None = None) -> None:
        """Wrap the application; WebTest's own REMOTE_ADDR would be no address at all."""
        self._application = application
        self._headers = dict(headers or {})
        self._test_app = TestApp(application, extra_environ=_LOCAL)

    def acting(self, *, project: str = "", user: str = "", roles: str = "") -> "Client":
        """The same application, as an authenticating proxy passes this caller on."""
        identity = {"X-Project-Id": project, "X-User-Id": user, "X-Roles": roles}
        sent = {name: value for name, value in identity.items() if value}
        return Client(self._application, self._headers | sent)

    def request(  # noqa: PLR0913 - the parts of a request
        self,
        method: str,
        path: str,
        body: bytes | str = b"",
        *,
        content_type: str | None = JSON,
        headers: Mapping[str, str] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> TestResponse:
        """The answer, whatever its status."""
        sent = self._headers | dict(headers or {})
        if body and content_type is not None:
            sent["Content-Type"] = content_type
        return self._test_app.request(
            path,
            method=method,
            body=body.encode() if isinstance(body, str) else body,
            headers=sent,
            environ=dict(environ or {}),
            expect_errors=True,
        )

    def get(self, path: str, **rest: Any) -> TestResponse:
        """The answer to a GET, whatever its status."""
        return self.request("GET", path, **rest)

    def rows(self, path: str, **rest: Any) -> Any:
        """What a GET that must succeed gives; numbers are exact."""
        response = self.get(path, **rest)

        assert (200, JSON) == (response.status_int, response.content_type), response.text
        return json.loads(response.text, parse_float=Decimal)

    def post(self, path: str, what: Any, **rest: Any) -> TestResponse:
        """The answer to a POST, whatever its status; what is no text is sent as JSON."""
        body = what if isinstance(what, bytes | str) else json.dumps(what)
        return self.request("POST", path, body, **rest)

    def lying(self, path: str, body: str, lies: dict[str, str]) -> TestResponse:
        """The answer to a POST of JSON whose environ was changed after the body was set."""
        request = TestRequest.blank(path, method="POST", body=body.encode(), content_type=JSON)
        request.environ.update(_LOCAL | lies)
        lax = TestApp(self._application, lint=False)
        return lax.do_request(request, expect_errors=True)

    def tree(self, path: str) -> ET.Element:
        """What a GET that must succeed gives as XML."""
        response = self.get(path, headers={"Accept": XML})

        assert (200, XML) == (response.status_int, response.content_type), response.text
        return parsed(response)


def parsed(response: TestResponse) -> ET.Element:
    """The XML of an answer."""
    return ET.fromstring(response.body)  # noqa: S314 - our own answer


def url(path: str, *conditions: tuple[str, ...], **parameters: Any) -> str:
    """A URL with a `q` of (field, op, value) or (field, op, value, type) conditions."""
    names = ("field", "op", "value", "type")
    widest = max(map(len, conditions), default=0)
    pairs = [
        (f"q.{name}", part)
        for condition in conditions
        for name, part in zip(names, (*condition, "")[:widest], strict=False)
    ]
    for name, value in parameters.items():
        values = value if isinstance(value, list) else [value]
        pairs += [(name.replace("__", "."), one) for one in values]
    return f"{quote(path)}?{urlencode(pairs)}" if pairs else quote(path)


def v2_sample(**changes: Any) -> dict[str, Any]:
    """A sample as a client of v2 sends it."""
    values = {
        "counter_name": "cpu",
        "counter_type": "gauge",
        "counter_unit": "core",
        "counter_volume": 1,
        "resource_id": "vm-1",
        "project_id": "p-1",
        "timestamp": "2015-06-01T12:00:00",
    }
    return values | changes


def agent_sample(**changes: Any) -> dict[str, Any]:
    """A sample as the publisher of today's agents sends it."""
    values = {
        "name": "cpu",
        "type": "gauge",
        "unit": "core",
        "volume": 1,
        "resource_id": "vm-1",
        "project_id": "p-1",
        "user_id": None,
        "source": "openstack",
        "id": "a-1",
        "timestamp": "2015-06-01T12:00:00+00:00",
        "resource_metadata": {"host": "h-1"},
        "monotonic_time": 17.5,
    }
    return values | changes


def keep(storage: Storage, *samples: dict[str, Any]) -> None:
    """Put samples into a store, past the API; each by what differs from the builder's."""
    made = [submission(**{"id": f"s-{place}"} | one) for place, one in enumerate(samples, 1)]
    storage.record(made, atomic=False)


def kept(storage: Storage) -> list[Sample]:
    """Every sample in a store."""
    return list(storage.samples(SampleQuery(scope=AllProjects())))


def assert_fault(response: TestResponse, status: int, words: str = "") -> None:
    """Check that the answer is an error in the one shape, whose text has these words."""
    assert status == response.status_int, response.text
    assert ["X-Openstack-Request-Id"] == [
        name for name in response.headers if name.lower() == "x-openstack-request-id"
    ]
    fault = _xml_fault(response) if "xml" in response.content_type else _json_fault(response)
    assert {"faultcode", "faultstring", "debuginfo"} == fault.keys()
    assert ("Server" if status >= 500 else "Client", None) == (
        fault["faultcode"],
        fault["debuginfo"],
    )
    assert words in fault["faultstring"]


def _json_fault(response: TestResponse) -> dict[str, Any]:
    assert JSON == response.content_type
    answer: dict[str, dict[str, Any]] = json.loads(response.text)
    assert ["error_message"] == list(answer)
    return answer["error_message"]


def _xml_fault(response: TestResponse) -> dict[str, Any]:
    envelope = parsed(response)
    assert ("error_message", ["error"]) == (envelope.tag, [child.tag for child in envelope])
    return {element.tag: element.text for element in envelope[0]}
