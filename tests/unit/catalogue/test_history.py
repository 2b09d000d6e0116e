"""How little is read to tell what a resource was when."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from builders import after_noon, submission

from metering.catalogue.history import History
from metering.deadline import Deadline
from metering.errors import QueryTooExpensive
from metering.model import AllProjects, Extent, Sample
from metering.query import ExtentQuery, SampleQuery
from metering.storage.memory import MemoryStorage

METERS = [f"m{n}" for n in range(5)]
MINUTE, DAY, YEAR = 60, 86_400, 365 * 86_400


class Counting(MemoryStorage):
    """Counts what it is asked, and the samples that it gives."""

    questions = 0
    samples_read = 0

    def extents(self, query: ExtentQuery) -> Iterator[Extent]:
        """The same."""
        self.questions += 1
        return super().extents(query)

    def samples(self, query: SampleQuery) -> Iterator[Sample]:
        """The same."""
        self.questions += 1
        for one in super().samples(query):
            self.samples_read += 1
            yield one


def polled(*told: tuple[int, int, dict[str, Any]]) -> Counting:
    """A store of a resource whose meters are polled some seconds apart, from and to and as what.

    Every six hours, and each minute in the hour before and after a change.
    """
    storage = Counting()
    made = []
    for start, end, changes in told:
        often = [*range(start, start + 60 * MINUTE, MINUTE), *range(end - 3600, end, MINUTE)]
        for at in sorted({*often, *range(start, end, DAY // 4)}):
            for skew, meter in enumerate(METERS):
                # The last meters lag behind: they go on as they were while the first have changed.
                seconds = at + (skew * 25 if at != start else 0)
                named = {
                    "id": f"{seconds} {meter}",
                    "meter": meter,
                    "timestamp": after_noon(seconds),
                }
                made.append(submission(**named, **changes))
    storage.record(made, atomic=False)
    return storage


def seen(storage: Counting, at: int | None = None) -> Iterator[Extent]:
    """The changes of its resource."""
    history = History(storage, AllProjects(), "vm-1", Deadline(60))
    return history.changes(None if at is None else after_noon(at))


SMALL, LARGE = {"metadata": {"flavor": "small"}}, {"metadata": {"flavor": "large"}}


def test_what_does_not_overlap_is_one_question() -> None:
    """Descriptions that differ each time are told by their extents."""
    storage = Counting()
    storage.record(
        [submission(id=str(n), timestamp=after_noon(n), metadata={"n": n}) for n in range(500)],
        atomic=False,
    )

    assert (500, 1, 0) == (len(list(seen(storage))), storage.questions, storage.samples_read)


def test_a_change_is_looked_at_from_near() -> None:
    """Where one description passes into the next some minutes of samples are read, of years."""
    storage = polled((0, YEAR, SMALL), (YEAR, 2 * YEAR, LARGE))
    changes = len(list(seen(storage)))

    assert changes > 1
    assert storage.questions <= 6
    assert storage.samples_read < 100


def test_one_that_comes_back_is_searched_for() -> None:
    """The steps are halves of what is left, not days."""
    storage = polled((0, YEAR, SMALL), (YEAR, YEAR + DAY, LARGE), (YEAR + DAY, 2 * YEAR, SMALL))
    list(seen(storage))

    assert storage.questions < 30
    assert storage.samples_read < 500


def test_what_is_not_asked_for_is_not_looked_at() -> None:
    """Two meters disagree for years: the first changes from an instant on take an hour of them."""
    storage = Counting()
    storage.record(
        [
            submission(id=f"{n}", meter=METERS[n % 2], timestamp=after_noon(n * 1000), **changes)
            for n, changes in enumerate([SMALL, LARGE] * 10_000)
        ],
        atomic=False,
    )
    found = list(islice(seen(storage, 10_000_000), 4))

    assert [after_noon(10_000_000 + 1000 * n) for n in range(-1, 3)] == [
        one.first_sample_at for one in found
    ]
    assert storage.questions < 60
    assert storage.samples_read < 20


def test_what_never_changes_takes_few_questions() -> None:
    """Two meters disagree at the same instants for a month, and one of them always prevails."""
    storage = Counting()
    made = [
        submission(id=f"{at} {meter}", meter=meter, timestamp=after_noon(at), **changes)
        for at in range(0, 30 * DAY, 10 * MINUTE)
        for meter, changes in zip(METERS, (SMALL, LARGE), strict=False)
    ]
    storage.record(made, atomic=False)

    assert 1 == len(list(seen(storage)))
    assert storage.questions < 200
    assert storage.samples_read == len(made)


def test_all_of_it_has_one_limit() -> None:
    """Questions that are each quick are too expensive together."""
    history = History(
        polled((0, DAY, SMALL), (DAY, 2 * DAY, LARGE)), AllProjects(), "vm-1", Deadline(0)
    )

    with pytest.raises(QueryTooExpensive):
        list(history.changes())
