"""GET /v2/openapi.json: the document is complete, and answers are what it says."""

import csv
import json
from collections.abc import Iterator
from typing import Any

import openapi_spec_validator
import pytest
from api.client import CSV, JSON, NDJSON, XML, Client, agent_sample, keep, v2_sample
from api.described import violations
from builders import after_noon

import metering
from metering.api.access import Access
from metering.api.framework.declare import AggregateChoice, Condition
from metering.api.framework.routing import ANY_METHOD, Route
from metering.api.routes import make_routes
from metering.api.services import Services
from metering.config import load
from metering.recording.recorder import Recorder
from metering.storage.base import Storage

PATH = "/v2/openapi.json"
PARTS = {
    Condition: ("q.field", "q.op", "q.value", "q.type"),
    AggregateChoice: ("aggregate.func", "aggregate.param"),
}

BY_HOUR = "interval=hour&start=2015-06-01T11:59&end=2015-06-01T14:00"

# The operation, what is asked of it, the body, the status.
Ask = tuple[str, str, Any, int]
ANSWERED: dict[str, list[Ask]] = {
    "GET /": [("GET", "/", None, 200)],
    "GET /healthz/live": [("GET", "/healthz/live", None, 200)],
    "GET /healthz/ready": [("GET", "/healthz/ready", None, 200)],
    "GET /metrics": [("GET", "/metrics", None, 200)],
    "GET /v2/meters": [
        ("GET", "/v2/meters", None, 200),
        ("GET", "/v2/meters?unique=true", None, 200),
    ],
    "GET /v2/meters/{meter}": [
        ("GET", "/v2/meters/cpu", None, 200),
        ("GET", "/v2/meters/unknown", None, 200),
    ],
    "POST /v2/meters/{meter}": [
        ("POST", "/v2/meters/cpu", [v2_sample()], 201),
        ("POST", "/v2/meters/cpu", [v2_sample(resource_metadata={"a": {"b": [1, None]}})], 201),
    ],
    "GET /v2/usage": [
        ("GET", "/v2/usage?window=2015-06&compare=previous", None, 200),
        ("GET", "/v2/usage?window=2015-06&func=avg&groupby=user_id", None, 200),
        ("GET", "/v2/usage?meter=cpu&meter=disk", None, 200),
    ],
    "GET /v2/meters/{meter}/statistics": [
        ("GET", "/v2/meters/cpu/statistics", None, 200),
        ("GET", "/v2/meters/cpu/statistics?aggregate.func=usage&max_gap=none", None, 200),
        ("GET", "/v2/meters/cpu/statistics?period=2&groupby=user_id", None, 200),
        ("GET", "/v2/meters/cpu/statistics?aggregate.func=stddev", None, 200),
        ("GET", "/v2/meters/cpu/statistics?q.field=timestamp&q.op=gt&q.value=2100-01", None, 200),
        ("GET", f"/v2/meters/cpu/statistics?{BY_HOUR}&fill=null&tz=UTC", None, 200),
        ("GET", f"/v2/meters/cpu/statistics?{BY_HOUR}&fill=0&aggregate.func=stddev", None, 200),
    ],
    "GET /v2/meters/{meter}/segments": [
        ("GET", "/v2/meters/cpu/segments?by=user_id", None, 200),
        ("GET", "/v2/meters/cpu/segments?by=metadata.a&by=type&merge=values", None, 200),
        ("GET", "/v2/meters/cpu/segments?by=unit&start=2015-01-01&max_gap=none", None, 200),
        ("GET", "/v2/meters/unknown/segments?by=unit&absent=null&first=zero&limit=1", None, 200),
    ],
    "GET /v2/resources": [
        ("GET", "/v2/resources", None, 200),
        ("GET", "/v2/resources?meter_links=0", None, 200),
    ],
    "GET /v2/resources/{resource_id}": [
        ("GET", "/v2/resources/a/b", None, 200),
        ("GET", "/v2/resources/a/b?at=2100-01-01", None, 200),
    ],
    "GET /v2/revisions": [
        ("GET", "/v2/revisions?resource_id=a/b", None, 200),
        ("GET", "/v2/revisions?resource_id=vm-1&limit=1&start=2015-01-01", None, 200),
    ],
    "GET /v2/samples": [
        ("GET", "/v2/samples", None, 200),
        ("GET", "/v2/samples?limit=1", None, 200),
    ],
    "POST /v2/samples": [
        ("POST", "/v2/samples", [v2_sample(), agent_sample()], 201),
        ("POST", "/v2/samples", agent_sample(), 201),
        ("POST", "/v2/samples", [{}, v2_sample(message_id="s-1")], 207),
    ],
    "GET /v2/samples/{sample_id}": [("GET", "/v2/samples/s-1", None, 200)],
    "POST /v2/query/samples": [
        ("POST", "/v2/query/samples", {}, 200),
        ("POST", "/v2/query/samples", {"filter": '{"=": {"meter": "cpu"}}', "limit": "2"}, 200),
    ],
    "GET /v2/dimensions": [
        ("GET", "/v2/dimensions", None, 200),
        ("GET", "/v2/dimensions?meter=cpu&start=2015-01-01&limit=1", None, 200),
    ],
    "GET /v2/dimensions/{name}/values": [
        ("GET", "/v2/dimensions/user_id/values", None, 200),
        ("GET", "/v2/dimensions/metadata.a.b/values?prefix=1", None, 200),
    ],
    **{
        f"GET /v2/{nouns}": [("GET", f"/v2/{nouns}?end=2100-01-01", None, 200)]
        for nouns in ("projects", "users", "sources")
    },
    "GET /v2/capabilities": [("GET", "/v2/capabilities", None, 200)],
    "GET /v2/openapi.json": [("GET", PATH, None, 200)],
}
REFUSED: dict[str, list[Ask]] = {
    "GET /v2/meters/{meter}/segments": [
        ("GET", "/v2/meters/cpu/segments", None, 400),
        ("GET", "/v2/meters/cpu/segments?by=volume", None, 400),
    ],
    "GET /v2/meters": [
        ("GET", "/v2/meters?limit=0", None, 400),
        ("GET", "/v2/meters", "<q/>", 415),
        ("GET", "/v2/meters", "x" * 5000, 413),
    ],
    "POST /v2/meters/{meter}": [
        ("POST", "/v2/meters/cpu", [v2_sample()] * 9, 413),
        ("POST", "/v2/meters/cpu", [v2_sample(message_id="m", counter_volume=2)], 409),
        ("POST", "/v2/meters/cpu", [], 400),
        ("POST", "/v2/meters/cpu", "<samples/>", 415),
    ],
    "GET /v2/samples/{sample_id}": [("GET", "/v2/samples/none", None, 404)],
    "GET /v2/resources/{resource_id}": [
        ("GET", "/v2/resources/none", None, 404),
        ("GET", "/v2/resources/a/b?at=soon", None, 400),
    ],
    "GET /v2/revisions": [("GET", "/v2/revisions", None, 400)],
    "POST /v2/query/samples": [("POST", "/v2/query/samples", {"filter": "{"}, 400)],
    "GET /v2/dimensions/{name}/values": [
        ("GET", "/v2/dimensions/volume/values", None, 404),
        ("GET", "/v2/dimensions/meter/values?start=soon", None, 400),
    ],
    "GET /v2/usage": [("GET", "/v2/usage?window=x", None, 400)],
    "GET /v2/capabilities": [("GET", "/v2/capabilities?limit=1", None, 400)],
    "GET /v2/openapi.json": [("GET", f"{PATH}?limit=1", None, 400)],
}


