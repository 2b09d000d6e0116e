"""Reading samples batch by batch."""

import random
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice

import pytest
from askers import Leaving, asked
from builders import NOON, after_noon, submission
from contract.asking import EVERYONE

from metering.errors import Abandoned
from metering.query import Position, SampleQuery
from metering.storage.mongodb import MongoStorage, names, questions, scanning
from metering.storage.mongodb.connection import Connection
from metering.storage.mongodb.mapping import Found
from metering.storage.mongodb.questions import Find
from metering.storage.mongodb.ranks import instant_of, rank_of, ranks_between
from metering.storage.mongodb.reading import Reader
from metering.storage.stored_sample import StoredSample
from metering.times import EVER

ALL = SampleQuery(scope=EVERYONE)


def open_cursors(connection: Connection) -> int:
    """How many cursors the server holds for anybody."""
    status = connection.client.admin.command("serverStatus")
    count: int = status["metrics"]["cursor"]["open"]["total"]
    return count


def keep_many(storage: MongoStorage, count: int) -> None:
    """Record samples of three tracks, a second apart."""
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


@pytest.mark.parametrize("patience", [0, 1, 3])
def test_no_cursor_is_open_for_who_has_gone(
    storage: MongoStorage, connection: Connection, patience: int
) -> None:
    """A look before each batch is enough, and the cursor goes with the asker."""
    keep_many(storage, 500)
    of_all: Find = {"filter": {}, "batch_size": 100}
    read: list[bytes] = []

    with pytest.raises(Abandoned):
        asked(Leaving(patience), lambda: read.extend(Reader(connection, 60).batches(of_all)))

    assert patience == len(read)
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


class Server:
    """Answers finds as MongoDB does: samples of one rank in any order; it counts them."""

    def __init__(self, samples: list[Found]) -> None:
        """Take what there is."""
        self._samples = samples
        self.sent = 0

    def ask(self, find: Find) -> Iterator[Found]:
        """As many as asked for, highest ranks first."""
        asked = find["filter"]
        lowest = asked.get(names.RANK, {}).get("$gte", float("-inf"))
        highest = asked.get(names.RANK, {}).get("$lte", float("inf"))
        chosen = [
            one
            for one in self._samples
            if lowest <= one.position[0] <= highest
            and one.row.track in asked.get(names.TRACK, {"$in": [one.row.track]})["$in"]
        ]
        random.Random(len(chosen)).shuffle(chosen)
        chosen.sort(key=lambda one: -one.position[0])
        self.sent += len(chosen[: find["limit"]])
        return iter(chosen[: find["limit"]])


def found(number: int, rank: int, tracks: int = 6) -> Found:
    """A sample of one of some tracks."""
    row = StoredSample(
        bytes([number % tracks]), b"", str(number), instant_of(rank), Decimal(1), NOON
    )
    return Found((rank, number.to_bytes(16)), row)


RANK = rank_of(NOON, b"\x80")


@pytest.mark.parametrize("merged", [1, 4, 6])
@pytest.mark.parametrize("batch", [1, 2, 7])
@pytest.mark.parametrize("ranks", [1, 3, 50])
def test_samples_of_one_rank_come_in_order(
    monkeypatch: pytest.MonkeyPatch, merged: int, batch: int, ranks: int
) -> None:
    """However many they are, whatever a batch has, from the one index and from the other."""
    monkeypatch.setattr(questions, "MOST_TRACKS_MERGED", merged)
    monkeypatch.setattr(scanning, "_FIRST_BATCH", batch)
    monkeypatch.setattr(scanning, "_ROWS_OF_ALL_WALKS", 12)
    samples = [found(number, RANK + number % ranks) for number in range(100)]
    server, handles = Server(samples), [bytes([number]) for number in range(6)]
    expected = sorted(samples, key=lambda one: one.position, reverse=True)

    for count in (6, 7):
        assert expected == list(
            scanning.newest_first(server.ask, handles, EVER, None, lambda count=count: count)
        )


def test_a_page_of_very_many_ties_reads_little() -> None:
    """Of 200,000 samples of one instant, a page in their midst has some hundreds sent."""
    first = ranks_between(NOON, NOON).lowest
    server = Server([found(number, first + number % 4096) for number in range(200_000)])
    handles = [bytes([number]) for number in range(6)]
    after = Position(NOON, b"\x80" + bytes(15))

    pages = scanning.newest_first(server.ask, handles, EVER, after, lambda: 6)

    assert 100 == len(list(islice(pages, 100)))
    assert server.sent <= 400
