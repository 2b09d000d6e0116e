"""What is read around an election: again, and by a primary that has committed something."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from e2e.processes import until
from mongod import ReplicaSet, Standalone
from pymongo import MongoClient, monitoring
from pymongo.errors import AutoReconnect

from metering.storage.mongodb.elections import Elections


class Questions(monitoring.CommandListener):
    """Counts the questions that only a primary that has committed something answers."""

    linearizable = 0

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """Look at the read concern."""
        self.linearizable += event.command.get("readConcern", {}).get("level") == "linearizable"

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Nothing to count."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Nothing to count."""


@pytest.fixture
def questions() -> Questions:
    """How often the client asked."""
    return Questions()


@pytest.fixture
def client(replica_set: ReplicaSet, questions: Questions) -> Iterator[MongoClient[dict[str, Any]]]:
    """A client that counts."""
    with MongoClient(replica_set.url(), event_listeners=[questions]) as one:
        one.admin.command("ping")
        yield one


def elect(client: MongoClient[dict[str, Any]]) -> None:
    """Let the member step down and be elected again; return when the client knows."""
    before = client.topology_description.max_election_id
    with suppress(AutoReconnect):
        client.admin.command({"replSetStepDown": 1, "force": True})
    until(lambda: client.topology_description.max_election_id != before, "another election")


def test_one_question_an_election(
    client: MongoClient[dict[str, Any]], questions: Questions
) -> None:
    """Whatever is read afterwards."""
    elections = Elections()

    assert 1 == elections.settled(client, "any", lambda: 1)
    assert 2 == elections.settled(client, "any", lambda: 2)
    assert 1 == questions.linearizable

    elect(client)
    assert 3 == elections.settled(client, "any", lambda: 3)
    assert 2 == questions.linearizable


def test_what_an_election_came_between_is_read_again(
    client: MongoClient[dict[str, Any]], questions: Questions
) -> None:
    """It may have been read before or after."""
    reads = []

    def read() -> int:
        reads.append(questions.linearizable)
        if len(reads) == 1:
            elect(client)
        return len(reads)

    assert 2 == Elections().settled(client, "any", read)
    assert [1, 2] == reads


def test_a_server_that_is_asked_directly(replica_set: ReplicaSet, questions: Questions) -> None:
    """It tells of its own election."""
    address = replica_set.members[0].address
    with MongoClient(address, directConnection=True, event_listeners=[questions]) as client:
        client.admin.command("ping")

        assert 1 == Elections().settled(client, "any", lambda: 1)
    assert 1 == questions.linearizable


def test_a_server_without_elections_is_believed(
    standalone: Standalone, questions: Questions
) -> None:
    """There is nobody else who could have committed anything."""
    with MongoClient(standalone.url(), event_listeners=[questions]) as client:
        client.admin.command("ping")

        assert 1 == Elections().settled(client, "any", lambda: 1)
    assert 0 == questions.linearizable