def rows(table: dict[str, list[Ask]]) -> list[Any]:
    return [
        pytest.param(operation, ask, id=f"{operation} {place} {ask[3]}")
        for operation, asks in table.items()
        for place, ask in enumerate(asks, 1)
    ]


@pytest.fixture
def routes(storage: Storage) -> tuple[Route, ...]:
    """The table of paths."""
    config = load()
    return make_routes(
        Services(
            storage=storage,
            recorder=Recorder(storage),
            access=Access(config),
            config=config.api,
            usage=config.usage,
        )
    )


@pytest.fixture
def full(serve: Any, storage: Storage) -> Client:
    """A caller of an application with some data and low limits."""
    keep(
        storage,
        {"volume": "0.1", "metadata": {"a": {"b": 1}}},
        {"resource_id": "a/b", "project_id": None, "user_id": None, "timestamp": after_noon(3)},
        {"id": "m", "source": "p-1:openstack", "meter": "cpu", "timestamp": after_noon(5)},
    )
    made: Client = serve(max_samples=8, max_body_bytes=4000)
    return made


@pytest.fixture
def document(client: Client) -> dict[str, Any]:
    """The document."""
    found: dict[str, Any] = client.rows(PATH)
    return found


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Each operation of the document, by method and path."""
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def declared(routes: tuple[Route, ...]) -> dict[str, Any]:
    """What each controller declares, by method and path as the document writes them."""
    return {
        f"{method.replace(ANY_METHOD, 'GET')} {route.template.replace('...', '')}": verb.endpoint
        for route in routes
        for method, verb in route.verbs.items()
        if hasattr(verb, "endpoint")
    }


def names(name: str, datatype: Any) -> Iterator[str]:
    """The names under which a declared parameter is sent."""
    yield from PARTS.get(datatype[0], [name]) if isinstance(datatype, list) else [name]


def closed(schema: Any) -> Any:
    """The schema without room for properties that it does not name."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: closed(one) for name, one in schema.items()}
    return {"additionalProperties": False, **found} if "properties" in schema else found


