"""Where rows come from: iterators of a store, which hold something until they are closed."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def closed_after(rows: Iterable[T]) -> Iterator[Iterator[T]]:
    """The rows, whose source is closed in the end."""
    source = iter(rows)
    try:
        yield source
    finally:
        close = getattr(source, "close", None)
        if close is not None:
            close()
