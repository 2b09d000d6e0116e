"""`q`: every operator on every field, types and literals, and queries in the body of a GET."""

import json
from decimal import Decimal
from typing import Any

import pytest
from api.client import Client, assert_fault, keep, url
from builders import LATER, MILLISECOND, after_noon

from metering.model import MeterType
from metering.storage.base import Storage

OPERATORS = {
    "lt": ["low"],
    "le": ["low", "mid"],
    "eq": ["mid"],
    "ne": ["high", "low"],
    "ge": ["high", "mid"],
    "gt": ["high"],
}

# What the low, middle and high sample have in a field, and how the middle is written.
VALUES: dict[str, tuple[Any, Any, Any, str]] = {
    "source": ("a", "b", "c", "b"),
    "meter": ("a", "b", "c", "b"),
    "type": (MeterType.CUMULATIVE, MeterType.DELTA, MeterType.GAUGE, "delta"),
    "unit": ("A", "a", "\u00e4", "a"),
    "resource_id": ("vm-1", "vm-10", "vm-2", "vm-10"),
    "project_id": ("1", "10", "9", "10"),
    "user_id": ("", "a", "b", "a"),
    "volume": (-1, "0.1", 10, "1e-1"),
    "timestamp": (after_noon(-0.001), after_noon(0), after_noon(0.001), "2015-06-01T12:00:00"),
    "recorded_at": (LATER - MILLISECOND, LATER, LATER + MILLISECOND, "2015-06-02"),
}
ALIASES = {"user": "user_id", "project": "project_id", "resource": "resource_id"}


def keep_three(storage: Storage, field: str, values: tuple[Any, Any, Any]) -> None:
    """Three samples whose values rise with their ids: low, mid, high."""
    pairs = zip(("low", "mid", "high"), values, strict=True)
    keep(storage, *({"id": name, field: value} for name, value in pairs))


def found(client: Client, *conditions: tuple[str, ...]) -> list[str]:
    """The ids of the samples that match, sorted."""
    return sorted(row["id"] for row in client.rows(url("/v2/samples", *conditions)))


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("name", [*VALUES, *ALIASES])
def test_every_operator_on_every_field(
    client: Client, storage: Storage, name: str, operator: str
) -> None:
    """Each field is compared by each operator, by value: numbers, instants, text by code point."""
    *values, written = VALUES[ALIASES.get(name, name)]
    keep_three(storage, ALIASES.get(name, name), tuple(values))

    assert OPERATORS[operator] == found(client, (name, operator, written))


@pytest.mark.parametrize("name", ["id", "message_id"])
@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("lt", ["high", "low"]),
        ("le", ["high", "low", "mid"]),
        ("eq", ["mid"]),
        ("ne", ["high", "low"]),
        ("ge", ["mid"]),
        ("gt", []),
    ],
)
def test_every_operator_on_the_id(
    client: Client, storage: Storage, name: str, operator: str, expected: list[str]
) -> None:
    """Ids are compared as text, under both names."""
    keep_three(storage, "volume", (1, 2, 3))

    assert expected == found(client, (name, operator, "mid"))


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize(
    ("values", "condition"),
    [
        pytest.param((1, Decimal("1.5"), 10**20), ("1.5", ""), id="number"),
        pytest.param((1, 2, 3), ("2", "integer"), id="integer"),
        pytest.param((1, 2, 3), ("2.0", "float"), id="float finds integers"),
        pytest.param(("a", "b", "c"), ("b", ""), id="text"),
        pytest.param(("1", "10", "2"), ("10", "string"), id="text of digits"),
        pytest.param(("1", "10", "2"), ("'10'", ""), id="quoted literal"),
    ],
)
def test_every_operator_on_metadata(
    client: Client,
    storage: Storage,
    values: tuple[Any, Any, Any],
    condition: tuple[str, str],
    operator: str,
) -> None:
    """Metadata are compared by each operator, with values of the same kind."""
    keep_three(storage, "metadata", tuple({"a": {"b": value}} for value in values))
    value, type_ = condition

    assert OPERATORS[operator] == found(client, ("metadata.a.b", operator, value, type_))


KINDS = {
    "integer": 1,
    "decimal": Decimal("0.75"),
    "text": "1",
    "true": True,
    "null": None,
    "list": ["x", 2],
    "object": {"b": 1},
    "word": "linux",
    "time": "2015-06-01T00:00:00",
}


