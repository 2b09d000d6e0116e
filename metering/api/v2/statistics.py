"""/v2/meters/{meter}/statistics."""

from typing import Any

from metering.api.framework.declare import AggregateChoice, Condition, Truth, given
from metering.api.framework.expose import Call, Reply, expose
from metering.api.reading.params import (
    SAMPLE_FIELDS,
    Conditions,
    of_meter,
    read_conditions,
    read_period,
)
from metering.api.services import Controller
from metering.api.writing.convert import StatisticsShape, effort_to_api, statistics_to_api
from metering.api.writing.wire import StatisticsBody
from metering.errors import Forbidden, InvalidQuery
from metering.figures import STANDARD, read_aggregate
from metering.grouping import read_group_fields
from metering.model import Scope
from metering.query import ExtentQuery
from metering.statistics import Question, Row, statistics
from metering.storage.base import Effort
from metering.times import EPOCH, FixedWindows, Range, WholeRange, Windows, now

EFFORT = "Metering-Effort"


class StatisticsController(Controller):
    """What was measured with a meter, in figures."""

    @expose(
        list[StatisticsBody],
        q=[Condition],
        groupby=[str],
        period=int,
        aggregate=[AggregateChoice],
        explain=Truth(),
        rule="telemetry:compute_statistics",
    )
    def show(  # noqa: PLR0913 - the parameters of the request
        self,
        call: Call,
        name: str,
        *,
        q: Any = (),
        groupby: Any = (),
        period: int | None = None,
        aggregate: Any = (),
        explain: bool = False,
    ) -> Reply:
        """Figures for each period, group and unit that has samples."""
        if explain and not call.caller.is_admin:
            raise Forbidden("explain is for administrators")
        scope = call.caller.scope
        asked = of_meter(name, read_conditions(q, SAMPLE_FIELDS, scope, self.services.config))
        names = tuple(dict.fromkeys(groupby))
        chosen = dict.fromkeys(
            read_aggregate(given(one.func), given(one.param)) for one in aggregate
        )
        seconds = read_period(period)
        question = Question(
            scope=scope,
            filter=asked.filter,
            range=asked.range,
            windows=self._windows(asked, seconds, scope),
            group_by=read_group_fields(names),
            aggregates=tuple(chosen or STANDARD),
            now=now(),
            max_gap=self.services.usage.max_gap,
        )
        shape = StatisticsShape(
            period_seconds=seconds,
            groupby=names,
            lower=asked.lower,
            upper=asked.upper,
            selected=bool(chosen),
        )
        effort = Effort()
        rows = self._rows(question, effort)
        return Reply(
            value=[statistics_to_api(row, shape) for row in rows],
            headers={EFFORT: effort_to_api(effort)} if explain else {},
        )

    def _rows(self, question: Question, effort: Effort) -> list[Row]:
        try:
            return statistics(
                self.services.storage, question, self.services.config.max_limit, effort
            )
        except OverflowError:
            message = "Invalid period: it leads out of the calendar"
            raise InvalidQuery(message, field="period") from None

    def _windows(self, asked: Conditions, period_seconds: int, scope: Scope) -> Windows:
        """Anchored at the lower bound, else at the oldest sample of any meter in scope, as v2."""
        anchor = asked.anchor
        if anchor is None:
            extents = self.services.storage.extents(ExtentQuery(scope=scope))
            anchor = min((extent.first_sample_at for extent in extents), default=EPOCH)
        return FixedWindows(anchor, period_seconds) if period_seconds else WholeRange(Range(anchor))
