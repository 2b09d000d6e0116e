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
from dataclasses import dataclass, field
from decimal import Decimal
from http.client import HTTPConnection, HTTPException

from e2e.web import sample

CLIENTS = 4
PATHS = ("/v2/meters/m", "/v2/samples")

NO_ANSWER = 0
MAY_BE_SENT_AGAIN = {NO_ANSWER, 503}
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
    def headers(self) -> dict[str, str]:
        """The headers to send."""
        key = {"Idempotency-Key": self.name} if self.identity is Identity.KEY else {}
        return {"Content-Type": "application/json"} | key

    @property
    def body(self) -> bytes:
        """The samples as they are sent."""
        named = [
            sample(name, resource_id=self.resource, counter_volume=str(volume))
            for name, volume in zip(self.ids, self.volumes, strict=True)
        ]
        if self.identity is not Identity.IDS:
            for one in named:
                del one["message_id"]
        return json.dumps(named).encode()


@dataclass
class Book:
    """What one client sent and was told."""

    batches: list[Batch] = field(default_factory=list)
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
            batch = Batch(name, written, work.batch, path, work.identity)
            self._send_until_acknowledged(batch, book, chance)
            now = time.monotonic()
            # The first one may wait for the service to start.
            last = last or now
            book.longest_gap_seconds = max(book.longest_gap_seconds, now - last)
            book.batches.append(batch)
            last, written = now, written + work.batch

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
