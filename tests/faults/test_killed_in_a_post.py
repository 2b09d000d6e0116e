"""An API worker is killed inside a POST of 2,000 samples: all or nothing, then once."""

import random
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

from e2e.processes import DEADLINE_SECONDS, Service, configuration, uwsgi
from faults.audit import Audit, audit, billed, due, stored_of
from faults.size import report, sized
from faults.workers import kill_worker
from faults.writers import NO_ANSWER, PATHS, Batch, Identity, send, send_until_acknowledged

SAMPLES = 2_000
KILLS = {"mongodb": sized(8, 40), "sqlite": sized(4, 40)}
MOST_TRIES = 100
PARTS = 20
# A worker takes some two seconds to come back, what it left in the store is in the way as long.
MOST_WAIT_SECONDS = 12

_LATER, _EARLIER = 1.2, 0.7
_TICK_SECONDS = 0.001

Send = Callable[[str, Batch], int]


@dataclass
class Killer:
    """Kills the one worker of a service while a client posts, and looks what is there."""

    service: Service
    url: str
    chance: random.Random
    identity: Identity = Identity.IDS
    batches: list[Batch] = field(default_factory=list)
    # How many samples of a batch were stored when its worker was dead: how often.
    found: Counter[int] = field(default_factory=Counter)
    longest_wait_seconds: float = 0
    # Not at a random moment, but when SQLite has all of it: there is an answer to lose then.
    kills_when_stored: bool = False

    def new_batch(self) -> Batch:
        """A batch that was never sent, of a resource of its own."""
        number = len(self.batches)
        name = f"batch-{number}"
        made = Batch(name, number * SAMPLES, SAMPLES, PATHS[0], self.identity, resource=name)
        self.batches.append(made)
        return made

    def usual_seconds(self) -> float:
        """How long a POST takes that nothing happens to."""
        send_until_acknowledged(self.service.address, self.new_batch())
        begin = time.monotonic()
        send_until_acknowledged(self.service.address, self.new_batch())
        return time.monotonic() - begin

    def wait(self, batch: Batch, seconds: float) -> None:
        """Wait so long, or until the batch is stored."""
        if not self.kills_when_stored:
            time.sleep(seconds)
            return
        deadline = time.monotonic() + DEADLINE_SECONDS
        with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"))) as file:
            count_all = "SELECT count(*) FROM samples"
            while file.execute(count_all).fetchone()[0] < batch.first + batch.size:
                assert time.monotonic() < deadline
                time.sleep(_TICK_SECONDS)

    def re_send(self, batch: Batch) -> None:
        """Send it until it is acknowledged, and note how long that took."""
        begin = time.monotonic()
        send_until_acknowledged(self.service.address, batch)
        self.longest_wait_seconds = max(self.longest_wait_seconds, time.monotonic() - begin)

    def kill_until(self, is_enough: Callable[[], bool], sent: Send = send) -> None:
        """Kill at random moments of POSTs; each is sent again until it is acknowledged."""
        latest = self.usual_seconds()
        for tries in count(1):
            if is_enough():
                return
            assert tries < MOST_TRIES
            batch = self.new_batch()
            with ThreadPoolExecutor(1) as pool:
                answer = pool.submit(sent, self.service.address, batch)
                self.wait(batch, self.chance.uniform(0, latest))
                kill_worker(self.service)
            # So that kills come up to the end of a POST, whatever a new worker needs for its first.
            latest *= _LATER if answer.result() == NO_ANSWER else _EARLIER
            if answer.result() == NO_ANSWER:
                self.found[stored_of(self.url, batch)] += 1
            self.re_send(batch)


@contextmanager
def killing(url: str, folder: Path, seed: int, **rest: Any) -> Iterator[Killer]:
    """A service with one worker on the store, to be killed at moments that the seed decides."""
    file = configuration(folder, url)
    with uwsgi(folder, "--processes", "1", METERING_CONFIG_FILE=str(file)) as service:
        yield Killer(service, url, random.Random(seed), **rest)


def send_in_parts(address: str, batch: Batch) -> int:
    """Send the batch in several requests until one of them has no answer."""
    size = batch.size // PARTS
    for place in range(PARTS):
        name = f"{batch.name}/{place}"
        part = replace(batch, name=name, first=batch.first + place * size, size=size)
        status = send(address, part)
        if status != 201:
            break
    return status


def test_all_or_nothing_is_stored_and_then_once(url: str, tmp_path: Path, seed: int) -> None:
    """Before the re-send none or all of the samples are there, after it each of them once."""
    kills = KILLS[url.partition(":")[0]]
    with killing(url, tmp_path, seed) as killer:
        killer.kill_until(lambda: killer.found.total() >= kills)
        said = billed(killer.service.address)
    report("killed in a POST", killer.found, killer.longest_wait_seconds)

    assert {0, SAMPLES} >= killer.found.keys()
    assert Audit(acknowledged=len(killer.batches) * SAMPLES) == audit(url, killer.batches)
    assert due(killer.batches) == said
    assert killer.longest_wait_seconds < MOST_WAIT_SECONDS


def test_a_batch_in_parts_is_seen_half_stored(sqlite_url: str, tmp_path: Path, seed: int) -> None:
    """Negative control: what is sent in several requests is found in part."""
    with killing(sqlite_url, tmp_path, seed) as killer:
        killer.kill_until(lambda: bool(killer.found.keys() - {0, SAMPLES}), send_in_parts)


def test_without_ids_a_batch_is_doubled(sqlite_url: str, tmp_path: Path, seed: int) -> None:
    """Negative control: what was stored before the re-send is there twice, and that is noticed."""
    with killing(
        sqlite_url, tmp_path, seed, identity=Identity.NONE, kills_when_stored=True
    ) as killer:
        killer.kill_until(lambda: killer.found[SAMPLES] > 0)

    assert audit(sqlite_url, killer.batches).doubled >= SAMPLES
