"""GET /v2/revisions."""

from decimal import Decimal

import pytest
from api.client import Client, assert_fault, keep, url
from api.odd_ids import ODD_IDS
from builders import after_noon

from metering.storage.base import Storage

PATH = "/v2/revisions?resource_id=vm-1"
SMALL = {"flavor": {"name": "small", "vcpus": 1}, "tags": ["a", None], "load": Decimal("0.10")}
LARGE = {"flavor": {"name": "large", "vcpus": 4}, "tags": ["a", None], "load": Decimal("0.10")}


@pytest.fixture
def resized(storage: Storage) -> Storage:
    """A store with a resource that was small, large, and small again, of another user."""
    keep(
        storage,
        {"metadata": SMALL},
        {"metadata": SMALL, "timestamp": after_noon(5), "meter": "disk"},
        {"metadata": LARGE, "timestamp": after_noon(10.5)},
        {"metadata": SMALL, "timestamp": after_noon(20), "user_id": None},
    )
    return storage


def test_fields_of_revisions(client: Client, resized: Storage) -> None:
    """Metadata are as they were sent, times have Z, and the first of all has changed nothing."""
    rows = client.rows(PATH)
    changed = ["metadata.flavor.name", "metadata.flavor.vcpus"]

    assert rows == [
        {
            "from": "2015-06-01T12:00:00Z",
            "to": "2015-06-01T12:00:10.500Z",
            "metadata": SMALL,
            "project_id": "p-1",
            "user_id": "u-1",
            "changed": [],
            "sample_id": "s-1",
        },
        {
            "from": "2015-06-01T12:00:10.500Z",
            "to": "2015-06-01T12:00:20Z",
            "metadata": LARGE,
            "project_id": "p-1",
            "user_id": "u-1",
            "changed": changed,
            "sample_id": "s-3",
        },
        {
            "from": "2015-06-01T12:00:20Z",
            "to": None,
            "metadata": SMALL,
            "project_id": "p-1",
            "user_id": None,
            "changed": [*changed, "user_id"],
            "sample_id": "s-4",
        },
    ]
    assert ["from", "to", "metadata", "project_id", "user_id", "changed", "sample_id"] == [*rows[0]]


def test_what_changed_can_be_asked_for(client: Client, resized: Storage) -> None:
    """A name in `changed` is a field of `q`, and the sample is there."""
    row = client.rows(PATH)[1]
    condition = (row["changed"][0], "eq", row["metadata"]["flavor"]["name"])

    assert [row["sample_id"]] == [one["id"] for one in client.rows(url("/v2/samples", condition))]
    assert 200 == client.get(f"/v2/samples/{row['sample_id']}").status_int


BOUNDS = {
    "start=2015-06-01T12:00:20": [3],
    "start=2015-06-01T12:00:19": [2, 3],
    "start=2015-06-01T14:00:19%2B02:00": [2, 3],
    "start=2015-06-01T14:00:19&tz=Europe/Berlin": [2, 3],
    "end=2015-06-01T12:00:10.5": [1],
    "end=2015-06-01T12:00:11": [1, 2],
    "start=2015-06-01T12:00:11&end=2015-06-01T12:00:12": [2],
    "start=2015-06-01T12:00:12&end=2015-06-01T12:00:11": [],
    "end=2015-06-01": [],
    "start=9999-12-31T23:59:59.999": [3],
}


@pytest.mark.parametrize(("bounds", "expected"), BOUNDS.items())
def test_bounds(client: Client, resized: Storage, bounds: str, expected: list[int]) -> None:
    """The revisions in force from start up to end, whole."""
    whole = client.rows(PATH)

    assert [whole[place - 1] for place in expected] == client.rows(f"{PATH}&{bounds}")


@pytest.mark.parametrize("start", ["", "&start=2015-06-01T12:00:05"])
def test_pages(client: Client, resized: Storage, start: str) -> None:
    """A page goes on after the last one, in the same range."""
    path = f"{PATH}{start}&limit=1"
    seen = []
    for _ in range(3):
        response = client.get(path)
        seen += [row["sample_id"] for row in response.json]
        path = response.headers.get("Link", "").partition(">")[0].removeprefix("<http://localhost")

    assert (["s-1", "s-3", "s-4"], "") == (seen, path)


@pytest.mark.parametrize(
    "marker", ["x", "WzFd0", "WzFlOTldxx", "WzEwMDAwMDAwMDAwMDAwMDAwMF0", "W10"]
)
def test_marker_of_nobody(client: Client, resized: Storage, marker: str) -> None:
    """A marker that no link gave is refused."""
    assert_fault(client.get(f"{PATH}&marker={marker}"), 400, "marker")


@pytest.mark.parametrize("query", ["", "?resource_id=", "?start=2015-06-01"])
def test_resource_is_needed(client: Client, query: str) -> None:
    """Without a resource there is nothing to tell."""
    assert_fault(client.get(f"/v2/revisions{query}"), 400, "resource_id")


def test_unknown_resource(client: Client, resized: Storage) -> None:
    """It has no revisions."""
    assert [] == client.rows("/v2/revisions?resource_id=vm-2")


@pytest.mark.parametrize("resource_id", [*ODD_IDS.values()], ids=ODD_IDS)
def test_any_id(client: Client, storage: Storage, resource_id: str) -> None:
    """An id is a parameter like others."""
    keep(storage, {"resource_id": resource_id})

    assert 1 == len(client.rows(url("/v2/revisions", resource_id=resource_id)))


@pytest.mark.parametrize("name", ["start", "end", "tz"])
def test_bad_frame(client: Client, name: str) -> None:
    """What is no time and no zone is refused, and named."""
    assert_fault(client.get(f"{PATH}&{name}=soon"), 400, name)


def test_only_as_json(client: Client, resized: Storage) -> None:
    """Nested metadata have no other form."""
    assert 406 == client.get(PATH, headers={"Accept": "application/xml"}).status_int


def test_resource_that_moved(client: Client, proxied: Client, storage: Storage) -> None:
    """A member sees the own time; of the next owner only when it began, of the last nothing."""
    keep(
        storage,
        {"metadata": SMALL},
        {"metadata": LARGE, "timestamp": after_noon(10)},
        {"metadata": SMALL, "timestamp": after_noon(20), "project_id": "p-2", "user_id": "u-2"},
        {"metadata": LARGE, "timestamp": after_noon(30), "project_id": "p-2", "user_id": "u-2"},
    )
    everyones = client.rows(PATH)
    first, second = (
        proxied.acting(project=name, roles="member").rows(PATH) for name in ("p-1", "p-2")
    )

    assert 4 == len(everyones)
    assert everyones[:2] == first
    assert [everyones[2] | {"changed": []}, everyones[3]] == second
    assert [] == proxied.acting(project="p-3", roles="member").rows(PATH)
