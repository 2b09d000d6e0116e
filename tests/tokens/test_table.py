"""Who may do what with a token of Keystone, in the statuses of v2: the table of the README."""

from dataclasses import dataclass
from typing import Any

import pytest
from tokens.people import People
from tokens.service import Metering, fault, sample_of

# The two servers differ in headers, which `test_tokens.py` sends to both.
pytestmark = pytest.mark.parametrize("service", ["uwsgi"], indirect=True)

ALL = {"alice", "bob", "admin"}
LISTS = ("/v2/samples", "/v2/resources", "/v2/meters/m", "/v2/meters")


@dataclass(frozen=True)
class Row:
    """A token, what its owner sees of the projects' first samples, and the statuses.

    `foreign` is the answer to a question that names another project; `own` and `other` are those
    to a sample of the own project (of alice's, where there is none) and of another.
    """

    user: str
    scope: dict[str, Any]
    sees: set[str] | None
    foreign: int
    own: int
    other: int

    def __str__(self) -> str:
        """The name of its tests."""
        where = "-".join(map(str, self.scope.values())) or "unscoped"
        return f"{self.user}@{where}"


IN_SYSTEM = {"system_scope": "all"}
TABLE = [
    Row("alice", {"project": "alice"}, {"alice"}, 401, 201, 400),
    Row("bob", {"project": "bob"}, {"bob"}, 401, 403, 403),
    Row("admin", {"project": "admin"}, ALL, 200, 201, 201),
    Row("admin", IN_SYSTEM, ALL, 200, 201, 201),
    Row("audit", IN_SYSTEM, ALL, 200, 403, 403),
    Row("audit", {"project": "admin"}, {"admin"}, 401, 403, 403),
    Row("alice", {}, None, 403, 403, 403),
    Row("admin", {}, None, 403, 403, 403),
    Row("admin", {"domain_id": "default"}, None, 403, 403, 403),
    Row("ceilometer", {"project": "service"}, None, 403, 403, 403),
    Row("ceilometer", IN_SYSTEM, None, 403, 403, 403),
]
in_table = pytest.mark.parametrize("row", TABLE, ids=str)


def seen(service: Metering, path: str, token: str) -> tuple[int, set[str] | None]:
    """The status, and which of the first samples an answer shows."""
    response = service.get(path, token)
    if response.status_code == 200:
        rows = {row["resource_id"].removeprefix("r-") for row in response.json()}
        return 200, rows & ALL
    assert fault(response)
    return response.status_code, None


@in_table
@pytest.mark.parametrize("path", LISTS)
def test_reading(service: Metering, people: People, row: Row, path: str) -> None:
    """Without a project in the question it is answered within the scope, or refused."""
    expected = (403, None) if row.sees is None else (200, row.sees)

    assert expected == seen(service, path, people.token(row.user, **row.scope))


@in_table
def test_reading_the_own_project(service: Metering, people: People, row: Row) -> None:
    """Naming it changes nothing."""
    own = row.scope.get("project", "alice")
    token = people.token(row.user, **row.scope)
    path = f"/v2/samples?q.field=project_id&q.value={people.projects[own]}"

    assert ((403, None) if row.sees is None else (200, {own})) == seen(service, path, token)


@in_table
def test_reading_another_project(service: Metering, people: People, row: Row) -> None:
    """Only who sees all may name it."""
    other = "alice" if row.scope.get("project") == "bob" else "bob"
    token = people.token(row.user, **row.scope)
    path = f"/v2/samples?q.field=project_id&q.value={people.projects[other]}"

    assert (row.foreign, {other} if row.foreign == 200 else None) == seen(service, path, token)


@in_table
def test_reading_one_of_another_project(service: Metering, people: People, row: Row) -> None:
    """A single item of another is absent; of who may not ask, nothing is said."""
    other = "alice" if row.scope.get("project") == "bob" else "bob"
    response = service.get(f"/v2/samples/{other}", people.token(row.user, **row.scope))

    assert (403 if row.sees is None else 200 if row.sees == ALL else 404) == response.status_code


@in_table
def test_writing_for_the_own_project(service: Metering, people: People, row: Row) -> None:
    """A member and an administrator write, a reader does not."""
    own = people.projects[row.scope.get("project", "alice")]
    token = people.token(row.user, **row.scope)
    sent = sample_of(own, f"own-of-{row}")

    assert row.own == service.post("/v2/meters/m", token, sent).status_code
    assert row.own == service.post("/v2/samples", token, sent).status_code


@in_table
def test_writing_for_another_project(service: Metering, people: People, row: Row) -> None:
    """Nobody but an administrator."""
    other = "alice" if row.scope.get("project") == "bob" else "bob"
    token = people.token(row.user, **row.scope)
    sent = sample_of(people.projects[other], f"other-of-{row}")
    response = service.post("/v2/meters/m", token, sent)
    kept = service.get(f"/v2/samples/other-of-{row}", people.token("admin", "admin"))

    assert row.other == response.status_code
    assert (200 if row.other == 201 else 404) == kept.status_code


def test_who_wrote_it(service: Metering, people: People) -> None:
    """A sample without an owner is the caller's, under a source of the project."""
    service.post("/v2/samples", people.token("alice", "alice"), sample_of(None, "of-nobody"))
    kept = service.get("/v2/samples/of-nobody", people.token("admin", "admin")).json()

    own = people.projects["alice"]
    assert (own, f"{own}:openstack") == (kept["project_id"], kept["source"])
