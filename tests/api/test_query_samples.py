"""POST /v2/query/samples."""

import json
from typing import Any

import pytest
from api.client import Client, assert_fault, keep
from builders import after_noon
from webtest import TestResponse

from metering.storage.base import Storage

PATH = "/v2/query/samples"


@pytest.fixture(autouse=True)
def _kept(storage: Storage) -> None:
    """Three samples: an hour of cpu, and a disk of another project."""
    keep(
        storage,
        {"id": "a", "volume": 1, "metadata": {"flavor": {"name": "small"}, "$x.y": 2}},
        {"id": "b", "volume": "2.5", "timestamp": after_noon(60), "user_id": None},
        {"id": "c", "volume": 3, "meter": "disk", "project_id": "p-2", "resource_id": "d"},
    )


def ask(client: Client, filter_: Any = None, order: Any = None, **body: Any) -> TestResponse:
    """The answer to a filter and an order, written as JSON inside text."""
    if filter_ is not None:
        body["filter"] = filter_ if isinstance(filter_, str) else json.dumps(filter_)
    if order is not None:
        body["orderby"] = order if isinstance(order, str) else json.dumps(order)
    return client.post(PATH, body)


def found(client: Client, *question: Any, **body: Any) -> str:
    """The ids that are found, in order."""
    response = ask(client, *question, **body)

    assert 200 == response.status_int, response.text
    return "".join(row["id"] for row in response.json)


CPU = {"=": {"meter": "cpu"}}
FILTERS = {
    "equal": (CPU, "ba"),
    "alias": ({"=": {"counter_name": "cpu"}}, "ba"),
    "not equal": ({"!=": {"meter": "cpu"}}, "c"),
    "at least": ({">=": {"volume": 2.5}}, "bc"),
    "written the other way": ({"=>": {"counter_volume": 2.5}}, "bc"),
    "number as text": ({"=": {"volume": "1"}}, ""),
    "boolean is no number": ({"=": {"volume": True}}, ""),
    "and": ({"and": [CPU, {"<": {"volume": 2}}]}, "a"),
    "or in capitals": ({"OR": [{"=": {"message_id": "a"}}, {"=": {"user": "x"}}]}, "a"),
    "not": ({"not": {"or": [CPU, CPU]}}, "c"),
    "three nots": ({"not": {"not": {"not": CPU}}}, "c"),
    "absent under not": ({"not": {"=": {"user_id": "u-1"}}}, "b"),
    "in": ({"in": {"resource": ["d", "e"]}}, "c"),
    "in numbers": ({"in": {"volume": ["1", 1.0, 2.50, 1e30]}}, "ab"),
    "in metadata": ({"in": {"metadata.flavor.name": ["large", 1, "small"]}}, "a"),
    "in instants": ({"in": {"timestamp": ["2015-06-01T14:01:00+02:00"]}}, "b"),
    "in many": ({"in": {"message_id": ["c", *map(str, range(4_999))]}}, "c"),
    "in what is not kept": ({"in": {"message_signature": ["a", "b"]}}, ""),
    "not in": ({"not": {"in": {"user": ["u-1"]}}}, "b"),
    "instant": ({"<": {"timestamp": "2015-06-01T14:01:00+02:00"}}, "ca"),
    "metadata": ({"=": {"metadata.flavor.name": "small"}}, "a"),
    "metadata with a dollar": ({"=": {"metadata.$x.y": 2}}, "a"),
    "pattern": ({"=~": {"meter": "^d.s"}}, "c"),
    "pattern without case": ({"=~": {"meter": "(?i)CPU"}}, "ba"),
    "pattern on a number": ({"not": {"=~": {"volume": "1"}}}, "bca"),
    "pattern on an instant": ({"=~": {"recorded_at": "2015"}}, ""),
    "signature": ({"!=": {"message_signature": "x"}}, "bca"),
}


@pytest.mark.parametrize(("filter_", "expected"), FILTERS.values(), ids=FILTERS.keys())
def test_filter(client: Client, filter_: Any, expected: str) -> None:
    """A filter finds what it says, newest first, equal instants in any order."""
    assert sorted(expected) == sorted(found(client, filter_))


