"""Garbage that refers to itself is found, seldom."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from metering.cmd.collecting import collect_seldom


class Node:
    """Refers to itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)


def test_garbage_is_found() -> None:
    """Not at once, but without being asked for."""
    collect_seldom()
    node = weakref.ref(Node())
    held = [[] for _ in range(10_000)]
    assert node() is not None
    held += [[] for _ in range(100_000)]

    assert node() is None


def test_what_was_there_is_not_looked_at() -> None:
    """It stays for good."""
    before = gc.get_freeze_count()
    collect_seldom()

    assert gc.get_freeze_count() > before
