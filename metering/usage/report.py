"""Usage: one quantity of every meter in a window, beside that of the window before."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from metering.grouping import Group
from metering.model import MeterType
from metering.storage.base import Effort, Storage
from metering.times import Range, WholeRange
from metering.usage.figures import Quality, unit_of
from metering.usage.query import StatisticsQuery
from metering.usage.statistics import statistics

# What they are of nothing; other figures need a reading.
_OF_NOTHING = dict.fromkeys(
    ("sum", "count", "cardinality", "usage", "increase", "rate", "integral"), Decimal(0)
)
# Of samples, not of what they measure.
_WITHOUT_UNIT = frozenset({"count", "cardinality"})

_Member = tuple[Group, str, MeterType | None]


@dataclass(frozen=True, slots=True)
class Usage:
    """A quantity of one group; the unit is the quantity's, if it has one.

    `kind` is the type of its meters where the figure is reckoned by it, else None. `previous` is
    that of the window before, of no readings if there were none; None if it was not asked for.
    """

    group: Group
    kind: MeterType | None
    quantity: Decimal | None
    unit: str | None
    previous: Decimal | None
    quality: Quality


def usage(
    storage: Storage,
    query: StatisticsQuery,
    previous: Range | None,
    max_rows: int,
    effort: Effort | None = None,
) -> list[Usage]:
    """The only figure of a question, of each group, unit and type, in the order of statistics.

    The question has one window. `previous` is the range of the one before, if it is to be compared.

    Raises:
        InvalidQuery: as of `statistics`.
    """
    (aggregate,) = query.aggregates
    before: Mapping[_Member, Decimal | None] | None = None
    if previous is not None:
        asked = replace(query, range=previous, windows=WholeRange(previous))
        rows = statistics(storage, asked, max_rows, effort)
        before = {(row.group, row.unit, row.kind): row.figures[aggregate] for row in rows}
    return [
        Usage(
            group=row.group,
            kind=row.kind,
            quantity=row.figures[aggregate],
            unit=None
            if aggregate.function in _WITHOUT_UNIT
            else unit_of(aggregate, row.kind, row.unit),
            previous=None
            if before is None
            else before.get((row.group, row.unit, row.kind), _OF_NOTHING.get(aggregate.function)),
            quality=row.quality,
        )
        for row in statistics(storage, query, max_rows, effort)
    ]
