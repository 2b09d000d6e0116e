"""Reading samples batch by batch."""

from itertools import islice

from builders import after_noon, submission
from contract.asking import EVERYONE

from metering.query import SampleQuery
from metering.storage.mongodb import MongoStorage, scanning
from metering.storage.mongodb.connection import Connection

ALL = SampleQuery(scope=EVERYONE)


def open_cursors(connection: Connection) -> int:
    """How many cursors the server holds for anybody."""
    status = connection.client.admin.command("serverStatus")
    count: int = status["metrics"]["cursor"]["open"]["total"]
    return count


def keep_many(storage: MongoStorage, count: int) -> None:
    """Record samples of three series, a second apart."""
    batch = [
        submission(id=f"s-{n}", resource_id=f"vm-{n % 3}", timestamp=after_noon(n))
        for n in range(count)
    ]
    storage.record(batch, atomic=False)


def test_no_cursor_is_open_between_two_samples(
    storage: MongoStorage, connection: Connection
) -> None:
    """Wherever the caller stops: in a batch, at its end, or in a later one."""
    keep_many(storage, 1000)
    found = storage.samples(ALL)

    for count in (1, 126, 1, 1, 500):
        assert count == len(list(islice(found, count)))
        assert 0 == open_cursors(connection)


def test_an_open_cursor_would_be_seen(storage: MongoStorage, connection: Connection) -> None:
    """The negative control."""
    keep_many(storage, 10)
    with connection.samples.find(batch_size=2) as cursor:
        next(cursor)

        assert 1 == open_cursors(connection)


def test_batches_that_end_with_the_samples(storage: MongoStorage) -> None:
    """A last batch that is full is followed by an empty one."""
    keep_many(storage, 3 * scanning._FIRST_BATCH)

    assert list(reversed(range(3 * scanning._FIRST_BATCH))) == [
        int(one.id.removeprefix("s-")) for one in storage.samples(ALL)
    ]
