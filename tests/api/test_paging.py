"""Lists in pages: nothing that was there is lost or doubled while samples arrive."""

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit

import pytest
from api.client import Client, assert_fault, keep, url, v2_sample
from builders import LATER, after_noon

from metering.metadata import Metadata
from metering.storage.base import Storage

LINK = re.compile(r'<http://localhost(/\S+)>; rel="next"')
SERIES = {"name", "type", "unit", "resource_id"}

# A list, and what tells its rows apart.
LISTS: dict[str, Callable[[dict[str, Any]], object]] = {
    "/v2/meters": lambda row: tuple(row[name] for name in sorted(SERIES)),
    "/v2/meters?unique=1": lambda row: row["name"],
    "/v2/samples": lambda row: row["id"],
    "/v2/meters/cpu": lambda row: row["message_id"],
    "/v2/resources": lambda row: row["resource_id"],
    "/v2/resources?meter_links=0": lambda row: row["resource_id"],
    "/v2/dimensions": lambda row: row["name"],
    "/v2/dimensions/resource_id/values": lambda row: row["value"],
    "/v2/dimensions/user_id/values": lambda row: row["value"],
    "/v2/users": lambda row: row["id"],
    "/v2/sources?meter=cpu": lambda row: row["id"],
    "/v2/revisions?resource_id=vm-2": lambda row: row["from"],
}
# Lists whose markers are alike; those of others are refused.
ALIKE = (
    {"/v2/samples", "/v2/meters/cpu"},
    {"/v2/meters?unique=1", "/v2/dimensions", "/v2/users", "/v2/sources?meter=cpu"},
    {"/v2/dimensions/resource_id/values", "/v2/dimensions/user_id/values"},
)
PATHS = pytest.mark.parametrize("path", LISTS)
LIMITS = pytest.mark.parametrize("limit", [1, 2, 3])


def next_page(response: Any) -> str | None:
    """Where the link to the next page leads."""
    if "Link" not in response.headers:
        return None
    found = LINK.fullmatch(response.headers["Link"])
    assert found, response.headers["Link"]
    return found[1]


def pages(client: Client, path: str | None, headers: dict[str, str] | None = None) -> Iterator[Any]:
    """Each page of a list, by its links."""
    while path:
        response = client.get(path, headers=headers)
        assert 200 == response.status_int, response.text
        yield response.json
        path = next_page(response)


def limited(path: str, limit: int) -> str:
    """The path, with a limit."""
    return f"{path}{'&' if '?' in path else '?'}limit={limit}"


@pytest.fixture
def full(storage: Storage) -> Storage:
    """A store with thirteen samples of four resources, many of them at one instant."""
    keep(
        storage,
        *({"resource_id": f"vm-{number % 3}", "meter": "disk"} for number in range(5)),
        *({"timestamp": after_noon(number), "meter": "cpu"} for number in range(3)),
        {"user_id": None, "resource_id": "nobody's", "project_id": None},
        {"user_id": "u-2", "resource_id": "vm-2", "timestamp": after_noon(5), "source": "s-2"},
        {"user_id": "u-3", "meter": "cpu", "resource_id": "vm-2", "source": "s-3"},
        {"meter": "net", "unit": "B", "resource_id": "vm-0", "timestamp": after_noon(-5)},
        {"user_id": "u-3", "resource_id": "vm-2", "timestamp": after_noon(-9), "source": "s-3"},
    )
    return storage


@PATHS
@LIMITS
def test_pages_are_the_list(client: Client, full: Storage, path: str, limit: int) -> None:
    """All pages together are the whole list, in its order, and all but the last are full."""
    found = list(pages(client, limited(path, limit)))

    assert client.get(path).json == [row for page in found for row in page]
    assert [limit] * (len(found) - 1) == [len(page) for page in found[:-1]]


