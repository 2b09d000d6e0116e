"""The same work by several processes at once, which share nothing but the machine."""

import multiprocessing
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import BrokenBarrierError
from typing import Any, TypeVar

T = TypeVar("T")
Begin = Callable[[T], Callable[[], None]]

_PATIENCE_SECONDS = 600


@dataclass(frozen=True)
class Effort:
    """What some work took: seconds that went by, and seconds of processors in the crowd itself."""

    seconds: float
    processor_seconds: float


def together(begin: Begin[T], shares: Sequence[T]) -> Effort:
    """From when all are ready, each with its share, until all have done it.

    In each process `begin` opens and converts what is not to be timed; what it returns is timed.

    Raises:
        RuntimeError: one of them failed; its traceback is on stderr.
    """
    context = multiprocessing.get_context("fork")
    gate = context.Barrier(len(shares) + 1)
    spent = context.Value("d", 0.0)
    crowd = [context.Process(target=_one, args=(gate, spent, begin, share)) for share in shares]
    for one in crowd:
        one.start()
    try:
        gate.wait(_PATIENCE_SECONDS)
    except BrokenBarrierError:
        raise RuntimeError("a process failed before the start") from None
    since = time.perf_counter()
    for one in crowd:
        one.join()
    seconds = time.perf_counter() - since
    if any(one.exitcode for one in crowd):
        raise RuntimeError("a process failed")
    return Effort(seconds, spent.value)


def dealt(items: Sequence[T], hands: int) -> list[Sequence[T]]:
    """The items dealt out like cards; no hand is empty."""
    return [items[hand::hands] for hand in range(min(hands, len(items)))]


def _one(gate: Any, spent: Any, begin: Begin[T], share: T) -> None:
    try:
        work = begin(share)
    except BaseException:
        gate.abort()
        raise
    gate.wait(_PATIENCE_SECONDS)
    since = time.process_time()
    work()
    with spent.get_lock():
        spent.value += time.process_time() - since
