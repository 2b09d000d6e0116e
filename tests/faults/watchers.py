"""Somebody who asks for statistics all the while, and what the answers must lie between."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from itertools import cycle

from e2e.web import get

# By months and days of rollups, by the hours of tracks, by their months and days; of series.
PATHS = tuple(
    f"/v2/meters/m/statistics{rest}"
    for rest in (
        "",
        "?period=86400",
        "?period=3600",
        "?period=2592000&groupby=resource_id",
        "?period=86400&groupby=resource_id",
        "?period=86400&groupby=metadata.turn",
    )
)
_PAUSE_SECONDS = 0.05


@dataclass
class Watcher:
    """Notes each answer that does not lie between two bounds.

    One is taken before the question and one after the answer: what had to be there and what could
    be if there is more and more of it, and the other way round if it becomes less.
    """

    address: str
    before: Callable[[], int]
    after: Callable[[], int]
    paths: tuple[str, ...] = PATHS
    answers: int = 0
    wrong: list[tuple[str, int, int, int]] = field(default_factory=list)

    def watch(self, stopping: threading.Event) -> None:
        """Ask until told to stop; who gets no answer asks something else."""
        for path in cycle(self.paths):
            if stopping.wait(_PAUSE_SECONDS):
                return
            before = self.before()
            count = counted(self.address, path)
            if count is None:
                continue
            after = self.after()
            self.answers += 1
            if not min(before, after) <= count <= max(before, after):
                self.wrong.append((path, before, count, after))


def counted(address: str, path: str) -> int | None:
    """How many samples the rows of an answer have; None if there is no answer now."""
    try:
        answer = get(address, path)
    except (OSError, HTTPException):
        return None
    if answer.status == 503:
        return None
    assert answer.status == 200, answer
    return sum(int(row["count"]) for row in answer.json)


@contextmanager
def watching(*watchers: Watcher) -> Iterator[None]:
    """Let each of them watch during the block."""
    with repeating(*(one.watch for one in watchers)):
        yield


@contextmanager
def repeating(*works: Callable[[threading.Event], None]) -> Iterator[None]:
    """Do the works during the block, each in a thread; what one of them raises fails the test."""
    stopping, failures = threading.Event(), []

    def do(work: Callable[[threading.Event], None]) -> None:
        try:
            work(stopping)
        except BaseException as error:  # noqa: BLE001 - it fails the test, in its own thread
            failures.append(error)

    threads = [threading.Thread(target=do, args=[work], daemon=True) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join(120)
    assert [] == failures
    assert not any(thread.is_alive() for thread in threads)
