"""A caller, and what the caller is confined to: the scope is made here and nowhere else.

It is a closed type. Drivers apply it before anything that was asked.
"""

from dataclasses import dataclass

from metering.errors import Forbidden
from metering.model import AllProjects, Project, Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who sent a request. One who is no administrator and has no project may do nothing."""

    project_id: str | None = None
    user_id: str | None = None
    roles: tuple[str, ...] = ()
    is_admin: bool = False

    @property
    def scope(self) -> Scope:
        """What the caller may see.

        Raises:
            Forbidden: neither a project nor an administrator.
        """
        if self.is_admin:
            return AllProjects()
        if self.project_id:
            return Project(self.project_id)
        raise Forbidden("RBAC Authorization Failed: a project or the admin role is required")
