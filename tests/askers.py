"""Askers of questions who go away, in tests that are no server."""

from collections.abc import Callable
from contextvars import copy_context
from typing import TypeVar

from metering import asker

T = TypeVar("T")


class Leaving:
    """An asker who is there at so many looks, and gone at the next."""

    def __init__(self, patience: int = 0) -> None:
        """Take at how many."""
        self.looks = 0
        self._patience = patience

    def __call__(self) -> bool:
        """Whether they have gone."""
        self.looks += 1
        return self.looks > self._patience


def asked(by: asker.IsGone, ask: Callable[[], T]) -> T:
    """What comes of a question of theirs; who asks in this thread otherwise is as before."""

    def begun() -> T:
        asker.begin(by)
        return ask()

    return copy_context().run(begun)
