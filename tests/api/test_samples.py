"""GET /v2/samples, /v2/samples/{id} and /v2/meters/{meter}."""

from decimal import Decimal
from urllib.parse import quote

import pytest
from api.client import Client, assert_fault, keep, url, v2_sample
from api.odd_ids import ODD_IDS
from builders import after_noon

from metering.storage.base import Storage

LISTS = ["/v2/samples", "/v2/meters/cpu"]

SAMPLE = {
    "id": "s-1",
    "meter": "cpu",
    "type": "gauge",
    "unit": "core",
    "volume": 1,
    "user_id": "u-1",
    "project_id": "p-1",
    "resource_id": "vm-1",
    "source": "openstack",
    "timestamp": "2015-06-01T12:00:00",
    "recorded_at": "2015-06-02T00:00:00",
    "metadata": {"a": "1"},
}

OLD_SAMPLE = {
    "source": "openstack",
    "counter_name": "cpu",
    "counter_type": "gauge",
    "counter_unit": "core",
    "counter_volume": 1,
    "user_id": "u-1",
    "project_id": "p-1",
    "resource_id": "vm-1",
    "timestamp": "2015-06-01T12:00:00",
    "recorded_at": "2015-06-02T00:00:00",
    "resource_metadata": {"a": "1"},
    "message_id": "s-1",
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/v2/samples", SAMPLE), ("/v2/meters/cpu", OLD_SAMPLE)],
    ids=["new names", "old names"],
)
def test_fields_of_a_sample(
    client: Client, storage: Storage, path: str, expected: dict[str, object]
) -> None:
    """A sample has the fields of its list, in v2's order."""
    keep(storage, {"metadata": {"a": 1}})

    (row,) = client.rows(path)

    assert (expected, list(expected)) == (row, list(row))


@pytest.mark.parametrize("path", LISTS)
def test_newest_first(client: Client, storage: Storage, path: str) -> None:
    """Samples come newest first, however they arrived."""
    keep(storage, *({"timestamp": after_noon(at)} for at in (0, 0.001, -1, 3600, 0.5)))

    found = [row["timestamp"] for row in client.rows(path)]

    assert (sorted(found, reverse=True), 5) == (found, len(found))


@pytest.mark.parametrize("path", LISTS)
def test_limit_keeps_the_newest(client: Client, storage: Storage, path: str) -> None:
    """A limit cuts the oldest."""
    keep(storage, *({"timestamp": after_noon(at)} for at in (1, 3, 2)))

    found = [row["timestamp"][-2:] for row in client.rows(f"{path}?limit=2")]

    assert ["03", "02"] == found


def test_a_hundred_by_default(client: Client, storage: Storage) -> None:
    """Without a limit a list has a hundred rows, and a link to more."""
    keep(storage, *({} for _ in range(101)))

    response = client.get("/v2/samples")

    assert 100 == len(response.json)
    assert 'rel="next"' in response.headers["Link"]


@pytest.mark.parametrize("name", ["cpu", "CPU", "disk"])
def test_a_meters_samples_are_of_that_meter(client: Client, storage: Storage, name: str) -> None:
    """The path names the meter, by exact text."""
    keep(storage, {"meter": "cpu"}, {"meter": "CPU"})

    expected = [name] if name in {"cpu", "CPU"} else []

    assert expected == [row["counter_name"] for row in client.rows(f"/v2/meters/{name}")]


def test_a_meter_in_q_is_one_more_condition(client: Client, storage: Storage) -> None:
    """Below a meter's path another meter in q matches nothing."""
    keep(storage, {"meter": "cpu"}, {"meter": "disk"})

    assert [] == client.rows(url("/v2/meters/cpu", ("meter", "eq", "disk")))


@pytest.mark.parametrize("name", ODD_IDS.values(), ids=ODD_IDS)
def test_meter_with_an_odd_name(client: Client, storage: Storage, name: str) -> None:
    """A meter is found below its encoded name."""
    keep(storage, {"meter": name}, {"meter": "a"}, {"meter": "b"}, {"meter": "other"})
    path = f"/v2/meters/{quote(name, safe='')}"

    (row,) = client.rows(path)
    assert name == row["counter_name"]
    assert [1] == [row["count"] for row in client.rows(f"{path}/statistics")]
    assert ["s-1"] == [row["first_sample"] for row in client.rows(f"{path}/segments?by=meter")]
    links = [one["href"] for row in client.rows("/v2/resources") for one in row["links"]]
    (link,) = [one for one in links if f"{path}?" in one]
    assert ["s-1"] == [row["message_id"] for row in client.rows(link)]


@pytest.mark.parametrize("name", [one for one in ODD_IDS.values() if "/" in one])
def test_meter_with_slashes_is_recorded(client: Client, storage: Storage, name: str) -> None:
    """Below its encoded name, as others are."""
    path = f"/v2/meters/{quote(name, safe='')}"

    assert 201 == client.post(path, [v2_sample(counter_name=name)]).status_int
    assert [name] == [row["counter_name"] for row in client.rows(path)]
    assert_fault(client.post(path, [v2_sample(counter_name="other")]), 400, "should be")


