"""A new primary that does not know yet what was committed before it was elected."""

from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path

from e2e.processes import Service, serving, until
from e2e.stores import fresh_database
from faults.members import lagging, secondaries, until_another_leads, until_whole
from faults.size import report
from faults.test_failover import written_on
from faults.watchers import PATHS, counted
from faults.writers import Work, Writers, writing
from mongod import ReplicaSet
from pymongo import MongoClient
from pymongo.read_concern import ReadConcern

# It was so in nearly every one.
MOST_ROUNDS = 8


def at_majority(url: str) -> int:
    """How many samples who reads at majority, and does nothing else, finds."""
    with MongoClient(url) as client:
        samples = client.get_default_database()["samples"]
        return samples.with_options(read_concern=ReadConcern("majority")).count_documents({})


def asked_of_new_primary(
    servers: ReplicaSet, service: Service, writers: Writers, url: str
) -> tuple[int, list[int | None]]:
    """How many samples too few are read at majority, and what the service answers meanwhile.

    One member holds nothing new, so that the other one, once it is elected, cannot commit.
    """
    primary = servers.wait_for_primary()
    behind, ahead = secondaries(servers, primary)
    with lagging([behind]):
        written_on(writers)
        # Its last batch may be acknowledged without its being told.
        with lagging([ahead]):
            primary.kill()
        until_another_leads(servers, than=primary)
        acknowledged = writers.acknowledged
        missing = acknowledged - at_majority(url)
        with ThreadPoolExecutor(len(PATHS)) as pool:
            answers = list(pool.map(counted, repeat(service.address), PATHS))
    primary.restart()
    until_whole(servers)
    return missing, answers


def test_it_is_not_believed(three_members: ReplicaSet, tmp_path: Path, seed: int) -> None:
    """There is no answer rather than one without samples that were acknowledged before."""
    url = fresh_database(three_members)
    missing = 0
    with (
        serving("uwsgi", tmp_path, url) as service,
        writing(service.address, Work(seed, batch=1)) as writers,
    ):
        for _ in range(MOST_ROUNDS):
            missing, answers = asked_of_new_primary(three_members, service, writers, url)
            report("a new primary", missing, answers)
            assert [None] * len(PATHS) == answers
            written_on(writers)
            if missing > 0:
                break
        acknowledged = writers.acknowledged
        until(lambda: counted(service.address, PATHS[0]) is not None, "an answer")
        assert counted(service.address, PATHS[0]) >= acknowledged

    # The control: the majority's word alone was too old.
    assert missing > 0
