"""The primary of three members is killed, frozen, or killed while the others lag."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from e2e.processes import serving, until
from e2e.stores import fresh_database
from faults.audit import Audit, audit, billed, due
from faults.members import lagging, secondaries, until_another_leads, until_whole
from faults.size import report, sized
from faults.writers import Identity, Work, Writers, writing
from mongod import Member, ReplicaSet
from pymongo import MongoClient, WriteConcern

FAULTS = sized(1, 4)
BATCHES_BETWEEN = sized(10, 60)
FROZEN_SECONDS = 6
LAG_SECONDS = 0.5
CARELESS_WRITES = 200

Fault = Callable[[ReplicaSet, Member], float]


def kill(servers: ReplicaSet, primary: Member) -> float:
    """The machine of the primary dies, and comes back when another leads."""
    primary.kill()
    try:
        return until_another_leads(servers, than=primary)
    finally:
        primary.restart()


def freeze(servers: ReplicaSet, primary: Member) -> float:
    """The primary stands still until another leads, and goes on as if it still did."""
    primary.freeze()
    begin = time.monotonic()
    try:
        seconds = until_another_leads(servers, than=primary)
        until(lambda: time.monotonic() > begin + FROZEN_SECONDS, "some more seconds pass")
    finally:
        primary.resume()
    return seconds


def kill_while_others_lag(servers: ReplicaSet, primary: Member) -> float:
    """The primary dies with writes that nobody else has."""
    with lagging(secondaries(servers, primary)):
        begin = time.monotonic()
        until(lambda: time.monotonic() > begin + LAG_SECONDS, "the others fall behind")
        primary.kill()
    try:
        return time.monotonic() - begin + until_another_leads(servers, than=primary)
    finally:
        primary.restart()


# The longest that one client may wait for an acknowledgement with an election timeout of 2 s. On a
# busy machine elections themselves take longer, which is not ours.
MOST_SECONDS = {kill: 6, kill_while_others_lag: 6, freeze: 10}
ELECTION_SECONDS = 2


@dataclass(frozen=True)
class Written:
    """What came of a run: what is stored, and how long one client had to wait."""

    audit: Audit
    longest_gap_seconds: float
    longest_election_seconds: float

    @property
    def own_gap_seconds(self) -> float:
        """The gap as it would be if the election took no longer than it should."""
        return self.longest_gap_seconds - max(0, self.longest_election_seconds - ELECTION_SECONDS)


def written_through(servers: ReplicaSet, folder: Path, work: Work, fault: Fault) -> Written:
    """Write through a service while the fault happens."""
    url = fresh_database(servers)
    elections = []
    with serving("uwsgi", folder, url) as service:
        with writing(service.address, work) as writers:
            written_on(writers)
            for _ in range(FAULTS):
                elections.append(fault(servers, servers.wait_for_primary()))
                written_on(writers)
                until_whole(servers)
        said = billed(service.address)
    seen = Written(audit(url, writers.batches), writers.longest_gap_seconds, max(elections))
    report(fault.__name__, seen, writers.statuses)
    if work.identity is not Identity.NONE:
        assert due(writers.batches) == said
    return seen


def written_on(writers: Writers) -> None:
    """Return when every client has got some more batches acknowledged."""
    already = writers.least()
    until(lambda: writers.least() >= already + BATCHES_BETWEEN, "clients are acknowledged", 60)


@pytest.mark.parametrize("fault", MOST_SECONDS)
def test_nothing_is_lost_or_doubled(
    three_members: ReplicaSet, tmp_path: Path, seed: int, fault: Fault
) -> None:
    """Each acknowledged sample is stored once, and no client waits longer than was promised."""
    seen = written_through(three_members, tmp_path, Work(seed), fault)

    assert Audit(seen.audit.acknowledged) == seen.audit
    assert seen.own_gap_seconds <= MOST_SECONDS[fault]


def test_a_key_for_each_request_does_as_well(
    three_members: ReplicaSet, tmp_path: Path, seed: int
) -> None:
    """The same where the ids are made from an Idempotency-Key."""
    seen = written_through(three_members, tmp_path, Work(seed, Identity.KEY), kill)

    assert Audit(seen.audit.acknowledged) == seen.audit
    assert seen.own_gap_seconds <= MOST_SECONDS[kill]


def test_without_ids_samples_are_doubled(
    three_members: ReplicaSet, tmp_path: Path, seed: int
) -> None:
    """Negative control: the same harness notices what ids of the server double."""
    seen = written_through(three_members, tmp_path, Work(seed, Identity.NONE), kill)

    assert seen.audit.doubled > 0


def lost_at_w1(servers: ReplicaSet, name: str) -> int:
    """How many inserts the primary alone acknowledged, and the next one has not."""
    primary = servers.wait_for_primary()
    acknowledged: list[int] = []
    with MongoClient(servers.url(), retryWrites=False) as client:
        careless = client.careless.get_collection(name, write_concern=WriteConcern(w=1))
        with lagging(secondaries(servers, primary)):
            for number in range(CARELESS_WRITES):
                careless.insert_one({"_id": number})
                acknowledged.append(number)
            primary.kill()
        until_another_leads(servers, than=primary)
        primary.restart()
        until_whole(servers)
        return len(acknowledged) - careless.count_documents({})


def test_at_w1_samples_are_lost(three_members: ReplicaSet) -> None:
    """Negative control: lag and kill lose what is acknowledged by the primary alone."""
    lost = lost_at_w1(three_members, "one")
    report("lost at w:1", lost)

    assert lost > 0
