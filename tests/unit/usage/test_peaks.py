"""The highest sum of what holds at once."""

from decimal import Decimal

from builders import after_noon
from hypothesis import given
from hypothesis import strategies as st

from metering.usage.peaks import peak
from metering.usage.quantities import Level


def level(start: float, end: float, volume: int) -> Level:
    """A volume from one second after noon until another."""
    return Level(after_noon(start), after_noon(end), Decimal(volume))


def test_nothing_holds() -> None:
    """Without a time there is no peak."""
    assert peak([]) is None
    assert peak([level(1, 1, 5)]) is None


def test_levels_are_half_open() -> None:
    """What ends when another begins is not beside it."""
    assert peak([level(0, 10, 3), level(10, 20, 4)]) == 4
    assert peak([level(0, 11, 3), level(10, 20, 4)]) == 7


def test_below_zero() -> None:
    """The highest sum may be negative; when nothing holds, nothing is its sum."""
    assert peak([level(0, 10, -3), level(20, 30, -5)]) == -3


levels = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(-5, 5)).map(
        lambda drawn: level(min(drawn[:2]), max(drawn[:2]), drawn[2])
    ),
    max_size=8,
)


@given(levels)
def test_second_by_second(found: list[Level]) -> None:
    """The highest of the sums at each second."""
    sums = []
    for second in range(10):
        at = after_noon(second)
        there = [one.volume for one in found if one.start <= at < one.end]
        sums += [sum(there)] if there else []

    assert peak(found) == (max(sums) if sums else None)
