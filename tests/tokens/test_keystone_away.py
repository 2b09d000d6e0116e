"""A Keystone that is not there, or does not know the service."""

import time
from pathlib import Path

import pytest
from e2e.processes import metering_api, until
from tokens.people import People
from tokens.service import Metering, fault, metering

AWAY = "tokens cannot be validated now; nothing was done"


def assert_away(service: Metering, token: str) -> None:
    """Check that it is 503 in our shape, and soon."""
    begin = time.monotonic()
    response = service.get("/v2/samples", token)

    assert (503, AWAY) == (response.status_code, fault(response))
    assert time.monotonic() - begin < 20


def test_away_at_the_start_and_back(people: People, tmp_path: Path) -> None:
    """The service starts without it, says so, and goes on as soon as it is there.

    One that does not answer, although it listens, does not make the service hang.
    """
    keystone = people.keystone
    alice = people.new_token("alice", "alice")
    keystone.stop()
    try:
        with metering(tmp_path, keystone) as service:
            assert 200 == service.get("/", None).status_code
            assert 200 == service.get("/healthz/ready", None).status_code
            assert 401 == service.get("/v2/samples", None).status_code
            assert_away(service, alice)
            keystone.start()
            until(lambda: service.get("/v2/samples", alice).status_code == 200, "200")
            later = people.new_token("alice", "alice")
            keystone.freeze()
            assert_away(service, later)
            keystone.thaw()
            assert 200 == service.get("/v2/samples", later).status_code
    finally:
        keystone.start()


def test_an_expired_token(people: People, tmp_path: Path) -> None:
    """401 from then on, also while it is in the cache."""
    keystone = people.keystone
    keystone.stop()
    keystone.start(token_seconds=12)
    try:
        with metering(tmp_path, keystone, token_cache_time=300) as service:
            token = people.new_token("alice", "alice")
            assert 200 == service.get("/v2/samples", token).status_code
            until(lambda: service.get("/v2/samples", token).status_code == 401, "401")
    finally:
        keystone.stop()
        keystone.start()


def test_a_service_that_keystone_does_not_know(people: People, tmp_path: Path) -> None:
    """A wrong password of ours is no fault of the caller's."""
    with metering(tmp_path, people.keystone, password="wrong-one") as service:  # noqa: S106 - wrong
        assert_away(service, people.token("alice", "alice"))
        assert "wrong-one" not in service.service.log


def test_tokens_that_are_let_through_unconfirmed(people: People, tmp_path: Path) -> None:
    """`delay_auth_decision` leaves the decision to us, and it is the same."""
    with metering(tmp_path, people.keystone, delay_auth_decision=True) as service:
        forged = {"X-Identity-Status": "Confirmed", "X-Roles": "admin", "X-Project-Id": "p"}
        for token in (None, "no token"):
            response = service.get("/v2/samples", token, **forged)
            assert 401 == response.status_code
            assert fault(response)
        assert 200 == service.get("/v2/samples", people.token("alice", "alice")).status_code


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("", "auth_type"),
        ("auth_type = nothing\n", "nothing"),
        ("auth_type = password\n", "auth_url"),
    ],
)
def test_what_is_missing_is_said_at_the_start(tmp_path: Path, options: str, reason: str) -> None:
    """The service does not start without knowing how to ask Keystone."""
    file = tmp_path / "metering.conf"
    file.write_text(f"[api]\nauth = keystone\n[keystone_authtoken]\n{options}", encoding="utf-8")
    with metering_api(
        tmp_path, "--connection", "memory://", METERING_CONFIG_FILE=str(file)
    ) as service:
        assert 1 == service.wait()
        assert "metering-api: " in service.log
        assert reason in service.log
        assert "Traceback" not in service.log
