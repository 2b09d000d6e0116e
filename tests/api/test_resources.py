"""GET /v2/resources and /v2/resources/{id}."""

from urllib.parse import quote

import pytest
from api.client import Client, assert_fault, keep, url
from api.odd_ids import ODD_IDS
from builders import after_noon

from metering.storage.base import Storage

RESOURCE = {
    "resource_id": "vm-1",
    "project_id": "p-1",
    "user_id": "u-1",
    "first_sample_timestamp": "2015-06-01T12:00:00",
    "last_sample_timestamp": "2015-06-01T12:00:10",
    "metadata": {"host": "h-2"},
    "links": [
        {"href": "http://localhost/v2/resources/vm-1", "rel": "self"},
        {
            "href": "http://localhost/v2/meters/cpu?q.field=resource_id&q.value=vm-1",
            "rel": "cpu",
        },
    ],
    "source": "openstack",
}


@pytest.fixture
def moved(storage: Storage) -> Storage:
    """A store with a resource that moved from p-1 to p-2 at 12:00:10."""
    keep(
        storage,
        {"metadata": {"host": "h-1"}},
        {
            "timestamp": after_noon(10),
            "project_id": "p-2",
            "user_id": "u-2",
            "source": "s-2",
            "meter": "disk",
            "metadata": {"host": "h-2"},
        },
    )
    return storage


def test_fields_of_a_resource(client: Client, storage: Storage) -> None:
    """A resource has v2's fields, described by its newest sample."""
    keep(
        storage,
        {"timestamp": after_noon(10), "metadata": {"host": "h-2"}},
        {"metadata": {"host": "h-1"}},
    )

    (resource,) = client.rows("/v2/resources")

    assert (RESOURCE, list(RESOURCE)) == (resource, list(resource))


def test_one_resource_is_as_in_the_list(client: Client, moved: Storage) -> None:
    """A resource by itself is the same as in the list."""
    (resource,) = client.rows("/v2/resources")

    assert resource == client.rows("/v2/resources/vm-1")


def test_owner_is_that_of_the_newest_sample(client: Client, moved: Storage) -> None:
    """Owner and source are those of the newest sample."""
    resource = client.rows("/v2/resources/vm-1")

    assert ("p-2", "u-2", "s-2") == (
        resource["project_id"],
        resource["user_id"],
        resource["source"],
    )


def test_late_sample_does_not_move_a_resource(client: Client, moved: Storage) -> None:
    """A sample that arrives late changes where the resource begins, not whose it is."""
    keep(moved, {"id": "late", "timestamp": after_noon(-5), "project_id": "p-3"})

    resource = client.rows("/v2/resources/vm-1")

    assert ("p-2", "2015-06-01T11:59:55", "2015-06-01T12:00:10") == (
        resource["project_id"],
        resource["first_sample_timestamp"],
        resource["last_sample_timestamp"],
    )


def test_window_describes_by_the_samples_in_it(client: Client, moved: Storage) -> None:
    """In a window owner, metadata and times come from the samples in it; links name all meters."""
    path = url("/v2/resources", ("timestamp", "lt", "2015-06-01T12:00:10"))

    (resource,) = client.rows(path)

    assert ("p-1", {"host": "h-1"}, "2015-06-01T12:00:00") == (
        resource["project_id"],
        resource["metadata"],
        resource["last_sample_timestamp"],
    )
    assert ["self", "cpu", "disk"] == [link["rel"] for link in resource["links"]]


def test_window_filters_samples(client: Client, moved: Storage) -> None:
    """In a window a filter asks about the samples in it, without one about the newest."""
    window = ("timestamp", "ge", "2015-06-01")

    assert [] == client.rows(url("/v2/resources", ("project", "eq", "p-1")))
    assert ["p-1"] == [
        row["project_id"]
        for row in client.rows(url("/v2/resources", window, ("project", "eq", "p-1")))
    ]


def test_window_without_samples(client: Client, moved: Storage) -> None:
    """A resource that has no sample in the window is not there."""
    assert [] == client.rows(url("/v2/resources", ("timestamp", "gt", "2015-06-01T12:00:10")))


