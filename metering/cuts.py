"""Cuts: which successive readings must not share a Summary.

The query says so, and a store may answer with any pieces that comply: months, days, hours or single
readings. The result is the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from metering.model import MeterType
from metering.summary import Reading, Summary
from metering.times import MILLISECOND, Windows


@dataclass(frozen=True, slots=True, kw_only=True)
class Cuts:
    """What every piece must comply with.

    It lies in one window, and on one side of the instant `at`, if that is given. It lasts no longer
    than `longest`. If its meter type is in `max_gaps`, no gap between its readings is longer than
    that. With `constant` all its readings are equal.
    """

    windows: Windows
    at: datetime | None = None
    max_gaps: Mapping[MeterType, timedelta] = field(default_factory=dict)
    constant: bool = False
    longest: timedelta | None = None

    def allow(self, kind: MeterType, summary: Summary) -> bool:
        """Whether the readings of a Summary of such a meter may stay together."""
        first, last = summary.first.at, summary.last.at
        max_gap = self.max_gaps.get(kind)
        return (
            last in self.windows.containing(first)
            and not self._divides(first, last)
            and (max_gap is None or _seconds(max_gap) >= summary.longest_gap_seconds)
            and (self.longest is None or last - first <= self.longest)
            and (not self.constant or summary.min == summary.max)
        )

    def runs(self, kind: MeterType, readings: Sequence[Reading]) -> Iterator[Sequence[Reading]]:
        """The longest runs of successive readings of a track or series that may stay together."""
        begin = 0
        max_gap = self.max_gaps.get(kind)
        window = self.windows.containing(readings[0].at) if readings else None
        for index, (earlier, later) in enumerate(pairwise(readings), start=1):
            leaves = window is not None and later.at not in window
            if (
                leaves
                or (max_gap is not None and later.at - earlier.at > max_gap)
                or (self.constant and later.volume != earlier.volume)
                or (self.longest is not None and later.at - readings[begin].at > self.longest)
                or self._divides(earlier.at, later.at)
            ):
                yield readings[begin:index]
                begin = index
                if leaves:
                    window = self.windows.containing(later.at)
        if readings:
            yield readings[begin:]

    def joins(self, kind: MeterType, earlier: Summary, later: Summary, begin: datetime) -> bool:
        """Whether two successive Summaries of a track or series may be joined.

        Each by itself complies. `begin` is the first instant of the piece that `earlier` ends.
        """
        max_gap = self.max_gaps.get(kind)
        last = later.last.at
        return (
            last in self.windows.containing(begin)
            and (max_gap is None or later.first.at - earlier.last.at <= max_gap)
            and not (self.constant and later.first.volume != earlier.last.volume)
            and (self.longest is None or last - begin <= self.longest)
            and not self._divides(earlier.last.at, later.first.at)
        )

    def _divides(self, first: datetime, last: datetime) -> bool:
        return self.at is not None and first < self.at <= last


def _seconds(length: timedelta) -> Decimal:
    return Decimal(length // MILLISECOND).scaleb(-3)
