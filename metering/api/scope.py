"""Who asks, and what they are confined to: made here and nowhere else.

The scope is a closed type. Drivers apply it before anything that was asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from metering.config import ApiConfig
from metering.errors import Forbidden, Unauthorized
from metering.model import AllProjects, Project, Scope

ADMIN_ROLE = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who sent a request. Not an administrator without a project: may do nothing."""

    project_id: str | None
    user_id: str | None
    is_admin: bool

    @property
    def scope(self) -> Scope:
        """What the caller may see.

        Raises:
            Forbidden: neither a project nor the admin role.
        """
        if self.is_admin:
            return AllProjects()
        if self.project_id:
            return Project(self.project_id)
        raise Forbidden("RBAC Authorization Failed: a project or the admin role is required")


NOBODY_IN_PARTICULAR = Caller(project_id=None, user_id=None, is_admin=True)


def identify(environ: Mapping[str, object], config: ApiConfig) -> Caller:
    """The caller of a request.

    With `auth = none` everyone is an administrator and identity headers mean nothing. With
    `auth = headers` X-Project-Id, X-User-Id and X-Roles (names between commas, compared without
    case) are believed if the request comes from a trusted proxy.

    Raises:
        Unauthorized: the headers come from elsewhere.
    """
    if config.auth == "none":
        return NOBODY_IN_PARTICULAR
    peer = str(environ.get("REMOTE_ADDR") or "")
    if peer not in config.trusted_proxies:
        raise Unauthorized("identity headers are believed from trusted proxies only")
    roles = _header(environ, "HTTP_X_ROLES").lower().split(",")
    return Caller(
        project_id=_header(environ, "HTTP_X_PROJECT_ID") or None,
        user_id=_header(environ, "HTTP_X_USER_ID") or None,
        is_admin=ADMIN_ROLE in roles,
    )


def _header(environ: Mapping[str, object], name: str) -> str:
    """A header as text: WSGI gives bytes as Latin-1, clients send UTF-8."""
    return str(environ.get(name, "")).encode("latin-1").decode("utf-8", "replace")
