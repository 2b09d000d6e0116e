"""Clients that send each batch until it is acknowledged, and keep book of what they were told.

Every sample has a volume that no other has, so that a reader can tell what is lost and what is
doubled, whoever made the ids.
"""

import enum
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from http.client import HTTPConnection, HTTPException

from e2e.web import sample

CLIENTS = 4
PATHS = ("/v2/meters/m", "/v2/samples")

NO_ANSWER = 0
MAY_BE_SENT_AGAIN = {NO_ANSWER, 503}
# The last instant of a sample; in two calendar months, if there are some days of them.
LAST = datetime(2026, 10, 1)  # noqa: DTZ001 - as it is sent
DAYS_APART = 3
_IN_CONFLICT = {207, 409}
_OTHER_VOLUMES = 50_000_000
_PAUSE_SECONDS = 0.05
_ANSWER_SECONDS = 20
_GIVE_UP_SECONDS = 60


class Identity(enum.Enum):
    """What makes a batch the same when it is sent again."""

    IDS = enum.auto()
    KEY = enum.auto()
    NONE = enum.auto()


@dataclass(frozen=True)
class Batch:
    """Some samples with a path to send them to, which begin at a number."""

    name: str
    first: int
    size: int
    path: str
    identity: Identity = Identity.IDS
    resource: str = "r"
    days: int = 1

    @property
    def volumes(self) -> list[Decimal]:
        """The volumes, all different; 19 digits, which a double does not hold."""
        numbers = range(self.first, self.first + self.size)
        return [Decimal(f"{number}.{number:09}1") for number in numbers]

    @property
    def ids(self) -> list[str]:
        """The ids that the samples have if the client makes them."""
        return [f"{self.name}-{place}" for place in range(self.size)]

    @property
    def timestamps(self) -> list[str]:
        """The timestamps, which take turns among the days."""
        numbers = range(self.first, self.first + self.size)
        return [
            (LAST - timedelta(number % self.days * DAYS_APART, minutes=number % 1000)).isoformat()
            for number in numbers
        ]

    @property
    def headers(self) -> dict[str, str]:
        """The headers to send."""
        key = {"Idempotency-Key": self.name} if self.identity is Identity.KEY else {}
        return {"Content-Type": "application/json"} | key

    @property
    def body(self) -> bytes:
        """The samples as they are sent."""
        named = [
            sample(
                name,
                resource_id=self.resource,
                counter_volume=str(volume),
                timestamp=at,
                resource_metadata={"turn": int(volume) % 3},
            )
            for name, volume, at in zip(self.ids, self.volumes, self.timestamps, strict=True)
        ]
        if self.identity is not Identity.IDS:
            for one in named:
                del one["message_id"]
        return json.dumps(named).encode()


@dataclass
class Book:
    """What one client sent and was told."""

    batches: list[Batch] = field(default_factory=list)
    # How many samples may be stored: those of the batches, and of the one that is being sent.
    begun: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    longest_gap_seconds: float = 0


@dataclass(frozen=True)
class Work:
    """How the clients write: all that they do follows from it."""

    seed: int
    identity: Identity = Identity.IDS
    batch: int = 20
    # The part of answers that a client throws away, as if its connection had broken.
    loses: float = 0.05
    clients: int = CLIENTS
    # Over how many days, and resources, the samples are spread.
    days: int = 1
    resources: int = 1
    # The part of batches whose ids are sent once more with other volumes, which must be refused.
    conflicts: float = 0


