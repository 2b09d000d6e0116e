"""GET /v2/dimensions, the values of one, and /v2/projects, /v2/users, /v2/sources."""

from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from api.client import Client, assert_fault, keep, url
from builders import after_noon

from metering.api.app import make_app
from metering.config import load
from metering.storage.base import Storage

DIRECTORY = {"/v2/projects": "project_id", "/v2/users": "user_id", "/v2/sources": "source"}
ALL = ["/v2/dimensions", "/v2/dimensions/meter/values", *DIRECTORY]
RULES = {
    "get_dimensions": ALL[:2],
    "get_projects": ["/v2/projects"],
    "get_users": ["/v2/users"],
    "get_sources": ["/v2/sources"],
}
ODD_KEYS = [
    *("a/b", "a.b/c.d", "values", "/values", "a/", "/", "//", "kubernetes.io/name"),
    *("%2F", "a b?", "ü", ".."),
]


def values_of(client: Client, name: str, **asked: Any) -> list[str | None]:
    """The values of a dimension, whose name is sent with everything encoded."""
    path = f"/v2/dimensions/{quote(name, safe='')}/values"
    query = "&".join(f"{key}={quote(str(value))}" for key, value in asked.items())
    return [row["value"] for row in client.rows(f"{path}?{query}")]


@pytest.fixture
def full(storage: Storage) -> Storage:
    """Three meters, an hour apart, of two flavors and none."""
    keep(
        storage,
        {"metadata": {"flavor": "small", "a": {"b": 1}}},
        {"metadata": {"flavor": "large"}, "timestamp": after_noon(3600), "meter": "disk"},
        {"timestamp": after_noon(7200), "meter": "net", "user_id": "u-2", "project_id": "p-2"},
    )
    return storage


def test_dimensions_can_be_grouped_and_filtered_by(client: Client, full: Storage) -> None:
    """Each name that is listed is one of groupby and of q, and its values are those of groups."""
    names = [row["name"] for row in client.rows("/v2/dimensions")]

    assert {"metadata.flavor", "metadata.a.b", "project_id", "type"} < set(names)
    for name in names:
        groups = {
            row["groupby"][name]
            for meter in ("cpu", "disk", "net")
            for row in client.rows(url(f"/v2/meters/{meter}/statistics", groupby=name))
        }
        found = values_of(client, name)
        assert groups == set(found)
        kind = [] if "." not in name else ["string" if name == "metadata.flavor" else "integer"]
        counts = [
            len(client.rows(url("/v2/samples", (name, "eq", one, *kind))))
            for one in found
            if one is not None
        ]
        lacking = client.rows(url("/v2/samples", (name, "eq", "None"))) if None in found else []
        assert 3 == sum(counts) + len(lacking)


@pytest.mark.parametrize(
    "key",
    [
        "a/b",
        "a.b/c.d",
        "values",
        "/values",
        "a/",
        "/",
        "//",
        "kubernetes.io/name",
        "%2F",
        "a b?",
        "ü",
        "..",
    ],
)
def test_names_of_any_shape(client: Client, storage: Storage, key: str) -> None:
    """Slashes may be encoded, twice or not at all, where the name is metadata's."""
    keep(storage, {"metadata": {key: "x"}})

    assert ["x"] == values_of(client, f"metadata.{key}")
    if not set("%?") & set(key):
        plain = quote(f"/v2/dimensions/metadata.{key}/values")
        assert [{"value": "x"}] == client.rows(plain)
        assert [{"value": "x"}] == client.rows(f"{plain}/")
    assert f"metadata.{key}" in [row["name"] for row in client.rows("/v2/dimensions")]


def test_both_names_of_metadata(client: Client, full: Storage) -> None:
    """As groupby takes them."""
    assert values_of(client, "metadata.flavor") == values_of(client, "resource_metadata.flavor")


@pytest.mark.parametrize("name", ["volume", "timestamp", "id", "nothing", "metadata.", "metadata"])
def test_what_is_no_dimension(client: Client, full: Storage, name: str) -> None:
    """What differs from sample to sample is none."""
    assert_fault(client.get(f"/v2/dimensions/{name}/values"), 404, f"Dimension {name} Not Found")


@pytest.mark.parametrize(
    "path", ["/v2/dimensions/", "/v2/dimensions//values", "/v2/dimensions/meter"]
)
def test_paths_of_nothing(client: Client, path: str) -> None:
    """Only a slash at the end means nothing."""
    assert (200 if path == "/v2/dimensions/" else 404) == client.get(path).status_int


def test_path_that_is_too_long(client: Client) -> None:
    """It is named."""
    assert_fault(client.get(f"/v2/dimensions/metadata.{'a' * 1001}/values"), 404, "Dimension")


