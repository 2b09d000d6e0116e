"""Who may see what: a member sees the own project, in every answer, header and error."""

import json

import pytest
from api.client import Client, assert_fault, keep, kept, url, v2_sample
from builders import after_noon

from metering.api.app import make_app
from metering.config import load
from metering.storage.base import Storage
from metering.storage.memory import MemoryStorage

CANARY = "canary"
CANARY_VOLUME = 31415926535897  # too long to be part of a random id
FOREIGN = {
    "project_id": f"{CANARY}-project",
    "user_id": f"{CANARY}-user",
    "source": f"{CANARY}-source",
    "meter": f"{CANARY}-meter",
    "unit": f"{CANARY}-unit",
    "resource_id": f"{CANARY}-resource",
    "metadata": {"kind": f"{CANARY}-metadata", CANARY: {"deep": 1}},
}
LISTS = [
    *("/v2/meters", "/v2/meters/cpu", "/v2/samples", "/v2/resources"),
    *("/v2/dimensions", "/v2/dimensions/metadata.kind/values", "/v2/dimensions/source/values"),
    *("/v2/projects", "/v2/users", "/v2/sources"),
]
STATISTICS = "/v2/meters/cpu/statistics"
SEGMENTS = "/v2/meters/cpu/segments?by=project_id&by=metadata.kind"
# The others share streams with the caller, whose segments end where theirs begin.
ALONE = [*LISTS, STATISTICS, "/v2/samples/s-1", "/v2/resources/vm-1"]
EVERYTHING = [*ALONE, SEGMENTS]


def keep_two_projects(storage: Storage) -> None:
    """Samples of p-1, and foreign ones that share as much with them as they can."""
    keep(storage, {"metadata": {"kind": "own"}}, {"timestamp": after_noon(1), "volume": 2})
    shared = ("meter", "unit", "resource_id", "source", "user_id", "metadata")
    own = {"meter": "cpu", "unit": "core", "resource_id": "vm-1", "source": "openstack"}
    foreign = [
        FOREIGN,
        *(FOREIGN | {name: own[name]} for name in shared if name in own),
        {"project_id": f"{CANARY}-project", "user_id": f"{CANARY}-user"},
        {"project_id": f"{CANARY}-project", "metadata": {"kind": CANARY}},
    ]
    keep(
        storage,
        *(
            {"id": f"{CANARY}-{place}", "timestamp": after_noon(place), "volume": CANARY_VOLUME}
            | one
            for place, one in enumerate(foreign, -3)
        ),
    )


@pytest.fixture
def shared(storage: Storage) -> Storage:
    """A store of two projects."""
    keep_two_projects(storage)
    return storage


@pytest.mark.parametrize("path", [*ALONE, "/v2/meters?unique=1"])
def test_foreign_samples_do_not_exist(member: Client, shared: Storage, path: str) -> None:
    """What a member gets is what the store would give without the foreign samples."""
    alone = MemoryStorage()
    keep(alone, {"metadata": {"kind": "own"}}, {"timestamp": after_noon(1), "volume": 2})
    headers = {"X-Project-Id": "p-1"}
    other = Client(make_app(load(overrides=[("api", "auth", "headers")]), alone), headers)

    assert other.rows(path) == member.rows(path)


@pytest.mark.parametrize("group", ["project_id", "user_id", "source", "metadata.kind"])
def test_groups_are_of_the_own_project(member: Client, shared: Storage, group: str) -> None:
    """Group values and cardinalities show nothing foreign."""
    path = url(STATISTICS, groupby=group, aggregate__func="cardinality", aggregate__param="user_id")

    response = member.get(path)

    assert CANARY not in response.text
    assert {1} == {row["aggregate"]["cardinality/user_id"] for row in response.json}


def test_periods_begin_at_the_own_oldest_sample(member: Client, shared: Storage) -> None:
    """Windows are anchored within the caller's scope."""
    (row,) = member.rows(f"{STATISTICS}?period=3600")

    assert "2015-06-01T12:00:00" == row["period_start"]


