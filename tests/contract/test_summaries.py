"""`Storage.summaries`: exact figures for each series and window."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from builders import NOON, after_noon, readings, sample, series, submission
from contract.asking import EVERYONE, keep, record, summaries, summary, windows

from metering.model import MeterType, Project, Sample
from metering.query import (
    FIELDS,
    AllOf,
    AnyOf,
    Comparison,
    Not,
    Operator,
    SummaryQuery,
    metadata_field,
)
from metering.storage.base import Storage, WindowSummary
from metering.summary import Reading, of_stream
from metering.times import FixedWindows, ListedWindows, Range, WholeRange

HOUR = 3600


def history(*pairs: tuple[float, Any], **changes: Any) -> list[Sample]:
    """Samples of one series from (seconds after NOON, volume)."""
    return [
        sample(id=f"{number}: {seconds}", timestamp=after_noon(seconds), volume=volume, **changes)
        for number, (seconds, volume) in enumerate(pairs)
    ]


def keep_volumes(storage: Storage, volumes: Iterable[Any]) -> None:
    """Keep volumes a minute apart, all of one series."""
    keep(storage, *history(*((60 * number, volume) for number, volume in enumerate(volumes))))


def test_empty_store(storage: Storage) -> None:
    """Where there are no samples there is no Summary."""
    assert summaries(storage) == {}
    assert summaries(storage, windows=FixedWindows(NOON, HOUR)) == {}


def test_single_sample(storage: Storage) -> None:
    """One sample has a Summary without intervals, in the one window of the whole range."""
    keep(storage, sample(volume="2.5"))
    found = list(
        storage.summaries(SummaryQuery(scope=EVERYONE, windows=WholeRange(Range(NOON, None))))
    )

    expected = of_stream([Reading(NOON, Decimal("2.5"))])
    assert [WindowSummary(series(), Range(NOON, None), expected)] == found


def test_all_figures(storage: Storage) -> None:
    """Every figure of a small history that can be checked by head.

    Volumes 3, 5, 1, 4 at 0, 10, 30 and 60 s: a rise of 2, a fall to 1, a rise of 3.
    """
    keep(storage, *history((0, 3), (10, 5), (30, 1), (60, 4)))
    found = summary(storage)

    assert (
        found.count,
        found.sum,
        found.sum_of_squares,
        found.min,
        found.max,
    ) == (4, 13, 51, 1, 5)
    assert (Reading(NOON, Decimal(3)), Reading(after_noon(60), Decimal(4))) == (
        found.first,
        found.last,
    )
    assert (found.increase, found.resets) == (2 + 1 + 3, 1)
    assert (found.unit_seconds, found.longest_gap_seconds) == (3 * 10 + 5 * 20 + 1 * 30, 30)


@pytest.mark.parametrize(
    ("volumes", "expected"),
    [
        pytest.param(["0.1"] * 10, "1", id="ten-tenths"),
        pytest.param(["0.1", "0.2"], "0.3", id="not-a-binary-fraction"),
        pytest.param(["9007199254740993", "0"], "9007199254740993", id="above-2**53"),
        pytest.param(
            ["1E+26", "1E-27"],
            "100000000000000000000000000.000000000000000000000000001",
            id="54-digits",
        ),
        pytest.param(["1E+26", "1E-27", "-1E+26"], "1E-27", id="cancellation"),
        pytest.param(["9" * 27] * 11, str(11 * int("9" * 27)), id="beyond-the-largest-volume"),
        pytest.param(["0.3333333333333333333333333"] * 3, "0.9999999999999999999999999", id="3x"),
    ],
)
def test_sum_is_exact(storage: Storage, volumes: list, expected: str) -> None:
    """Sums are exact decimals, however large and small the volumes are."""
    keep_volumes(storage, volumes)

    assert Decimal(expected) == summary(storage).sum


def test_sum_of_squares_is_exact(storage: Storage) -> None:
    """Squares keep all digits: the largest beside the finest."""
    keep_volumes(storage, ["999999999999999999999999999", "1E-27"])

    assert Decimal(f"{(10**27 - 1) ** 2}.{'0' * 53}1") == summary(storage).sum_of_squares


def test_unit_seconds_are_exact(storage: Storage) -> None:
    """An integral has the digits of the volume and of the millisecond."""
    keep(storage, *history((0, "1234567.890123456789012345678901234"), (0.007, 0), (1, 0)))

    assert Decimal("8641.975230864197523086419752308638") == summary(storage).unit_seconds
    assert Decimal("0.993") == summary(storage).longest_gap_seconds


@pytest.mark.parametrize(
    ("volumes", "expected"),
    [
        pytest.param([9, 10], (9, 10), id="more-digits"),
        pytest.param([-9, -10], (-10, -9), id="negative"),
        pytest.param(["0.5", "0.25", ".75"], ("0.25", "0.75"), id="fractions"),
        pytest.param(["1E-27", "-1E-27", 0], ("-1E-27", "1E-27"), id="tiny"),
        pytest.param(["99999999999999999999999999", "1E+26"], ("9" * 26, "1E+26"), id="huge"),
        pytest.param([1, "1.000000000000000000000000001"], (1, "1.000000000000000000000000001")),
    ],
)
def test_min_and_max_are_numbers(storage: Storage, volumes: list, expected: tuple) -> None:
    """The least and greatest volumes are found by value, not as texts or floats."""
    keep_volumes(storage, volumes)
    found = summary(storage)

    assert tuple(map(Decimal, expected)) == (found.min, found.max)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_figures_do_not_depend_on_arrival(storage: Storage, order: tuple) -> None:
    """A history recorded in any order has the same Summary."""
    parts = history((0, "1E+26"), (10, "0.1"), (30, "-1E+26"))
    for number in order:
        keep(storage, parts[number])

    assert of_stream(readings((0, "1E+26"), (10, "0.1"), (30, "-1E+26"))) == summary(storage)


def test_ties_are_read_by_volume(storage: Storage) -> None:
    """Readings of one instant are taken in order of their volumes."""
    keep(storage, *history((0, 10), (0, 9), (5, 0), (5, 10), (5, 7)))

    assert of_stream(readings((0, 9), (0, 10), (5, 0), (5, 7), (5, 10))) == summary(storage)


def test_reset_counts_from_zero(storage: Storage) -> None:
    """A counter that falls began again from zero."""
    keep(storage, *history((0, 90), (1, 100), (2, 9), (3, 10), type=MeterType.CUMULATIVE))

    assert (summary(storage).increase, summary(storage).resets) == (10 + 9 + 1, 1)


def test_a_reading_holds_however_long(storage: Storage) -> None:
    """Between the years 1 and 9999 a reading holds, and the gap is told."""
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
    keep(storage, sample(id="a", timestamp=first, volume="0.1"), sample(id="b", timestamp=last))
    gap = Decimal((last - first).days * 86400)

    assert (gap / 10, gap) == (summary(storage).unit_seconds, summary(storage).longest_gap_seconds)


@pytest.mark.parametrize(
    ("range_", "expected"),
    [
        pytest.param(Range(), 15, id="ever"),
        pytest.param(Range(after_noon(1), None), 14, id="start-is-inside"),
        pytest.param(Range(None, after_noon(2)), 3, id="end-is-outside"),
        pytest.param(Range(after_noon(1), after_noon(3)), 6, id="both"),
        pytest.param(Range(after_noon(1.001), after_noon(3.001)), 12, id="millisecond-later"),
        pytest.param(Range(after_noon(0.999), after_noon(2.999)), 6, id="millisecond-earlier"),
    ],
)
def test_range_is_half_open(storage: Storage, range_: Range, expected: int) -> None:
    """Samples at start count, samples at end do not, to the millisecond."""
    keep(storage, *history((0, 1), (1, 2), (2, 4), (3, 8)))

    assert expected == summary(storage, range=range_).sum
    assert expected == sum(
        one.sum for one in summaries(storage, range=range_, windows=FixedWindows(NOON, 1)).values()
    )


@pytest.mark.parametrize(
    "range_",
    [
        pytest.param(Range(NOON, NOON), id="empty"),
        pytest.param(Range(after_noon(2), NOON), id="backwards"),
        pytest.param(Range(after_noon(0.001), after_noon(1)), id="between-samples"),
    ],
)
def test_range_without_samples(storage: Storage, range_: Range) -> None:
    """No samples in range, no Summary."""
    keep(storage, *history((0, 1), (1, 2)))

    assert summaries(storage, range=range_) == {}


def test_window_is_half_open(storage: Storage) -> None:
    """A sample at the edge belongs to the window that begins there, to the millisecond."""
    keep(storage, *history((3599.999, 1), (3600, 2), (3600.001, 4), (7199.999, 8), (7200, 16)))
    found = summaries(storage, windows=FixedWindows(NOON, HOUR))

    edges = [after_noon(HOUR * number) for number in range(4)]
    assert {
        (series(), Range(edges[0], edges[1])): 1,
        (series(), Range(edges[1], edges[2])): 2 + 4 + 8,
        (series(), Range(edges[2], edges[3])): 16,
    } == {pair: one.sum for pair, one in found.items()}


def test_windows_begin_at_the_anchor(storage: Storage) -> None:
    """Windows are counted from the anchor, whatever the clock says."""
    keep(storage, *history((0, 1), (89.999, 1), (90, 1), (179.999, 1)))
    anchor = after_noon(-90.001)

    assert [(after_noon(-0.001), 1), (after_noon(89.999), 2), (after_noon(179.999), 1)] == windows(
        storage, windows=FixedWindows(anchor, 90)
    )


def test_listed_windows(storage: Storage) -> None:
    """Windows of any length, each with the samples from its edge up to the next."""
    keep(storage, *history((-0.001, 1), (0, 2), (89.999, 4), (90, 8), (90.001, 16), (400, 32)))
    edges = tuple(after_noon(seconds) for seconds in (0, 90, 90.001, 300, 400))
    found = summaries(storage, range=Range(edges[0], edges[-1]), windows=ListedWindows(edges))

    assert {
        (series(), Range(edges[0], edges[1])): 2 + 4,
        (series(), Range(edges[1], edges[2])): 8,
        (series(), Range(edges[2], edges[3])): 16,
    } == {pair: one.sum for pair, one in found.items()}


def test_no_listed_windows(storage: Storage) -> None:
    """An empty range has none, and no Summary."""
    keep(storage, *history((0, 1)))

    assert {} == summaries(storage, range=Range(NOON, NOON), windows=ListedWindows())


def test_windows_before_the_anchor(storage: Storage) -> None:
    """Samples before the anchor lie in windows that end there or earlier."""
    keep(storage, *history((-0.001, 1), (-60, 1), (-60.001, 1), (0, 1)))

    assert [(after_noon(-120), 1), (after_noon(-60), 2), (NOON, 1)] == windows(
        storage, windows=FixedWindows(NOON, 60)
    )


def test_empty_windows_are_left_out(storage: Storage) -> None:
    """A window without samples has no Summary, however many there are between two samples."""
    years = timedelta(days=365 * 30)
    keep(storage, sample(id="a"), sample(id="b", timestamp=NOON + years))

    found = windows(storage, windows=FixedWindows(NOON, 1))

    assert [(NOON, 1), (NOON + years, 1)] == found


def test_nothing_is_credited_across_windows(storage: Storage) -> None:
    """Intervals are credited within a window only; each window begins anew."""
    keep(storage, *history((0, 1), (50, 3), (70, 10), (110, 4), (170, 5)))
    found = summaries(storage, windows=FixedWindows(NOON, 60))

    assert [
        of_stream(readings((0, 1), (50, 3))),
        of_stream(readings((70, 10), (110, 4))),
        of_stream(readings((170, 5))),
    ] == [one for _, one in sorted(found.items(), key=lambda item: str(item[0][1].start))]


def test_no_two_for_a_series_and_window(storage: Storage) -> None:
    """Samples of a window that arrive in many batches make one Summary."""
    for number in range(40):
        keep(storage, sample(id=f"{number}", timestamp=after_noon(number * 37 % 40)))

    assert [(NOON, 20), (after_noon(20), 20)] == windows(storage, windows=FixedWindows(NOON, 20))


def test_windows_are_those_of_each_series(storage: Storage) -> None:
    """Every series has its own Summary in each window."""
    keep(storage, *history((0, 1), (60, 2), resource_id="vm-1"))
    keep(storage, *history((30, 4), (90, 8), resource_id="vm-2", source="other"))
    found = summaries(storage, windows=FixedWindows(NOON, 60))

    assert {("vm-1", NOON): 1, ("vm-1", after_noon(60)): 2} | {
        ("vm-2", NOON): 4,
        ("vm-2", after_noon(60)): 8,
    } == {(one.resource_id, window.start): found[one, window].sum for one, window in found}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"project_id": "p-2"}, id="project"),
        pytest.param({"project_id": None}, id="no-project"),
        pytest.param({"user_id": None}, id="user"),
        pytest.param({"metadata": {"a": "1"}}, id="metadata"),
        pytest.param({"unit": "GB"}, id="unit"),
        pytest.param({"type": MeterType.DELTA}, id="type"),
        pytest.param({"source": "other"}, id="source"),
    ],
)
def test_series_are_kept_apart(storage: Storage, change: dict) -> None:
    """Samples of two series are never in one Summary, nor is an interval between them."""
    ours = {"metadata": {"a": 1}}
    keep(storage, *history((0, 1), (20, 3), **ours))
    theirs = [sample(id=f"t-{n}", timestamp=after_noon(n), **(ours | change)) for n in (10, 30)]
    keep(storage, *theirs)

    assert {
        series(**ours): of_stream(readings((0, 1), (20, 3))),
        series(**(ours | change)): of_stream(readings((10, 1), (30, 1))),
    } == {one: found for (one, _), found in summaries(storage).items()}


def test_duplicates_and_conflicts_count_once(storage: Storage) -> None:
    """What comes again, or in conflict, adds nothing to a sum."""
    keep(storage, sample(volume=5))
    record(storage, submission(volume=5), submission(volume=7), submission(volume=5))
    record(storage, submission(id="s-2", volume=1), submission(volume=7), atomic=True)

    assert (summary(storage).count, summary(storage).sum) == (1, 5)


def test_equal_ids_of_two_sources_count_twice(storage: Storage) -> None:
    """Samples under one id in two sources are two samples."""
    keep(storage, sample(source="a", volume=1), sample(source="b", volume=2))

    assert {one.source: found.sum for (one, _), found in summaries(storage).items()} == {
        "a": 1,
        "b": 2,
    }


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        pytest.param(Project("p-1"), {"p-1": 5}, id="own"),
        pytest.param(Project("p-3"), {}, id="nobody"),
        pytest.param(Project("None"), {}, id="the-word-none"),
        pytest.param(EVERYONE, {"p-1": 5, "p-2": 2, None: 8}, id="all"),
    ],
)
def test_scope(storage: Storage, scope: Project, expected: dict) -> None:
    """Only samples in scope are summed."""
    owners = [(0, 1, "p-1"), (1, 2, "p-2"), (2, 4, "p-1"), (3, 8, None)]
    for seconds, volume, project in owners:
        keep(storage, *history((seconds, volume), project_id=project))

    assert expected == {
        one.project_id: found.sum for (one, _), found in summaries(storage, scope=scope).items()
    }


def test_no_filter_widens_the_scope(storage: Storage) -> None:
    """Foreign samples are not summed, also when the filter names their project."""
    keep(storage, *history((0, 1)), *history((1, 2), project_id="p-2"))
    asked = AnyOf(
        (
            Comparison(FIELDS["project_id"], Operator.EQ, "p-2"),
            Comparison(FIELDS["volume"], Operator.GE, 1),
        )
    )

    assert summary(storage, scope=Project("p-1"), filter=asked).sum == 1


def test_filter_on_samples(storage: Storage) -> None:
    """Intervals are credited between successive samples that match, over those that do not."""
    keep(storage, *history((0, 1), (10, 100), (20, 2), (30, 200), (50, 1)))
    asked = Comparison(FIELDS["volume"], Operator.LT, 100)

    assert of_stream(readings((0, 1), (20, 2), (50, 1))) == summary(storage, filter=asked)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param(Comparison(FIELDS["timestamp"], Operator.GE, after_noon(1)), 14, id="ge"),
        pytest.param(Comparison(FIELDS["timestamp"], Operator.GT, after_noon(1)), 12, id="gt"),
        pytest.param(Comparison(FIELDS["timestamp"], Operator.LE, after_noon(1)), 3, id="le"),
        pytest.param(Comparison(FIELDS["timestamp"], Operator.LT, after_noon(1)), 1, id="lt"),
        pytest.param(Comparison(FIELDS["timestamp"], Operator.EQ, after_noon(2)), 4, id="eq"),
        pytest.param(Comparison(FIELDS["timestamp"], Operator.NE, after_noon(2)), 11, id="ne"),
        pytest.param(Comparison(FIELDS["id"], Operator.EQ, "3: 3"), 8, id="id"),
        pytest.param(Not(Comparison(FIELDS["id"], Operator.EQ, "3: 3")), 7, id="not-id"),
    ],
)
def test_filters_on_samples(storage: Storage, asked: Comparison, expected: int) -> None:
    """Only samples that match are summed."""
    keep(storage, *history((0, 1), (1, 2), (2, 4), (3, 8)))

    assert expected == summary(storage, filter=asked).sum


def test_filter_on_series_and_samples(storage: Storage) -> None:
    """A part of a filter may decide for one series and leave a question for another."""
    for number in (1, 2, 3):
        keep(
            storage,
            *history((0, 1), (1, 2), (2, 4), resource_id=f"vm-{number}", source=f"{number}"),
        )
    first = Comparison(FIELDS["resource_id"], Operator.EQ, "vm-1")
    small = Comparison(FIELDS["volume"], Operator.LT, 3)
    second = Comparison(FIELDS["resource_id"], Operator.EQ, "vm-2")
    found = summaries(storage, filter=AnyOf((first, AllOf((second, small)))))

    assert {one.resource_id: each.sum for (one, _), each in found.items()} == {"vm-1": 7, "vm-2": 3}


def test_filter_with_windows_and_range(storage: Storage) -> None:
    """Filter, range and windows all narrow an answer."""
    keep(storage, *history(*((n, n) for n in range(10))))
    found = windows(
        storage,
        filter=Comparison(FIELDS["volume"], Operator.NE, 5),
        range=Range(after_noon(1), after_noon(8)),
        windows=FixedWindows(NOON, 4),
    )

    assert [(NOON, 3), (after_noon(4), 3)] == found


def test_filter_that_matches_nothing(storage: Storage) -> None:
    """No match, no Summary."""
    keep(storage, *history((0, 1)))

    assert summaries(storage, filter=Comparison(FIELDS["volume"], Operator.GT, 1)) == {}
    assert summaries(storage, filter=Comparison(FIELDS["meter"], Operator.EQ, "x")) == {}


def test_many_series(storage: Storage) -> None:
    """Two thousand series have each their own Summary."""
    keep(
        storage,
        *(
            sample(id=f"{n}-{part}", resource_id=f"vm-{n}", volume=n, timestamp=after_noon(part))
            for part in (0, 1)
            for n in range(2000)
        ),
    )

    assert {f"vm-{n}": 2 * n for n in range(2000)} == {
        one.resource_id: found.sum for (one, _), found in summaries(storage).items()
    }


def test_many_samples(storage: Storage) -> None:
    """Three thousand samples of a series in as many windows are each in their own."""
    keep_volumes(storage, range(3000))
    found = summaries(storage, windows=FixedWindows(NOON, 60))

    assert {after_noon(60 * n): n for n in range(3000)} == {
        window.start: one.sum for (_, window), one in found.items()
    }
    assert sum(range(3000)) == summary(storage).sum


def test_nothing_is_read_before_it_is_asked_for(storage: Storage) -> None:
    """Iterators are lazy: an answer is made when its first item is taken, not before."""
    found = storage.summaries(SummaryQuery(scope=EVERYONE, windows=WholeRange(Range())))
    keep(storage, sample())

    assert next(found).summary.count == 1


def test_closed_iterator_gives_nothing(storage: Storage) -> None:
    """An iterator may be closed early, and is then at its end."""
    keep(storage, *(sample(id=f"s-{n}", resource_id=f"vm-{n}") for n in range(3)))
    found = storage.summaries(SummaryQuery(scope=EVERYONE, windows=WholeRange(Range())))
    next(found)
    found.close()

    assert list(found) == []
    keep(storage, sample(id="new"))


@pytest.mark.parametrize("more", [(), (Comparison(metadata_field("b"), Operator.EQ, 1),)])
def test_each_meter_with_a_condition_of_its_own(
    storage: Storage, more: tuple[Comparison, ...]
) -> None:
    """What one leaves to ask of metadata is not asked of another; 1 is not true."""
    values = {"cpu": 1, "disk": True, "net": 2}
    keep(
        storage,
        *(
            sample(id=f"{meter}-{value}", meter=meter, metadata={"a": value, "b": 1})
            for meter in values
            for value in values.values()
        ),
    )
    asked = AnyOf(
        tuple(
            AllOf(
                (
                    Comparison(FIELDS["meter"], Operator.EQ, meter),
                    Comparison(metadata_field("a"), Operator.EQ, value),
                    *more,
                )
            )
            for meter, value in values.items()
        )
    )
    found = summaries(storage, filter=asked)

    told = [(series.meter, series.metadata.tree["a"]) for series, _ in found]
    assert sorted(map(repr, told)) == sorted(map(repr, values.items()))