@pytest.mark.parametrize(
    ("value", "type_", "expected"),
    [
        ("1", "", ["integer"]),
        ("1.0", "", ["integer"]),
        (" 1", "", []),
        ("01", "", []),
        ("+1", "", ["integer"]),
        ("0x1", "", ["integer"]),
        ("0.75", "", ["decimal"]),
        ("7.5e-1", "", ["decimal"]),
        ("'1'", "", ["text"]),
        ("True", "", ["true"]),
        ("true", "", []),
        ("None", "", ["absent", "null"]),
        ("null", "", []),
        ("['x', 2]", "", ["list"]),
        ("('x', 2)", "", ["list"]),
        ("x", "", ["list"]),
        ("2", "", ["list"]),
        ("{'b': 1}", "", ["object"]),
        ("{'b': 2}", "", []),
        ("linux", "", ["word"]),
        ("Linux", "", []),
        ("2015-06-01T00:00:00", "", ["time"]),
        ("1", "integer", ["integer"]),
        (" +1 ", "integer", ["integer"]),
        ("1", "string", ["text"]),
        ("1", "float", ["integer"]),
        (".75", "float", ["decimal"]),
        ("nan", "float", []),
        ("yes", "boolean", ["true"]),
        ("1", "boolean", ["true"]),
        ("ON", "boolean", ["true"]),
        ("off", "boolean", []),
        ("2015-06-01", "datetime", []),
        ("None", "string", []),
    ],
)
def test_kinds_of_metadata_values(
    client: Client, storage: Storage, value: str, type_: str, expected: list[str]
) -> None:
    """A typed value is of its type, an untyped one a Python literal or text; kinds do not mix."""
    keep(storage, *({"id": name, "metadata": {"a": one}} for name, one in KINDS.items()))
    keep(storage, {"id": "absent"})

    assert expected == found(client, ("metadata.a", "eq", value, type_))


@pytest.mark.parametrize("value", ["nan", "inf", "-Infinity"])
@pytest.mark.parametrize("operator", ["lt", "le", "eq", "ge", "gt"])
def test_what_is_no_number_compares_with_nothing(
    client: Client, storage: Storage, operator: str, value: str
) -> None:
    """A float that is not finite is taken, and matches nothing."""
    keep(storage, {"metadata": {"a": 1}}, {"metadata": {"a": Decimal("0.1")}})

    assert [] == found(client, ("metadata.a", operator, value, "float"))


@pytest.mark.parametrize("value", ["1", "x", "None"])
def test_unequal_is_the_opposite_of_equal(client: Client, storage: Storage, value: str) -> None:
    """`ne` finds exactly what `eq` does not, absent fields included."""
    keep(storage, *({"id": name, "metadata": {"a": one}} for name, one in KINDS.items()))
    keep(storage, {"id": "absent"})
    equal, unequal = (found(client, ("metadata.a", one, value)) for one in ("eq", "ne"))

    assert sorted([*KINDS, "absent"]) == sorted(equal + unequal)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("metadata.a.b.c", ["nested"]),
        ("resource_metadata.a.b.c", ["nested"]),
        ("metadata.a.b:c", []),
        ("metadata.d.e", ["dotted"]),
        ("metadata.tags.1", ["list"]),
        ("metadata.tags.0", []),
        ("metadata.$set.$sub", ["dollar"]),
        ("metadata.a b", ["blank"]),
        ("metadata.A.b.c", []),
        ("metadata.ключ", ["unicode"]),
    ],
)
def test_paths_of_metadata(
    client: Client, storage: Storage, path: str, expected: list[str]
) -> None:
    """Dots walk into objects and lists, and every key is literal."""
    trees = {
        "nested": {"a": {"b": {"c": 1}}},
        "dotted": {"d.e": 1},
        "list": {"tags": [0, 1]},
        "dollar": {"$set": {"$sub": 1}},
        "blank": {"a b": 1},
        "unicode": {"ключ": 1},
    }
    keep(storage, *({"id": name, "metadata": tree} for name, tree in trees.items()))

    assert expected == found(client, (path, "eq", "1"))


def test_conditions_are_all_required(client: Client, storage: Storage) -> None:
    """Conditions are ANDed, also those on one field."""
    keep_three(storage, "volume", (1, 2, 3))

    assert ["mid"] == found(client, ("volume", "gt", "1"), ("volume", "lt", "3"))
    assert [] == found(client, ("user", "eq", "u-1"), ("user_id", "eq", "u-2"))


