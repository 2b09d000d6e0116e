"""When a question is given up."""

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from metering.errors import QueryTooExpensive

T = TypeVar("T")


class Deadline:
    """So many seconds from now on."""

    def __init__(self, seconds: float) -> None:
        """Start the clock."""
        self._seconds = seconds
        self.restart()

    def restart(self) -> None:
        """Start the clock again."""
        self._end = time.monotonic() + self._seconds

    def has_passed(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() > self._end

    def guard(self, rows: Iterable[T]) -> Iterator[T]:
        """The rows, with a look at the clock before each: that costs less than any row.

        Raises:
            QueryTooExpensive: the time is up.
        """
        for row in rows:
            if time.monotonic() > self._end:
                raise QueryTooExpensive(self._seconds)
            yield row