def test_order_of_resources(client: Client, storage: Storage) -> None:
    """Resources come by user, project, last sample and id, each descending, null last."""
    keep(
        storage,
        {"resource_id": "nobody", "user_id": None},
        {"resource_id": "a"},
        {"resource_id": "b"},
        {"resource_id": "later", "timestamp": after_noon(1)},
        {"resource_id": "no project", "project_id": None},
        {"resource_id": "next user", "user_id": "u-2"},
    )

    assert ["next user", "later", "b", "a", "no project", "nobody"] == [
        row["resource_id"] for row in client.rows("/v2/resources")
    ]


def test_meter_links_may_be_left_out(client: Client, storage: Storage) -> None:
    """With meter_links=0 only the link to the resource is left."""
    keep(storage, {})

    (resource,) = client.rows("/v2/resources?meter_links=0")

    assert ["self"] == [link["rel"] for link in resource["links"]]


@pytest.mark.parametrize("number", ["1", "7", "-1"])
def test_any_other_number_means_links(client: Client, storage: Storage, number: str) -> None:
    """Any number but zero means yes."""
    keep(storage, {})

    (resource,) = client.rows(f"/v2/resources?meter_links={number}")

    assert ["self", "cpu"] == [link["rel"] for link in resource["links"]]


def test_meter_links_is_a_number(client: Client) -> None:
    """A word is no number."""
    assert_fault(client.get("/v2/resources?meter_links=yes"), 400, "meter_links")


def test_meter_links_are_for_the_list(client: Client, storage: Storage) -> None:
    """One resource always has its links, and takes no parameter."""
    keep(storage, {})

    assert_fault(client.get("/v2/resources/vm-1?meter_links=0"), 400, "meter_links")


@pytest.mark.parametrize("resource_id", [*ODD_IDS.values()], ids=ODD_IDS)
def test_links_lead_back(client: Client, storage: Storage, resource_id: str) -> None:
    """Every link of a resource, whatever its id, leads to what it names."""
    keep(storage, {"resource_id": resource_id, "meter": "a b?"}, {"meter": "a b?"})
    (found,) = client.rows(url("/v2/resources", ("resource_id", "eq", resource_id)))
    paths = [link["href"].removeprefix("http://localhost") for link in found["links"]]

    assert found == client.rows(paths[0])
    assert [resource_id] == [row["resource_id"] for row in client.rows(paths[1])]


@pytest.mark.parametrize("resource_id", [*ODD_IDS.values()], ids=ODD_IDS)
def test_id_encoded_twice(client: Client, storage: Storage, resource_id: str) -> None:
    """Clients of v2 had to encode an id twice: that still finds it."""
    keep(storage, {"resource_id": resource_id})
    path = f"/v2/resources/{quote(quote(resource_id, safe=''), safe='')}"

    assert resource_id == client.rows(path)["resource_id"]


def test_id_as_it_came_is_tried_first(client: Client, storage: Storage) -> None:
    """Where both an id and its decoded form exist, each is found by its own encoding."""
    keep(storage, {"resource_id": "a%2Fb"}, {"resource_id": "a/b"})

    assert ["a%2Fb", "a/b"] == [
        client.rows(f"/v2/resources/{path}")["resource_id"] for path in ("a%252Fb", "a%2Fb")
    ]


@pytest.mark.parametrize("path", ["a/b", "a%2Fb", "a/b/", "a%2Fb/", "a%252Fb"])
def test_ways_to_a_slash(client: Client, storage: Storage, path: str) -> None:
    """A slash in an id may be sent as it is, or encoded once or twice."""
    keep(storage, {"resource_id": "a/b"})

    assert "a/b" == client.rows(f"/v2/resources/{path}")["resource_id"]


def test_absent_resource(client: Client) -> None:
    """An id that nobody uses is 404 in v2's words."""
    assert_fault(client.get("/v2/resources/a%2Fb"), 404, "Resource a/b Not Found")


def test_trailing_slash_is_the_list(client: Client, storage: Storage) -> None:
    """/v2/resources/ is the list."""
    keep(storage, {})

    assert client.rows("/v2/resources") == client.rows("/v2/resources/")