def said_of(document: dict[str, Any], operation: str, status: int) -> dict[str, Any]:
    """What the document says of the operation's answers with that status."""
    response: dict[str, Any] = operations(document)[operation]["responses"][str(status)]
    name = response.get("$ref", "").removeprefix("#/components/responses/")
    return document["components"]["responses"][name] if name else response


def asked(client: Client, ask: Ask, accept: str = "*/*") -> Any:
    """The answer; a body of markup is sent as XML."""
    method, path, body, _ = ask
    text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
    form = XML if text.startswith("<") else JSON
    return client.request(method, path, text, content_type=form, headers={"Accept": accept})


def test_document_is_valid(document: dict[str, Any]) -> None:
    """The document keeps the rules of OpenAPI 3.1 and names the release."""
    openapi_spec_validator.validate(document)

    assert ("3.1.0", metering.__version__) == (document["openapi"], document["info"]["version"])


def test_every_route_is_described_and_nothing_else(
    routes: tuple[Route, ...], document: dict[str, Any]
) -> None:
    """The operations are those of the table of paths."""
    assert set(declared(routes)) == set(operations(document))


def test_what_is_not_described_is_gone(routes: tuple[Route, ...], client: Client) -> None:
    """A route without a declaration answers 410."""
    left_out = [
        route.template.replace("{rest...}", "x")
        for route in routes
        if not any(hasattr(verb, "endpoint") for verb in route.verbs.values())
    ]

    assert dict.fromkeys(left_out, 410) == {path: client.get(path).status_int for path in left_out}


def test_every_parameter_is_described(routes: tuple[Route, ...], document: dict[str, Any]) -> None:
    """Each operation has the parameters that its controller declares, by their wire names."""
    expected = {
        operation: [one for pair in endpoint.parameters.items() for one in names(*pair)]
        for operation, endpoint in declared(routes).items()
    }

    assert expected == {
        operation: [one["name"] for one in said.get("parameters", []) if one["in"] == "query"]
        for operation, said in operations(document).items()
    }


def test_every_parameter_is_explained(document: dict[str, Any]) -> None:
    """No parameter is without its meaning."""
    assert [] == [
        (operation, one["name"])
        for operation, said in operations(document).items()
        for one in said.get("parameters", [])
        if not one["description"]
    ]


def test_every_body_is_described(routes: tuple[Route, ...], document: dict[str, Any]) -> None:
    """Each operation has a body where its controller declares one, in the same forms."""
    bodies = {name: one.body for name, one in declared(routes).items() if one.body is not None}

    assert {name: set(body.types) for name, body in bodies.items()} == {
        name: set(said["requestBody"]["content"])
        for name, said in operations(document).items()
        if "requestBody" in said
    }


def test_every_operation_and_success_is_tried(document: dict[str, Any]) -> None:
    """The table above has a row for each status below 400 of each operation."""
    assert {
        (operation, int(status))
        for operation, said in operations(document).items()
        for status in said["responses"]
        if status < "400"
    } == {(operation, ask[3]) for operation, asks in ANSWERED.items() for ask in asks}


@pytest.mark.parametrize(("operation", "ask"), rows(ANSWERED) + rows(REFUSED))
def test_answer_is_as_described(full: Client, operation: str, ask: Ask) -> None:
    """Status, form and every field of an answer are in the document."""
    document = full.rows(PATH)
    response = asked(full, ask)

    assert ask[3] == response.status_int, response.text
    schema = said_of(document, operation, ask[3])["content"][response.content_type]["schema"]
    document["components"] = closed(document["components"])
    text = response.text if response.content_type == JSON else json.dumps(response.text)
    assert [] == violations(document, schema, text)


