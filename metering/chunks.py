"""Cutting what is long into lists that can be sent, or held, at once."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def growing_chunks(items: Iterable[T], size: int, most: int) -> Iterator[list[T]]:
    """The items in lists, the first of that size, each longer than the one before up to the most.

    For those who may need the first few only.
    """
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
        size = min(2 * size, most)


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of that size; the last may be shorter."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