def test_null_is_a_value_unless_there_is_a_prefix(client: Client, full: Storage) -> None:
    """First, as in groups; it begins with nothing."""
    assert [None, "large", "small"] == values_of(client, "metadata.flavor")
    assert [None, "large", "small"] == values_of(client, "metadata.flavor", prefix="")
    assert ["large"] == values_of(client, "metadata.flavor", prefix="la")
    assert [] == values_of(client, "metadata.flavor", prefix="LA")


def test_values_of_a_meter_and_a_time(client: Client, full: Storage) -> None:
    """The start is in, the end is out; an offset is converted."""
    assert ["small"] == values_of(client, "metadata.flavor", meter="cpu")
    assert [] == values_of(client, "metadata.flavor", meter="none")
    assert ["large"] == values_of(
        client, "metadata.flavor", start="2015-06-01T15:00+02:00", end="2015-06-01T14:00"
    )
    assert ["large"] == values_of(
        client, "metadata.flavor", start="2015-06-01T15:00", end="2015-06-01T16", tz="Europe/Berlin"
    )
    assert [None] == values_of(client, "metadata.flavor", start="2015-06-01T14:00")
    assert [] == values_of(client, "meter", start="2016-01-01")


def test_dimensions_of_a_meter_and_a_condition(client: Client, full: Storage) -> None:
    """Paths that occur there."""
    (disk,) = [client.rows("/v2/dimensions?meter=disk")]

    assert {"metadata.flavor"} == {one["name"] for one in disk if "." in one["name"]}
    path = url("/v2/dimensions", ("user_id", "eq", "u-2"))
    assert not [one for one in client.rows(path) if "." in one["name"]]


@pytest.mark.parametrize(("path", "name"), DIRECTORY.items())
def test_first_and_last_sample(client: Client, storage: Storage, path: str, name: str) -> None:
    """Of each id, with Z."""
    keep(
        storage,
        {name: "b", "timestamp": after_noon(60)},
        {name: "b", "resource_id": "x", "timestamp": after_noon(0.5)},
        {name: "a/ü"},
    )

    assert [
        {
            "id": "a/ü",
            "first_sample_timestamp": "2015-06-01T12:00:00Z",
            "last_sample_timestamp": "2015-06-01T12:00:00Z",
        },
        {
            "id": "b",
            "first_sample_timestamp": "2015-06-01T12:00:00.500Z",
            "last_sample_timestamp": "2015-06-01T12:01:00Z",
        },
    ] == client.rows(path)


@pytest.mark.parametrize("path", DIRECTORY)
def test_directory_takes_conditions(client: Client, full: Storage, path: str) -> None:
    """Also on the timestamp, and with it the samples shown are those that match."""
    after = url(path, ("timestamp", "ge", "2015-06-01T13:00"), ("metadata.flavor", "eq", "large"))

    (row,) = client.rows(after)

    assert "2015-06-01T13:00:00Z" == row["first_sample_timestamp"] == row["last_sample_timestamp"]
    assert [] == client.rows(url(path, ("metadata.flavor", "eq", "huge")))
    assert [row] == client.rows(f"{path}?meter=disk&end=2015-06-01T13:00:01")


@pytest.mark.parametrize("path", ALL)
@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("limit=0", "Limit must be positive"),
        ("marker=x", "marker must be that of a next link"),
        ("start=soon", "field/attribute start"),
        ("end=", "field/attribute end"),
        ("tz=Moon", "tz"),
        ("q.field=volume&q.value=1", "unrecognized field"),
        ("q.field=timestamp&q.op=ne&q.value=2015", "cannot be compared by ne"),
        ("start=2015&start=2016", "given several times"),
        ("nonsense=1", "Unknown argument"),
    ],
)
def test_what_makes_no_sense_is_named(client: Client, path: str, asked: str, words: str) -> None:
    """A 400 says what."""
    assert_fault(client.get(f"{path}?{asked}"), 400, words)


@pytest.mark.parametrize("path", ALL)
def test_a_reader_of_the_project_may_ask(proxied: Client, full: Storage, path: str) -> None:
    """For the own project; nobody else is named."""
    reader = proxied.acting(project="p-2", roles="reader")

    assert "p-1" not in reader.get(path).text
    assert 200 == reader.get(path).status_int
    assert [{"value": "p-2"}] == reader.rows("/v2/dimensions/project_id/values")
    assert ["p-2"] == [row["id"] for row in reader.rows("/v2/projects")]


def test_rules_can_close_them(full: Storage, tmp_path: Path) -> None:
    """Each list has a rule of its own."""
    for name, closed in RULES.items():
        policy, file = tmp_path / f"{name}.yaml", tmp_path / f"{name}.conf"
        policy.write_text(f'"telemetry:{name}": "role:auditor"\n', encoding="utf-8")
        options = f"[api]\nauth = headers\n[oslo_policy]\npolicy_file = {policy}\n"
        file.write_text(options, encoding="utf-8")
        caller = Client(make_app(load(str(file)), full)).acting(project="p-1")

        refused = [path for path in ALL if caller.get(path).status_int == HTTPStatus.FORBIDDEN]

        assert closed == refused