ONE_FOREIGN = [
    f"/v2/samples/{CANARY}-0",
    f"/v2/resources/{CANARY}-resource",
]


@pytest.mark.parametrize("path", ONE_FOREIGN)
def test_foreign_item_is_absent(member: Client, shared: Storage, path: str) -> None:
    """A foreign item is 404 with the text of an absent one."""
    foreign = member.get(path)
    absent = member.get(path.replace(CANARY, "absent"))

    assert_fault(foreign, 404, "Not Found")
    assert absent.text == foreign.text.replace(CANARY, "absent")


@pytest.mark.parametrize("path", ONE_FOREIGN)
def test_administrator_sees_it(proxied: Client, shared: Storage, path: str) -> None:
    """The same item is there for an administrator."""
    assert CANARY in proxied.acting(roles="admin").get(path).text


@pytest.mark.parametrize("path", [*LISTS, STATISTICS])
@pytest.mark.parametrize("name", ["project", "project_id"])
@pytest.mark.parametrize("operator", ["eq", "ne", "lt", "zz"])
def test_foreign_project_in_a_query(
    member: Client, shared: Storage, path: str, name: str, operator: str
) -> None:
    """A member who names another project gets 401, whatever the operator; zz is none at all."""
    response = member.get(url(path, (name, operator, "p-2")))

    assert_fault(response, 401)


def test_foreign_project_is_named_in_words_of_version_two(member: Client) -> None:
    """The text is that of v2."""
    response = member.get(url("/v2/samples", ("project", "eq", "p-2")))

    assert_fault(response, 401, "Not Authorized to access project p-2")


@pytest.mark.parametrize("value", ["p-1 ", "P-1", "p-1\n", "", "None", "p-1,p-2", "%"])
def test_almost_the_own_project(member: Client, value: str) -> None:
    """Only the exact text is the own project."""
    assert_fault(member.get(url("/v2/samples", ("project", "eq", value))), 401)


def test_own_project_among_foreign_ones(member: Client) -> None:
    """One foreign project among the conditions is one too many."""
    path = url("/v2/samples", ("project", "eq", "p-1"), ("project_id", "eq", "p-2"))

    assert_fault(member.get(path), 401)


def test_foreign_project_in_a_body(member: Client) -> None:
    """A query in a body is confined too."""
    body = json.dumps({"q": [{"field": "project_id", "value": "p-2"}]})

    assert_fault(member.get("/v2/samples", body=body), 401)


@pytest.mark.parametrize("path", [*LISTS, STATISTICS])
def test_own_project_in_a_query(member: Client, shared: Storage, path: str) -> None:
    """Naming the own project changes nothing."""
    assert member.rows(path) == member.rows(url(path, ("project", "eq", "p-1")))


@pytest.mark.parametrize("path", EVERYTHING)
@pytest.mark.parametrize("roles", ["", "member", "Administrator", " admin", "x-admin", "admin "])
def test_nobody_without_a_project(proxied: Client, shared: Storage, path: str, roles: str) -> None:
    """A caller with neither a project nor exactly the admin role is refused."""
    assert_fault(proxied.acting(roles=roles).get(path), 403, "RBAC Authorization Failed")


@pytest.mark.parametrize("path", ["/v2/samples", "/v2/meters/cpu"])
def test_nobody_writes_without_a_project(proxied: Client, storage: Storage, path: str) -> None:
    """A caller with neither a project nor the admin role stores nothing."""
    response = proxied.acting(roles="member").post(path, [v2_sample(project_id=None)])

    assert_fault(response, 403, "RBAC Authorization Failed")
    assert [] == kept(storage)


@pytest.mark.parametrize("roles", ["admin", "ADMIN", "member,Admin", "admin,member"])
def test_administrator_sees_all(proxied: Client, shared: Storage, roles: str) -> None:
    """Names of roles are compared without case, between commas."""
    rows = proxied.acting(project="p-1", roles=roles).rows("/v2/samples")

    assert {"p-1", f"{CANARY}-project"} == {row["project_id"] for row in rows}


