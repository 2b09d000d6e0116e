"""Timing by turns: what is compared shares whatever else the machine does meanwhile."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Self

from bench.table import short


@dataclass(frozen=True)
class Figure:
    """Repeated measurements of one thing: their median and their spread."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, measured: Sequence[float]) -> Self:
        """The figure of at least one measurement."""
        return cls(median(measured), min(measured), max(measured))

    @property
    def time(self) -> str:
        """As a time."""
        scale, unit = (1, "s") if self.median >= 1 else (1000, "ms")
        median, low, high = (short(value * scale) for value in (self.median, self.low, self.high))
        return f"{median} {unit} ({low}-{high})"

    @property
    def cost(self) -> str:
        """As microseconds of a processor."""
        median, low, high = (value * 1e6 for value in (self.median, self.low, self.high))
        return f"{median:.0f} us ({low:.0f}-{high:.0f})"

    @property
    def rate(self) -> str:
        """As samples a second."""
        return f"{self.median:,.0f}/s ({self.low:,.0f}-{self.high:,.0f})"


def by_turns(repeat: int, *asks: Callable[[], object]) -> list[Figure]:
    """How long each takes, warm: all are called once before any is timed."""
    measured: list[list[float]] = [[] for _ in asks]
    for ask in asks:
        ask()
    for _ in range(repeat):
        for times, ask in zip(measured, asks, strict=True):
            begin = time.perf_counter()
            ask()
            times.append(time.perf_counter() - begin)
    return [Figure.of(times) for times in measured]
