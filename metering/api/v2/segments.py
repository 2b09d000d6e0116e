"""/v2/meters/{meter}/segments."""

from typing import Any

from metering.api.forms.csv import Columns
from metering.api.forms.lines import LINE_FORMS
from metering.api.forms.media import ROWS
from metering.api.framework.declare import parameters_of
from metering.api.framework.endpoint import Call, Reply
from metering.api.framework.expose import expose
from metering.api.reading.limits import read_limit, read_whole_limit
from metering.api.reading.meters import read_meter
from metering.api.reading.segments import Asked, read_segments
from metering.api.services import Controller
from metering.api.writing.paging import Ascending, page_of
from metering.api.writing.segments import segment_rows
from metering.api.writing.wire import SegmentBody
from metering.times import to_milliseconds
from metering.usage.segments import Segment, segments


def _order(one: Segment) -> tuple[Any, ...]:
    *stream, start, number = one.order
    return *stream, to_milliseconds(start), number


_BY_STREAM = Ascending(_order, tuple[str, str, str, str, int, int])


class SegmentsController(Controller):
    """When resources were what, and what was used of a meter meanwhile."""

    @expose(
        list[SegmentBody],
        forms=ROWS,
        **parameters_of(Asked),
        limit=int,
        marker=str,
        rule="telemetry:get_segments",
    )
    def index(
        self,
        call: Call,
        name: str,
        *,
        limit: int | None = None,
        marker: str | None = None,
        **parameters: Any,
    ) -> Reply:
        """Runs of equal values of some fields, by resource, source, type, unit and time."""
        asked, scope = Asked(**parameters), call.caller.scope
        meter = read_meter(self.services.storage, scope, name)
        query = read_segments(asked, meter, scope, self.services)
        in_lines = call.form in LINE_FORMS
        size = read_whole_limit(limit) if in_lines else read_limit(limit, self.services.config)
        found = segments(self.services.storage, query)
        most = len(found) if size is None else size
        page, following = page_of(call, found, _BY_STREAM, after=marker, limit=most)
        rows = segment_rows(self.services.storage, page, asked.names, merged=query.merges)
        return Reply(
            value=rows if in_lines else list(rows),
            next_url=following,
            columns=Columns(keys={"by": asked.names}, absent=() if query.merges else ("ranges",)),
        )
