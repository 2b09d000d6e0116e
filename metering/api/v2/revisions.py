"""/v2/revisions."""

from datetime import datetime
from typing import Any

from metering import times
from metering.api.forms.media import JSON
from metering.api.framework.endpoint import Call, Reply
from metering.api.framework.expose import expose
from metering.api.reading.frames import read_frame
from metering.api.reading.limits import read_limit
from metering.api.services import Controller
from metering.api.writing.convert import revision_to_api
from metering.api.writing.paging import cut, next_url, read_marker, write_marker
from metering.api.writing.wire import RevisionBody
from metering.catalogue.revisions import RevisionQuery, first_samples, revisions
from metering.deadline import Deadline
from metering.errors import InvalidQuery
from metering.times import Range


class RevisionsController(Controller):
    """What resources were, and when."""

    @expose(
        list[RevisionBody],
        forms=(JSON,),
        resource_id=str,
        start=str,
        end=str,
        tz=str,
        limit=int,
        marker=str,
        rule="telemetry:get_revisions",
    )
    def index(
        self,
        call: Call,
        *,
        resource_id: str = "",
        limit: int | None = None,
        marker: str | None = None,
        **frame: Any,
    ) -> Reply:
        """The descriptions of a resource that were in force between start and end, by time.

        They follow from all of its samples that the caller may see. To a member, the last one
        ends when the resource is another project's.
        """
        if not resource_id:
            raise InvalidQuery("resource_id is needed", field="resource_id")
        size = read_limit(limit, self.services.config)
        range_ = read_frame(**frame).range
        after = None if marker is None else read_marker(marker, tuple[int], _instant)
        if after is not None:
            range_ &= Range(after)
        query = RevisionQuery(scope=call.caller.scope, resource_id=resource_id, range=range_)
        deadline = Deadline(self.services.config.query_timeout_seconds)
        found = revisions(self.services.storage, query, deadline)
        later = (one for one in found if after is None or one.start > after)
        page, more = cut(later, size)
        firsts = first_samples(self.services.storage, page)
        return Reply(
            # One whose first sample has just expired is none any more.
            value=[revision_to_api(one, firsts[one.place]) for one in page if one.place in firsts],
            next_url=next_url(call, _write_instant(page[-1].start)) if more else None,
        )


def _write_instant(instant: datetime) -> str:
    return write_marker(times.to_milliseconds(instant))


def _instant(parts: tuple[int]) -> datetime:
    (milliseconds,) = parts
    return times.from_milliseconds(milliseconds)
