"""Cuts of readings: runs keep to them, are as long as they can be, and lose nothing."""

from datetime import timedelta
from itertools import islice, pairwise

import strategies
from builders import after_noon, readings
from hypothesis import given
from hypothesis import strategies as st

from metering.cuts import Cuts
from metering.model import MeterType
from metering.summary import Reading, joined, of_stream
from metering.times import EVER, FixedWindows, WholeRange

GAUGE = MeterType.GAUGE
WHOLE = WholeRange(EVER)

cuts = st.builds(
    Cuts,
    windows=st.just(WHOLE) | strategies.fixed_windows,
    at=st.none() | strategies.instants,
    max_gaps=st.dictionaries(
        st.sampled_from(MeterType), st.sampled_from([timedelta(), timedelta(seconds=60)])
    ),
    constant=st.booleans(),
    longest=st.none() | st.sampled_from([timedelta(), timedelta(seconds=60), timedelta(days=1)]),
)


@given(cuts, strategies.streams(min_size=0))
def test_runs(asked: Cuts, of_one: list[Reading]) -> None:
    """Each run may stay together, and would not with the reading that follows."""
    runs = list(asked.runs(GAUGE, of_one))

    assert of_one == [reading for run in runs for reading in run]
    assert all(asked.allow(GAUGE, of_stream(run)) for run in runs)
    for run, following in pairwise(runs):
        assert not asked.allow(GAUGE, of_stream([*run, following[0]]))


@given(cuts, strategies.streams(min_size=0), st.lists(st.integers(1, 4)))
def test_joins(asked: Cuts, of_one: list[Reading], sizes: list[int]) -> None:
    """What is joined step by step is what would stay together, however it came apart."""
    parts, rest = [], iter(of_one)
    for size in [*sizes, *[1] * len(of_one)]:
        parts += [of_stream(run) for run in asked.runs(GAUGE, list(islice(rest, size)))]
    whole = parts[:1]
    for earlier, later in pairwise(parts):
        both = joined([whole[-1], later])
        may = asked.joins(GAUGE, earlier, later, whole[-1].first.at)

        assert may == asked.allow(GAUGE, both)
        whole[-1:] = [both] if may else [whole[-1], later]


def lengths(asked: Cuts) -> list[int]:
    """How many readings at 0, 10, 20, 50 and 60 s each run has."""
    told = readings((0, 1), (10, 1), (20, 2), (50, 2), (60, 2))
    return [len(run) for run in asked.runs(GAUGE, told)]


def test_each_kind() -> None:
    """One example of each reason to cut, at its edge."""
    assert lengths(Cuts(windows=WHOLE)) == [5]
    assert lengths(Cuts(windows=FixedWindows(after_noon(0), 20))) == [2, 1, 1, 1]
    assert lengths(Cuts(windows=WHOLE, at=after_noon(20))) == [2, 3]
    assert lengths(Cuts(windows=WHOLE, constant=True)) == [2, 3]
    assert lengths(Cuts(windows=WHOLE, longest=timedelta(seconds=10))) == [2, 1, 2]
    max_gaps = {MeterType.GAUGE: timedelta(seconds=29)}
    assert lengths(Cuts(windows=WHOLE, max_gaps=max_gaps)) == [3, 2]
    assert lengths(Cuts(windows=WHOLE, max_gaps={MeterType.DELTA: timedelta()})) == [5]
