"""Tokens that are none, headers that pretend, and what is open to everybody."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from e2e.processes import until
from e2e.web import exchange
from tokens.people import People
from tokens.service import Metering, fault

PUBLIC = ["/", "/healthz/live", "/healthz/ready", "/metrics", "/v2/openapi.json"]
NO_TOKEN = "a valid token of Keystone is required"  # noqa: S105 - a sentence
FORGED = {
    "X-Identity-Status": "Confirmed",
    "X-Project-Id": "{bob}",
    "X-Tenant-Id": "{bob}",
    "X-User-Id": "somebody",
    "X-Roles": "admin",
    "X-Role": "admin",
    "X-Is-Admin-Project": "True",
    "OpenStack-System-Scope": "all",
    "X-Service-Roles": "admin",
    "X-Service-Identity-Status": "Confirmed",
    "X-Service-Project-Id": "{bob}",
}


def resources(service: Metering, token: str, **headers: str) -> set[str]:
    """Of which projects a caller sees the first samples."""
    rows = service.get("/v2/samples", token, **headers).json()
    return {row["resource_id"].removeprefix("r-") for row in rows} & {"alice", "bob", "admin"}


@pytest.mark.parametrize("path", PUBLIC)
@pytest.mark.parametrize("token", [None, "no token"])
def test_open_to_everybody(service: Metering, path: str, token: str | None) -> None:
    """Versions, health, metrics and the description need no token, and none is looked at."""
    assert 200 == service.get(path, token).status_code


@pytest.mark.parametrize("path", ["/v2/samples", "/v2/capabilities", "/v2/nothing", "/nothing"])
@pytest.mark.parametrize("token", [None, "gAAAAAB", "a b", "é", "x" * 3000, "../../v3/users"])
def test_what_is_no_token(service: Metering, path: str, token: str | None) -> None:
    """401 in our shape, with where Keystone is, whatever the path."""
    sent = token.encode() if token else None
    response = service.get(path, sent)  # type: ignore[arg-type] # bytes, for letters of any kind

    assert (401, NO_TOKEN) == (response.status_code, fault(response))
    assert response.headers["WWW-Authenticate"].startswith('Keystone uri="http://127.0.0.1:')
    assert "X-Openstack-Request-Id" in response.headers


def test_nobody_writes_without_a_token(service: Metering, people: People) -> None:
    """Nor with what is none."""
    for token in (None, "no token"):
        assert 401 == service.post("/v2/samples", token, {}).status_code


@pytest.mark.parametrize("change", [str, lambda name: name.replace("-", "_"), str.lower])
@pytest.mark.parametrize("with_token", [True, False])
def test_forged_headers(
    service: Metering, people: People, change: Callable[[str], str], with_token: bool
) -> None:
    """They are removed in every spelling: alice sees what is hers, and nobody sees nothing."""
    forged = {
        change(name): text.format(bob=people.projects["bob"]) for name, text in FORGED.items()
    }

    if with_token:
        assert {"alice"} == resources(service, people.token("alice", "alice"), **forged)
    else:
        assert 401 == service.get("/v2/samples", None, **forged).status_code


def test_forged_scope_of_an_unscoped_token(service: Metering, people: People) -> None:
    """What the token lacks, headers do not give."""
    forged = {name: text.format(bob=people.projects["bob"]) for name, text in FORGED.items()}

    response = service.get("/v2/samples", people.token("alice"), **forged)

    assert (403, "a project-scoped or system-scoped token is required") == (
        response.status_code,
        fault(response),
    )


def test_a_header_that_comes_twice(service: Metering, people: People) -> None:
    """Two tokens are none: the server joins them, or takes one of them."""
    alice, bob = people.token("alice", "alice"), people.token("bob", "bob")
    request = (
        f"GET /v2/samples HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {alice}\r\n"
        f"X-Auth-Token: {bob}\r\nX-Project-Id: {people.projects['admin']}\r\n"
        "Connection: close\r\n\r\n"
    )
    answer = exchange(service.address, request.encode())

    assert b"r-admin" not in answer
    assert not (b"r-alice" in answer and b"r-bob" in answer)


def test_the_token_of_a_service_lends_no_scope(service: Metering, people: People) -> None:
    """The middleware gives OpenStack-System-Scope the scope of the service's token."""
    of_system = people.token("ceilometer", system_scope="all")
    of_project = people.token("ceilometer", "service")
    audit = people.token("audit", system_scope="all")

    bob = resources(service, people.token("bob", "bob"), **{"X-Service-Token": of_system})
    assert {"bob"} == bob
    everything = resources(service, audit, **{"X-Service-Token": of_project})
    assert {"alice", "bob", "admin"} == everything


def test_a_token_in_the_wrong_place(service: Metering, people: People) -> None:
    """Keystone's tokens come in X-Auth-Token."""
    token = people.token("alice", "alice")
    for headers in ({"Authorization": f"Bearer {token}"}, {"X-Service-Token": token}):
        assert 401 == service.get("/v2/samples", None, **headers).status_code


def test_a_revoked_token(service: Metering, people: People) -> None:
    """It ends as soon as the cache forgets it (`token_cache_time`)."""
    token = people.new_token("alice", "alice")
    before = service.get("/v2/samples", token).status_code
    people.revoke(token)

    assert 200 == before
    until(lambda: service.get("/v2/samples", token).status_code == 401, "401")


def test_errors_of_the_application_pass(service: Metering, people: People) -> None:
    """What the application refuses keeps its text."""
    response = service.get("/v2/samples?limit=0", people.token("alice", "alice"))

    assert (400, "Limit must be positive") == (response.status_code, fault(response))


def test_xml(service: Metering) -> None:
    """A refusal has the form that the client accepts."""
    response = service.get("/v2/samples", None, Accept="application/xml")

    assert f"<faultstring>{NO_TOKEN}</faultstring>" in response.text


def test_links_do_not_name_tokens(service: Metering, people: People) -> None:
    """The next page has the same URL, and nothing of the caller."""
    token = people.token("admin", "admin")
    link = service.get("/v2/samples?limit=1", token).headers["Link"]

    assert token not in link
    assert "/v2/samples" == urlsplit(link[1:].partition(">")[0]).path


def test_no_secret_in_the_log(service: Metering, people: People) -> None:
    """Neither tokens nor passwords, good or bad, also at the level of DEBUG."""
    good, bad = people.new_token("alice", "alice"), "gAAAAABm" + "S" * 175
    service.get("/v2/samples", good)
    service.get("/v2/samples", bad)
    people.revoke(good)
    until(lambda: service.get("/v2/samples", good).status_code == 401, "401")
    log = service.service.log

    assert "/v2/samples" in log
    hidden = [good, bad, good[20:60], "S" * 40, "pw-of-ceilometer", "pw-of-alice"]
    assert [] == [secret for secret in hidden if secret in log]
