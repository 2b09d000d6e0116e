"""A bounded cache that needs no lock."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """A cache of at least the last pairs that were added, up to the size, at most twice as many.

    It keeps two generations instead of an order of use: nothing to lock, so threads and forks may
    share it. An old pair that is asked for becomes young again.
    """

    def __init__(self, size: int, weigh: Callable[[K, V], int] = lambda _key, _value: 1) -> None:
        """Empty; the size is that of all pairs together, as each is weighed."""
        self._size = size
        self._weigh = weigh
        self._young_size = 0
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """What was added under the key, if it is still there."""
        found = self._young.get(key)
        if found is None:
            found = self._old.get(key)
            if found is not None:
                self.add(key, found)
        return found

    def add(self, key: K, value: V) -> None:
        """Remember the pair."""
        self._young[key] = value
        self._young_size += self._weigh(key, value)
        if self._young_size > self._size:
            self._old, self._young, self._young_size = self._young, {}, 0
