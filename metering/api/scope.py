"""A caller, and what the caller is confined to: the scope is made here and nowhere else.

It is a closed type. Drivers apply it before anything that was asked.
"""

from dataclasses import dataclass

from metering.api.callers.identity import Identity
from metering.errors import Forbidden
from metering.model import AllProjects, Project, Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller(Identity):
    """Who sent a request, and what follows from the rules: who reads, or writes too, for all.

    One who does neither and has no project may do nothing.
    """

    is_admin: bool = False
    reads_all: bool = False

    @property
    def scope(self) -> Scope:
        """What the caller may see.

        Raises:
            Forbidden: neither a project nor a right to all.
        """
        if self.is_admin or self.reads_all:
            return AllProjects()
        if self.project_id:
            return Project(self.project_id)
        raise Forbidden("RBAC Authorization Failed: a project or the admin role is required")

    def check_may_explain(self) -> None:
        """Refuse who is no administrator: figures of effort tell of samples of others.

        No rule of the operator's decides, so that none opens it by its default.

        Raises:
            Forbidden: no administrator.
        """
        if not self.is_admin:
            raise Forbidden("explain is for administrators")
