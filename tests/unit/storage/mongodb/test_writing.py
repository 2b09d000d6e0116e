"""Recording: once for each key, all or nothing, and seen the same by the memory driver."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from builders import LATER, NOON, after_noon, submission
from mongod import Standalone

from metering.errors import Misconfigured
from metering.model import AllProjects, Outcome, Project, Submission
from metering.query import FIELDS, Comparison, ExtentQuery, Operator, SampleQuery, SummaryQuery
from metering.storage.base import Storage
from metering.storage.memory import MemoryStorage
from metering.storage.mongodb import MongoStorage
from metering.storage.mongodb.connection import Connection
from metering.times import EVER, Range, WholeRange

EVERYONE = AllProjects()


def outcomes(storage: Storage, *batch: Submission, atomic: bool = False) -> list[Outcome]:
    """What becomes of a batch."""
    return [verdict.outcome for verdict in storage.record(batch, atomic=atomic)]


def ids(storage: Storage) -> list[str]:
    """The ids of all samples, sorted."""
    return sorted(sample.id for sample in storage.samples(SampleQuery(scope=EVERYONE)))


def test_nothing_to_record_needs_no_server() -> None:
    """An empty batch is answered at once."""
    store = MongoStorage.open("mongodb://127.0.0.1:1", timeout_seconds=1)

    assert [] == store.record([], atomic=True)


@pytest.mark.parametrize("name", ["tracks", "descriptions", "rollups"])
def test_a_track_is_written_once(storage: MongoStorage, connection: Connection, name: str) -> None:
    """What this process knows to be stored is not sent again, nor are description and rollup."""
    collection = connection.database[name]
    outcomes(storage, submission(id="1"))
    assert 1 == collection.count_documents({})
    collection.delete_many({})

    outcomes(storage, submission(id="2"))

    assert 0 == collection.count_documents({})


@pytest.mark.parametrize("name", ["tracks", "descriptions"])
def test_what_samples_name_is_missing(
    storage: MongoStorage, connection: Connection, name: str
) -> None:
    """A retry whose sample cannot be read again is a fault of the database, and said to be one."""
    outcomes(storage, submission(id="1"))
    connection.database[name].delete_many({})

    with pytest.raises(Misconfigured, match=f"^{name} of samples are missing: .*verify"):
        outcomes(storage, submission(id="1"))


def test_what_is_new_is_written_alone(storage: MongoStorage, connection: Connection) -> None:
    """A track that changes its description is no other track, and tracks may share one."""
    outcomes(storage, submission(id="1"))
    outcomes(storage, submission(id="2", metadata={"a": 1}))
    outcomes(storage, submission(id="3", resource_id="vm-2", metadata={"a": 1}))

    assert 2 == connection.tracks.count_documents({})
    assert 2 == connection.descriptions.count_documents({})


def test_a_track_of_another_process_is_no_fault(url: str, storage: MongoStorage) -> None:
    """Two processes meet the same track, and the same description."""
    other = MongoStorage.open(url, timeout_seconds=20)
    outcomes(storage, submission(id="1"))

    assert [Outcome.STORED] == outcomes(other, submission(id="2"))
    other.close()


@pytest.mark.parametrize("atomic", [False, True])
def test_one_of_two_that_race_stores(url: str, storage: MongoStorage, *, atomic: bool) -> None:
    """The same batch from several at once: every sample is stored by one, and kept once."""
    batch = [submission(id=f"s-{number}") for number in range(20)]
    stores = [MongoStorage.open(url, timeout_seconds=20) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda store: outcomes(store, *batch, atomic=atomic), stores))
    for store in stores:
        store.close()

    for of_one_sample in zip(*answers, strict=True):
        assert [Outcome.DUPLICATE] * 5 + [Outcome.STORED] == sorted(of_one_sample)
    assert 20 == len(ids(storage))


def test_atomic_batches_that_race_are_stored_whole(url: str, storage: MongoStorage) -> None:
    """Of two batches that contradict each other in one sample, nothing is mixed."""
    batches = [
        [submission(id=f"{batch}/{number}") for number in range(10)]
        + [submission(id="contested", volume=batch)]
        for batch in range(6)
    ]
    stores = [MongoStorage.open(url, timeout_seconds=20) for _ in batches]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda store, batch: outcomes(store, *batch, atomic=True), stores, batches))
    for store in stores:
        store.close()

    kept = ids(storage)
    assert 11 == len(kept)
    assert 1 == len({one.partition("/")[0] for one in kept if one != "contested"})


def test_a_standalone_server_looks_before_it_writes(standalone: Standalone) -> None:
    """Without transactions a conflict still leaves everything out."""
    store = MongoStorage.open(standalone.url("conflict"), timeout_seconds=20)
    store.prepare()
    outcomes(store, submission(id="1"))

    actual = outcomes(store, submission(id="2"), submission(id="1", volume=2), atomic=True)

    assert [Outcome.STORED, Outcome.CONFLICT] == actual
    assert ["1"] == ids(store)
    assert (
        outcomes(store, submission(id="2"), submission(id="3"), atomic=True) == [Outcome.STORED] * 2
    )
    store.close()


def history(chance: random.Random) -> list[tuple[list[Submission], bool]]:
    """Batches with few keys, instants and series, so that all of them repeat."""
    return [
        ([one(chance) for _ in range(chance.randrange(8))], chance.random() < 0.5)
        for _ in range(12)
    ]


def one(chance: random.Random) -> Submission:
    """A submission at random."""
    return submission(
        id=f"s-{chance.randrange(40)}",
        resource_id=f"vm-{chance.randrange(3)}",
        project_id=chance.choice(["p-1", None]),
        timestamp=after_noon(chance.randrange(4)),
        volume=chance.choice(["0", "0.5", "9", "10"]),
        recorded_at=LATER + timedelta(seconds=chance.randrange(3)),
    )


def questions(chance: random.Random) -> list[Any]:
    """One question of each kind."""
    start, end = (chance.choice([None, after_noon(chance.randrange(5))]) for _ in range(2))
    range_ = chance.choice([EVER, Range(start, end)])
    what: dict[str, Any] = {"scope": chance.choice([EVERYONE, Project("p-1")]), "range": range_}
    resource = Comparison(FIELDS["resource_id"], Operator.EQ, "vm-1")
    what |= chance.choice([{}, {"filter": resource}])
    as_of = chance.choice([None, LATER, LATER + timedelta(seconds=1)])
    return [
        SampleQuery(**what),
        ExtentQuery(**what, as_of=as_of),
        SummaryQuery(**what, windows=WholeRange(range_)),
    ]


def answers(storage: Storage, asked: list[Any]) -> list[Any]:
    """The answers; those in no order as sets."""
    of_samples, of_extents, of_summaries = asked
    return [
        list(storage.samples(of_samples)),
        set(storage.extents(of_extents)),
        {(one.subject, one.window): one.summary for one in storage.summaries(of_summaries)},
    ]


@pytest.mark.parametrize("seed", range(5))
def test_it_answers_as_memory_does(storage: MongoStorage, seed: int) -> None:
    """The same history gives the same verdicts and the same answers."""
    chance = random.Random(seed)
    memory = MemoryStorage()
    for batch, atomic in history(chance):
        assert memory.record(batch, atomic=atomic) == storage.record(batch, atomic=atomic)

    for _ in range(40):
        asked = questions(chance)
        assert answers(memory, asked) == answers(storage, asked)


@pytest.mark.parametrize("most", [1, 2])
def test_many_tracks_are_walked_by_time(
    storage: MongoStorage, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Beyond some thousands of tracks, samples come from the index by time: the same ones."""
    outcomes(
        storage,
        *(
            submission(id=f"{number}/{second}", resource_id=f"vm-{number}", timestamp=NOON)
            for number in range(7)
            for second in range(3)
        ),
    )
    merged = list(storage.samples(SampleQuery(scope=EVERYONE)))

    monkeypatch.setattr("metering.storage.mongodb.questions.MOST_TRACKS_MERGED", most)
    split = list(storage.samples(SampleQuery(scope=EVERYONE)))
    monkeypatch.setattr("metering.storage.mongodb.scanning.MOST_WALKS", 1)
    walked = list(storage.samples(SampleQuery(scope=EVERYONE)))
    monkeypatch.setattr("metering.storage.mongodb.questions.MOST_TRACKS_SENT", 1)
    sifted = list(storage.samples(SampleQuery(scope=EVERYONE)))

    assert 21 == len(merged)
    assert merged == split == walked == sifted
