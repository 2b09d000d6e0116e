"""POST /v2/query/samples: complex filters and a chosen order."""

from dataclasses import replace

from metering.api.forms.lines import LINE_FORMS
from metering.api.forms.media import ROWS
from metering.api.forms.sources import closed_after
from metering.api.framework.endpoint import Call, Reply
from metering.api.framework.expose import expose
from metering.api.reading.complex_filter import read_filter, read_order
from metering.api.reading.complex_query import BODY, read_complex_query, read_limit_of
from metering.api.reading.limits import read_limit
from metering.api.services import Controller
from metering.api.writing.convert import sample_to_api
from metering.api.writing.sample_lists import list_samples, writer
from metering.api.writing.wire import SampleBody
from metering.deadline import Deadline
from metering.errors import InvalidQuery
from metering.ordering import OrderBy, first
from metering.query import EVERYTHING, Filter, SampleQuery


class QueryController(Controller):
    """Questions about samples that do not fit into `q`."""

    @expose(list[SampleBody], forms=ROWS, body=BODY, rule="telemetry:query_sample")
    def samples(self, call: Call) -> Reply:
        """The samples that match the filter, newest first or in the order asked for."""
        asked = read_complex_query(call)
        config = self.services.config
        limit = read_limit_of(asked.limit)
        scope = call.caller.scope
        filter_: Filter = EVERYTHING
        if asked.filter is not None:
            filter_ = read_filter(asked.filter, scope, config.max_filter_depth)
        order = () if asked.orderby is None else read_order(asked.orderby)
        query = SampleQuery(scope=scope, filter=filter_)
        if order:
            return self._sort(call, query, order, limit)
        listed = list_samples(self.services, call, query, limit, sample_to_api)
        return replace(listed, next_url=None)  # a body has no URL

    def _sort(
        self, call: Call, query: SampleQuery, order: tuple[OrderBy, ...], limit: int | None
    ) -> Reply:
        """The first rows in the order. They are all in memory, so that no form has them all."""
        config = self.services.config
        size = read_limit(limit, config)
        if call.form in LINE_FORMS and size != limit:
            message = f"orderby needs a limit, at most {config.max_limit}"
            raise InvalidQuery(message, field="limit")
        deadline = Deadline(config.query_timeout_seconds)
        with closed_after(self.services.storage.samples(query)) as found:
            page = first(deadline.guard(found), order, size)
        return Reply(value=[*map(writer(call, sample_to_api), page)])
