"""/v2/meters/{meter}/statistics."""

from typing import Any

from metering.api.forms.media import ROWS
from metering.api.framework.declare import Truth, parameters_of
from metering.api.framework.endpoint import Call, Reply
from metering.api.framework.expose import expose
from metering.api.reading.meters import read_meter
from metering.api.reading.statistics import Asked, read_statistics
from metering.api.services import Controller
from metering.api.writing.effort import effort_headers
from metering.api.writing.statistics import statistics_columns, statistics_to_api
from metering.api.writing.wire import StatisticsBody
from metering.errors import InvalidQuery
from metering.storage.base import Effort
from metering.times import ListedWindows
from metering.usage.query import StatisticsQuery
from metering.usage.statistics import Fill, Row, filled, statistics


class StatisticsController(Controller):
    """What was measured with a meter, in figures."""

    @expose(
        list[StatisticsBody],
        forms=ROWS,
        **parameters_of(Asked),
        explain=Truth(),
        rule="telemetry:compute_statistics",
    )
    def show(self, call: Call, name: str, *, explain: bool = False, **asked: Any) -> Reply:
        """Figures for each period, group and unit that has samples, or for each period at all.

        Periods are of a number of seconds (`period`), or of a calendar (`interval`).
        """
        if explain:
            call.caller.check_may_explain()
        scope = call.caller.scope
        meter = read_meter(self.services.storage, scope, name)
        query, shape = read_statistics(Asked(**asked), meter, scope, self.services)
        effort = Effort()
        rows = self._rows(query, shape.fill, effort)
        return Reply(
            value=[statistics_to_api(row, shape) for row in rows],
            headers=effort_headers(effort, explain=explain),
            columns=statistics_columns(shape),
        )

    def _rows(self, query: StatisticsQuery, fill: Fill | None, effort: Effort) -> list[Row]:
        most = self.services.config.max_statistics
        try:
            rows = statistics(self.services.storage, query, most, effort)
        except OverflowError:
            message = "Invalid period: it leads out of the calendar"
            raise InvalidQuery(message, field="period") from None
        if fill and isinstance(query.windows, ListedWindows):
            return filled(rows, query.windows, fill, query.aggregates, most)
        return rows
