"""/v2/usage."""

from typing import Any

from metering import times
from metering.api.forms.csv import Columns
from metering.api.forms.media import ROWS
from metering.api.framework.declare import Truth, parameters_of
from metering.api.framework.endpoint import Call, Reply
from metering.api.framework.expose import expose
from metering.api.reading.usage import Asked, read_usage
from metering.api.services import Controller
from metering.api.writing.effort import effort_headers
from metering.api.writing.usage import usage_to_api, usage_window_to_api
from metering.api.writing.wire import UsageBody
from metering.storage.base import Effort
from metering.usage.report import usage


class UsageController(Controller):
    """What was used, of all meters at once."""

    @expose(
        UsageBody,
        forms=ROWS,
        **parameters_of(Asked),
        explain=Truth(),
        rule="telemetry:get_usage",
    )
    def show(self, call: Call, *, explain: bool = False, **parameters: Any) -> Reply:
        """A row for each meter, group, unit and type that has samples or an interval."""
        if explain:
            call.caller.check_may_explain()
        asked = Asked(**parameters)
        query, window, previous = read_usage(asked, call.caller.scope, self.services)
        (aggregate,) = query.aggregates
        most = self.services.config.max_limit
        effort = Effort()
        rows = usage(self.services.storage, query, previous, most, effort)
        return Reply(
            value=UsageBody(
                window=usage_window_to_api(window, asked.window, asked.tz),
                as_of=times.write(query.now),
                complete=window.is_complete,
                rows=[usage_to_api(row, asked.names, aggregate) for row in rows],
            ),
            columns=Columns(keys={"groupby": asked.names}),
            headers=effort_headers(effort, explain=explain),
        )