REFUSED = {
    "empty": "",
    "no JSON": "{",
    "object without operator": {},
    "two operators": {**CPU, "not": CPU},
    "two fields": {"=": {"meter": "cpu", "user": "x"}},
    "list": [CPU],
    "unknown operator": {"~": {"meter": "x"}},
    "unknown field": {"=": {"id": "a"}},
    "field with a blank": {"=": {"metadata.a b": 1}},
    "null": {"=": {"meter": None}},
    "object as value": {"=": {"metadata.a": {"$ne": None}}},
    "and of one": {"and": [CPU]},
    "in nothing": {"in": {"meter": []}},
    "bad timestamp": {">": {"timestamp": "junk"}},
    "pattern that is no text": {"=~": {"volume": 1}},
    "pattern with a back-reference": {"=~": {"meter": r"(a)\1"}},
    "pattern that is none": {"=~": {"meter": "("}},
    "pattern too long": {"=~": {"meter": "a" * 257}},
    "too deep": json.loads('{"not":' * 20 + json.dumps(CPU) + "}" * 20),
    "deep text": '{"not":' * 100_000,
    "too many": {"or": [CPU] * 201},
    "too many values": {"in": {"meter": ["x"] * 5001}},
    "too many lists": {"or": [{"in": {"meter": ["x"]}}] * 201},
    "a list in a list": {"in": {"meter": [["cpu"]]}},
    "too many patterns": {"or": [{"=~": {"meter": f"{n}"}} for n in range(21)]},
    "too long": json.dumps({"=": {"meter": "x" * 70_000}}),
    "number out of range": '{"=":{"volume":1e9999999999999999999}}',
    "lone surrogate": '{"=":{"meter":"\\ud800"}}',
}


@pytest.mark.parametrize("filter_", REFUSED.values(), ids=REFUSED.keys())
def test_refused_filter(client: Client, filter_: Any) -> None:
    """What is no filter, or one too large, is refused in the one shape."""
    assert_fault(ask(client, filter_), 400)


def test_a_slow_pattern_is_not_slow(client: Client, storage: Storage) -> None:
    """A pattern that would take a backtracking engine for ever is answered."""
    keep(storage, {"id": "d", "resource_id": "a" * 250 + "!"})

    assert "" == found(client, {"=~": {"resource": "^(a+)+$"}})


ORDERS = {
    "ascending": ([{"volume": "asc"}], "abc"),
    "descending in capitals": ([{"volume": "DESC"}], "cba"),
    "by two": ([{"meter": "desc"}, {"timestamp": "desc"}], "cba"),
    "null first": ([{"user_id": "asc"}, {"volume": "asc"}], "bac"),
    "a field again": ([{"volume": "asc"}, {"timestamp": "asc"}, {"counter_volume": "desc"}], "cba"),
    "none": ([], "bca"),
}


@pytest.mark.parametrize(("order", "expected"), ORDERS.values(), ids=ORDERS.keys())
def test_order(client: Client, order: Any, expected: str) -> None:
    """The order asked for, and a limit that cuts it."""
    if order:
        assert expected[:2] == found(client, None, order, limit=2)
    assert sorted(expected) == sorted(found(client, None, order))


@pytest.mark.parametrize(
    "order",
    [
        "",
        "{}",
        "[1]",
        [{}],
        [{"volume": "up"}],
        [{"bogus": "asc"}],
        [{"volume": 1}],
    ],
)
def test_refused_order(client: Client, order: Any) -> None:
    """What is no order is refused."""
    assert_fault(ask(client, None, order), 400)


@pytest.mark.parametrize(("limit", "rows"), [(1, 1), ("2", 2), (1.7, 1), (None, 3)])
def test_limit(client: Client, limit: Any, rows: int) -> None:
    """A limit may be a number, its text, or a fraction, which is cut."""
    assert rows == len(found(client, limit=limit))


@pytest.mark.parametrize("limit", [0, -1, "x", True, [], "\u0663"])
def test_refused_limit(client: Client, limit: Any) -> None:
    """Anything else is no limit."""
    assert_fault(ask(client, limit=limit), 400)


@pytest.mark.parametrize("body", ["", "[]", '"x"', "{", '{"filter": {}}', '{"bogus": 1}'])
def test_refused_body(client: Client, body: str) -> None:
    """A body that is no question is refused."""
    assert_fault(client.post(PATH, body), 400)


FOREIGN = [
    {"=": {"project_id": "p-2"}},
    {"!=": {"project": "p-2"}},
    {"not": {"=": {"project": "p-2"}}},
    {"or": [CPU, {"=": {"project": "p-2"}}]},
    {"in": {"project": ["p-1", "p-2"]}},
    {"=~": {"project": "p-1"}},
]


@pytest.mark.parametrize("filter_", FOREIGN, ids=json.dumps)
def test_foreign_project(member: Client, filter_: Any) -> None:
    """A member who names a project in any other way than as the own is refused, as in v2."""
    assert_fault(ask(member, filter_), 401)


def test_scope(member: Client) -> None:
    """A member finds the own project's samples only, whatever is asked."""
    assert "ba" == found(member, {"not": {"=": {"meter": "x"}}})
