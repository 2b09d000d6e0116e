"""Totals: out of the blocks of rollups where there are, elsewhere out of those rollups' tracks.

A rollup has a block for each month, as a track has; its hours are a `tally` of those of its tracks,
and its days of its hours.
What a project used in a month costs the same for ten tracks and for ten thousand.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import chain
from typing import NamedTuple

from metering.cuts import Cuts
from metering.model import MeterType, Rollup
from metering.storage.base import Effort
from metering.storage.block_reader import NOTHING_SEALED, BlockReader, SealedReads
from metering.storage.handles import Handle
from metering.storage.spans import hour_of
from metering.storage.track_summaries import ReadReadings, TrackSummaries
from metering.summary import Summary, tally
from metering.times import EPOCH, FixedWindows, Range, Windows

# Each gap is a look at all tracks; beyond so many one look at everything is cheaper.
_MOST_GAPS = 3
_SUMMARIES_AT_ONCE = 100
_SECONDS_IN_AN_HOUR = 3_600


class Member(NamedTuple):
    """A track, the rollup that it is added up in, and what both are."""

    track: Handle
    rollup: Handle
    kind: MeterType


ReadMembers = Callable[[Collection[Handle]], Iterator[Member]]
Totals = Mapping[tuple[Handle, Range], Summary]


class TotalReader:
    """Reads the totals of rollups in a range, by window."""

    def __init__(
        self,
        sealed: SealedReads,
        readings: ReadReadings,
        members: ReadMembers,
        range_: Range,
        windows: Windows,
    ) -> None:
        """Take the ways to read, and what is asked."""
        self._sealed = sealed
        self._readings = readings
        self._members = members
        self._range = range_
        self._windows = windows
        self._cuts = Cuts(windows=windows)

    def totals(self, rollups: Mapping[Handle, Rollup], effort: Effort) -> Iterator[Totals]:
        """A Summary of all readings for each rollup and window that has some, in several parts.

        No pair comes twice. Counts what was read.
        """
        reader = BlockReader(self._sealed, self._range, self._cuts)
        for found in reader.taken({handle: one.type for handle, one in rollups.items()}, effort):
            for one in found.values():
                if len(reader.gaps(one)) > _MOST_GAPS:
                    one.pieces.clear()
                    one.covered.clear()
            sums = _Sums(self._windows)
            for handle, one in found.items():
                sums.add(handle, [told.summary for told in one.pieces])
            uncovered = reader.uncovered(found)
            lacking = {handle for handles in uncovered.values() for handle in handles}
            members: dict[Handle, list[Member]] = defaultdict(list)
            for member in self._members(lacking) if lacking else ():
                members[member.rollup].append(member)
            for range_, handles in uncovered.items():
                is_sealed = range_.start is None or any(
                    range_.start < found[handle].end for handle in handles
                )
                # After the end of a rollup's blocks, those of its tracks mostly end, too.
                sealed = self._sealed if is_sealed else NOTHING_SEALED
                summaries = TrackSummaries(sealed, self._readings, range_, self._cuts)
                some = chain.from_iterable(members[handle] for handle in handles)
                sums.add_members(some, summaries, effort)
            yield sums.done()


def hours_of_members(
    sealed: SealedReads,
    readings: ReadReadings,
    members: Iterable[Member],
    range_: Range,
    effort: Effort,
) -> Mapping[Handle, Mapping[int, Summary]]:
    """What tracks have together in a range, by rollup and hour (since 1970)."""
    windows = FixedWindows(EPOCH, _SECONDS_IN_AN_HOUR)
    sums = _Sums(windows)
    summaries = TrackSummaries(sealed, readings, range_, Cuts(windows=windows))
    sums.add_members(members, summaries, effort)
    hours: dict[Handle, dict[int, Summary]] = defaultdict(dict)
    for (handle, _), summary in sums.done().items():
        hours[handle][hour_of(summary.first.at)] = summary
    return hours


class _Sums:
    """Pieces by rollup and window; as soon as there are many, they are made one."""

    def __init__(self, windows: Windows) -> None:
        self._windows = windows
        self._found: dict[tuple[Handle, Range], list[Summary]] = defaultdict(list)

    def add(self, handle: Handle, pieces: Collection[Summary]) -> None:
        """Add pieces, each of which lies in one window."""
        for piece in pieces:
            some = self._found[handle, self._windows.containing(piece.first.at)]
            some.append(piece)
            if len(some) >= _SUMMARIES_AT_ONCE:
                some[:] = [tally(some)]

    def add_members(
        self, members: Iterable[Member], summaries: TrackSummaries, effort: Effort
    ) -> None:
        """Add the pieces of tracks to their rollups; counts what was read."""
        member_of = {one.track: one for one in members}
        kinds = {handle: one.kind for handle, one in member_of.items()}
        for handle, pieces in summaries.pieces(kinds, effort):
            self.add(member_of[handle].rollup, pieces)

    def done(self) -> Totals:
        """One Summary for each."""
        return {key: tally(some) for key, some in self._found.items()}
