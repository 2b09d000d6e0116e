"""/v2/resources and /v2/resources/{id}."""

import time
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from metering import times
from metering.api.framework.declare import Condition
from metering.api.framework.endpoint import Call, Reply
from metering.api.framework.expose import expose
from metering.api.reading.conditions import RESOURCE_FIELDS, read_conditions
from metering.api.reading.limits import read_limit
from metering.api.services import Controller
from metering.api.writing.convert import resource_to_api
from metering.api.writing.paging import cut, next_url, read_marker, write_marker
from metering.api.writing.wire import ResourceBody
from metering.catalogue.resources import (
    CatalogueQuery,
    Sighting,
    described,
    resource_order,
    resources,
    seen,
)
from metering.errors import NotFound
from metering.model import Resource, Scope
from metering.query import FIELDS, Comparison, Operator
from metering.times import EVER, Range, following

_MarkerParts = tuple[bool, str, bool, str, int, str, int]


class ResourcesController(Controller):
    """Resources, by their samples."""

    @expose(
        list[ResourceBody],
        q=[Condition],
        limit=int,
        meter_links=int,
        marker=str,
        rule="telemetry:get_resources",
    )
    def index(
        self,
        call: Call,
        *,
        q: Any = (),
        limit: int | None = None,
        meter_links: int = 1,
        marker: str | None = None,
    ) -> Reply:
        """Resources by user, project and last sample, each descending.

        A resource moves to the front when a sample arrives. So that it is not lost between two
        pages, later pages leave out samples recorded after the first was asked for.
        """
        scope = call.caller.scope
        size = read_limit(limit, self.services.config)
        asked = read_conditions(q, RESOURCE_FIELDS, scope, self.services.config)
        begin = None, times.now()
        after, as_of = begin if marker is None else read_marker(marker, _MarkerParts, _place)
        query = CatalogueQuery(
            scope=scope,
            filter=asked.filter,
            range=asked.range,
            as_of=None if marker is None else as_of,
        )
        found = seen(self.services.storage, query)
        if after is not None:
            found = [resource for resource in found if resource_order(resource) < after]
        page, more = cut(found, size)
        return Reply(
            value=[
                resource_to_api(one, call.application_url, meter_links=bool(meter_links))
                for one in described(self.services.storage, query, page)
            ],
            next_url=next_url(call, _write_marker(page[-1], as_of)) if more else None,
        )

    @expose(ResourceBody, at=str, rule="telemetry:get_resource")
    def show(self, call: Call, resource_id: str, *, at: str | None = None) -> ResourceBody:
        """One resource, as the newest sample that the caller may see describes it.

        With `at` no later samples count, but for the links: these are of all its meters. The id
        is tried as it came; then without a trailing slash and with one more layer of percent
        signs taken off, since clients of v2 had to encode slashes twice.
        """
        until = EVER if at is None else Range(None, following(times.read(at, "at")))
        plain = resource_id.removesuffix("/")
        for candidate in dict.fromkeys((resource_id, plain, unquote(plain))):
            found = self._find(call.caller.scope, candidate, until)
            if found:
                return resource_to_api(found[0], call.application_url, meter_links=True)
        raise NotFound("Resource", unquote(plain))

    def _find(self, scope: Scope, resource_id: str, range_: Range) -> list[Resource]:
        leaf = Comparison(FIELDS["resource_id"], Operator.EQ, resource_id)
        query = CatalogueQuery(scope=scope, filter=leaf, range=range_)
        return resources(self.services.storage, query)


def _write_marker(resource: Sighting, as_of: datetime) -> str:
    if times.now() <= as_of:
        time.sleep(0.001)  # so that what is recorded after this answer bears a later time
    order = resource_order(resource)
    last_sample_at = times.to_milliseconds(resource.last_sample_at)
    return write_marker(*order[:4], last_sample_at, order[5], times.to_milliseconds(as_of))


def _place(parts: _MarkerParts) -> tuple[tuple[Any, ...], datetime]:
    *owner, last_sample_at, resource_id, as_of = parts
    last = times.from_milliseconds(last_sample_at)
    return (*owner, last, resource_id), times.from_milliseconds(as_of)
