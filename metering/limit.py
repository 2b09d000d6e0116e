"""The time limit of a question."""

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from metering.errors import QueryTooExpensive

T = TypeVar("T")


class Limit:
    """So many seconds from now on, until the question is given up."""

    def __init__(self, seconds: float) -> None:
        """Begin to count."""
        self._seconds = seconds
        self.restart()

    def restart(self) -> None:
        """Begin to count anew."""
        self._end = time.monotonic() + self._seconds

    def over(self, rows: Iterable[T]) -> Iterator[T]:
        """The rows, as long as there is time: a look at the clock costs less than any row.

        Raises:
            QueryTooExpensive: there is none left.
        """
        for row in rows:
            if time.monotonic() > self._end:
                raise QueryTooExpensive(self._seconds)
            yield row
