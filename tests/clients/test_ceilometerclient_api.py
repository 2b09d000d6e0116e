"""The Python API of the real python-ceilometerclient, by its own transport and by keystoneauth."""

from typing import Any

import pytest
from clients.ceilometer import TRANSPORTS, Ceilometer

SESSIONS = ("session", "noauth")

pytestmark = pytest.mark.parametrize("transport", TRANSPORTS)


def probes(transport: str) -> list[list[Any]]:
    """What the construction of a client sends: two looks at the root with a session."""
    return [["GET", "/", 200]] * 2 if transport in SESSIONS else []


def test_a_client_with_a_session_looks_at_the_root_twice(
    reader: Ceilometer, transport: str
) -> None:
    """It looks for two other services there; an error would keep it from starting."""
    reader.value(transport, "meters", "list", limit=1)
    assert [*probes(transport), ["GET", "/v2/meters?limit=1", 200]] == reader.sent


def test_meters(reader: Ceilometer, transport: str) -> None:
    """Rows are objects with v2's fields."""
    query = [{"field": "resource_id", "value": "vm-1"}]
    expected = {
        "name": "cpu",
        "type": "cumulative",
        "unit": "ns",
        "resource_id": "vm-1",
        "project_id": "acme",
        "user_id": "alice",
        "source": "test",
        "meter_id": "dm0tMStjcHU=",
    }
    assert [expected] == reader.value(transport, "meters", "list", q=query)
    unique = reader.value(transport, "meters", "list", unique=True)
    assert ["cpu", "disk.size"] == [meter["name"] for meter in unique]


def test_samples_of_both_forms(reader: Ceilometer, transport: str) -> None:
    """An operator and a type that are left out arrive as empty text."""
    query = [
        {"field": "timestamp", "op": "ge", "value": "2024-06-01T00:50:00"},
        {"field": "metadata.vcpus", "value": "8", "type": "integer"},
    ]
    (old,) = reader.value(transport, "samples", "list", meter_name="cpu", q=query, limit=5)
    assert ("c4", 10) == (old["message_id"], old["counter_volume"])
    query.append({"field": "meter", "value": "cpu"})
    (new,) = reader.value(transport, "new_samples", "list", q=query)
    assert ("c4", 10) == (new["id"], new["volume"])
    assert {"flavor.name": "large", "vcpus": "8", "zone": "west"} == new["metadata"]
    assert new == reader.value(transport, "new_samples", "get", sample_id="c4")


def test_resources_with_and_without_links(reader: Ceilometer, transport: str) -> None:
    """`links` becomes meter_links."""
    query = [{"field": "metadata.flavor.name", "op": "eq", "value": "small"}]
    (bare,) = reader.value(transport, "resources", "list", q=query)
    (linked,) = reader.value(transport, "resources", "list", q=query, links=True)
    assert ["self"] == [link["rel"] for link in bare["links"]]
    assert ["self", "cpu"] == [link["rel"] for link in linked["links"]]
    assert linked == reader.value(transport, "resources", "get", resource_id="vm-1")


@pytest.mark.parametrize("resource", ["a disk", "größe-盘", "net/eth0", "net%2Feth0", "50%+1"])
def test_one_resource_by_an_id_of_any_form(
    reader: Ceilometer, transport: str, resource: str
) -> None:
    """The same ids are found by every transport."""
    found = reader.value(transport, "resources", "get", resource_id=resource)
    assert resource.replace("%2F", "/") == found["resource_id"]


def test_statistics(reader: Ceilometer, transport: str) -> None:
    """A period as a number, a group as text, aggregates with and without a parameter."""
    (plain,) = reader.value(transport, "statistics", "list", meter_name="cpu", period=0)
    figures = {"min": 1, "max": 10, "avg": 4.375, "sum": 17.5, "count": 4}
    assert figures == {name: plain[name] for name in figures}
    assert (plain["groupby"], "aggregate" in plain) == (None, False)
    aggregates = [{"func": "max"}, {"func": "cardinality", "param": "resource_id"}]
    chosen = {"groupby": "user_id", "aggregates": aggregates, "period": 3600}
    rows = reader.value(transport, "statistics", "list", meter_name="cpu", **chosen)
    expected = [
        ("alice", "2024-06-01T00:00:00", {"max": 2.5, "cardinality/resource_id": 1}),
        ("bob", "2024-06-01T00:00:00", {"max": 4, "cardinality/resource_id": 1}),
        ("bob", "2024-06-01T01:00:00", {"max": 10, "cardinality/resource_id": 1}),
    ]
    names = ("period_start", "aggregate")
    found = [(row["groupby"]["user_id"], *(row[name] for name in names)) for row in rows]
    assert expected == sorted(found, key=lambda row: row[:2])


def test_complex_queries(reader: Ceilometer, transport: str) -> None:
    """Filter and order are JSON inside text; the limit is text here and a number there."""
    asked = {"filter": '{"=": {"meter": "cpu"}}', "orderby": '[{"volume": "asc"}]'}
    for limit in ("3", 3):
        found = reader.value(transport, "query_samples", "query", **asked, limit=limit)
        assert ["c1", "c2", "c3"] == [sample["id"] for sample in found]
    assert 9 == len(reader.value(transport, "query_samples", "query"))


def test_capabilities(reader: Ceilometer, transport: str) -> None:
    """One object of two."""
    found = reader.value(transport, "capabilities", "get")
    assert found["api"]["samples:query:complex"]
    assert {"storage:production_ready": True} == found["storage"]


def test_errors_have_the_words_of_the_service(reader: Ceilometer, transport: str) -> None:
    """A refused question raises the client's error, with the service's sentence in it."""
    query = [{"field": "colour", "value": "red"}]
    answer = reader.call(transport, "meters", "list", q=query)
    assert answer["error"] in ("BadRequest", "HTTPBadRequest")
    assert 'Unknown argument: "colour"' in answer["text"]
    answer = reader.call(transport, "new_samples", "get", sample_id="nothing")
    assert "HTTPNotFound" == answer["error"]
