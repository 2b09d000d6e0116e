"""Statistics: from Summaries of series and windows to rows of figures."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
import strategies
from builders import NOON, after_noon, field_of, readings, series
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from metering.errors import InvalidQuery
from metering.model import AllProjects
from metering.query import FIELDS, Field
from metering.summary import Reading, of_stream
from metering.times import EVER, Range, WholeRange
from metering.usage.figures import STANDARD, Aggregate
from metering.usage.quantities import Portion
from metering.usage.query import StatisticsQuery
from metering.usage.statistics import Fill, Row, compute, filled

MAX_ROWS = 10_000
HOURS = [Range(after_noon(3600 * n), after_noon(3600 * (n + 1))) for n in range(3)]
STDDEV = Aggregate("stddev")


def query(group_by: tuple[Field, ...] = (), aggregates: Any = STANDARD) -> StatisticsQuery:
    """A question for figures by these fields."""
    return StatisticsQuery(
        scope=AllProjects(),
        windows=WholeRange(EVER),
        aggregates=tuple(aggregates),
        now=NOON,
        group_by=group_by,
    )


def part(*volumes: Any, window: Range = EVER, **changes: Any) -> Portion:
    """The Summary of a series with these volumes, a second apart."""
    found = sorted(readings(*enumerate(volumes or (1,))))
    return Portion(subject=series(**changes), window=window, summary=of_stream(found))


def figures(*parts: Portion, aggregates: Any = STANDARD) -> dict[str, str]:
    """The figures of the only row, as text."""
    (row,) = compute(parts, query((), aggregates), MAX_ROWS)
    return {aggregate.name: str(value) for aggregate, value in row.figures.items()}


def grouped(*parts: Portion, by: str) -> list[tuple[tuple[str | None, ...], int]]:
    """The group and count of each row."""
    rows = compute(parts, query((field_of(by),), STANDARD), MAX_ROWS)
    return [(row.group, row.summary.count) for row in rows if row.summary]


def test_five_figures() -> None:
    """Without a choice there are min, max, avg, sum and count."""
    expected = {"min": "-1", "max": "4", "avg": "1.5", "sum": "3", "count": "2"}

    assert (expected, list(expected)) == (figures(part(4, -1)), list(figures(part(1))))


def test_parts_of_a_row_are_added() -> None:
    """Series of one row are added up, exactly."""
    assert "1.1" == figures(part("0.1", 0), part("1", user_id="u-2"))["sum"]


@pytest.mark.parametrize(
    ("volumes", "expected"),
    [
        ((1,), "0"),
        ((1, 1, 1), "0"),
        (("0.1", "0.1", "0.1"), "0"),
        ((1, 3), "1"),
        ((2, 4, 4, 4, 5, 5, 7, 9), "2"),
        ((10**26, 10**26 + 2), "1"),
        ((10**26, 10**26 + 1, 10**26 + 2), "0.81649658092772603273"),
        (("1e-27", "3e-27"), "1E-27"),
        ((0, 0, 1), "0.47140452079103168293"),
    ],
)
def test_deviation(volumes: tuple[Any, ...], expected: str) -> None:
    """The deviation of a population has twenty digits, and nothing cancels."""
    assert {"stddev": expected} == figures(part(*volumes), aggregates=[STDDEV])


@given(st.lists(strategies.volumes, min_size=1, max_size=8))
def test_deviation_is_near_the_exact_one(volumes: list[Decimal]) -> None:
    """Its square is the variance to eighteen digits, computed with fractions."""
    exact = [Fraction(volume) for volume in volumes]
    mean = sum(exact) / len(exact)
    variance = sum((value - mean) ** 2 for value in exact) / len(exact)

    found = Fraction(Decimal(figures(part(*volumes), aggregates=[STDDEV])["stddev"])) ** 2

    assert abs(found - variance) <= variance / 10**18


def test_cardinality() -> None:
    """Cardinality counts distinct values of series; null is one."""
    parts = [part(user_id=user) for user in ("a", "b", None, "a")]

    assert {"cardinality/user_id": "3"} == figures(
        *parts, aggregates=[Aggregate("cardinality", "user_id")]
    )


def test_units_make_rows() -> None:
    """Different units are never added."""
    rows = compute([part(unit="GB"), part(unit="B")], query((), STANDARD), MAX_ROWS)

    assert ["B", "GB"] == [row.unit for row in rows]


def test_rows_are_sorted() -> None:
    """Rows come by window, group and unit; null before every text."""
    later = Range(after_noon(10), after_noon(20))
    first = Range(NOON, after_noon(10))
    parts = [
        part(window=later, user_id=None),
        part(window=first, user_id="b"),
        part(window=first, user_id=""),
        part(window=first, user_id=None, unit="z"),
        part(window=first, user_id=None, unit="a"),
    ]

    rows = compute(parts, query((FIELDS["user_id"],), STANDARD), MAX_ROWS)

    assert [(None, "a"), (None, "z"), ("", "core"), ("b", "core"), (None, "core")] == [
        (row.group[0], row.unit) for row in rows
    ]


def test_window_of_ever_is_sorted_too() -> None:
    """A window without a beginning comes first."""
    assert [EVER] == [row.window for row in compute([part()], query((), STANDARD), MAX_ROWS)]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("metadata.a", "1"),
        ("metadata.b.c", "x"),
        ("metadata.t", "True"),
        ("metadata.n", None),
        ("metadata.nothing", None),
    ],
)
def test_groups_by_metadata_are_text(path: str, expected: str | None) -> None:
    """A value is text as v2 flattens it; null and absent are one group."""
    tree = {"a": 1, "b": {"c": "x"}, "t": True, "n": None}

    assert [((expected,), 1)] == grouped(part(metadata=tree), by=path)


def test_groups_by_kinds_that_look_alike() -> None:
    """The number 1 and the text 1 are one group, since both are shown alike."""
    parts = [part(metadata={"a": value}) for value in (1, "1")]

    assert [(("1",), 2)] == grouped(*parts, by="metadata.a")


@given(st.lists(st.tuples(strategies.series, strategies.volumes), min_size=1, max_size=10))
def test_groups_add_up_to_the_whole(samples: list[tuple[Any, Decimal]]) -> None:
    """Sums and counts of groups are those of the whole, for every unit."""
    parts = [
        Portion(subject=of, window=EVER, summary=of_stream([Reading(NOON, volume)]))
        for of, volume in samples
    ]

    def sums(rows: list[Row]) -> dict[str, tuple[Fraction, int]]:
        totals = {row.unit: (Fraction(0), 0) for row in rows}
        for row in rows:
            assert row.summary
            value, count = totals[row.unit]
            totals[row.unit] = (value + Fraction(row.summary.sum), count + row.summary.count)
        return totals

    fields = (FIELDS["user_id"], field_of("metadata.a"))
    assert sums(compute(parts, query((), STANDARD), MAX_ROWS)) == sums(
        compute(parts, query(fields, STANDARD), MAX_ROWS)
    )


def test_too_many_rows() -> None:
    """More rows than an answer may have are refused while they are made."""
    windows = [
        Range(NOON + timedelta(seconds=number), NOON + timedelta(seconds=number + 1))
        for number in range(MAX_ROWS + 1)
    ]
    summary = part()
    parts = [structs.replace(summary, window=window) for window in windows]

    assert MAX_ROWS == len(compute(parts[:-1], query((), STANDARD), MAX_ROWS))
    with pytest.raises(InvalidQuery, match="more than 10000 rows"):
        compute(parts, query((), STANDARD), MAX_ROWS)


def test_long_groups_count_as_several_rows() -> None:
    """However many there may be, an answer has room for their texts."""
    by = query((field_of("metadata.note"),), STANDARD)
    parts = [part(window=hour, metadata={"note": "x" * 10_000}) for hour in HOURS[:2]]
    rows = compute(parts, by, 6)

    assert 2 == len(rows)
    assert 2 == len(filled(rows, HOURS[:2], Fill.ZERO, STANDARD, 6))
    with pytest.raises(InvalidQuery, match="more than 5 rows"):
        compute(parts, by, 5)
    with pytest.raises(InvalidQuery, match="more than 6 rows"):
        filled(rows, HOURS, Fill.ZERO, STANDARD, 6)


MEMBERS = [(None, "core"), ("b", "GB"), ("b", "core")]


@pytest.mark.parametrize(("fill", "nothing"), [(Fill.NULL, None), (Fill.ZERO, Decimal(0))])
def test_fill(fill: Fill, nothing: Decimal | None) -> None:
    """Each group and unit has a row in each window, in the order of rows."""
    asked = [Aggregate("sum"), Aggregate("count"), STDDEV]
    parts = [
        part(3, window=HOURS[1], user_id="b"),
        part(4, window=HOURS[2], user_id=None),
        part(5, window=HOURS[2], user_id="b", unit="GB"),
    ]
    rows = compute(parts, query((FIELDS["user_id"],), asked), MAX_ROWS)
    found = filled(rows, HOURS, fill, asked, MAX_ROWS)

    assert [(window, *member) for window in HOURS for member in MEMBERS] == [
        (row.window, row.group[0], row.unit) for row in found
    ]
    assert rows == [row for row in found if row.summary]
    empty = dict(zip(asked, (nothing, Decimal(0), nothing), strict=True))
    assert [empty] * 6 == [row.figures for row in found if not row.summary]


def test_nothing_to_fill() -> None:
    """Without rows there are no groups."""
    assert [] == filled([], HOURS, Fill.ZERO, STANDARD, MAX_ROWS)


def test_too_many_rows_to_fill() -> None:
    """What is filled in counts."""
    parts = [part(window=HOURS[0], user_id=name) for name in ("a", "b")]
    rows = compute(parts, query((FIELDS["user_id"],), STANDARD), 6)

    assert 6 == len(filled(rows, HOURS, Fill.ZERO, STANDARD, 6))
    with pytest.raises(InvalidQuery, match="more than 5 rows"):
        filled(rows, HOURS, Fill.ZERO, STANDARD, 5)
