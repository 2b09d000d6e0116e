"""The store itself is killed while clients write: what was acknowledged is there, once."""

import sqlite3
from itertools import count
from pathlib import Path
from threading import Event, Thread

import pytest
from e2e.processes import serving, until
from e2e.stores import fresh_database
from faults.audit import Audit, audit, billed, due
from faults.size import report, sized
from faults.workers import kill_worker
from faults.writers import Identity, Work, Writers, writing
from mongod import ReplicaSet
from pymongo import MongoClient, WriteConcern
from pymongo.errors import PyMongoError

KILLS_OF_MONGOD = sized(3, 10)
KILLS_OF_WORKERS = sized(6, 20)
BATCHES_BETWEEN = sized(10, 40)
MOST_ROUNDS = 10


def written_on(writers: Writers) -> None:
    """Return when every client has got some more batches acknowledged."""
    already = writers.least()
    until(lambda: writers.least() >= already + BATCHES_BETWEEN, "clients are acknowledged", 60)


def killed_mongod(servers: ReplicaSet, folder: Path, work: Work) -> Audit:
    """Write through a service, kill the one member again and again, and compare."""
    url = fresh_database(servers)
    with serving("uwsgi", folder, url) as service:
        with writing(service.address, work) as writers:
            for _ in range(KILLS_OF_MONGOD):
                written_on(writers)
                servers.members[0].kill()
                servers.members[0].restart()
            written_on(writers)
        said = billed(service.address)
    report("mongod killed", writers.statuses, writers.longest_gap_seconds)
    if work.identity is not Identity.NONE:
        assert due(writers.batches) == said
    return audit(url, writers.batches)


@pytest.mark.parametrize("identity", [Identity.IDS, Identity.KEY])
def test_mongod_of_one_member(
    one_member: ReplicaSet, tmp_path: Path, seed: int, identity: Identity
) -> None:
    """One member, killed and started: nothing lost, nothing doubled."""
    seen = killed_mongod(one_member, tmp_path, Work(seed, identity))
    report("found", seen)

    assert Audit(seen.acknowledged) == seen


def test_mongod_of_one_member_without_ids(
    one_member: ReplicaSet, tmp_path: Path, seed: int
) -> None:
    """Negative control: what clients send again is doubled, and that is noticed."""
    seen = killed_mongod(one_member, tmp_path, Work(seed, Identity.NONE))
    report("found", seen)

    assert seen.doubled > 0


def lost_without_journal(servers: ReplicaSet, name: str) -> int:
    """How many inserts MongoDB acknowledged and has not, after a kill; not journaled."""
    mongod = servers.members[0]
    acknowledged, is_enough = [], Event()

    def write() -> None:
        with MongoClient(servers.url(), retryWrites=False) as client:
            careless = client.careless.get_collection(
                name, write_concern=WriteConcern(w=1, j=False)
            )
            try:
                for number in count():
                    careless.insert_one({"_id": number})
                    acknowledged.append(number)
                    if number == 300:
                        is_enough.set()
            except PyMongoError:
                return

    thread = Thread(target=write)
    thread.start()
    assert is_enough.wait(60)
    mongod.kill()
    thread.join(60)
    mongod.restart()
    servers.wait_for_primary()
    with mongod.client() as client:
        return len(acknowledged) - client.careless[name].count_documents({})


def test_without_journal_samples_are_lost(one_member: ReplicaSet) -> None:
    """Negative control: w:1 without journal loses what it acknowledged."""
    lost = 0
    for number in range(MOST_ROUNDS):
        lost = lost_without_journal(one_member, f"round{number}")
        if lost > 0:
            break
    report("lost without journal", lost)

    assert lost > 0


def killed_writers(url: str, folder: Path, work: Work) -> Audit:
    """Write into one SQLite file through two workers, one of which is killed again and again."""
    with serving("uwsgi", folder, url) as service:
        with writing(service.address, work) as writers:
            for number in range(KILLS_OF_WORKERS):
                written_on(writers)
                kill_worker(service, number)
        said = billed(service.address)
    report("SQLite writers killed", writers.statuses, writers.longest_gap_seconds)
    if work.identity is not Identity.NONE:
        assert due(writers.batches) == said
    return audit(url, writers.batches)


def test_writers_into_sqlite(sqlite_url: str, tmp_path: Path, seed: int) -> None:
    """Killed in the midst of it: nothing lost, nothing doubled, the file is whole."""
    seen = killed_writers(sqlite_url, tmp_path, Work(seed))
    report("found", seen)

    assert Audit(seen.acknowledged) == seen
    with sqlite3.connect(tmp_path / "metering.db") as file:
        assert [("ok",)] == file.execute("PRAGMA integrity_check").fetchall()


def test_writers_into_sqlite_without_ids(sqlite_url: str, tmp_path: Path, seed: int) -> None:
    """Negative control: what clients send again is doubled, and that is noticed."""
    seen = killed_writers(sqlite_url, tmp_path, Work(seed, Identity.NONE))
    report("found", seen)

    assert seen.doubled > 0
