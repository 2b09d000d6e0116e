"""Portions: what windows have of increase and of holding, by hand and by another way to reckon."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from typing import Any

import strategies
from builders import NOON, after_noon, readings, series
from hypothesis import given
from hypothesis import strategies as st

from metering.cuts import Cuts
from metering.decimals import EXACT
from metering.model import AllProjects
from metering.query import StreamQuery
from metering.streams import Piece, Stretch, stretches
from metering.summary import Reading, of_stream
from metering.times import EVER, FIRST, LAST, FixedWindows, Range, WholeRange, Windows
from metering.usage import quantities
from metering.usage.quantities import Portion, Rules

EVERYONE = AllProjects()
WHOLE = WholeRange(EVER)
FAR = LAST

Way = Callable[[Stretch, Rules], Iterator[Portion]]


def rules(
    windows: Windows = WHOLE,
    range_: Range = EVER,
    now: datetime = FAR,
    max_gap: timedelta | None = None,
    **more: Any,
) -> Rules:
    """Rules that limit nothing, unless told."""
    return Rules(windows=windows, range=range_, now=now, max_gap=max_gap, **more)


def portions(way: Way, told: Sequence[Reading], asked: Rules) -> list[Portion]:
    """The portions of readings that are all of one series."""
    return portions_of(way, [Piece(series(), of_stream([one])) for one in sorted(told)], asked)


def portions_of(way: Way, pieces: Sequence[Piece], asked: Rules) -> list[Portion]:
    """The portions of a stream of single readings."""
    cuts = Cuts(windows=asked.windows)
    query = StreamQuery(scope=EVERYONE, cuts=cuts, range=asked.range)
    before = [one for one in pieces if _is_before(one, asked.range)][-1:]
    rest = [one for one in pieces if not _is_before(one, asked.range)]
    found = stretches([*before, *rest], query)
    return [portion for stretch in found for portion in way(stretch, asked)]


def _is_before(piece: Piece, range_: Range) -> bool:
    return range_.start is not None and piece.summary.first.at < range_.start


def totals(found: Sequence[Portion]) -> dict[datetime | None, tuple[Decimal, int, Decimal]]:
    """Increase, resets and unit-seconds by the begin of the window."""
    sums: dict[Any, list[Any]] = defaultdict(lambda: [Decimal(0), 0, Decimal(0)])
    with localcontext(EXACT):
        for one in found:
            of_window = sums[one.window.start]
            of_window[0] += one.measured + one.interpolated
            of_window[1] += one.resets
            of_window[2] += one.unit_seconds
    return {start: tuple(values) for start, values in sorted(sums.items(), key=_begin)}


def _begin(item: tuple[datetime | None, Any]) -> datetime:
    return item[0] or FIRST


BYTES = readings((0, 0), (10, 100), (20, 500), (40, 1000))


def test_a_counter_at_a_boundary() -> None:
    """0, 100, 500, 1000 at 0, 10, 20, 40 s: at 30 s it stood at 750."""
    found = portions(quantities.increase, BYTES, rules(FixedWindows(NOON, 30)))

    assert totals(found) == {NOON: (750, 0, 0), after_noon(30): (250, 0, 0)}
    measured, interpolated = (
        [sum(getattr(one, name) for one in found if one.window.start == start) for start in
         (NOON, after_noon(30))]
        for name in ("measured", "interpolated")
    )  # fmt: skip
    assert (measured, interpolated) == ([500, 0], [250, 250])
    assert not any(one.is_provisional for one in found if one.window.start == NOON)


def test_a_counter_that_resets() -> None:
    """0, 10, 20, 30, 0, 20, 30 counted 60, and began again once."""
    told = readings(
        *((10 * place, volume) for place, volume in enumerate((0, 10, 20, 30, 0, 20, 30)))
    )

    assert totals(portions(quantities.increase, told, rules())) == {None: (60, 1, 0)}


def test_a_reset_at_a_boundary() -> None:
    """Only what was counted since is spread: 6 over 30 s, of which 10 s lie before."""
    told = readings((20, 100), (50, 6))
    found = portions(quantities.increase, told, rules(FixedWindows(NOON, 30)))

    assert totals(found) == {NOON: (2, 0, 0), after_noon(30): (4, 1, 0)}


def test_a_baseline_or_zero() -> None:
    """The first reading of a stream is where counting begins, or counts at its own instant."""
    told = readings((30, 7), (40, 9))
    windows = FixedWindows(NOON, 30)

    assert totals(portions(quantities.increase, told, rules(windows))) == {
        after_noon(30): (2, 0, 0)
    }
    assert totals(portions(quantities.increase, told, rules(windows, first_counts=True))) == {
        after_noon(30): (9, 0, 0)
    }
    later = rules(windows, Range(after_noon(35), None), first_counts=True)
    assert totals(portions(quantities.increase, told, later)) == {after_noon(30): (1, 0, 0)}


def test_after_the_last_reading_nothing_is_counted() -> None:
    """And the window of the last reading is provisional, also if it is over."""
    found = portions(quantities.increase, BYTES, rules(FixedWindows(NOON, 60)))

    assert totals(found) == {NOON: (1000, 0, 0)}
    assert any(one.is_provisional for one in found)


def test_a_description_may_come_back() -> None:
    """So it is provisional where its stream may go on, but not if it stands for itself."""
    small, large = (series(metadata={"flavor": flavor}) for flavor in ("small", "large"))
    told = zip((small, large), readings((20, 0), (70, 5)), strict=True)
    pieces = [Piece(one, of_stream([reading])) for one, reading in told]

    def provisional(**more: Any) -> set[tuple[str, datetime | None]]:
        found = portions_of(quantities.increase, pieces, rules(FixedWindows(NOON, 30), **more))
        open_ones = [one for one in found if one.is_provisional]
        return {
            ("large" if one.subject == large else "small", one.window.start) for one in open_ones
        }

    of_large = {("large", after_noon(60))}
    assert provisional() == {("small", after_noon(60))} | of_large
    assert provisional(returning=False) == of_large


def test_rounded_once_at_each_boundary() -> None:
    """A third of 1 at two boundaries: 12 places, and the three parts are 1."""
    found = portions(quantities.increase, readings((0, 0), (30, 1)), rules(FixedWindows(NOON, 10)))

    third = Decimal("0.333333333333")
    assert [third, Decimal("0.666666666667") - third, 1 - Decimal("0.666666666667")] == [
        increase for increase, _, _ in totals(found).values()
    ][:3]


DAY = 86_400


def test_gigabyte_hours() -> None:
    """10 GB for 10 days, 30 for 10, 20 for 11: 14,880 GB-hours."""
    told = readings((0, 10), (10 * DAY, 30), (20 * DAY, 20))
    whole = Range(NOON, NOON + timedelta(days=31))
    found = portions(quantities.holding, told, rules(WholeRange(whole), whole))

    assert totals(found)[NOON][2] == 14_880 * 3600
    assert sum(one.observed_seconds for one in found) == 31 * DAY
    assert not any(one.is_provisional for one in found)


def test_a_reading_holds_so_long() -> None:
    """No longer than the gap, not over the next reading, and not beyond now."""
    told = readings((0, 2), (100, 3), (120, 5))
    gap = timedelta(seconds=30)

    def held(now: float) -> Decimal:
        return totals(portions(quantities.holding, told, rules(now=after_noon(now), max_gap=gap)))[
            None
        ][2]

    assert held(1000) == 2 * 30 + 3 * 20 + 5 * 30
    assert held(125) == 2 * 30 + 3 * 20 + 5 * 5
    assert held(110) == 2 * 30 + 3 * 10
    assert held(20) == 2 * 20
    assert portions(quantities.holding, told, rules(now=NOON)) == []


def test_a_gap_is_part_of_the_windows_that_it_covers() -> None:
    """Nothing holds in it, but the stream goes on: up to the next reading, or now."""
    told = readings((0, 2), (200, 3))

    def covered(now: float) -> list[datetime | None]:
        gap = timedelta(seconds=80)
        asked = rules(FixedWindows(NOON, 60), now=after_noon(now), max_gap=gap)
        found = portions(quantities.gaps, told, asked)
        assert {one.observed_seconds for one in found} <= {0}
        return [one.window.start for one in found]

    assert covered(1000) == [after_noon(60), after_noon(120), after_noon(180)]
    assert covered(180) == [after_noon(60), after_noon(120)]
    assert covered(80) == []


def test_carried_in() -> None:
    """The last reading before a window holds in it, as long as there is patience."""
    told = readings((0, 4))
    range_ = Range(after_noon(3600), after_noon(7200))

    def held(**more: Any) -> list[Decimal]:
        found = portions(quantities.holding, told, rules(WholeRange(range_), range_, **more))
        return [one.unit_seconds for one in found]

    assert held() == [4 * 3600]
    assert held(max_gap=timedelta(seconds=3700)) == [400]
    assert held(max_gap=timedelta(seconds=3600)) == []
    assert held(now=after_noon(3600)) == []


def test_the_earlier_description_has_the_interval() -> None:
    """A at 0, B at 10, A at 20: the seconds and the rise from 0 to 10 are A's."""
    small, large = series(metadata={"flavor": "small"}), series(metadata={"flavor": "large"})
    pieces = [
        Piece(one, of_stream(readings((at, volume))))
        for one, at, volume in ((small, 0, 1), (large, 10, 3), (small, 20, 8))
    ]
    asked = rules(now=after_noon(25))
    by_series: dict[Any, Decimal] = defaultdict(Decimal)
    for way in (quantities.increase, quantities.holding):
        for one in portions_of(way, pieces, asked):
            by_series[way.__name__, one.subject] += one.measured + one.interpolated
            by_series[way.__name__, one.subject] += one.unit_seconds

    assert by_series == {
        ("increase", small): 2,
        ("increase", large): 5,
        ("holding", small): 1 * 10 + 8 * 5,
        ("holding", large): 3 * 10,
    }


