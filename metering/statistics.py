"""Statistics: Summaries of series, added up by window, unit and group, and finished into figures.

Drivers give a Summary for each series and window; everything that makes an answer of them is
here and pure, so that a new aggregate or grouping needs no driver to know it.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from decimal import Decimal, localcontext

from metering.decimals import EXACT, canonical, quotient, root_quotient
from metering.errors import InvalidQuery
from metering.metadata import as_text
from metering.model import Series
from metering.query import FIELDS, Field, Kind, metadata_field
from metering.storage.base import WindowSummary
from metering.summary import Summary, total
from metering.times import Range

MAX_GROUP_FIELDS = 10

_SUMMARIES_AT_ONCE = 100

Group = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One figure of a row: a function, and its parameter where it has one."""

    function: str
    param: str | None = None

    @property
    def name(self) -> str:
        """How answers call it: `sum`, `cardinality/resource_id`."""
        return self.function if self.param is None else f"{self.function}/{self.param}"


@dataclass(frozen=True, slots=True)
class Row:
    """One window of one group: all samples have the same unit."""

    window: Range
    unit: str
    group: Group
    summary: Summary
    figures: dict[Aggregate, Decimal]


@dataclass(slots=True)
class _Part:
    """The samples of one row so far: some Summaries, and the series where they are counted."""

    counted: tuple[str, ...]
    summaries: list[Summary] = field(default_factory=list)
    distinct: dict[str, set[str | None]] = field(default_factory=dict)

    def add(self, one: WindowSummary) -> None:
        """Add a series; as soon as there are many Summaries, they are made one."""
        self.summaries.append(one.summary)
        if len(self.summaries) >= _SUMMARIES_AT_ONCE:
            self.summaries = [total(self.summaries)]
        for name in self.counted:
            self.distinct.setdefault(name, set()).add(getattr(one.series, name))

    @property
    def summary(self) -> Summary:
        """Of all that was added."""
        self.summaries = [total(self.summaries)]
        return self.summaries[0]


def _average(part: _Part, _: str | None) -> Decimal:
    return quotient(part.summary.sum, part.summary.count)


def _standard_deviation(part: _Part, _: str | None) -> Decimal:
    """Of the population, from exact sums, so that nothing cancels."""
    whole = part.summary
    with localcontext(EXACT):
        radicand = whole.count * whole.sum_of_squares - whole.sum * whole.sum
    return root_quotient(radicand, whole.count)


def _cardinality(part: _Part, param: str | None) -> Decimal:
    """How many distinct values; null counts as one."""
    return Decimal(len(part.distinct[str(param)]))


_FUNCTIONS: dict[str, Callable[[_Part, str | None], Decimal]] = {
    "max": lambda part, _: part.summary.max,
    "min": lambda part, _: part.summary.min,
    "sum": lambda part, _: part.summary.sum,
    "avg": _average,
    "count": lambda part, _: Decimal(part.summary.count),
    "stddev": _standard_deviation,
    "cardinality": _cardinality,
}
FUNCTIONS = tuple(_FUNCTIONS)
STANDARD = tuple(Aggregate(name) for name in ("min", "max", "avg", "sum", "count"))
CARDINALITY_FIELDS = ("resource_id", "user_id", "project_id", "source")


def read_aggregate(function: str | None, param: str | None) -> Aggregate:
    """The aggregate of that name and parameter.

    Raises:
        InvalidQuery: unknown, or the parameter is missing or one that it does not take.
    """
    if function not in _FUNCTIONS:
        message = f"Invalid aggregation function: {str(function)[:100]}"
        raise InvalidQuery(message, field="aggregate.func")
    takes_param = function == "cardinality"
    if takes_param and param not in CARDINALITY_FIELDS:
        message = (
            f"Bad aggregate: cardinality.{str(param)[:100]}; it takes one of "
            f"{', '.join(CARDINALITY_FIELDS)}"
        )
        raise InvalidQuery(message, field="aggregate.param")
    if param and not takes_param:
        message = f"Bad aggregate: {function}.{param[:100]}; {function} takes no parameter"
        raise InvalidQuery(message, field="aggregate.param")
    return Aggregate(function, param or None)


def read_group_field(name: str) -> Field:
    """The field of that name: any field of a series, `metadata.x` or `resource_metadata.x`.

    Raises:
        InvalidQuery: samples cannot be grouped by it.
    """
    for prefix in ("metadata.", "resource_metadata."):
        if name.startswith(prefix) and len(name) > len(prefix):
            return metadata_field(name.removeprefix(prefix))
    field = FIELDS.get(name)
    if field is None or not field.of_series:
        message = f"Unknown argument: \"{{'{name[:100]}'}}\": Invalid groupby fields"
        raise InvalidQuery(message, field="groupby")
    return field


def read_group_fields(names: Collection[str]) -> tuple[Field, ...]:
    """The fields of these names.

    Raises:
        InvalidQuery: more than 10, or one by which samples cannot be grouped.
    """
    if len(names) > MAX_GROUP_FIELDS:
        raise InvalidQuery(f"at most {MAX_GROUP_FIELDS} groupby fields", field="groupby")
    return tuple(read_group_field(name) for name in names)


def compute(
    summaries: Iterable[WindowSummary],
    group_by: tuple[Field, ...],
    aggregates: Iterable[Aggregate],
    max_rows: int,
) -> list[Row]:
    """A row for each (window, group, unit) that has samples, in that order.

    Raises:
        InvalidQuery: more rows than that.
    """
    asked = tuple(aggregates)
    counted = tuple(one.param for one in asked if one.param is not None)
    found: dict[tuple[Range, Group, str], _Part] = defaultdict(lambda: _Part(counted))
    for one in summaries:
        found[one.window, _group(one.series, group_by), one.series.unit].add(one)
        if len(found) > max_rows:
            message = f"more than {max_rows} rows: ask for a longer period or fewer groups"
            raise InvalidQuery(message, field="period")
    return [_finish(key, part, asked) for key, part in sorted(found.items(), key=_row_order)]


def _finish(key: tuple[Range, Group, str], part: _Part, aggregates: tuple[Aggregate, ...]) -> Row:
    window, group, unit = key
    figures = {
        aggregate: canonical(_FUNCTIONS[aggregate.function](part, aggregate.param))
        for aggregate in aggregates
    }
    return Row(window, unit, group, part.summary, figures)


def _row_order(item: tuple[tuple[Range, Group, str], _Part]) -> tuple[object, ...]:
    (window, group, unit), _ = item
    start = window.start.timestamp() if window.start else float("-inf")
    return start, tuple((value is not None, value or "") for value in group), unit


def _group(series: Series, group_by: tuple[Field, ...]) -> Group:
    return tuple(_text(series, field) for field in group_by)


def _text(series: Series, field: Field) -> str | None:
    """The value as text, as v2 flattens it; null where there is none."""
    if field.kind is not Kind.METADATA:
        value: str | None = getattr(series, field.name)
        return value
    found = series.metadata.find(field.path)
    return None if not found or found[0] is None else as_text(found[0])