@pytest.mark.parametrize("more", ["", "/statistics", "/segments?by=unit"])
@pytest.mark.parametrize("name", ["a%2Fc", "a/b/c", "cpu/x", "cpu%2F%2F", "%2Fcpu"])
def test_no_meter_with_slashes(client: Client, storage: Storage, name: str, more: str) -> None:
    """What is no meter's name leads to none, and least of all to another."""
    keep(storage, {"meter": "a/b"}, {"meter": "cpu"}, {"meter": "a"})

    assert_fault(client.get(f"/v2/meters/{name}{more}"), 404, "Not Found")


def test_meter_with_a_slash_of_others(proxied: Client, storage: Storage) -> None:
    """To a member a meter of others is none."""
    keep(storage, {"meter": "a/b", "project_id": "p-2"}, {"meter": "a/", "project_id": "p-2"})
    keep(storage, {"id": "own", "meter": "a"})
    member = proxied.acting(project="p-1", roles="member")

    assert_fault(member.get("/v2/meters/a%2Fb"), 404, "Meter a/b Not Found")
    assert ["own"] == [row["message_id"] for row in member.rows("/v2/meters/a/")]


@pytest.mark.parametrize("path", ["/v2/meters/cpu/", "/v2/samples/", "/v2/samples/s-1/"])
def test_trailing_slash_is_harmless(client: Client, storage: Storage, path: str) -> None:
    """A slash at the end changes nothing."""
    keep(storage, {})

    assert client.rows(path.rstrip("/")) == client.rows(path)


def test_trailing_slash_is_no_empty_meter(client: Client, storage: Storage) -> None:
    """/v2/meters/ is the list of meters, not the samples of all."""
    keep(storage, {})

    assert client.rows("/v2/meters") == client.rows("/v2/meters/")


def test_one_sample(client: Client, storage: Storage) -> None:
    """A sample is found by its id."""
    keep(storage, {"metadata": {"a": 1}}, {})

    assert SAMPLE == client.rows("/v2/samples/s-1")


@pytest.mark.parametrize("sample_id", [*ODD_IDS.values()], ids=ODD_IDS)
def test_sample_with_an_odd_id(client: Client, storage: Storage, sample_id: str) -> None:
    """Any id is found by its encoded form."""
    keep(storage, {"id": sample_id}, {"id": "other"})

    assert sample_id == client.rows(f"/v2/samples/{quote(sample_id, safe='')}")["id"]


def test_id_of_several_sources(client: Client, storage: Storage) -> None:
    """Of an id that several sources use, the newest sample is shown."""
    keep(
        storage,
        {"id": "x", "source": "a", "timestamp": after_noon(1)},
        {"id": "x", "source": "b", "timestamp": after_noon(2)},
        {"id": "x", "source": "c"},
    )

    assert "b" == client.rows("/v2/samples/x")["source"]


def test_absent_sample(client: Client) -> None:
    """An id that nobody uses is 404 in v2's words."""
    assert_fault(client.get("/v2/samples/nope"), 404, "Sample nope Not Found")


def test_long_name_is_cut_in_an_error(client: Client) -> None:
    """No more than a hundred characters of an id are repeated."""
    response = client.get(f"/v2/samples/{'x' * 300}")

    assert_fault(response, 404, f"Sample {'x' * 100} Not Found")


def test_nested_metadata_are_shown_flat(client: Client, storage: Storage) -> None:
    """Metadata are shown as v2 flattened them: one dot, then colons, values as Python text."""
    tree = {
        "a": {"b": {"c": 1}},
        "t": True,
        "n": None,
        "f": Decimal("0.75"),
        "l": ["x", 1],
        "empty": {},
        "d.e.f": "dots",
        "": "no name",
    }
    keep(storage, {"metadata": tree})
    expected = {
        "a.b:c": "1",
        "t": "True",
        "n": "None",
        "f": "0.75",
        "l": "['x', 1]",
        "d.e:f": "dots",
        "": "no name",
    }

    assert expected == client.rows("/v2/samples/s-1")["metadata"]


def test_milliseconds_are_shown_where_there_are_some(client: Client, storage: Storage) -> None:
    """A fraction has six digits, and is left out if it is zero."""
    keep(storage, {"timestamp": after_noon(0.25)})

    assert "2015-06-01T12:00:00.250000" == client.rows("/v2/samples/s-1")["timestamp"]


def test_sample_as_xml(client: Client, storage: Storage) -> None:
    """In XML metadata are items of key and value, and volumes plain numbers."""
    keep(storage, {"volume": "1e-7", "metadata": {"a": "x<y"}})

    tree = client.tree("/v2/samples/s-1")

    assert ("0.0000001", "a", "x<y") == (
        tree.findtext("volume"),
        tree.findtext("metadata/item/key"),
        tree.findtext("metadata/item/value"),
    )


def test_control_characters_in_xml(client: Client, storage: Storage) -> None:
    """What XML cannot carry is replaced, so that the answer can be parsed."""
    keep(storage, {"metadata": {"a": "x\x01\x1b\ufffey"}})

    assert "x\ufffd\ufffd\ufffdy" == client.tree("/v2/samples").findtext("item/metadata/item/value")


def test_old_sample_as_xml(client: Client, storage: Storage) -> None:
    """In XML the old names are used below a meter."""
    keep(storage, {})

    assert "cpu" == client.tree("/v2/meters/cpu").findtext("item/counter_name")
