"""When a question is given up: its time is up, or whoever asked it has gone."""

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from metering import asker
from metering.errors import Abandoned, MeteringError, QueryTooExpensive

T = TypeVar("T")

# A look at the asker takes twenty times as long as one at the clock.
_SECONDS_BETWEEN_LOOKS_AT_THE_ASKER = 0.25


class Deadline:
    """So many seconds from now on, while who asks is there."""

    def __init__(self, seconds: float) -> None:
        """Start the clock."""
        self._seconds = seconds
        self.restart()
        self._next_look = 0.0  # at once: a request may be of many short questions

    def restart(self) -> None:
        """Start the clock again."""
        self._end = time.monotonic() + self._seconds

    def has_passed(self) -> bool:
        """Whether the time is up, or nobody waits for the answer; the latter with some delay."""
        now = time.monotonic()
        if now <= self._next_look:
            return False
        if now > self._end or asker.is_gone():
            return True
        self._next_look = min(now + _SECONDS_BETWEEN_LOOKS_AT_THE_ASKER, self._end)
        return False

    def remaining_ms(self) -> int:
        """The whole milliseconds that are left.

        Raises:
            QueryTooExpensive: there are none.
            Abandoned: nobody waits for the answer.
        """
        left_ms = int((self._end - time.monotonic()) * 1000)
        if left_ms <= 0 or asker.is_gone():
            raise self.reason()
        return left_ms

    def reason(self) -> MeteringError:
        """Why the question is given up, once it `has_passed`."""
        return Abandoned() if asker.is_gone() else QueryTooExpensive(self._seconds)

    def guard(self, rows: Iterable[T]) -> Iterator[T]:
        """The rows, with a look at the clock before each: that costs less than any row.

        Raises:
            QueryTooExpensive: the time is up.
            Abandoned: nobody waits for the answer.
        """
        for row in rows:
            if time.monotonic() > self._next_look and self.has_passed():
                raise self.reason()
            yield row
