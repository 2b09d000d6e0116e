"""Blocks: the Summaries of a track for each day of a month, so that its samples need not be read.

A rollup has blocks too, in which a day sums up all its tracks. A block covers the hours (UTC) from
the first of its month up to `end`: a day that it covers and does not have is empty, and of the last
it may have a part only. If a track had one description on a day, its block says which; if it had a
few, the block has a Summary under each. Where there were more, queries by series read the samples.
The hours of busy days are kept apart, each day for itself: few questions cut a day.
Blocks are derived: without one, samples are read. A day that is *struck* is read from samples,
whatever its block says, until it is sealed again.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

import msgspec

from metering.storage.handles import Handle
from metering.summary import Summary, joined

# More descriptions of a day, or of a month, are not told apart.
MOST_PARTS = 16

# By day and by hour since 1970.
Hours = Mapping[int, Mapping[int, Summary]]
Combine = Callable[[Sequence[Summary]], Summary]
Parts = Mapping[Handle, Summary]


@dataclass(frozen=True, slots=True)
class Described:
    """Which description a track had on each day; None where it had several.

    The first of `descriptions` holds from the first day in `since` (counted from 1970) up to the
    next, and so on. `parts` has a Summary under each description, for days that had a few; `wholes`
    the same for all days together, if it is known for every day and there are few. No sample of
    these days was recorded after `recorded_until`.
    """

    recorded_until: datetime
    since: Sequence[int]
    descriptions: Sequence[Handle | None]
    parts: Mapping[int, Parts] = field(default_factory=dict)
    wholes: Parts = field(default_factory=dict)

    @classmethod
    def of_days(
        cls,
        days: Mapping[int, Handle | None],
        recorded_until: datetime,
        parts: Mapping[int, Parts] | None = None,
    ) -> "Described":
        """Of these days, which are all that have samples."""
        changes = [
            (next(of_run), description)
            for description, of_run in groupby(sorted(days), key=days.__getitem__)
        ]
        since, descriptions = [day for day, _ in changes], [one for _, one in changes]
        return cls(recorded_until, since, descriptions, parts or {})

    @property
    def of_all(self) -> Handle | None:
        """The description of all days; None if there are several."""
        return self.descriptions[0] if len(self.descriptions) == 1 else None

    def on(self, day: int) -> Handle | None:
        """The description of a day that has samples."""
        index = bisect_right(self.since, day)
        return self.descriptions[index - 1] if index else None


class Block(msgspec.Struct, frozen=True):
    """What is kept of a month before the hour `end` (since 1970), by day since 1970.

    `described` is there for tracks only.
    """

    end: int
    days: Mapping[int, Summary]
    described: Described | None = None


class StoredBlock(msgspec.Struct, frozen=True):
    """A block as a driver keeps it; `days` None where there is nothing but days that are struck.

    `described` is there if it was asked for.
    """

    handle: Handle
    month: int
    days: bytes | None
    described: bytes | None
    struck: Collection[int]


class DayOf(NamedTuple):
    """A day (since 1970) of a track or rollup."""

    handle: Handle
    day: int


def by_description(days: Mapping[int, Summary], described: Described) -> Parts:
    """A Summary of these days under each description; nothing if one, too many, or unknown."""
    found: dict[Handle, list[Summary]] = defaultdict(list)
    for day in sorted(days):
        only = described.on(day)
        parts = described.parts.get(day, {}) if only is None else {only: days[day]}
        for description, part in parts.items():
            found[description].append(part)
        if not parts or len(found) > MOST_PARTS:
            return {}
    if len(found) == 1:
        return {}
    return {description: joined(parts) for description, parts in found.items()}
