"""Schemas of bodies in the OpenAPI document: what is taken, and not what is refused."""

import json
from typing import Any

import pytest
from api.client import Client, agent_sample, assert_fault, v2_sample
from api.described import violations

V2 = {"$ref": "#/components/schemas/V2Sample"}
QUESTION = {"$ref": "#/components/schemas/ComplexQuery"}


@pytest.fixture
def document(client: Client) -> dict[str, Any]:
    """The document."""
    found: dict[str, Any] = client.rows("/v2/openapi.json")
    return found


TEXTS = ["", "x" * 256, "a\nb", "a\x00", "\x85", 1, [], None]
NUMBERS = ["", "five", "1_000", " 1", "nan", "0x1", True, [1], {}, None, 10**27, -(10**27)]
VIOLATIONS = [
    *(("counter_name", one) for one in TEXTS),
    *(("resource_id", one) for one in TEXTS),
    *(("counter_unit", one) for one in TEXTS[1:]),
    *(("project_id", one) for one in TEXTS[1:-1]),
    *(("message_id", one) for one in TEXTS[1:-1]),
    *(("counter_volume", one) for one in NUMBERS),
    *(("counter_type", one) for one in ("", "Gauge", "rate", None)),
    *(("timestamp", one) for one in (0, [], {})),
    *(("resource_metadata", one) for one in ([], "text", 1, True)),
    ("another", 1),
]


@pytest.mark.parametrize(("name", "value"), VIOLATIONS)
def test_sample_against_the_schema_is_refused(
    client: Client, document: dict[str, Any], name: str, value: Any
) -> None:
    """What the schema of a sample does not allow, the service refuses, and names the field."""
    sample = v2_sample() | {name: value}

    assert [] != violations(document, V2, json.dumps(sample))
    assert [name] == [one["field"] for one in client.post("/v2/samples", [sample]).json["rejected"]]


@pytest.mark.parametrize("shape", [v2_sample, agent_sample])
def test_sample_without_a_mandatory_field_is_refused(
    client: Client, document: dict[str, Any], shape: Any
) -> None:
    """Each field that the schema requires is required by the service, and no other."""
    name = "V2Sample" if shape is v2_sample else "AgentSample"
    required = document["components"]["schemas"][name]["required"]
    alone = {field: shape()[field] for field in required}
    bodies = [{other: alone[other] for other in required if other != field} for field in required]

    assert 201 == client.post("/v2/samples", [alone]).status_int
    assert len(required) == len(client.post("/v2/samples", bodies).json["rejected"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("counter_volume", one) for one in ("1.", ".5", "-1e3", "+0", 10**27 - 1, 0.5)),
        *(("counter_unit", one) for one in ("", "x" * 255, "µ\u2028")),
        *((field, None) for field in ("project_id", "source", "message_id", "timestamp")),
        ("message_id", ""),
        ("resource_metadata", {"a": {"b.c": [1, None]}, "$": ""}),
    ],
)
def test_sample_after_the_schema_is_taken(
    client: Client, document: dict[str, Any], name: str, value: Any
) -> None:
    """Odd values that the schema allows are recorded."""
    sample = v2_sample() | {name: value}

    assert [] == violations(document, V2, json.dumps(sample))
    assert 201 == client.post("/v2/meters/cpu", [sample]).status_int


@pytest.mark.parametrize(
    "body",
    [
        [],
        "text",
        1,
        {"filter": {}},
        {"orderby": []},
        {"limit": 0},
        {"limit": "x"},
        {"limit": "0"},
        {"another": 1},
    ],
)
def test_question_against_the_schema_is_refused(
    client: Client, document: dict[str, Any], body: Any
) -> None:
    """What the schema of a complex query does not allow, the service refuses."""
    assert [] != violations(document, QUESTION, json.dumps(body))
    assert_fault(client.post("/v2/query/samples", json.dumps(body)), 400)