def test_operator_may_be_left_out(client: Client, storage: Storage) -> None:
    """Without an operator, or with an empty one, values must be equal."""
    keep_three(storage, "volume", (1, 2, 3))
    left_out, empty = "q.field=volume&q.value=2", "q.field=volume&q.op=&q.value=2"

    assert [["mid"], ["mid"]] == [
        [row["id"] for row in client.rows(f"/v2/samples?{query}")] for query in (left_out, empty)
    ]


def test_conditions_by_index(client: Client, storage: Storage) -> None:
    """Conditions may be numbered."""
    keep_three(storage, "volume", (1, 2, 3))
    query = "q[1].field=volume&q[1].op=lt&q[1].value=3&q[0].field=id&q[0].value=low"

    assert ["low"] == [row["id"] for row in client.rows(f"/v2/samples?{query}")]


@pytest.mark.parametrize("field", ["user", "source", "resource", "meter", "timestamp", "volume"])
def test_empty_value_drops_its_condition(client: Client, storage: Storage, field: str) -> None:
    """On samples an empty value asks for nothing, as in v2."""
    keep(storage, {})

    assert ["s-1"] == found(client, (field, "eq", ""))


OF_OUR_OWN = {
    "/v2/usage": "/v2/usage?window=2015-06-01&",
    "segments": "/v2/meters/cpu/segments?by=unit&",
    "dimensions": "/v2/dimensions?",
    "values": "/v2/dimensions/meter/values?",
    "projects": "/v2/projects?",
    "users": "/v2/users?",
    "sources": "/v2/sources?",
}


@pytest.mark.parametrize("path", OF_OUR_OWN.values(), ids=OF_OUR_OWN)
@pytest.mark.parametrize("field", ["project", "user", "source", "unit"])
def test_empty_value_is_one_where_v2_was_not(
    client: Client, storage: Storage, path: str, field: str
) -> None:
    """What v2 did not have never answers for everybody because a variable was empty."""
    keep(storage, {})
    every = client.rows(path)
    none = client.rows(f"{path}q.field={field}&q.op=eq&q.value=")

    assert every.get("rows") if isinstance(every, dict) else every
    if isinstance(none, dict):
        assert [] == none["rows"]
    elif path != OF_OUR_OWN["dimensions"]:  # whose fields of series are there always
        assert [] == none

    null = json.dumps({"q": [{"field": field, "value": None}]})
    assert_fault(client.get(path.rstrip("?&"), body=null), 400, "Mandatory field missing")


def test_empty_unit_is_asked_for(client: Client, storage: Storage) -> None:
    """A unit may be empty."""
    keep(storage, {"unit": ""}, {"unit": "core"})
    path = "/v2/meters/cpu/segments?by=unit&q.field=unit&q.value="

    assert [""] == [row["unit"] for row in client.rows(path)]


@pytest.mark.parametrize("path", [OF_OUR_OWN["segments"], OF_OUR_OWN["projects"]])
def test_empty_bound_is_refused_where_v2_was_not(client: Client, path: str) -> None:
    """A bound that is empty is no instant."""
    assert_fault(client.get(f"{path}q.field=timestamp&q.op=ge&q.value="), 400, "timestamp")


@pytest.mark.parametrize("value", ["None", "null"])
def test_none_is_text_on_samples(client: Client, storage: Storage, value: str) -> None:
    """On samples None is text like any other."""
    keep(storage, {"user_id": None})

    assert [] == found(client, ("user", "eq", value))


@pytest.mark.parametrize(
    "text",
    [
        "2015-06-01T12:00:00",
        "2015-06-01 12:00",
        "2015-6-1T12",
        "20150601T120000",
        "2015-06-01T12:00:00Z",
        "2015-06-01T12:00:00.000999",
        "2015-06-01T14:00:00+02:00",
        "2015-06-01T07:00:00-0500",
    ],
)
def test_ways_to_write_an_instant(client: Client, storage: Storage, text: str) -> None:
    """Times are read as v2 read them, but offsets are converted; finer digits are cut."""
    keep(storage, {})

    assert ["s-1"] == found(client, ("timestamp", "eq", text))


