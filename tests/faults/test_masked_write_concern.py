"""A duplicate that only the primary has is never called stored."""

from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path

import pytest
from e2e.processes import serving
from e2e.stores import fresh_database
from faults.audit import Audit, audit
from faults.members import lagging, secondaries, until_another_leads, until_whole
from faults.size import report
from faults.writers import PATHS, Batch, send, send_until_acknowledged
from mongod import Member, ReplicaSet
from pymongo import MongoClient, WriteConcern
from pymongo.errors import DuplicateKeyError

# One sample is inserted by itself, several together in a transaction.
BATCHES = [
    Batch(f"{size}-{path[4]}", 1_000 * number, size, path)
    for number, (size, path) in enumerate((size, path) for size in (1, 3) for path in PATHS)
]


def statuses(address: str, batches: list[Batch]) -> list[int]:
    """What the service says to each, all at once."""
    with ThreadPoolExecutor(len(batches)) as pool:
        return list(pool.map(send, repeat(address), batches))


def lose(servers: ReplicaSet, primary: Member) -> None:
    """Return when the set is whole again, without what only the primary had that was killed."""
    until_another_leads(servers, than=primary)
    primary.restart()
    until_whole(servers)


def test_it_is_503_until_a_majority_has_it(three_members: ReplicaSet, tmp_path: Path) -> None:
    """The second time the primary has the samples already; a 2xx would have been a lie."""
    url = fresh_database(three_members)
    before = Batch("before", 900_000, 1, PATHS[0])
    with serving("uwsgi", tmp_path, url) as service:
        send_until_acknowledged(service.address, before)
        primary = three_members.wait_for_primary()
        with lagging(secondaries(three_members, primary)):
            first = statuses(service.address, BATCHES)
            again = statuses(service.address, BATCHES)
            primary.kill()
        lose(three_members, primary)
        seen = audit(url, [before, *BATCHES])
        for batch in BATCHES:
            send_until_acknowledged(service.address, batch)
    report("masked write concern", first, again, seen)

    assert [503] * len(BATCHES) * 2 == first + again
    assert Audit(acknowledged=9, lost=8, wrong_ids=8) == seen
    assert Audit(acknowledged=9) == audit(url, [before, *BATCHES])


def test_a_single_insert_hides_that_no_majority_has_it(three_members: ReplicaSet) -> None:
    """Negative control: who takes insert_one at its word loses what was "already stored"."""
    url = fresh_database(three_members)
    primary = three_members.wait_for_primary()
    with MongoClient(url) as client:
        samples = client.get_default_database()["samples"]
        samples.insert_one({"_id": b"before"})
        with lagging(secondaries(three_members, primary)):
            weak = samples.with_options(write_concern=WriteConcern(w=1))
            weak.insert_one({"_id": b"twin"})
            strong = samples.with_options(write_concern=WriteConcern("majority", wtimeout=500))
            with pytest.raises(DuplicateKeyError):
                strong.insert_one({"_id": b"twin"})
            primary.kill()
        lose(three_members, primary)

        assert [b"before"] == [one["_id"] for one in samples.find()]
