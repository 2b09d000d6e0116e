"""/v2/projects, /v2/users and /v2/sources."""

from typing import Any

from metering.api.framework.declare import parameters_of
from metering.api.framework.endpoint import Call, Reply
from metering.api.framework.expose import expose
from metering.api.reading.extents import Asked, read_extents
from metering.api.reading.limits import read_limit
from metering.api.services import Controller
from metering.api.writing.convert import presence_to_api
from metering.api.writing.paging import Ascending, page_of
from metering.api.writing.wire import PresenceBody
from metering.catalogue.dimensions import Presence, presences
from metering.query import FIELDS

_PARAMETERS = parameters_of(Asked)
_BY_ID: Ascending[Presence] = Ascending(lambda one: (one.id,), tuple[str])


class DirectoryController(Controller):
    """Whose samples there are, and where they come from."""

    @expose(list[PresenceBody], **_PARAMETERS, limit=int, marker=str, rule="telemetry:get_projects")
    def projects(self, call: Call, **asked: Any) -> Reply:
        """The projects that have samples, by id."""
        return self._list(call, "project_id", **asked)

    @expose(list[PresenceBody], **_PARAMETERS, limit=int, marker=str, rule="telemetry:get_users")
    def users(self, call: Call, **asked: Any) -> Reply:
        """The users that have samples, by id."""
        return self._list(call, "user_id", **asked)

    @expose(list[PresenceBody], **_PARAMETERS, limit=int, marker=str, rule="telemetry:get_sources")
    def sources(self, call: Call, **asked: Any) -> Reply:
        """The sources that have samples, by name."""
        return self._list(call, "source", **asked)

    def _list(
        self,
        call: Call,
        name: str,
        *,
        limit: int | None = None,
        marker: str | None = None,
        **asked: Any,
    ) -> Reply:
        size = read_limit(limit, self.services.config)
        query = read_extents(Asked(**asked), call.caller.scope, self.services.config)
        found = presences(self.services.storage, query, FIELDS[name])
        page, following = page_of(call, found, _BY_ID, after=marker, limit=size)
        return Reply(value=[presence_to_api(one) for one in page], next_url=following)