def counted(told: Sequence[Reading], at: datetime) -> Decimal:
    """C at an instant between the first and the last reading, by the definition."""
    total = Fraction(told[0].volume)
    for earlier, later in pairwise(told):
        rise = Fraction(later.volume) - Fraction(earlier.volume)
        rise = Fraction(later.volume) if rise < 0 else rise
        if later.at <= at:
            total += rise
            continue
        if at > earlier.at:
            share = Fraction((at - earlier.at) / timedelta(milliseconds=1)) / Fraction(
                (later.at - earlier.at) / timedelta(milliseconds=1)
            )
            before = total - Fraction(earlier.volume)
            in_places = round((Fraction(earlier.volume) + rise * share) * 10**12)
            return EXACT.add(_decimal(before), EXACT.scaleb(Decimal(in_places), -12))
        break
    return _decimal(total)


def _decimal(number: Fraction) -> Decimal:
    return EXACT.divide(Decimal(number.numerator), Decimal(number.denominator))


boundaries = st.lists(strategies.instants, min_size=2, max_size=6, unique=True).map(sorted)


@given(strategies.streams(min_size=2), boundaries)
def test_any_cut_adds_up(told: list[Reading], cut: list[datetime]) -> None:
    """The parts of a range have what the range has, and each is C(end) - C(start)."""

    def whole(start: datetime, end: datetime) -> tuple[Decimal, Decimal]:
        range_ = Range(start, end)
        asked = rules(WholeRange(range_), range_, max_gap=timedelta(hours=1))
        with localcontext(EXACT):
            rise = sum(
                (
                    one.measured + one.interpolated
                    for one in portions(quantities.increase, told, asked)
                ),
                Decimal(0),
            )
            found = portions(quantities.holding, told, asked)
            return rise, sum((one.unit_seconds for one in found), Decimal(0))

    parts = [whole(start, end) for start, end in pairwise(cut)]
    with localcontext(EXACT):
        summed = tuple(sum(column, Decimal(0)) for column in zip(*parts, strict=True))
    assert summed == whole(cut[0], cut[-1])

    at_once = len({one.at for one in told}) < len(told)
    if not at_once:
        for (start, end), (rise, _) in zip(pairwise(cut), parts, strict=True):
            first, last = max(start, told[0].at), min(end, told[-1].at)
            if first < last:
                assert rise == EXACT.subtract(counted(told, last), counted(told, first))


def test_windows_at_the_ends_of_time() -> None:
    """Nothing overflows: the last instants hold as long as there is time."""
    first = datetime(1, 1, 1, tzinfo=UTC)
    told = [Reading(first, Decimal(1)), Reading(LAST, Decimal(2))]
    asked = rules(max_gap=timedelta(days=3_000_000))

    assert totals(portions(quantities.increase, told, asked))[None][0] == 1
    assert totals(portions(quantities.holding, told, asked))[None][2] > 0