@pytest.mark.parametrize("field", ["user", "project_id", "resource", "source"])
def test_empty_value_matches_nothing_here(client: Client, storage: Storage, field: str) -> None:
    """On resources an empty value is a value."""
    keep(storage, {})

    assert [] == client.rows(url("/v2/resources", (field, "eq", "")))


@pytest.mark.parametrize("field", ["meter", "volume", "type", "unit", "id", "recorded_at"])
def test_fields_that_resources_lack(client: Client, field: str) -> None:
    """A resource has no single meter, type, unit, volume or id to ask for."""
    response = client.get(url("/v2/resources", (field, "eq", "1")))

    assert_fault(response, 400, f'Unknown argument: "{field}"')


def test_resource_as_xml(client: Client, storage: Storage) -> None:
    """In XML links are items."""
    keep(storage, {})

    tree = client.tree("/v2/resources/vm-1")

    assert ["self", "cpu"] == [link.findtext("rel") for link in tree.iterfind("links/item")]


def test_resources_as_xml(client: Client, storage: Storage) -> None:
    """In XML resources are items."""
    keep(storage, {})

    assert "vm-1" == client.tree("/v2/resources").findtext("item/resource_id")


# --- at an instant

AT = {
    "2015-06-01T12:00:09.999Z": ("p-1", {"host": "h-1"}, "2015-06-01T12:00:00"),
    "2015-06-01T12:00:00": ("p-1", {"host": "h-1"}, "2015-06-01T12:00:00"),
    "2015-06-01T14:00:09%2B02:00": ("p-1", {"host": "h-1"}, "2015-06-01T12:00:00"),
    "2015-06-01T14:00:10%2B02:00": ("p-2", {"host": "h-2"}, "2015-06-01T12:00:10"),
    "2015-06-01T12:00:10": ("p-2", {"host": "h-2"}, "2015-06-01T12:00:10"),
    "9999-12-31T23:59:59.999": ("p-2", {"host": "h-2"}, "2015-06-01T12:00:10"),
}


@pytest.mark.parametrize(("at", "expected"), AT.items())
def test_resource_at_an_instant(
    client: Client, moved: Storage, at: str, expected: tuple[str, dict[str, str], str]
) -> None:
    """It is as the newest sample up to then describes it; its links are those of all meters."""
    row = client.rows(f"/v2/resources/vm-1?at={at}")

    assert expected == (row["project_id"], row["metadata"], row["last_sample_timestamp"])
    assert "2015-06-01T12:00:00" == row["first_sample_timestamp"]
    assert ["self", "cpu", "disk"] == [link["rel"] for link in row["links"]]


def test_resource_before_its_first_sample(client: Client, moved: Storage) -> None:
    """It is not there yet."""
    response = client.get("/v2/resources/vm-1?at=2015-06-01T11:59:59.999")

    assert_fault(response, 404, "Resource vm-1 Not Found")


def test_resource_of_another_then(proxied: Client, moved: Storage) -> None:
    """A member who has it now sees nothing of the time before, and who had it sees the own."""
    had, has = (proxied.acting(project=name, roles="member") for name in ("p-1", "p-2"))

    assert_fault(has.get("/v2/resources/vm-1?at=2015-06-01T12:00:05"), 404)
    assert "p-1" == had.rows("/v2/resources/vm-1?at=2015-06-01T12:00:30")["project_id"]
    assert "p-2" == has.rows("/v2/resources/vm-1?at=2015-06-01T12:00:30")["project_id"]


def test_resource_with_a_slash_at_an_instant(client: Client, storage: Storage) -> None:
    """The id is the path, whatever is in it."""
    keep(storage, {"resource_id": "a/b"})

    assert "a/b" == client.rows("/v2/resources/a/b?at=2015-06-02")["resource_id"]


@pytest.mark.parametrize("at", ["", "soon", "10000-01-01", "0001-01-01T00:00:00%2B01:00"])
def test_no_instant(client: Client, moved: Storage, at: str) -> None:
    """What is no instant is refused, and named."""
    assert_fault(client.get(f"/v2/resources/vm-1?at={at}"), 400, "at")
