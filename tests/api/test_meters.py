"""GET /v2/meters."""

import base64

import pytest
from api.client import Client, keep, url
from builders import after_noon

from metering.model import MeterType
from metering.storage.base import Storage


def test_no_samples_no_meters(client: Client) -> None:
    """An empty store has no meters."""
    assert [] == client.rows("/v2/meters")


def test_fields_of_a_meter(client: Client, storage: Storage) -> None:
    """A meter has v2's fields, in v2's order."""
    keep(storage, {})
    expected = {
        "name": "cpu",
        "type": "gauge",
        "unit": "core",
        "resource_id": "vm-1",
        "project_id": "p-1",
        "user_id": "u-1",
        "source": "openstack",
        "meter_id": base64.b64encode(b"vm-1+cpu").decode(),
    }

    (meter,) = client.rows("/v2/meters")

    assert (expected, list(expected)) == (meter, list(meter))


def test_owner_may_be_nobody(client: Client, storage: Storage) -> None:
    """Without an owner the fields are null."""
    keep(storage, {"project_id": None, "user_id": None})

    (meter,) = client.rows("/v2/meters")

    assert (None, None) == (meter["project_id"], meter["user_id"])


def test_a_row_for_each_resource_name_type_and_unit(client: Client, storage: Storage) -> None:
    """Meters are told apart by resource, name, type and unit, and come in that order."""
    keep(
        storage,
        {"resource_id": "b"},
        {"resource_id": "a", "unit": "GB"},
        {"resource_id": "a", "unit": "B"},
        {"resource_id": "a", "type": MeterType.DELTA, "unit": "B"},
        {"resource_id": "a", "meter": "atom", "unit": "B"},
        {"resource_id": "a", "unit": "B"},
    )

    assert [
        ("a", "atom", "gauge", "B"),
        ("a", "cpu", "delta", "B"),
        ("a", "cpu", "gauge", "B"),
        ("a", "cpu", "gauge", "GB"),
        ("b", "cpu", "gauge", "core"),
    ] == [
        (row["resource_id"], row["name"], row["type"], row["unit"])
        for row in client.rows("/v2/meters")
    ]


def test_meters_are_described_by_the_newest_sample_of_the_resource(
    client: Client, storage: Storage
) -> None:
    """All meters of a resource have the owner of its newest sample, of whichever meter."""
    keep(
        storage,
        {"meter": "new", "user_id": "u-2", "source": "s-2", "timestamp": after_noon(1)},
        {"meter": "old"},
    )

    assert [("new", "u-2", "s-2"), ("old", "u-2", "s-2")] == [
        (row["name"], row["user_id"], row["source"]) for row in client.rows("/v2/meters")
    ]


def test_unique_gives_each_name_once(client: Client, storage: Storage) -> None:
    """With `unique` a name comes once, of no resource, by name."""
    keep(storage, {"resource_id": "b"}, {"resource_id": "a"}, {"meter": "atom"})

    rows = client.rows("/v2/meters?unique=true")

    assert ["atom", "cpu"] == [row["name"] for row in rows]
    assert {None} == {
        row[name] for row in rows for name in ("resource_id", "project_id", "user_id", "source")
    }
    assert base64.b64encode(b"None+cpu").decode() == rows[1]["meter_id"]


@pytest.mark.parametrize("word", ["True", "t", "YES", "y", "On", "1"])
def test_words_that_switch_on(client: Client, storage: Storage, word: str) -> None:
    """Six words are true, in any case."""
    keep(storage, {"resource_id": "a"}, {"resource_id": "b"})

    assert 1 == len(client.rows(f"/v2/meters?unique={word}"))


@pytest.mark.parametrize("word", ["false", "0", "no", "", "nonsense"])
def test_words_that_do_not(client: Client, storage: Storage, word: str) -> None:
    """All else is false."""
    keep(storage, {"resource_id": "a"}, {"resource_id": "b"})

    assert 2 == len(client.rows(f"/v2/meters?unique={word}"))


def test_limit_counts_rows_after_unique(client: Client, storage: Storage) -> None:
    """The limit is of names, where names are asked for."""
    keep(storage, {"resource_id": "a"}, {"resource_id": "b"}, {"meter": "disk"})

    rows = client.rows("/v2/meters?unique=1&limit=2")

    assert ["cpu", "disk"] == [row["name"] for row in rows]


@pytest.mark.parametrize("field", ["user", "project_id", "resource"])
def test_none_is_null_here(client: Client, storage: Storage, field: str) -> None:
    """On meters the text None means null, for owners and resources."""
    keep(storage, {"project_id": None, "user_id": None})

    expected = [] if field == "resource" else ["cpu"]
    found = client.rows(url("/v2/meters", (field, "eq", "None")))

    assert expected == [row["name"] for row in found]


@pytest.mark.parametrize("field", ["user", "project_id", "resource", "source", "meter"])
def test_empty_value_matches_nothing_here(client: Client, storage: Storage, field: str) -> None:
    """On meters an empty value is a value."""
    keep(storage, {})

    assert [] == client.rows(url("/v2/meters", (field, "eq", "")))


def test_meter_without_ascii(client: Client, storage: Storage) -> None:
    """The id of a meter is the base64 of UTF-8, without line ends."""
    keep(storage, {"meter": "ü" * 60, "resource_id": "ключ"})

    (meter,) = client.rows("/v2/meters")

    assert f"ключ+{'ü' * 60}" == base64.b64decode(meter["meter_id"]).decode()
    assert "\n" not in meter["meter_id"]


def test_meters_as_xml(client: Client, storage: Storage) -> None:
    """In XML a list has items, and null an attribute."""
    keep(storage, {"user_id": None})

    (item,) = client.tree("/v2/meters")

    assert ("cpu", {"nil": "true"}) == (item.findtext("name"), item.find("user_id").attrib)


def test_empty_list_as_xml(client: Client) -> None:
    """An empty list is an empty result."""
    tree = client.tree("/v2/meters")

    assert ("result", []) == (tree.tag, list(tree))