@PATHS
@LIMITS
def test_nothing_is_lost_or_doubled(client: Client, full: Storage, path: str, limit: int) -> None:
    """What was there before the first page comes exactly once, whatever arrives meanwhile."""
    identify = LISTS[path]
    before = [identify(row) for row in client.get(path).json]
    seen = []

    for number, page in enumerate(pages(client, limited(path, limit))):
        seen += [identify(row) for row in page]
        if number >= 5:  # else the list would grow without end
            continue
        moved = {"resource_id": f"vm-{number % 3}", "recorded_at": after_noon(10**9)}
        keep(
            full,
            {"id": f"newer-{number}", "timestamp": after_noon(100 + number)} | moved,
            {"id": f"older-{number}", "timestamp": after_noon(-100 - number)} | moved,
            {"id": f"same-{number}"} | moved,
            {"id": f"else-{number}", "resource_id": f"zz-{number}"} | moved | {"meter": "aaa"},
        )

    assert before == [row for row in seen if row in before]
    assert len(set(seen)) == len(seen)


def test_samples_posted_meanwhile(client: Client, storage: Storage) -> None:
    """Over HTTP alone, resources that move to the front while pages are read are not lost."""
    posted = [v2_sample(resource_id=f"vm-{number}", message_id=str(number)) for number in range(6)]
    client.post("/v2/samples", posted)
    seen = []

    for number, page in enumerate(pages(client, "/v2/resources?limit=1")):
        seen += [row["resource_id"] for row in page]
        again = {"message_id": f"again-{number}", "timestamp": f"2015-06-02T00:00:{number:02}"}
        client.post("/v2/samples", [v2_sample(resource_id="vm-0") | again])

    assert [f"vm-{number}" for number in reversed(range(6))] == seen


@PATHS
def test_last_page_has_no_link(client: Client, full: Storage, path: str) -> None:
    """A page that ends the list, even if it is full, links nowhere."""
    count = len(client.rows(path))

    links = ["Link" in client.get(limited(path, count + more)).headers for more in (-1, 0, 1)]

    assert [True, False, False] == links


@PATHS
def test_large_limit_is_clamped_and_links(
    serve: Callable[..., Client], full: Storage, path: str
) -> None:
    """A limit above max_limit is cut to it, and says so by a link."""
    client = serve(max_limit=2)

    response = client.get(limited(path, 1_000_000))

    assert 2 == len(response.json)
    assert next_page(response)


@PATHS
def test_default_is_no_more_than_the_most(
    serve: Callable[..., Client], full: Storage, path: str
) -> None:
    """Where max_limit is below default_limit, it counts."""
    assert 1 == len(serve(max_limit=1).rows(path))


def test_link_keeps_the_other_parameters(client: Client, full: Storage) -> None:
    """The link has every parameter of the request, encoded, and one marker."""
    conditions = [("resource", "ne", "a&b=ü /?"), ("metadata.x", "ne", "+1", "integer")]
    first = url("/v2/samples", *conditions, limit=1)
    following = next_page(client.get(first))

    sent = parse_qs(urlsplit(first).query, keep_blank_values=True)
    *_, (last, _) = parse_qsl(urlsplit(following).query)
    assert "marker" == last
    kept = parse_qs(urlsplit(following).query, keep_blank_values=True)
    again = parse_qs(urlsplit(next_page(client.get(following))).query, keep_blank_values=True)
    assert sent == {name: values for name, values in kept.items() if name != "marker"}
    assert {**sent, "marker": again["marker"]} == again


def test_link_keeps_an_odd_path(client: Client, storage: Storage) -> None:
    """The link leads to the same meter, whatever its name."""
    keep(storage, *({"meter": "a b?%2Fü"} for _ in range(3)))
    path = f"/v2/meters/{quote('a b?%2Fü', safe='')}?limit=1"

    assert 3 == len([row for page in pages(client, path) for row in page])


@LIMITS
def test_filters_hold_on_every_page(client: Client, full: Storage, limit: int) -> None:
    """Later pages are filtered like the first."""
    path = url("/v2/samples", ("resource", "eq", "vm-1"), limit=limit)

    rows = [row for page in pages(client, path) for row in page]

    assert ({"vm-1"}, 5) == ({row["resource_id"] for row in rows}, len(rows))


