"""What is known of series, and what has to be read."""

from collections.abc import Collection, Iterator

from builders import series

from metering.model import Series
from metering.storage.handles import Handle
from metering.storage.known import KnownSeries

ONE, OTHER = series(), series(resource_id="vm-2")


class Table:
    """Series by handle, as a database has them; notes what was read."""

    def __init__(self, rows: dict[int, Series]) -> None:
        self.rows = rows
        self.was_read: list[Handle] = []

    def read(self, handles: Collection[Handle]) -> Iterator[tuple[Handle, Series]]:
        """The series with these handles."""
        self.was_read += handles
        return ((handle, one) for handle, one in self.rows.items() if handle in handles)

    def asked_by(self, known: KnownSeries) -> dict[Handle, Series]:
        """All that there is."""
        found = [(handle, one.digest) for handle, one in self.rows.items()]
        return dict(known.completed(found, self.read))


def test_each_series_is_read_once() -> None:
    """The second time only what came meanwhile is read."""
    table, known = Table({1: ONE}), KnownSeries()

    assert {1: ONE} == table.asked_by(known)
    table.rows[2] = OTHER
    assert {1: ONE, 2: OTHER} == table.asked_by(known)
    assert {1: ONE, 2: OTHER} == table.asked_by(known)
    assert [1, 2] == table.was_read


def test_handles_may_come_to_mean_others() -> None:
    """After a database was restored, or made anew, each handle is what it is there."""
    known = KnownSeries()
    Table({1: ONE, 2: OTHER}).asked_by(known)

    assert {2: ONE, 3: OTHER} == Table({2: ONE, 3: OTHER}).asked_by(known)
    assert {1: OTHER} == Table({1: OTHER}).asked_by(known)


def test_nothing_is_read_where_all_is_known() -> None:
    """Not even for nothing."""
    table, known = Table({1: ONE}), KnownSeries()
    table.asked_by(known)
    table.was_read.clear()

    table.asked_by(known)
    Table({}).asked_by(known)

    assert [] == table.was_read


def test_memory_is_bounded() -> None:
    """Of series with long descriptions fewer are known."""
    long = {"text": "x" * 15_000}
    table = Table({number: series(unit=str(number), metadata=long) for number in range(3_000)})
    known = KnownSeries()
    table.asked_by(known)
    table.was_read.clear()

    assert len(table.asked_by(known)) == 3_000
    assert len(table.was_read) > 1_000
