"""GET /v2/capabilities."""

from collections.abc import Callable

import pytest
from api.client import Client, assert_fault

from metering.storage.base import Storage
from metering.storage.sqlite import SqliteStorage


def test_every_capability_is_a_flat_boolean(client: Client) -> None:
    """Both halves are flat objects of booleans."""
    found = client.rows("/v2/capabilities")

    assert {"api", "storage"} == found.keys()
    assert {bool} == {type(value) for half in found.values() for value in half.values()}


@pytest.mark.parametrize(
    "name",
    [
        "meters:query:simple",
        "meters:query:metadata",
        "resources:query:simple",
        "resources:query:metadata",
        "samples:query:simple",
        "samples:query:metadata",
        "statistics:groupby",
        "statistics:query:simple",
        "statistics:query:metadata",
        "statistics:aggregation:standard",
        *(
            f"statistics:aggregation:selectable:{one}"
            for one in ("max", "min", "sum", "avg", "count", "stddev", "cardinality")
        ),
    ],
)
def test_capability_of_version_two_is_there(client: Client, name: str) -> None:
    """What v2 on MongoDB could do can be done."""
    assert client.rows("/v2/capabilities")["api"][name] is True


def test_memory_is_not_for_production(client: Client) -> None:
    """A store that keeps nothing says so."""
    expected = {"storage:production_ready": False}

    assert expected == client.rows("/v2/capabilities")["storage"]


def test_other_stores_are_for_production(serve: Callable[[Storage], Client]) -> None:
    """A store that keeps what it was given says so."""
    store = SqliteStorage.open("sqlite:///never-opened.db", timeout_seconds=1)

    assert {"storage:production_ready": True} == serve(store).rows("/v2/capabilities")["storage"]


def test_capabilities_take_no_parameter(client: Client) -> None:
    """Any parameter is refused."""
    assert_fault(client.get("/v2/capabilities?limit=1"), 400, 'Unknown argument: "limit"')


def test_capabilities_as_xml(client: Client) -> None:
    """In XML the capabilities are items of key and value."""
    items = {
        item.findtext("key"): item.findtext("value")
        for item in client.tree("/v2/capabilities").iterfind("storage/item")
    }

    assert {"storage:production_ready": "false"} == items
