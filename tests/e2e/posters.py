"""Clients that post all the time, and keep book of what became of every request."""

import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from http.client import HTTPConnection, HTTPException
from typing import Any

from e2e.web import JSON, TIMEOUT_SECONDS, sample

SURELY_ACCEPTED_SECONDS = 0.05


@dataclass(frozen=True)
class Posting:
    """One request: its samples, when it was sent whole, what came back and when."""

    ids: tuple[str, ...]
    sent_at: float | None = None
    ended_at: float | None = None
    status: int | None = None
    request_id: str | None = None

    @property
    def is_acknowledged(self) -> bool:
        """Whether the server said that the samples are stored."""
        return self.status == 201

    def was_in_flight(self, at: float) -> bool:
        """Whether the server had it, and had not answered."""
        if self.sent_at is None or self.ended_at is None:
            return False
        return self.sent_at + SURELY_ACCEPTED_SECONDS < at < self.ended_at


class Posters:
    """Some threads that post batches until they are refused; each id is used once."""

    def __init__(self, address: str, *, threads: int = 6, batch: int = 1000) -> None:
        """Begin to post."""
        self._batch = batch
        self._address = address
        self._lock = threading.Lock()
        self._postings: list[Posting] = []
        self._waiting: dict[str, float] = {}
        self._threads = [
            threading.Thread(target=self._post, args=[f"t{number}"], daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def postings(self) -> list[Posting]:
        """What is over."""
        with self._lock:
            return list(self._postings)

    @property
    def acknowledged(self) -> list[Posting]:
        """What the server said is stored."""
        return [one for one in self.postings if one.is_acknowledged]

    def is_waiting(self) -> bool:
        """Whether several requests are surely in the hands of the server."""
        with self._lock:
            since = list(self._waiting.values())
        now = time.monotonic()
        return sum(one + 2 * SURELY_ACCEPTED_SECONDS < now for one in since) > 1

    def join(self) -> None:
        """Wait until every thread was refused."""
        for thread in self._threads:
            thread.join(TIMEOUT_SECONDS)
            assert not thread.is_alive()

    def _post(self, thread: str) -> None:
        number, is_refused = 0, False
        while not is_refused:
            ids = tuple(f"{thread}-{number}-{i}" for i in range(self._batch))
            posting = send(self._address, Posting(ids), partial(self._wait, thread))
            with self._lock:
                self._waiting.pop(thread, None)
                self._postings.append(posting)
            is_refused = posting.status is None
            number += 1

    def _wait(self, thread: str) -> None:
        with self._lock:
            self._waiting[thread] = time.monotonic()


def send(address: str, posting: Posting, on_sent: Callable[[], object] = lambda: None) -> Posting:
    """Post its samples, once; no answer is no status."""
    body = json.dumps([sample(one) for one in posting.ids]).encode()
    connection = HTTPConnection(address, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("POST", "/v2/meters/m", body, JSON)
        posting = replace(posting, sent_at=time.monotonic())
        on_sent()
        response = connection.getresponse()
        response.read()
    except (OSError, HTTPException):
        return replace(posting, ended_at=time.monotonic())
    finally:
        connection.close()
    return replace(
        posting,
        ended_at=time.monotonic(),
        status=response.status,
        request_id=response.headers["X-Openstack-Request-Id"],
    )


def ids_of(postings: Iterable[Posting]) -> list[Any]:
    """The ids of their samples, in order of the alphabet."""
    return sorted(one for posting in postings for one in posting.ids)
