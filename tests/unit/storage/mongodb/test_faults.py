"""Servers that die, freeze, dawdle or do not confirm."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from builders import submission
from mongod import ReplicaSet
from pymongo import MongoClient
from pymongo.errors import ExecutionTimeout, OperationFailure, ServerSelectionTimeoutError
from pymongo.write_concern import WriteConcern

from metering.errors import QueryTooExpensive, StorageUnavailable
from metering.model import AllProjects, Outcome, Submission
from metering.query import SampleQuery
from metering.storage.mongodb import MongoStorage, faults
from metering.storage.mongodb.packing import sample_to_document

ALL = SampleQuery(scope=AllProjects())
EVEN_SO = {"shouldCheckForInterrupt": True}
DOCUMENTS = [{"_id": b"1"}, {"_id": b"2"}]


@pytest.fixture
def servers() -> Iterator[ReplicaSet]:
    """A replica set of one member that a test may break."""
    with ReplicaSet() as broken:
        yield broken


@pytest.fixture
def fragile(servers: ReplicaSet, monkeypatch: pytest.MonkeyPatch) -> Iterator[MongoStorage]:
    """A prepared store on it, with a sample, which gives up writing after 4 seconds."""
    monkeypatch.setattr("metering.storage.mongodb.writing.BUDGET_SECONDS", 4)
    store = MongoStorage.open(servers.url(), timeout_seconds=20)
    store.prepare()
    store.record([submission(id="1")], atomic=False)
    yield store
    store.close()


@contextmanager
def failing(client: MongoClient[Any], name: str, data: dict[str, Any]) -> Iterator[None]:
    """A fail point of the server, on for a while."""
    client.admin.command({"configureFailPoint": name, "mode": "alwaysOn", "data": data})
    try:
        yield
    finally:
        client.admin.command({"configureFailPoint": name, "mode": "off"})


def outcomes(storage: MongoStorage, *batch: Submission, atomic: bool = False) -> list[Outcome]:
    """What becomes of a batch."""
    return [verdict.outcome for verdict in storage.record(batch, atomic=atomic)]


def seconds_until_unavailable(action: Any) -> float:
    """How long it takes to be told."""
    start = time.monotonic()
    with pytest.raises(StorageUnavailable):
        action()
    return time.monotonic() - start


def test_taken_keys_are_told() -> None:
    """Duplicate keys are no fault."""
    errors = [{"index": 1, "code": 11000}]

    actual = faults.taken_keys({"writeErrors": errors, "writeConcernErrors": []}, DOCUMENTS)

    assert [b"2"] == actual


@pytest.mark.parametrize(
    ("code", "concern"), [(11000, [{"code": 64}]), (121, []), (11000, [{"code": 50}])]
)
def test_what_is_not_confirmed_is_unavailable(code: int, concern: list[Any]) -> None:
    """A failed write concern counts even where a duplicate key is reported."""
    details = {"writeErrors": [{"index": 0, "code": code}], "writeConcernErrors": concern}

    with pytest.raises(StorageUnavailable):
        faults.taken_keys(details, DOCUMENTS)


def test_a_time_limit_of_the_server_is_a_question_too_expensive() -> None:
    """The message says the limit."""
    with pytest.raises(QueryTooExpensive, match="longer than 7 s"), faults.of_question(7):
        raise ExecutionTimeout("", 50)


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (ServerSelectionTimeoutError("host:27017 secret"), "ServerSelectionTimeoutError"),
        (OperationFailure("secret", 18, {"codeName": "AuthenticationFailed"}), "Authentication"),
        (OperationFailure("secret", 99), "OperationFailure"),
        (OperationFailure("secret", 99, {"ok": 0}), "OperationFailure 99"),
    ],
)
def test_other_errors_are_unavailable(error: Exception, word: str) -> None:
    """The message names the kind of fault and nothing else."""
    with pytest.raises(StorageUnavailable, match=word) as caught, faults.of_question(1):
        raise error

    assert "secret" not in str(caught.value)
    assert error is caught.value.__cause__


def test_a_dawdling_server_makes_a_question_too_expensive(url: str, storage: MongoStorage) -> None:
    """The server keeps the time limit of a question."""
    outcomes(storage, submission())
    hasty = MongoStorage.open(url, timeout_seconds=0.5)
    # The first question also asks whether the primary is a new one.
    list(hasty.samples(ALL))

    with (
        failing(hasty.tables._connection.client, "waitInFindBeforeMakingBatch", EVEN_SO),
        pytest.raises(QueryTooExpensive, match=r"longer than 0\.5 s"),
    ):
        list(hasty.samples(ALL))
    hasty.close()


def test_a_killed_server_is_unavailable_until_it_is_back(
    servers: ReplicaSet, fragile: MongoStorage
) -> None:
    """Within seconds, and the same object goes on afterwards."""
    servers.members[0].kill()

    assert seconds_until_unavailable(lambda: list(fragile.samples(ALL))) < 5
    assert seconds_until_unavailable(lambda: outcomes(fragile, submission(id="2"))) < 12

    servers.members[0].restart()
    servers.wait_for_primary()
    assert [Outcome.STORED] == outcomes(fragile, submission(id="2"))
    assert 2 == len(list(fragile.samples(ALL)))


def test_a_frozen_server_is_unavailable_until_it_is_back(
    servers: ReplicaSet, fragile: MongoStorage
) -> None:
    """Long before the time limit of a question, and the same object goes on afterwards."""
    servers.members[0].freeze()

    assert seconds_until_unavailable(lambda: list(fragile.samples(ALL))) < 10
    assert seconds_until_unavailable(fragile.ping) < 4
    assert seconds_until_unavailable(lambda: outcomes(fragile, submission(id="2"))) < 12

    servers.members[0].resume()
    assert [Outcome.STORED] == outcomes(fragile, submission(id="3"))


def test_a_duplicate_that_can_be_rolled_back_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the primary alone has is not "already stored", in no way of recording."""
    monkeypatch.setattr("metering.storage.mongodb.writing.BUDGET_SECONDS", 1.5)
    with ReplicaSet(3) as servers:
        store = MongoStorage.open(servers.url(), timeout_seconds=20)
        store.prepare()
        outcomes(store, submission(id="1"))
        primary = servers.wait_for_primary()
        for member in servers.members:
            if member is not primary:
                with member.client() as client:
                    fail = {"configureFailPoint": "stopReplProducer", "mode": "alwaysOn"}
                    client.admin.command(fail)
        twin = submission(id="twin")
        weak = store.tables._connection.samples.with_options(write_concern=WriteConcern(w=1))
        weak.insert_many([sample_to_document(twin.sample.key, twin.sample)])

        seconds_until_unavailable(lambda: outcomes(store, twin))
        seconds_until_unavailable(lambda: outcomes(store, twin, atomic=True))
        seconds_until_unavailable(
            lambda: outcomes(store, twin, submission(id="other"), atomic=True)
        )
        assert ["1"] == [sample.id for sample in store.samples(ALL)]
        store.close()
