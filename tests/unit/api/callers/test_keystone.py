"""What Keystone said of a token, as an identity."""

from typing import Any

import pytest

from metering.api.callers.identity import Identity
from metering.api.callers.keystone import KeystoneTokens
from metering.errors import Forbidden, Unauthenticated

ALICE = {"user": {"id": "u-1"}, "roles": [{"id": "r", "name": "member"}, {"name": "reader"}]}
FORGED = {
    "HTTP_X_PROJECT_ID": "p-2",
    "HTTP_X_USER_ID": "u-2",
    "HTTP_X_ROLES": "admin",
    "HTTP_X_IS_ADMIN_PROJECT": "True",
    "HTTP_OPENSTACK_SYSTEM_SCOPE": "all",
}


def environ(token: dict[str, Any] | None, status: str = "Confirmed") -> dict[str, object]:
    """A request as the middleware passes it on, with headers that say something else."""
    info = {} if token is None else {"keystone.token_info": {"token": token}}
    return {**FORGED, "HTTP_X_IDENTITY_STATUS": status, **info}


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({"project": {"id": "p-1", "name": "one"}}, {"project_id": "p-1"}),
        ({"system": {"all": True}}, {"system_scope": "all"}),
    ],
)
def test_identity(scope: dict[str, Any], expected: dict[str, str]) -> None:
    """The answer of Keystone counts, whatever the headers are."""
    identity = KeystoneTokens()(environ(ALICE | scope))

    assert Identity(user_id="u-1", roles=("member", "reader"), **expected) == identity


@pytest.mark.parametrize(
    "scope",
    [
        {},
        {"domain": {"id": "default", "name": "Default"}},
        {"system": {}},
        {"system": {"all": False}},
        {"system": {"all": "true"}},
        {"project": {}},
        {"project": {"id": ""}},
    ],
)
def test_no_scope(scope: dict[str, Any]) -> None:
    """A token of neither a project nor the whole system opens nothing, not even an admin's."""
    with pytest.raises(Forbidden, match="project-scoped or system-scoped"):
        KeystoneTokens()(environ({"user": {"id": "u"}, "roles": [{"name": "admin"}], **scope}))


@pytest.mark.parametrize(
    ("token", "status"),
    [
        (ALICE, "Invalid"),
        (ALICE, ""),
        (ALICE, "confirmed"),
        (None, "Confirmed"),
    ],
)
def test_unconfirmed(token: dict[str, Any] | None, status: str) -> None:
    """Only what Keystone confirmed counts."""
    known = None if token is None else token | {"project": {"id": "p-1"}}

    with pytest.raises(Unauthenticated):
        KeystoneTokens()(environ(known, status))