@LIMITS
def test_pages_of_a_window(client: Client, full: Storage, limit: int) -> None:
    """Resources of a window are paged too."""
    path = url("/v2/resources", ("timestamp", "le", "2015-06-01T12:00"), limit=limit)

    rows = [row["resource_id"] for page in pages(client, path) for row in page]

    assert ["vm-2", "vm-1", "vm-0", "nobody's"] == rows


@LIMITS
def test_samples_of_one_instant(client: Client, storage: Storage, limit: int) -> None:
    """Equal timestamps have an order too, so that pages can be cut between them."""
    keep(storage, *({"source": f"s-{number % 2}"} for number in range(7)))

    rows = [row["id"] for page in pages(client, f"/v2/samples?limit={limit}") for row in page]

    assert ([row["id"] for row in client.rows("/v2/samples")], 7) == (rows, len(set(rows)))


@PATHS
def test_marker_of_another_list(client: Client, full: Storage, path: str) -> None:
    """A marker is refused where its parts mean nothing."""
    others = [one for one in LISTS if one.split("?")[0] != path.split("?", maxsplit=1)[0]]
    for other in others:
        marker = urlsplit(next_page(client.get(limited(other, 1)))).query.partition("marker=")[2]
        response = client.get(f"{limited(path, 1)}&marker={marker}")

        if not any({path, other} <= alike for alike in ALIKE):
            assert_fault(response, 400, "marker must be that of a next link")


def test_marker_reveals_nothing_foreign(proxied: Client, storage: Storage) -> None:
    """A member who forges or borrows a marker sees the own samples only."""
    keep(
        storage,
        *(
            {"project_id": f"p-{number % 2}", "timestamp": after_noon(number)}
            for number in range(6)
        ),
    )
    admin, member = proxied.acting(roles="admin"), proxied.acting(project="p-1")

    borrowed = next_page(admin.get("/v2/samples?limit=3"))

    assert [{"p-1"}] == [{row["project_id"] for row in page} for page in pages(member, borrowed)]


def test_pages_in_a_body_query(client: Client, full: Storage) -> None:
    """The link of a query in a body, as JSON or as a form, asks the same without one."""
    asked = {
        "application/json": '{"q": [{"field": "resource", "value": "vm-1"}], "limit": 2}',
        "application/x-www-form-urlencoded": "q.field=resource&q.value=vm-1&limit=2",
    }
    for content_type, body in asked.items():
        response = client.get("/v2/samples", body=body, content_type=content_type)

        again = client.rows(next_page(response))

        assert ["vm-1"] * 2 == [row["resource_id"] for row in again]
        assert not {row["id"] for row in response.json} & {row["id"] for row in again}


def test_pages_in_xml(client: Client, full: Storage) -> None:
    """XML has the same links."""
    headers = {"Accept": "application/xml"}

    assert next_page(client.get("/v2/samples?limit=1", headers=headers))


def test_samples_recorded_later_are_left_out_of_later_pages(
    client: Client, storage: Storage
) -> None:
    """A resource that is new after the first page is not in the others."""
    keep(storage, {"resource_id": "b"}, {"resource_id": "c"})
    response = client.get("/v2/resources?limit=1")
    keep(storage, {"id": "new", "resource_id": "a", "recorded_at": LATER.replace(year=2999)})

    assert ["b"] == [row["resource_id"] for row in client.rows(next_page(response))]


def test_later_pages_describe_by_what_was_recorded_then(client: Client, storage: Storage) -> None:
    """Also where the newer description is of the same instant."""
    trees = [{"a": number} for number in range(8)]
    least, *_, greatest = sorted(map(Metadata.of, trees), key=lambda one: one.digest)
    keep(storage, {"id": "b", "resource_id": "b", "metadata": least})
    keep(storage, {"id": "a", "resource_id": "a", "metadata": least})
    response = client.get("/v2/resources?limit=1")
    others = {"metadata": greatest, "recorded_at": LATER.replace(year=2999)}
    keep(storage, *({"id": f"new {one}", "resource_id": one, **others} for one in "ab"))
    (shown,) = client.get(next_page(response)).json

    assert dict(least.flat) == shown["metadata"]
