"""Days are sealed and unsealed while samples of them arrive, and everything is killed meanwhile.

Nobody who asks for statistics is told of less than was acknowledged before, or of more than was
sent; and what was sealed is what the samples say.
"""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, timedelta
from itertools import cycle
from pathlib import Path

import pytest
from e2e.processes import Service, configuration, manage, until, uwsgi
from e2e.stores import fresh_database
from faults.audit import Audit, audit, billed, due
from faults.managers import Manager
from faults.members import until_whole
from faults.size import report, sized
from faults.test_failover import freeze, kill, kill_while_others_lag
from faults.watchers import Watcher, repeating, watching
from faults.workers import kill_worker
from faults.writers import DAYS_APART, LAST, Work, Writers, writing
from mongod import ReplicaSet

from metering.errors import StorageUnavailable
from metering.storage import open_storage

FAULTS = sized(1, 6)
KILLS_OF_WORKERS = sized(4, 40)
BATCHES_BETWEEN = sized(6, 40)
DAYS = 12
FIRST_DAY = LAST.replace(tzinfo=UTC) - timedelta(days=DAYS * DAYS_APART)
OPENED = LAST.replace(tzinfo=UTC) - timedelta(days=10)
NO_STRIKES = ("--pythonpath", str(Path(__file__).parents[1]), "--import", "faults.no_strikes")

DAYS_AGO = (0, 0, 3, 12)
SEALS = (
    *(
        ("seal", "--settle", "0", "--until", (OPENED - timedelta(days=days)).isoformat())
        for days in DAYS_AGO
    ),
    ("seal", "--forget"),
)

Fault = Callable[[Service, Watcher, int], object]


@dataclass(frozen=True)
class Seen:
    """What came of a run, as reads found it meanwhile and in the end."""

    audit: Audit
    wrong_answers: int
    is_billed: bool
    is_billed_without_seals: bool
    contradicts: bool


def seal_further(url: str, stopping: threading.Event) -> None:
    """Seal up to one day after the other, so that writers meet days that become sealed.

    Without a time to settle: writers that are killed are retried.
    """
    with closing(open_storage(url, timeout_seconds=60)) as storage:
        for day in cycle(range(DAYS * DAYS_APART + 1)):
            if stopping.wait(0.1):
                return
            try:
                list(storage.seal(FIRST_DAY + timedelta(days=day)))
            except StorageUnavailable:
                continue


@contextmanager
def sealed_all_the_while(url: str, seed: int) -> Iterator[Manager]:
    """Run sealers during the block, some of which are killed."""
    with closing(open_storage(url, timeout_seconds=60)) as storage:
        # From the first moment on writers meet days that may be sealed.
        list(storage.seal(OPENED))
    manager = Manager(url, SEALS, random.Random(seed))
    with repeating(manager.run, lambda stopping: seal_further(url, stopping)):
        yield manager


def under_fire(
    url: str, folder: Path, work: Work, fault: Fault, faults: int, *arguments: str
) -> Seen:
    """Write, seal and ask through a service while faults happen; then compare."""
    file = configuration(folder, url)
    with uwsgi(folder, *arguments, METERING_CONFIG_FILE=str(file)) as service:
        with (
            sealed_all_the_while(url, work.seed) as manager,
            writing(service.address, work) as writers,
        ):
            watcher = Watcher(service.address, lambda: writers.acknowledged, lambda: writers.begun)
            with watching(watcher):
                written_on(writers)
                for number in range(faults):
                    fault(service, watcher, number)
                    written_on(writers)
        said = billed(service.address)
        verified = manage(url, "verify")
        assert manage(url, "seal", "--forget").returncode == 0
        without = billed(service.address)
    report("answers", watcher.answers, writers.statuses, writers.longest_gap_seconds)
    report("metering-manage", manager.ends, verified.stdout, watcher.wrong[:5])
    seen = Seen(
        audit(url, writers.batches),
        len(watcher.wrong),
        said == due(writers.batches),
        without == due(writers.batches),
        verified.returncode != 0,
    )
    report("seen", seen)
    assert watcher.answers > 0
    return seen


def written_on(writers: Writers) -> None:
    """Return when every client has got some more batches acknowledged."""
    already = writers.least()
    until(lambda: writers.least() >= already + BATCHES_BETWEEN, "clients are acknowledged", 120)


def late(seed: int) -> Work:
    """Writers who meet the same few blocks, and send what is there already and what must not be."""
    return Work(seed, loses=0.1, days=DAYS, resources=3, conflicts=0.1)


def nothing_wrong(seen: Seen) -> Seen:
    """What must have been seen, given how much was acknowledged."""
    return Seen(Audit(seen.audit.acknowledged), 0, True, True, False)


@pytest.mark.parametrize("fault", [kill, freeze, kill_while_others_lag])
def test_three_members(
    three_members: ReplicaSet,
    tmp_path: Path,
    seed: int,
    fault: Callable[..., float],
) -> None:
    """A primary is killed, frozen, or killed while the others lag."""

    def happen(*_: object) -> None:
        fault(three_members, three_members.wait_for_primary())
        until_whole(three_members)

    url = fresh_database(three_members)
    seen = under_fire(url, tmp_path, late(seed), happen, FAULTS)

    assert nothing_wrong(seen) == seen


def test_sqlite(sqlite_url: str, tmp_path: Path, seed: int) -> None:
    """The workers of a service on SQLite are killed."""

    def happen(service: Service, _: Watcher, number: int) -> None:
        kill_worker(service, number)

    seen = under_fire(sqlite_url, tmp_path, late(seed), happen, KILLS_OF_WORKERS)

    assert nothing_wrong(seen) == seen


def test_who_strikes_nothing_is_found_out(url: str, tmp_path: Path, seed: int) -> None:
    """Negative control: the same harness notices writers who leave days sealed."""

    def happen(_: Service, watcher: Watcher, __: int) -> None:
        until(lambda: watcher.wrong, "a wrong answer", 60)

    seen = under_fire(url, tmp_path, late(seed), happen, 1, *NO_STRIKES)

    # In the end all may be sealed anew after it was forgotten, and right.
    assert seen.wrong_answers > 0
    assert Audit(seen.audit.acknowledged) == seen.audit
    assert seen.is_billed_without_seals