@pytest.mark.parametrize(
    ("environ", "status"),
    [({"HTTP_TRANSFER_ENCODING": "chunked"}, 411), ({"uwsgi.version": "2"}, 414)],
)
def test_what_arrives_in_part_is_described(
    client: Client, document: dict[str, Any], environ: dict[str, str], status: int
) -> None:
    """Refusals before the application are in the document, for every operation."""
    assert status == client.get("/v2/meters", environ=environ).status_int
    assert {True} == {str(status) in one["responses"] for one in operations(document).values()}


@pytest.mark.parametrize(("operation", "ask"), rows(ANSWERED))
def test_forms_are_as_described(full: Client, operation: str, ask: Ask) -> None:
    """An answer has XML if the document says so, and is 406 otherwise."""
    has_xml = XML in said_of(full.rows(PATH), operation, ask[3])["content"]

    assert (ask[3] if has_xml else 406) == asked(full, ask, XML).status_int


def of_rows(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of the rows of an answer: all of it, or its field `rows`."""
    whole = (
        document["components"]["schemas"][schema["$ref"].split("/")[-1]] if "$ref" in schema else {}
    )
    found: dict[str, Any] = whole.get("properties", {}).get("rows", schema)
    return found


@pytest.mark.parametrize(("operation", "ask"), rows(ANSWERED))
def test_lines_are_as_described(full: Client, operation: str, ask: Ask) -> None:
    """So has it lines of JSON, or is 406; a line is a row of the array in the document."""
    document = full.rows(PATH)
    content = said_of(document, operation, ask[3])["content"]
    response = asked(full, ask, NDJSON)

    assert (ask[3] if NDJSON in content else 406) == response.status_int
    if NDJSON in content:
        array = f"[{','.join(response.text.splitlines())}]"
        document["components"] = closed(document["components"])
        assert [] == violations(document, of_rows(document, content[JSON]["schema"]), array)
        assert "string" == content[NDJSON]["schema"]["type"]


@pytest.mark.parametrize(("operation", "ask"), rows(ANSWERED))
def test_tables_are_as_described(full: Client, operation: str, ask: Ask) -> None:
    """And so it is for CSV, where the JSON has rows; each begins with a header."""
    content = said_of(full.rows(PATH), operation, ask[3])["content"]
    response = asked(full, ask, CSV)

    assert (CSV in content) == (NDJSON in content)
    assert (ask[3] if CSV in content else 406) == response.status_int
    if CSV in content:
        header, *others = csv.reader(response.text.splitlines(), strict=True)
        assert {len(header)} >= {len(row) for row in others}
        assert "string" == content[CSV]["schema"]["type"]


def test_headers_are_as_described(full: Client) -> None:
    """A list that was cut has the header that the document names, and so has every answer."""
    said = said_of(full.rows(PATH), "GET /v2/samples", 200)

    assert ["Link", "X-Openstack-Request-Id"] == sorted(said["headers"])
    assert set(said["headers"]) <= set(full.get("/v2/samples?limit=1").headers)


def test_headers_of_single_answers_are_described(document: dict[str, Any]) -> None:
    """What an answer took, where it can be asked for, and how one makes oneself known."""
    explaining = [
        operation
        for operation, said in operations(document).items()
        if any(one["name"] == "explain" for one in said.get("parameters", []))
    ]

    assert explaining == [
        operation
        for operation, said in operations(document).items()
        if "Metering-Effort" in said["responses"].get("200", {}).get("headers", {})
    ]
    assert "WWW-Authenticate" in said_of(document, "GET /v2/usage", 401)["headers"]
    assert set(document["components"]["headers"]) >= {"Metering-Effort", "WWW-Authenticate"}


def test_tokens_are_described(document: dict[str, Any]) -> None:
    """A generated client knows where a token goes; what is open to everybody takes none."""
    name, scheme = document["components"]["securitySchemes"].popitem()
    taking = {
        operation.removeprefix("GET ")
        for operation, said in operations(document).items()
        if said.get("security") == [{name: []}, {}]
    }

    assert ("apiKey", "header", "X-Auth-Token") == (scheme["type"], scheme["in"], scheme["name"])
    assert {"/", "/healthz/live", "/healthz/ready", "/metrics", PATH} == {
        operation.removeprefix("GET ") for operation in operations(document)
    } - taking


def test_document_is_open_to_every_caller(proxied: Client) -> None:
    """A caller with neither a project nor a role may read it."""
    assert 200 == proxied.get(PATH).status_int