def test_plus_that_was_not_escaped(client: Client, storage: Storage) -> None:
    """A plus that became a blank is no offset, and never read as another time."""
    path = "/v2/samples?q.field=timestamp&q.value=2015-06-01T12:00:00+02:00"

    assert 400 == client.get(path).status_int


@pytest.mark.parametrize("path", ["/v2/samples", "/v2/meters/cpu", "/v2/resources"])
def test_search_offset(client: Client, storage: Storage, path: str) -> None:
    """search_offset moves the lower bound back and the upper forward, by minutes."""
    bounds = [("timestamp", "ge", "2015-06-01T12:01"), ("timestamp", "lt", "2015-06-01T12:01")]
    keep(storage, {})

    assert [0, 0, 1] == [
        len(client.rows(url(path, *bounds, ("search_offset", "eq", minutes))))
        for minutes in ("-1", "0", "1")
    ]


def test_empty_interval(client: Client, storage: Storage) -> None:
    """Bounds that leave nothing between them match nothing."""
    keep(storage, {})

    assert [] == found(client, ("timestamp", "gt", "2015-06-02"), ("timestamp", "lt", "2015-06-01"))


BODIES = {
    "condition": {"q": [{"field": "volume", "op": "gt", "value": "1"}]},
    "limit": {"limit": 2},
    "limit as text": {"limit": "2"},
    "both": {"q": [{"field": "volume", "op": "ge", "value": "1"}], "limit": 2},
    "nulls": {"q": [{"field": "volume", "op": "gt", "value": "1", "type": None}], "limit": None},
}


@pytest.mark.parametrize("path", ["/v2/samples", "/v2/meters/cpu"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_query_in_a_body(client: Client, storage: Storage, path: str, body: object) -> None:
    """A GET takes its parameters from a JSON body, as v2 documented."""
    keep(storage, *({"volume": number, "timestamp": after_noon(number)} for number in range(1, 4)))

    assert 2 == len(client.rows(path, body=json.dumps(body)))


@pytest.mark.parametrize("body", ['{"q": null}', '{"q": []}', "{}", '{"limit": null}'])
@pytest.mark.parametrize("path", ["/v2/samples", "/v2/meters/cpu", "/v2/meters", "/v2/resources"])
def test_body_that_asks_nothing(client: Client, storage: Storage, path: str, body: str) -> None:
    """Null and empty mean that nothing was asked."""
    keep(storage, {})

    assert client.rows(path) == client.rows(path, body=body)


def test_query_in_a_form(client: Client, storage: Storage) -> None:
    """A form counts as parameters."""
    keep_three(storage, "volume", (1, 2, 3))
    form = "application/x-www-form-urlencoded"

    (row,) = client.rows("/v2/samples", body="q.field=volume&q.value=2", content_type=form)

    assert "mid" == row["id"]


@pytest.mark.parametrize("media", ["APPLICATION/JSON", "text/javascript", "application/json; a=b"])
def test_media_types_of_json(client: Client, media: str) -> None:
    """JSON goes by several names, in any case."""
    assert [] == client.rows("/v2/samples", body="{}", content_type=media)


@pytest.mark.parametrize("path", ["/v2/meters", "/v2/resources"])
def test_metadata_of_the_newest_sample(client: Client, storage: Storage, path: str) -> None:
    """Meters and resources are asked by the metadata of the newest sample."""
    keep(
        storage,
        {"metadata": {"a": 1}},
        {"metadata": {"a": 2}, "timestamp": after_noon(1)},
    )

    assert [0, 1] == [
        len(client.rows(url(path, ("metadata.a", "eq", value)))) for value in ("1", "2")
    ]


def test_a_null_value_asks_nothing(client: Client, storage: Storage) -> None:
    """As in v2, a condition whose value is null in JSON is no condition."""
    keep(storage, {"id": "a"}, {"id": "b", "user_id": "u-2"})

    body = '{"q":[{"field":"user_id","value":null},{"field":"resource_id","value":"vm-1"}]}'
    assert 2 == len(client.rows("/v2/samples", body=body))


def test_the_empty_key_can_be_asked_for(client: Client, storage: Storage) -> None:
    """A path that ends after the prefix names the empty key."""
    keep(storage, {"id": "a", "metadata": {"": "x"}}, {"id": "b", "resource_id": "vm-2"})

    assert ["a"] == [row["id"] for row in client.rows("/v2/samples?q.field=metadata.&q.value=x")]
