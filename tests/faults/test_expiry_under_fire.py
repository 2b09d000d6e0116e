"""Samples expire while others arrive and these are sent again, and everything is killed meanwhile.

What has gone never counts again, and what is younger is there to the last digit.
"""

import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import cycle
from pathlib import Path

from e2e.processes import Service, configuration, manage, uwsgi
from e2e.stores import fresh_database
from faults.audit import stored
from faults.managers import Manager, retaining
from faults.members import until_whole
from faults.size import report, sized
from faults.test_failover import kill
from faults.test_sealing_under_fire import seal_further, written_on
from faults.watchers import Watcher, repeating, watching
from faults.workers import kill_worker
from faults.writers import (
    DAYS_APART,
    LAST,
    MAY_BE_SENT_AGAIN,
    Batch,
    Work,
    send,
    send_until_acknowledged,
    writing,
)
from mongod import ReplicaSet

from metering.storage import open_storage

OLD_BATCHES = sized(20, 200)
# After each of so many days' samples those before have expired; in the end all but the last ones.
STAYING = sized((14, 8, 2), tuple(range(18, 0, -1)))
OLD_DAYS = 20

AT_LAST = LAST.replace(tzinfo=UTC)
YOUNG = AT_LAST - timedelta(days=2)
OLD_PATHS = tuple(
    f"/v2/meters/m/statistics?q.field=timestamp&q.op=lt&q.value={YOUNG:%Y-%m-%dT%H:%M:%S}{rest}"
    for rest in ("", "&period=86400")
)
YOUNG_PATHS = tuple(path.replace("q.op=lt", "q.op=ge") for path in OLD_PATHS)

NO_HORIZONS = ("--pythonpath", str(Path(__file__).parents[1]), "--import", "faults.no_horizons")

Fault = Callable[[Service], object]


def old_batches(seed: int) -> list[Batch]:
    """Batches with a sample of each of the days; those of the last day are young."""
    return [
        Batch(f"old-{seed}-{n}", 10**9 + n * OLD_DAYS, OLD_DAYS, "/v2/samples", days=OLD_DAYS)
        for n in range(OLD_BATCHES)
    ]


@dataclass
class Resender:
    """Sends old batches again and again, whatever the answer."""

    address: str
    batches: list[Batch]
    statuses: Counter[int] = field(default_factory=Counter)

    def run(self, stopping: threading.Event) -> None:
        """Until told to stop."""
        for batch in cycle(self.batches):
            if stopping.is_set():
                return
            status = send(self.address, batch)
            assert status in {201, 207} | MAY_BE_SENT_AGAIN
            self.statuses[status] += 1


@dataclass
class Expirer:
    """Lets samples expire, step by step, by a command that is killed at least once each time."""

    url: str
    folder: Path
    chance: random.Random
    # How many old samples there may be at most, and are at least.
    most: int = OLD_BATCHES * (OLD_DAYS - 1)
    least: int = OLD_BATCHES * (OLD_DAYS - 1)
    ends: Counter[str] = field(default_factory=Counter)

    def expire(self, staying: int) -> None:
        """Let all go but the samples of so many days, and of the last."""
        # A day later nothing more would go: it may become midnight.
        horizon = AT_LAST - timedelta(days=staying * DAYS_APART + 2)
        days = (datetime.now(UTC).date() - horizon.date()).days
        self.least = OLD_BATCHES * staying
        at_once = threading.Event()
        at_once.set()
        manager = Manager(self.url, [retaining(self.folder, days)], self.chance)
        manager.run(at_once)
        self.ends += manager.ends
        self.most = self.least


@dataclass(frozen=True)
class Seen:
    """What came of a run: answers meanwhile, and what is there in the end and not due, or not."""

    answers: list[int]
    wrong_answers: int
    verified: str
    missing: set[tuple[str, Decimal]]
    more: set[tuple[str, Decimal]]


def expired_under_fire(url: str, folder: Path, seed: int, fault: Fault, *arguments: str) -> Seen:
    """Write, send again, seal, expire and ask while faults happen."""
    old = old_batches(seed)
    with closing(open_storage(url, timeout_seconds=60)) as storage:
        list(storage.seal(AT_LAST))
    file = configuration(folder, url)
    with uwsgi(folder, *arguments, METERING_CONFIG_FILE=str(file)) as service:
        for batch in old:
            send_until_acknowledged(service.address, batch)
        resender = Resender(service.address, old)
        expirer = Expirer(url, folder, random.Random(seed))
        with (
            repeating(partial(seal_further, url)),
            writing(service.address, Work(seed, loses=0.1, resources=3)) as writers,
            ThreadPoolExecutor() as pool,
        ):
            watchers = (
                Watcher(
                    service.address,
                    lambda: writers.acknowledged + OLD_BATCHES,
                    lambda: writers.begun + OLD_BATCHES,
                    YOUNG_PATHS,
                ),
                Watcher(service.address, lambda: expirer.most, lambda: expirer.least, OLD_PATHS),
            )
            with watching(*watchers), repeating(resender.run):
                for staying in STAYING:
                    # Not the fault: a server ends with the thread that started it.
                    expiring = pool.submit(expirer.expire, staying)
                    fault(service)
                    expiring.result()
                    written_on(writers)
    report("answers", [one.answers for one in watchers], resender.statuses, writers.statuses)
    report(
        "metering-manage",
        writers.longest_gap_seconds,
        expirer.ends,
        [one.wrong[:5] for one in watchers],
    )
    verified = manage(url, "verify")
    found = {(name, volume) for name, volume in stored(url)}
    left = [replace(batch, size=STAYING[-1] + 1) for batch in old] + writers.batches
    due = {pair for one in left for pair in zip(one.ids, one.volumes, strict=True)}

    return Seen(
        answers=[one.answers for one in watchers],
        wrong_answers=sum(len(one.wrong) for one in watchers),
        verified=verified.stdout if verified.returncode else "",
        missing=due - found,
        more=found - due,
    )


def assert_nothing_wrong(seen: Seen) -> None:
    """All that is young is there, nothing that expired, and every answer was right."""
    assert (seen.missing, seen.more, seen.verified, seen.wrong_answers) == (set(), set(), "", 0)
    assert all(seen.answers)


def test_three_members(three_members: ReplicaSet, tmp_path: Path, seed: int) -> None:
    """The primary is killed each time that samples expire."""

    def happen(_: Service) -> None:
        kill(three_members, three_members.wait_for_primary())
        until_whole(three_members)

    assert_nothing_wrong(expired_under_fire(fresh_database(three_members), tmp_path, seed, happen))


def test_one_store_and_killed_workers(url: str, tmp_path: Path, seed: int) -> None:
    """A worker of the service is killed each time."""
    assert_nothing_wrong(expired_under_fire(url, tmp_path, seed, kill_worker))


def test_a_service_that_heeds_no_horizon_is_found_out(url: str, tmp_path: Path, seed: int) -> None:
    """The control: what is sent again comes back, and nothing that is young is missing."""
    seen = expired_under_fire(url, tmp_path, seed, lambda _: None, *NO_HORIZONS)

    assert seen.more
    assert not seen.missing
