"""A bounded memory."""

from metering.remembered import Remembered


def test_it_remembers_the_last_pairs() -> None:
    """As many as it is made for are there."""
    remembered: Remembered[int, str] = Remembered(2)
    for number in range(5):
        remembered.add(number, str(number))

    assert ["3", "4"] == [remembered.get(number) for number in (3, 4)]


def test_it_forgets_old_pairs() -> None:
    """It does not grow for ever."""
    remembered: Remembered[int, str] = Remembered(2)
    for number in range(10):
        remembered.add(number, str(number))

    assert remembered.get(0) is None
    assert sum(remembered.get(number) is not None for number in range(10)) <= 4


def test_what_is_asked_for_again_stays() -> None:
    """A pair that is met now and then outlives any number that are not."""
    remembered: Remembered[int, str] = Remembered(2)
    remembered.add(-1, "met")
    for number in range(10):
        remembered.add(number, str(number))

        assert remembered.get(-1) == "met"


def test_what_is_large_takes_the_place_of_more() -> None:
    """Where values have sizes, it is their sum that is bounded."""
    remembered: Remembered[int, str] = Remembered(10, lambda _, text: len(text))
    for number in range(10):
        remembered.add(number, "12345")

    assert ["12345", "12345"] == [remembered.get(number) for number in (8, 9)]
    assert sum(remembered.get(number) is not None for number in range(10)) <= 6