@pytest.mark.parametrize("address", ["10.0.0.1", "", "127.0.0.2", "::2", "localhost"])
@pytest.mark.parametrize("path", EVERYTHING)
def test_headers_from_elsewhere(proxied: Client, path: str, address: str) -> None:
    """Identity headers are believed from trusted proxies only."""
    caller = proxied.acting(project="p-1", roles="admin")

    assert_fault(caller.get(path, environ={"REMOTE_ADDR": address}), 401, "trusted proxies")


def test_forwarded_address_is_not_believed(proxied: Client) -> None:
    """A header cannot stand in for the address of the peer."""
    caller = proxied.acting(project="p-1", roles="admin")
    headers = {"X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1"}

    response = caller.get("/v2/samples", headers=headers, environ={"REMOTE_ADDR": "10.0.0.1"})

    assert_fault(response, 401)


def test_writing_from_elsewhere(proxied: Client, storage: Storage) -> None:
    """Nor does anyone write from there."""
    caller = proxied.acting(project="p-1")

    response = caller.post("/v2/samples", [v2_sample()], environ={"REMOTE_ADDR": "10.0.0.1"})

    assert_fault(response, 401)
    assert [] == kept(storage)


@pytest.mark.parametrize("path", EVERYTHING)
def test_no_authentication_ignores_headers(client: Client, shared: Storage, path: str) -> None:
    """Where everyone is an administrator identity headers mean nothing."""
    caller = client.acting(project="p-9", user="u-9", roles="member")

    assert client.rows(path) == caller.rows(path)


def test_no_authentication_takes_no_owner_from_headers(client: Client, storage: Storage) -> None:
    """Nor do they become the owner of what is written."""
    client.acting(project="p-9", user="u-9").post("/v2/samples", [v2_sample(project_id=None)])

    (sample,) = kept(storage)
    assert (None, None) == (sample.series.project_id, sample.series.user_id)


def test_project_without_ascii(proxied: Client, storage: Storage) -> None:
    """Identity headers are UTF-8."""
    keep(storage, {"project_id": "проект"}, {})
    header = "проект".encode().decode("latin-1")

    rows = proxied.get("/v2/samples", environ={"HTTP_X_PROJECT_ID": header}).json

    assert ["проект"] == [row["project_id"] for row in rows]


def test_resource_that_moved_away(member: Client, storage: Storage) -> None:
    """To its former project a resource ends where it moved to another."""
    keep(storage, {}, {"project_id": "p-2", "timestamp": after_noon(60), "meter": "disk"})

    resource = member.rows("/v2/resources/vm-1")

    assert ("p-1", "2015-06-01T12:00:00", ["self", "cpu"]) == (
        resource["project_id"],
        resource["last_sample_timestamp"],
        [link["rel"] for link in resource["links"]],
    )


def test_conflict_tells_nothing_foreign(member: Client, shared: Storage) -> None:
    """A member who guesses a foreign key does not learn that it is taken."""
    sample = v2_sample(message_id=f"{CANARY}-0", source=f"{CANARY}-source")

    response = member.post("/v2/samples", [sample])

    assert (201, 1) == (response.status_int, response.json["accepted"])


def test_conflict_shows_nothing_foreign(member: Client, storage: Storage) -> None:
    """A key of the caller's that an administrator gave to another project is taken, no more."""
    keep(storage, FOREIGN | {"id": "s-1", "source": "p-1:openstack"})
    sent = v2_sample(
        message_id="s-1",
        project_id=None,
        timestamp=None,
        counter_name=FOREIGN["meter"],
        counter_unit=FOREIGN["unit"],
        resource_id=FOREIGN["resource_id"],
    )

    response = member.post(f"/v2/meters/{CANARY}-meter", [sent])

    assert_fault(response, 409, "id s-1 already holds another sample")
    assert CANARY not in response.text
