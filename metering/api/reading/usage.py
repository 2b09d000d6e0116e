"""Parameters of usage: of which meters and groups, in which window, beside what."""

from collections.abc import Iterable
from dataclasses import dataclass

from metering import times
from metering.api.framework.declare import Condition
from metering.api.reading.aggregates import read_function
from metering.api.reading.choices import read_choice
from metering.api.reading.conditions import read_conditions
from metering.api.reading.extents import SERIES_FIELDS
from metering.api.reading.groups import read_group_fields
from metering.api.reading.holding import read_first, read_max_gap
from metering.api.reading.windows import read_window
from metering.api.services import Services
from metering.calendar import read_zone
from metering.errors import InvalidQuery
from metering.model import Scope
from metering.query import EVERYTHING, FIELDS, AnyOf, Comparison, Filter, Operator, all_of
from metering.times import Range, WholeRange
from metering.usage.query import StatisticsQuery
from metering.usage.windows import UsageWindow

COMPARISONS = ("previous",)
# As many comparisons as a filter may have.
_MAX_METERS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The parameters as they were sent."""

    window: str = "mtd"
    tz: str = "UTC"
    meter: Iterable[str] = ()
    groupby: Iterable[str] = ()
    q: Iterable[Condition] = ()
    func: str | None = None
    max_gap: str | None = None
    first: str | None = None
    compare: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The fields as they were named, each once."""
        return tuple(dict.fromkeys(self.groupby))


def read_usage(
    asked: Asked, scope: Scope, services: Services
) -> tuple[StatisticsQuery, UsageWindow, Range | None]:
    """The question for usage by meter and group, its window, and with which range it is compared.

    Raises:
        InvalidQuery: what makes no sense; it is named.
        Unauthorized: a caller confined to a project names another.
    """
    now = times.now()
    window = read_window(asked.window, read_zone(asked.tz), now)
    is_compared = read_choice(asked.compare, COMPARISONS, "compare", "") != ""
    conditions = read_conditions(asked.q, SERIES_FIELDS, scope, services.config)
    query = StatisticsQuery(
        scope=scope,
        filter=all_of(_of_meters(asked.meter), conditions.filter),
        range=window.range,
        windows=WholeRange(window.range),
        group_by=(FIELDS["meter"], *read_group_fields(asked.names)),
        aggregates=(read_function(asked.func),),
        now=now,
        max_gap=read_max_gap(asked.max_gap, services.usage),
        first_counts=read_first(asked.first),
        horizons=services.storage.horizons(),
    )
    return query, window, window.previous if is_compared else None


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
