"""A question is given up when its time is up, or when whoever asked has gone."""

import time
from collections.abc import Iterator
from itertools import count

import pytest
from askers import Leaving, asked

from metering import asker
from metering.deadline import Deadline
from metering.errors import Abandoned, QueryTooExpensive

LONG, OVER = 60, -1


def ticking(rows: int | None = None) -> Iterator[int]:
    """A row each ten milliseconds; for ever, if it is not said how many."""
    for number in count():
        if number == rows:
            break
        time.sleep(0.01)
        yield number


def test_rows_are_what_they_were() -> None:
    """While there is time, and somebody there."""
    assert [0, 1, 2] == list(Deadline(LONG).guard(range(3)))


def test_time_is_up() -> None:
    """Before the first row."""
    deadline = Deadline(OVER)

    assert deadline.has_passed()
    with pytest.raises(QueryTooExpensive, match="longer than -1 s"):
        list(deadline.guard([1]))


def test_the_asker_is_gone_from_the_beginning() -> None:
    """No row is given, however much time there is."""

    def ask() -> None:
        deadline = Deadline(LONG)
        assert deadline.has_passed()
        with pytest.raises(Abandoned):
            list(deadline.guard([1]))

    asked(Leaving(), ask)


@pytest.mark.parametrize("restarts", [False, True])
def test_the_asker_goes(restarts: bool) -> None:
    """It is noticed within a quarter of a second and a row, also if each row has its own time."""

    def ask() -> float:
        deadline = Deadline(LONG)
        begin = time.monotonic()
        with pytest.raises(Abandoned):
            [deadline.restart() if restarts else None for _ in deadline.guard(ticking())]
        return time.monotonic() - begin

    seconds = asked(leaving := Leaving(1), ask)

    assert 0.25 < seconds < 10
    assert leaving.looks > 1


def test_few_looks_at_the_asker_are_enough() -> None:
    """Not one for each row."""
    asked(staying := Leaving(1000), lambda: list(Deadline(LONG).guard(range(100_000))))
    asked(patient := Leaving(1000), lambda: list(Deadline(LONG).guard(ticking(30))))

    assert staying.looks < 100
    assert 1 < patient.looks < 30


def test_each_question_of_a_request_begins_with_a_look() -> None:
    """Many short ones would else go on for nobody."""

    def ask() -> None:
        for number in count():
            assert number < 10
            list(Deadline(LONG).guard([number]))

    with pytest.raises(Abandoned):
        asked(Leaving(5), ask)


def test_nobody_goes_unless_it_is_said() -> None:
    """A command asks for itself."""
    assert not asker.is_gone()
    asker.require()


def test_what_is_left_is_told_while_there_is_something_left() -> None:
    """In whole milliseconds, to who can be told in advance: a database."""
    assert 59_000 < Deadline(LONG).remaining_ms() <= 60_000
    with pytest.raises(QueryTooExpensive):
        Deadline(OVER).remaining_ms()
    with pytest.raises(Abandoned):
        asked(Leaving(), Deadline(LONG).remaining_ms)
