"""/v2/usage."""

from collections.abc import Iterable
from typing import Any

from metering import times
from metering.api.forms.media import ROWS
from metering.api.forms.tables import Columns
from metering.api.framework.declare import Condition, Truth
from metering.api.framework.expose import Call, Reply, expose
from metering.api.reading.aggregates import read_function
from metering.api.reading.choices import read_choice
from metering.api.reading.extents import SERIES_FIELDS
from metering.api.reading.groups import read_group_fields
from metering.api.reading.holding import read_first, read_max_gap
from metering.api.reading.params import read_conditions
from metering.api.reading.windows import COMPARISONS, read_window
from metering.api.services import Controller
from metering.api.writing.effort import effort_headers
from metering.api.writing.usage import usage_to_api, usage_window_to_api
from metering.api.writing.wire import UsageBody
from metering.calendar import read_zone
from metering.errors import InvalidQuery
from metering.query import EVERYTHING, FIELDS, AllOf, AnyOf, Comparison, Filter, Operator
from metering.storage.base import Effort
from metering.times import WholeRange
from metering.usage.question import Question
from metering.usage.report import usage

# As many comparisons as a filter may have.
_MAX_METERS = 200


class UsageController(Controller):
    """What was used, of all meters at once."""

    @expose(
        UsageBody,
        forms=ROWS,
        window=str,
        tz=str,
        meter=[str],
        groupby=[str],
        q=[Condition],
        func=str,
        max_gap=str,
        first=str,
        compare=str,
        explain=Truth(),
        rule="telemetry:get_usage",
    )
    def show(  # noqa: PLR0913 - the parameters of the request
        self,
        call: Call,
        *,
        window: str = "mtd",
        tz: str = "UTC",
        meter: Any = (),
        groupby: Any = (),
        q: Any = (),
        func: str | None = None,
        max_gap: str | None = None,
        first: str | None = None,
        compare: str | None = None,
        explain: bool = False,
    ) -> Reply:
        """A row for each meter, group, unit and type that has samples or an interval."""
        if explain:
            call.caller.check_may_explain()
        as_of = times.now()
        zone = read_zone(tz)
        asked = read_window(window, zone, as_of)
        previous = asked.previous if read_choice(compare, COMPARISONS, "compare", "") else None
        scope = call.caller.scope
        conditions = read_conditions(q, SERIES_FIELDS, scope, self.services.config)
        aggregate = read_function(func)
        names = tuple(dict.fromkeys(groupby))
        question = Question(
            scope=scope,
            filter=AllOf((_of_meters(meter), conditions.filter)),
            range=asked.range,
            windows=WholeRange(asked.range),
            group_by=(FIELDS["meter"], *read_group_fields(names)),
            aggregates=(aggregate,),
            now=as_of,
            max_gap=read_max_gap(max_gap, self.services.usage),
            first_counts=read_first(first),
        )
        effort = Effort()
        rows = usage(
            self.services.storage,
            question,
            previous,
            self.services.config.max_limit,
            effort,
        )
        return Reply(
            value=UsageBody(
                window=usage_window_to_api(asked, window, zone),
                as_of=times.write(as_of),
                complete=asked.is_complete,
                rows=[usage_to_api(row, names, aggregate) for row in rows],
            ),
            columns=Columns(keys={"groupby": names}),
            headers=effort_headers(effort, explain=explain),
        )


def _of_meters(names: Iterable[str]) -> Filter:
    """One of these meters, or any if none is named.

    Raises:
        InvalidQuery: too many; each is compared with every meter.
    """
    distinct = dict.fromkeys(names)
    if len(distinct) > _MAX_METERS:
        raise InvalidQuery(f"at most {_MAX_METERS} meters", field="meter")
    leaves = tuple(Comparison(FIELDS["meter"], Operator.EQ, name) for name in distinct)
    return leaves[0] if len(leaves) == 1 else AnyOf(leaves) if leaves else EVERYTHING
