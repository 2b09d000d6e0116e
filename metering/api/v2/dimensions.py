"""/v2/dimensions and /v2/dimensions/{name}/values."""

from typing import Any

from metering.api.framework.declare import parameters_of
from metering.api.framework.endpoint import Call, Reply
from metering.api.framework.expose import expose
from metering.api.reading.extents import Asked, read_extents
from metering.api.reading.groups import read_group_field
from metering.api.reading.limits import read_limit
from metering.api.services import Controller
from metering.api.writing.paging import Ascending, page_of
from metering.api.writing.wire import DimensionBody, DimensionValueBody
from metering.catalogue.dimensions import dimensions, value_order, values
from metering.errors import InvalidQuery, NotFound
from metering.query import Field

_BY_NAME: Ascending[str] = Ascending(lambda name: (name,), tuple[str])
_BY_VALUE = Ascending(value_order, tuple[bool, str])


class DimensionsController(Controller):
    """What samples can be filtered and grouped by."""

    @expose(
        list[DimensionBody],
        **parameters_of(Asked),
        limit=int,
        marker=str,
        rule="telemetry:get_dimensions",
    )
    def index(
        self, call: Call, *, limit: int | None = None, marker: str | None = None, **asked: Any
    ) -> Reply:
        """The fields of samples, and each path that occurs in the metadata, by name."""
        size = read_limit(limit, self.services.config)
        query = read_extents(Asked(**asked), call.caller.scope, self.services.config)
        found = dimensions(self.services.storage, query)
        page, following = page_of(call, found, _BY_NAME, after=marker, limit=size)
        return Reply(value=[DimensionBody(name=one) for one in page], next_url=following)

    @expose(
        list[DimensionValueBody],
        **parameters_of(Asked),
        prefix=str,
        limit=int,
        marker=str,
        rule="telemetry:get_dimensions",
    )
    def values(
        self,
        call: Call,
        name: str,
        *,
        prefix: str = "",
        limit: int | None = None,
        marker: str | None = None,
        **asked: Any,
    ) -> Reply:
        """The values of a dimension, by text, and first null if samples lack it.

        Null begins with nothing, so there is none where a prefix is given.
        """
        dimension = _read_dimension(name)
        size = read_limit(limit, self.services.config)
        query = read_extents(Asked(**asked), call.caller.scope, self.services.config)
        found = values(self.services.storage, query, dimension)
        if prefix:
            found = [one for one in found if one is not None and one.startswith(prefix)]
        page, following = page_of(call, found, _BY_VALUE, after=marker, limit=size)
        return Reply(value=[DimensionValueBody(value=one) for one in page], next_url=following)


def _read_dimension(name: str) -> Field:
    try:
        return read_group_field(name)
    except InvalidQuery:
        raise NotFound("Dimension", name) from None
