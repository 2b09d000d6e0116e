"""A transaction whose process died does not refuse for a minute what is sent again."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from builders import submission
from pymongo import MongoClient

from metering.errors import StorageUnavailable
from metering.model import Outcome
from metering.storage import folding
from metering.storage.mongodb import MongoStorage
from metering.storage.mongodb.orphans import APP_NAME, INACTIVE_SECONDS, end_orphans

BATCH = [submission(id="1"), submission(id="2")]


@pytest.fixture
def dying(url: str, request: pytest.FixtureRequest) -> Iterator[MongoClient[dict[str, object]]]:
    """A client, by default one of ours, that has inserted one of the batch and goes no further."""
    name = getattr(request, "param", APP_NAME)
    with MongoClient(url, appname=name) as client, client.start_session() as session:
        session.start_transaction()
        samples = client.get_default_database()["samples"]
        samples.insert_many([{"_id": BATCH[1].sample.key}], session=session)
        yield client


def test_it_is_ended_when_it_is_in_the_way(
    storage: MongoStorage, dying: MongoClient[dict[str, object]]
) -> None:
    """The batch is stored after little more than the time after which nobody goes on."""
    begin = time.monotonic()
    verdicts = storage.record(BATCH, atomic=True)

    assert [Outcome.STORED] * 2 == [one.outcome for one in verdicts]
    assert time.monotonic() - begin < INACTIVE_SECONDS + 3


@pytest.mark.parametrize("collection", ["blocks", "hours"])
def test_that_of_a_sealer_does_not_keep_what_it_sealed(
    storage: MongoStorage, url: str, monkeypatch: pytest.MonkeyPatch, collection: str
) -> None:
    """Who forgets all that was sealed waits no longer than for others."""
    monkeypatch.setattr(folding, "READINGS_FOR_HOURS", 1)
    storage.record(BATCH, atomic=True)
    list(storage.seal(BATCH[0].sample.timestamp + timedelta(days=1)))
    with MongoClient(url, appname=APP_NAME) as client, client.start_session() as session:
        sealed = client.get_default_database()[collection]
        session.start_transaction()
        assert sealed.update_many({}, {"$set": {"a": 1}}, session=session).modified_count == 2
        begin = time.monotonic()
        storage.unseal()

        assert time.monotonic() - begin < INACTIVE_SECONDS + 5
        assert sealed.count_documents({}) == 0


@pytest.mark.parametrize("dying", ["another"], indirect=True)
def test_that_of_another_program_is_let_be(
    storage: MongoStorage,
    dying: MongoClient[dict[str, object]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who is no service of ours may take its time; then it is unknown whether it is stored."""
    monkeypatch.setattr("metering.storage.mongodb.writing.BUDGET_SECONDS", INACTIVE_SECONDS + 2)
    with pytest.raises(StorageUnavailable):
        storage.record(BATCH, atomic=True)


def test_one_that_goes_on_is_let_be(
    storage: MongoStorage, dying: MongoClient[dict[str, object]]
) -> None:
    """A transaction whose last command was just now is not ended."""
    end_orphans(storage.tables._connection.client)
    found = dying.admin.aggregate(
        [{"$currentOp": {"idleSessions": True}}, {"$match": {"desc": "inactive transaction"}}]
    )

    assert 1 == len(list(found))
