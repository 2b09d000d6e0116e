"""/v2/meters/{meter}/statistics."""

from typing import Any

from metering import times
from metering.api.forms.media import ROWS
from metering.api.framework.declare import AggregateChoice, Condition, Truth
from metering.api.framework.expose import Call, Reply, expose
from metering.api.reading.aggregates import read_aggregates
from metering.api.reading.calendars import read_slicing
from metering.api.reading.frames import framed, read_frame
from metering.api.reading.groups import read_group_fields
from metering.api.reading.holding import read_first, read_max_gap
from metering.api.reading.params import (
    SAMPLE_FIELDS,
    Conditions,
    of_meter,
    read_conditions,
    read_period,
)
from metering.api.services import Controller
from metering.api.writing.effort import effort_headers
from metering.api.writing.statistics import (
    StatisticsShape,
    statistics_columns,
    statistics_to_api,
)
from metering.api.writing.wire import StatisticsBody
from metering.errors import InvalidQuery
from metering.model import Scope
from metering.storage.base import Effort
from metering.times import EPOCH, FixedWindows, ListedWindows, Range, WholeRange, Windows
from metering.usage.figures import STANDARD
from metering.usage.question import Question
from metering.usage.statistics import Fill, Row, filled, statistics


class StatisticsController(Controller):
    """What was measured with a meter, in figures."""

    @expose(
        list[StatisticsBody],
        forms=ROWS,
        q=[Condition],
        start=str,
        end=str,
        tz=str,
        groupby=[str],
        period=int,
        interval=str,
        week_start=str,
        anchor=str,
        fill=str,
        aggregate=[AggregateChoice],
        max_gap=str,
        first=str,
        explain=Truth(),
        rule="telemetry:compute_statistics",
    )
    def show(  # noqa: PLR0913 - the parameters of the request
        self,
        call: Call,
        name: str,
        *,
        q: Any = (),
        start: str | None = None,
        end: str | None = None,
        tz: str | None = None,
        groupby: Any = (),
        period: int | None = None,
        interval: str | None = None,
        week_start: str | None = None,
        anchor: str | None = None,
        fill: str | None = None,
        aggregate: Any = (),
        max_gap: str | None = None,
        first: str | None = None,
        explain: bool = False,
    ) -> Reply:
        """Figures for each period, group and unit that has samples, or for each period at all.

        Periods are of a number of seconds (`period`), or of a calendar (`interval`).
        """
        if explain:
            call.caller.check_may_explain()
        scope = call.caller.scope
        frame = read_frame(start, end, tz)
        found = read_conditions(q, SAMPLE_FIELDS, scope, self.services.config)
        asked = framed(of_meter(name, found), frame)
        slicing = read_slicing(
            frame, interval=interval, week_start=week_start, anchor=anchor, fill=fill
        )
        if slicing and period is not None:
            raise InvalidQuery("period and interval exclude each other", field="period")
        names = tuple(dict.fromkeys(groupby))
        chosen = read_aggregates(aggregate)
        seconds = read_period(period)
        cut = slicing.windows(asked.range) if slicing else None
        question = Question(
            scope=scope,
            filter=asked.filter,
            range=asked.range,
            windows=cut.windows if cut else self._windows(asked, seconds, scope),
            group_by=read_group_fields(names),
            aggregates=chosen or STANDARD,
            now=times.now(),
            max_gap=read_max_gap(max_gap, self.services.usage),
            first_counts=read_first(first),
        )
        shape = StatisticsShape(
            period_seconds=None if cut else seconds,
            groupby=names,
            lower=asked.lower,
            upper=asked.upper,
            selected=bool(chosen),
            now=question.now,
            zone=frame.tz,
            partial=cut.partial if cut else frozenset(),
            fill=slicing.fill if slicing else None,
        )
        effort = Effort()
        rows = self._rows(question, shape.fill, effort)
        return Reply(
            value=[statistics_to_api(row, shape) for row in rows],
            headers=effort_headers(effort, explain=explain),
            columns=statistics_columns(shape, chosen),
        )

    def _rows(self, question: Question, fill: Fill | None, effort: Effort) -> list[Row]:
        most = self.services.config.max_limit
        try:
            rows = statistics(self.services.storage, question, most, effort)
        except OverflowError:
            message = "Invalid period: it leads out of the calendar"
            raise InvalidQuery(message, field="period") from None
        if fill and isinstance(question.windows, ListedWindows):
            return filled(rows, question.windows, fill, question.aggregates, most)
        return rows

    def _windows(self, asked: Conditions, period_seconds: int, scope: Scope) -> Windows:
        """Anchored at the lower bound, else at the oldest sample of any meter in scope, as v2."""
        anchor = asked.anchor
        if anchor is None:
            anchor = self.services.storage.oldest(scope) or EPOCH
        return FixedWindows(anchor, period_seconds) if period_seconds else WholeRange(Range(anchor))
