"""Cuts: which successive readings must not be told of by one Summary.

Whoever asks for streams says so, and a store may give any pieces that keep to it: months, days,
hours or single readings. An answer does not depend on which.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from metering.model import MeterType
from metering.summary import Reading, Summary
from metering.times import Windows


@dataclass(frozen=True, slots=True, kw_only=True)
class Cuts:
    """A piece lies in one window, and on one side of the instant `at`, if that is given.

    It takes no longer than `longest`. One of a meter type that `patience` names has no longer gap
    between readings. With `constant` all its readings are equal.
    """

    windows: Windows
    at: datetime | None = None
    patience: Mapping[MeterType, timedelta] = field(default_factory=dict)
    constant: bool = False
    longest: timedelta | None = None

    def allow(self, kind: MeterType, summary: Summary) -> bool:
        """Whether the readings of a Summary of such a meter may stay together."""
        first, last = summary.first.at, summary.last.at
        patience = self.patience.get(kind)
        return (
            last in self.windows.holding(first)
            and not self._divides(first, last)
            and (patience is None or _seconds(patience) >= summary.longest_gap_seconds)
            and (self.longest is None or last - first <= self.longest)
            and (not self.constant or summary.min == summary.max)
        )

    def runs(self, kind: MeterType, readings: Sequence[Reading]) -> Iterator[Sequence[Reading]]:
        """The longest runs of successive readings of a track or series that may stay together."""
        begin = 0
        patience = self.patience.get(kind)
        window = self.windows.holding(readings[0].at) if readings else None
        for index, (earlier, later) in enumerate(pairwise(readings), start=1):
            leaves = window is not None and later.at not in window
            if (
                leaves
                or (patience is not None and later.at - earlier.at > patience)
                or (self.constant and later.volume != earlier.volume)
                or (self.longest is not None and later.at - readings[begin].at > self.longest)
                or self._divides(earlier.at, later.at)
            ):
                yield readings[begin:index]
                begin = index
                if leaves:
                    window = self.windows.holding(later.at)
        if readings:
            yield readings[begin:]

    def joins(self, kind: MeterType, earlier: Summary, later: Summary, begin: datetime) -> bool:
        """Whether Summaries of a track or series may be one, whose first reading is at `begin`.

        They are successive, and each may stay together; so does what begins there with `earlier`.
        """
        patience = self.patience.get(kind)
        last = later.last.at
        return (
            last in self.windows.holding(begin)
            and (patience is None or later.first.at - earlier.last.at <= patience)
            and not (self.constant and later.first.volume != earlier.last.volume)
            and (self.longest is None or last - begin <= self.longest)
            and not self._divides(earlier.last.at, later.first.at)
        )

    def _divides(self, first: datetime, last: datetime) -> bool:
        return self.at is not None and first < self.at <= last


def _seconds(length: timedelta) -> Decimal:
    return Decimal(length // timedelta(milliseconds=1)).scaleb(-3)
