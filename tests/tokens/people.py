"""Who lives in the Keystone: projects, users and roles, and the tokens that they get."""

from dataclasses import dataclass, field
from typing import Any

from keystoneauth1.identity.v3 import Password
from keystoneauth1.session import Session
from tokens.keystone import ADMIN_PASSWORD, Keystone

SERVICE_PASSWORD = "pw-of-ceilometer"  # noqa: S105 - of a server that lives for a test
_USERS = ("alice", "bob", "audit", "ceilometer")
_PROJECTS = ("alice", "bob", "service")
# User, role, and where: a project, or the whole system.
_ROLES = (
    ("alice", "member", "alice"),
    ("bob", "reader", "bob"),
    ("audit", "reader", "admin"),
    ("audit", "reader", "system"),
    ("ceilometer", "service", "service"),
    ("ceilometer", "service", "system"),
)


@dataclass(frozen=True)
class People:
    """Everybody in a Keystone; `projects` are ids by name."""

    keystone: Keystone
    projects: dict[str, str] = field(default_factory=dict)
    _tokens: dict[tuple[Any, ...], str] = field(default_factory=dict)

    def token(self, user: str, project: str | None = None, **scope: str) -> str:
        """A token of a user, for a project, another scope, or none; the same each time."""
        key = (user, project, *scope.items())
        if key not in self._tokens:
            self._tokens[key] = self.new_token(user, project, **scope)
        return self._tokens[key]

    def new_token(self, user: str, project: str | None = None, **scope: str) -> str:
        """The same, of its own."""
        if project:
            scope |= {"project_name": project, "project_domain_id": "default"}
        token: str = _credentials(self.keystone, user, **scope).get_token(Session())
        return token

    def revoke(self, token: str) -> None:
        """Make a token useless."""
        _Admin(self.keystone).revoke(token)


def settle(keystone: Keystone) -> People:
    """Create them all, by Keystone's own API."""
    people = People(keystone)
    admin = _Admin(keystone)
    people.projects["admin"] = admin.find("projects", "admin")
    for name in _PROJECTS:
        people.projects[name] = admin.create("project", name=name)
    users = {name: admin.create("user", name=name, password=f"pw-of-{name}") for name in _USERS}
    roles = {role: admin.find("roles", role) for _, role, _ in _ROLES}
    for user, role, where in _ROLES:
        place = "system" if where == "system" else f"projects/{people.projects[where]}"
        admin.grant(f"{place}/users/{users[user]}/roles/{roles[role]}")
    domain = f"domains/default/users/{admin.find('users', 'admin')}/roles"
    admin.grant(f"{domain}/{admin.find('roles', 'admin')}")
    return people


def _credentials(keystone: Keystone, user: str, **scope: Any) -> Password:
    password = ADMIN_PASSWORD if user == "admin" else f"pw-of-{user}"
    return Password(
        keystone.url, username=user, password=password, user_domain_id="default", **scope
    )


class _Admin:
    """Keystone's API, as its administrator uses it."""

    def __init__(self, keystone: Keystone) -> None:
        self._url = keystone.url
        self._session = Session(_credentials(keystone, "admin", system_scope="all"))

    def create(self, kind: str, **fields: str) -> str:
        body = {kind: {"domain_id": "default", **fields}}
        answer = self._session.post(f"{self._url}/{kind}s", json=body)
        made: str = answer.json()[kind]["id"]
        return made

    def find(self, kind: str, name: str) -> str:
        answer = self._session.get(f"{self._url}/{kind}?name={name}")
        (found,) = answer.json()[kind]
        return str(found["id"])

    def grant(self, path: str) -> None:
        self._session.put(f"{self._url}/{path}")

    def revoke(self, token: str) -> None:
        self._session.delete(f"{self._url}/auth/tokens", headers={"X-Subject-Token": token})