class Writers:
    """Clients that write into one service until they are stopped."""

    def __init__(self, address: str, work: Work) -> None:
        """Begin to write."""
        self._address = address
        self._work = work
        self._stopping = threading.Event()
        self._failures: list[BaseException] = []
        self.books = [Book() for _ in range(work.clients)]
        self._threads = [
            threading.Thread(target=self._write, args=[number], daemon=True)
            for number in range(work.clients)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def batches(self) -> list[Batch]:
        """What has been acknowledged."""
        return [batch for book in self.books for batch in list(book.batches)]

    @property
    def acknowledged(self) -> int:
        """How many samples are acknowledged by now."""
        return sum(len(book.batches) for book in self.books) * self._work.batch

    @property
    def begun(self) -> int:
        """How many samples may be stored by now."""
        return sum(book.begun for book in self.books)

    @property
    def statuses(self) -> dict[int, int]:
        """How often each status came; 0 is no answer."""
        return dict(sum((book.statuses for book in self.books), Counter()))

    @property
    def longest_gap_seconds(self) -> float:
        """The longest time that one client waited for an acknowledgement after the one before."""
        return max(book.longest_gap_seconds for book in self.books)

    def least(self) -> int:
        """How many batches of the slowest client are acknowledged."""
        self.check()
        return min(len(book.batches) for book in self.books)

    def check(self) -> None:
        """Fail if a client met what it must not meet."""
        assert [] == self._failures

    def stop(self) -> None:
        """Let every client bring what it has begun to its end."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(_GIVE_UP_SECONDS)
            assert not thread.is_alive()
        self.check()

    def _write(self, number: int) -> None:
        try:
            self._write_on(number, self.books[number])
        except BaseException as error:  # noqa: BLE001 - it fails the test, in its own thread
            self._failures.append(error)

    def _write_on(self, number: int, book: Book) -> None:
        work = self._work
        chance = random.Random(f"{work.seed}/{number}")
        written = number * 100_000_000
        last = 0.0
        while not self._stopping.is_set():
            name = f"{work.seed}-{number}-{written}"
            path = PATHS[number % len(PATHS)]
            resource = f"r{written // work.batch % work.resources}"
            batch = Batch(name, written, work.batch, path, work.identity, resource, work.days)
            book.begun += work.batch
            self._send_until_acknowledged(batch, book, chance)
            now = time.monotonic()
            # The first one may wait for the service to start.
            last = last or now
            book.longest_gap_seconds = max(book.longest_gap_seconds, now - last)
            book.batches.append(batch)
            last, written = now, written + work.batch
            if chance.random() < work.conflicts:
                other = replace(batch, first=batch.first + _OTHER_VOLUMES)
                assert send(self._address, other) in _IN_CONFLICT | MAY_BE_SENT_AGAIN

    def _send_until_acknowledged(self, batch: Batch, book: Book, chance: random.Random) -> None:
        deadline = time.monotonic() + _GIVE_UP_SECONDS
        while True:
            status = send(self._address, batch)
            book.statuses[status] += 1
            is_lost = chance.random() < self._work.loses
            if status == 201 and not is_lost:
                return
            assert status == 201 or status in MAY_BE_SENT_AGAIN
            assert time.monotonic() < deadline
            if status != 201:
                time.sleep(_PAUSE_SECONDS)


@contextmanager
def writing(address: str, work: Work) -> Iterator[Writers]:
    """Write during the block; afterwards everything that was begun is acknowledged."""
    writers = Writers(address, work)
    try:
        yield writers
    finally:
        writers.stop()


def send_until_acknowledged(address: str, batch: Batch) -> None:
    """Send it until the answer is 201; fail at any other that does not say: send it again."""
    deadline = time.monotonic() + _GIVE_UP_SECONDS
    while (status := send(address, batch)) != 201:
        assert status in MAY_BE_SENT_AGAIN
        assert time.monotonic() < deadline
        time.sleep(_PAUSE_SECONDS)


def send(address: str, batch: Batch) -> int:
    """Send it once; the status, or 0 if no answer came."""
    connection = HTTPConnection(address, timeout=_ANSWER_SECONDS)
    try:
        connection.request("POST", batch.path, batch.body, batch.headers)
        response = connection.getresponse()
        response.read()
    except (OSError, HTTPException):
        return NO_ANSWER
    else:
        return response.status
    finally:
        connection.close()
