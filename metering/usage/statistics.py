"""Statistics: portions of tracks or series, by window, group and unit added up to figures.

Drivers give Summaries or streams; everything that makes an answer of them is pure, so that a new
figure or grouping needs no driver to know it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import NamedTuple

from metering.errors import InvalidQuery
from metering.grouping import Group, group_of
from metering.model import MeterType
from metering.query import StreamQuery, SummaryQuery, require_series_fields
from metering.storage.base import Effort, Storage
from metering.summary import Summary, seconds_between
from metering.times import Range
from metering.usage.figures import Accumulator, Aggregate, Basis, Detail, Quality, detail, figure
from metering.usage.quantities import Portion
from metering.usage.query import StatisticsQuery

_CHARACTERS_OF_A_ROW = 4096


@dataclass(frozen=True, slots=True)
class Row:
    """One window of one group: all samples have the same unit, and if usage is asked, one type.

    Without a Summary there are no samples: something went on between others, or the row was
    filled in.
    """

    window: Range
    group: Group
    unit: str
    kind: MeterType | None
    summary: Summary | None
    figures: Mapping[Aggregate, Decimal | None]
    detail: Detail | None = None
    quality: Quality = Quality.FINAL


class Fill(Enum):
    """What stands in a row without samples; of nothing the count is 0 in any case."""

    NULL = None
    ZERO = Decimal(0)

    def figure(self, aggregate: Aggregate) -> Decimal | None:
        """The figure of no samples."""
        return Decimal(0) if aggregate.function == "count" else self.value


def statistics(
    storage: Storage, query: StatisticsQuery, max_rows: int, effort: Effort | None = None
) -> list[Row]:
    """A row for each window, group, unit (and type) that has samples or an interval, in that order.

    Raises:
        InvalidQuery: more rows than that, or the filter asks of single samples what only streams
            can answer.
        OverflowError: windows lead out of the calendar.
    """
    return compute(_portions(storage, query, effort), query, max_rows)


def _portions(storage: Storage, query: StatisticsQuery, effort: Effort | None) -> Iterator[Portion]:
    if query.is_of_readings:
        asked = SummaryQuery(
            scope=query.scope,
            filter=query.filter,
            range=query.range,
            windows=query.windows,
            by_series=query.by_series,
        )
        if query.is_of_rollups:
            for total in storage.totals(asked, effort):
                yield Portion(subject=total.rollup, window=total.window, summary=total.summary)
            return
        for one in storage.summaries(asked, effort):
            yield Portion(subject=one.subject, window=one.window, summary=one.summary)
        return
    require_series_fields(query.filter)
    rules = query.rules
    creditings = {kind: tuple(query.creditings(kind)) for kind in MeterType}
    streams = StreamQuery(
        scope=query.scope,
        filter=query.filter,
        range=query.range,
        cuts=query.cuts,
        before=query.types_before,
        after=query.types_after,
        by_series=query.by_series,
    )
    for stretches in storage.streams(streams, effort):
        for stretch in stretches:
            for credit in creditings[stretch.subject.type]:
                yield from credit(stretch, rules)


def compute(portions: Iterable[Portion], query: StatisticsQuery, max_rows: int) -> list[Row]:
    """The rows of portions, as of `statistics`.

    Raises:
        InvalidQuery: more rows than that.
    """
    counted = tuple(one.param for one in query.aggregates if one.function == "cardinality")
    splits = Basis.BY_TYPE in query.bases
    found: dict[_Key, Accumulator] = {}
    rows = 0
    subject, window, row = None, None, None
    for one in portions:
        if row is not None and one.subject is subject and one.window == window:
            row.add(one)  # as most portions, of the same row as the one before
            continue
        subject, window = one.subject, one.window
        kind = subject.type if splits else None
        key = _Key(window, group_of(subject, query.group_by), subject.unit, kind)
        row = found.get(key)
        if row is None:
            rows += key.weight
            if rows > max_rows:
                raise _too_many_rows(max_rows)
            extent = query.rules.extent(window)
            row = Accumulator(
                counted=tuple(filter(None, counted)),
                has_levels=Basis.LEVELS in query.bases,
                seconds=_seconds(extent),
                kind=kind,
                # Until it is over, anyone may have another reading in it.
                is_provisional=extent.end is None or query.now <= extent.end,
                has_expired=query.horizons.cut(subject.meter, extent),
            )
            found[key] = row
        row.add(one)
    return [_finish(key, found[key], query) for key in sorted(found, key=_Key.order)]


def filled(
    rows: Iterable[Row],
    windows: Iterable[Range],
    fill: Fill,
    aggregates: Iterable[Aggregate],
    max_rows: int,
) -> list[Row]:
    """The rows, and one for each window and member between that has none, in the same order.

    Raises:
        InvalidQuery: more rows than that.
    """
    found = {_Key(row.window, row.group, row.unit, row.kind): row for row in rows}
    members = sorted({key.member for key in found}, key=_member_order)
    weights = {key.member: key.weight for key in found}
    every = tuple(windows)
    if len(every) * sum(weights.values()) > max_rows:
        raise _too_many_rows(max_rows)
    figures = {aggregate: fill.figure(aggregate) for aggregate in aggregates}
    keys = (_Key(window, *member) for window in every for member in members)
    return [found.get(key) or Row(*key, None, figures) for key in keys]


def _too_many_rows(max_rows: int) -> InvalidQuery:
    message = f"more than {max_rows} rows: ask for longer windows or fewer groups"
    return InvalidQuery(message, field="period")


class _Key(NamedTuple):
    """What tells rows apart: the window, and the member, which comes again in other windows."""

    window: Range
    group: Group
    unit: str
    kind: MeterType | None

    @property
    def member(self) -> tuple[Group, str, MeterType | None]:
        """All but the window."""
        return self.group, self.unit, self.kind

    @property
    def weight(self) -> int:
        """As how many rows it counts: each time a group comes, its texts are written anew."""
        return 1 + sum(len(text) for text in self.group if text) // _CHARACTERS_OF_A_ROW

    def order(self) -> tuple[object, ...]:
        """By which rows are sorted."""
        start = self.window.start.timestamp() if self.window.start else float("-inf")
        return start, *_member_order(self.member)


def _member_order(member: tuple[Group, str, MeterType | None]) -> tuple[object, ...]:
    group, unit, kind = member
    return tuple((value is not None, value or "") for value in group), unit, kind or ""


def _finish(key: _Key, row: Accumulator, query: StatisticsQuery) -> Row:
    aggregates = query.aggregates
    figures = {aggregate: figure(aggregate, row) for aggregate in aggregates}
    return Row(
        *key,
        row.summary,
        figures,
        detail(aggregates, row, key.unit),
        row.quality,
    )


def _seconds(extent: Range) -> Decimal | None:
    if extent.start is None or extent.end is None:
        return None
    return seconds_between(extent.start, extent.end)
