"""A bounded memory of keys that were seen lately."""

from collections.abc import Iterable


class Recent:
    """At least the last `size` keys that were added, at most twice as many.

    Two generations instead of an order of use: nothing to lock, so threads and forks may share it.
    """

    def __init__(self, size: int) -> None:
        """Empty."""
        self._size = size
        self._young: set[bytes] = set()
        self._old: set[bytes] = set()

    def __contains__(self, key: bytes) -> bool:
        """Whether the key was added, and not long ago."""
        return key in self._young or key in self._old

    def add(self, keys: Iterable[bytes]) -> None:
        """Remember the keys."""
        self._young.update(keys)
        if len(self._young) > self._size:
            self._old, self._young = self._young, set()
