"""The laws of `joined` and `total`, and figures that can be checked by head."""

from decimal import Decimal, localcontext
from itertools import pairwise

import pytest
import strategies
from builders import MILLISECOND, NOON, after_noon, readings
from hypothesis import given
from hypothesis import strategies as st

from metering.summary import (
    Reading,
    Summary,
    joined,
    of_reading,
    of_stream,
    seconds_between,
    tally,
    total,
)

streams = strategies.streams()
summaries = streams.map(of_stream)


@given(strategies.streams(min_size=2), st.data())
def test_stream_can_be_cut_anywhere(stream: list[Reading], data: st.DataObject) -> None:
    """The parts, joined, are the whole, to the last digit."""
    cut = data.draw(st.integers(1, len(stream) - 1))

    assert of_stream(stream) == joined([of_stream(stream[:cut]), of_stream(stream[cut:])])


@given(strategies.streams(min_size=1))
def test_stream_is_its_readings_joined(stream: list[Reading]) -> None:
    """The one pass over a stream gives what joining gives reading by reading."""
    so_far = of_stream(stream[:1])
    for reading in stream[1:]:
        so_far = joined([so_far, of_stream([reading])])

    assert of_stream(stream) == so_far == joined([of_stream([one]) for one in stream])


@given(strategies.streams(min_size=3), st.data())
def test_joining_is_associative(stream: list[Reading], data: st.DataObject) -> None:
    """Three parts of a stream in order join to the same, from either side."""
    first = data.draw(st.integers(1, len(stream) - 2))
    second = data.draw(st.integers(first + 1, len(stream) - 1))
    a, b, c = map(of_stream, (stream[:first], stream[first:second], stream[second:]))

    assert joined([joined([a, b]), c]) == joined([a, joined([b, c])]) == joined([a, b, c])


@given(summaries, summaries)
def test_adding_is_commutative(one: Summary, other: Summary) -> None:
    """Streams add to the same in either order."""
    assert total([one, other]) == total([other, one])


@given(summaries, summaries, summaries)
def test_adding_is_associative(a: Summary, b: Summary, c: Summary) -> None:
    """Three streams add to the same, grouped either way."""
    assert total([total([a, b]), c]) == total([a, total([b, c])]) == total([a, b, c])


@given(st.lists(summaries, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_total_does_not_depend_on_order(several: list[Summary], random) -> None:  # noqa: ANN001
    """A total of streams is the same in any order."""
    shuffled = random.sample(several, len(several))

    assert total(several) == total(shuffled)


@given(streams, streams)
def test_plus_credits_nothing_between(one: list[Reading], other: list[Reading]) -> None:
    """What depends on order is added up, never made anew between two streams."""
    a, b = of_stream(one), of_stream(other)
    both = total([a, b])

    with localcontext(prec=200):
        assert a.increase + b.increase == both.increase
        assert a.unit_seconds + b.unit_seconds == both.unit_seconds
    assert a.resets + b.resets == both.resets
    assert max(a.longest_gap_seconds, b.longest_gap_seconds) == both.longest_gap_seconds


@given(streams)
def test_figures_are_those_of_exact_fractions(stream: list[Reading]) -> None:
    """Sums, squares and integral equal those computed in whole numbers."""
    found, scale = of_stream(stream), 10**27
    millis = [(later.at - earlier.at) // MILLISECOND for earlier, later in pairwise(stream)]

    with localcontext(prec=300):
        whole = [int(reading.volume * scale) for reading in stream]

        assert sum(whole) == found.sum * scale
        assert sum(one * one for one in whole) == found.sum_of_squares * scale * scale
        assert sum(a * b for a, b in zip(whole, millis, strict=False)) == (
            found.unit_seconds * scale * 1000
        )


@given(streams)
def test_ends_and_extremes(stream: list[Reading]) -> None:
    """Count, ends and extremes are those of the list."""
    found = of_stream(stream)
    volumes = [reading.volume for reading in stream]

    assert (len(stream), stream[0], stream[-1]) == (found.count, found.first, found.last)
    assert (min(volumes), max(volumes)) == (found.min, found.max)


@given(st.lists(strategies.volumes.map(abs), min_size=1, max_size=12).map(sorted))
def test_increase_without_resets(volumes: list[Decimal]) -> None:
    """A counter that only rises has increased by what lies between its ends."""
    found = of_stream([Reading(after_noon(n), volume) for n, volume in enumerate(volumes)])

    with localcontext(prec=100):
        assert (volumes[-1] - volumes[0], 0) == (found.increase, found.resets)


COUNTERS = [
    pytest.param([5], 0, 0, id="one-reading"),
    pytest.param([5, 5], 0, 0, id="unchanged"),
    pytest.param([5, 8], 3, 0, id="rise"),
    pytest.param([5, 3], 3, 1, id="reset"),
    pytest.param([5, 0], 0, 1, id="reset-to-zero"),
    pytest.param([5, 0, 5, 0, 7], 12, 2, id="resets"),
    pytest.param(["0.1", "0.3", "0.2"], "0.4", 1, id="fractions"),
    pytest.param([0, 5, -1], 4, 1, id="below-zero"),
]


@pytest.mark.parametrize(("volumes", "increase", "resets"), COUNTERS)
def test_increase(volumes: list, increase: str, resets: int) -> None:
    """A fall is a reset: counting began again from zero."""
    found = of_stream(readings(*enumerate(volumes)))

    assert (Decimal(increase), resets) == (found.increase, found.resets)


def test_integral_is_a_step_function() -> None:
    """A reading holds until the next; the last one holds no time."""
    found = of_stream(readings((0, 2), (10, 3), (10.5, 100)))

    assert (Decimal("21.5"), 10) == (found.unit_seconds, found.longest_gap_seconds)


def test_joining_credits_the_interval() -> None:
    """Joining adds the interval between two parts: its rise, its integral, its gap."""
    whole = joined([of_stream(readings((0, 2))), of_stream(readings((30, 5)))])

    assert (3, 60, 30) == (whole.increase, whole.unit_seconds, whole.longest_gap_seconds)


def test_joining_is_not_commutative() -> None:
    """The order of parts is that of time."""
    one, other = of_stream(readings((0, 2))), of_stream(readings((0, 5)))

    assert joined([one, other]) != joined([other, one])


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0"), (0.001, "0.001"), (1, "1"), (86400, "86400"), (1.5, "1.5"), (-1, "-1")],
)
def test_seconds_between(seconds: float, expected: str) -> None:
    """A length is exact to the millisecond."""
    found = seconds_between(NOON, after_noon(seconds))

    assert Decimal(expected).as_tuple() == found.as_tuple()


def test_total_of_one() -> None:
    """The total of one stream is its Summary."""
    one = of_stream(readings((0, 2), (1, 3)))

    assert one == total([one])


@given(strategies.streams())
def test_single_readings(stream: list[Reading]) -> None:
    """Each is a stream of one, and together they are what a stream says but for its intervals."""
    singles = [of_reading(one) for one in stream]

    assert singles == [of_stream([one]) for one in stream]
    assert tally(singles) == tally([of_stream(stream)])
