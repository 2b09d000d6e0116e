"""What is known of tracks and descriptions, and what has to be read."""

from collections.abc import Callable, Collection, Iterator
from typing import Generic, TypeVar

import pytest
from builders import series

from metering.metadata import Metadata
from metering.model import Track
from metering.storage.digest_cache import DigestCache
from metering.storage.handles import Handle

T = TypeVar("T", Track, Metadata)


def track(number: int) -> Track:
    """One of many tracks."""
    return series(resource_id=f"vm-{number}").track


def description(number: int) -> Metadata:
    """One of many descriptions."""
    return Metadata.of({"number": number})


class Table(Generic[T]):
    """Tracks or descriptions by handle, as a database has them; notes what was read."""

    def __init__(self, rows: dict[int, T]) -> None:
        self.rows = rows
        self.was_read: list[Handle] = []

    def read(self, handles: Collection[Handle]) -> Iterator[tuple[Handle, T]]:
        """Those with these handles."""
        self.was_read += handles
        return ((one, self.rows[one]) for one in handles if one in self.rows)

    def asked_by(self, known: DigestCache[T]) -> dict[Handle, T]:
        """All that there is."""
        found = [(handle, one.digest) for handle, one in self.rows.items()]
        return dict(known.completed(found, self.read))


of_both = pytest.mark.parametrize("make", [track, description])


@of_both
def test_each_is_read_once(make: Callable[[int], Track]) -> None:
    """The second time only what came meanwhile is read."""
    one, other = map(make, (1, 2))
    table, known = Table({1: one}), DigestCache[Track]()

    assert {1: one} == table.asked_by(known)
    table.rows[2] = other
    assert {1: one, 2: other} == table.asked_by(known)
    assert {1: one, 2: other} == table.asked_by(known)
    assert [1, 2] == table.was_read


@of_both
def test_handles_may_come_to_mean_others(make: Callable[[int], Track]) -> None:
    """After a database was restored, or made anew, each handle is what it is there."""
    one, other = map(make, (1, 2))
    known = DigestCache[Track]()
    Table({1: one, 2: other}).asked_by(known)

    assert {2: one, 3: other} == Table({2: one, 3: other}).asked_by(known)
    assert {1: other} == Table({1: other}).asked_by(known)


@of_both
def test_nothing_is_read_where_all_is_known(make: Callable[[int], Track]) -> None:
    """Not even for nothing."""
    table, known = Table({1: make(1)}), DigestCache[Track]()
    table.asked_by(known)
    table.was_read.clear()

    table.asked_by(known)
    Table[Track]({}).asked_by(known)

    assert [] == table.was_read


@of_both
def test_what_is_gone_is_in_no_answer(make: Callable[[int], Track]) -> None:
    """A handle that is found, but of which nothing can be read, is passed over."""
    one, other = map(make, (1, 2))

    found = DigestCache[Track]().completed(
        [(1, one.digest), (2, other.digest)], Table({2: other}).read
    )

    assert [(2, other)] == list(found)


def test_memory_of_descriptions_is_bounded() -> None:
    """Of long descriptions fewer are known."""
    long = "x" * 15_000
    table = Table({number: Metadata.of({"text": f"{number}{long}"}) for number in range(3_000)})
    known = DigestCache[Metadata]()
    table.asked_by(known)
    table.was_read.clear()

    assert len(table.asked_by(known)) == 3_000
    assert len(table.was_read) > 1_000


def test_memory_of_tracks_is_bounded() -> None:
    """Some ten thousand are known at once, and not all that there are."""
    table = Table({number: track(number) for number in range(60_000)})
    known = DigestCache[Track]()
    table.asked_by(known)
    table.was_read.clear()

    assert len(table.asked_by(known)) == 60_000
    assert len(table.was_read) > 10_000


def test_many_short_descriptions_are_known() -> None:
    """Of those that differ in little thousands fit."""
    table = Table({number: description(number) for number in range(20_000)})
    known = DigestCache[Metadata]()
    table.asked_by(known)
    table.was_read.clear()

    assert len(table.asked_by(known)) == 20_000
    assert [] == table.was_read
