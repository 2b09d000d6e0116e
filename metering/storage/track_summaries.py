"""Summaries of tracks: from blocks where there are any, from samples elsewhere."""

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import groupby
from operator import attrgetter, itemgetter

from metering.cuts import Cuts
from metering.model import MeterType
from metering.storage.base import Effort
from metering.storage.block_reader import BlockReader, SealedReads
from metering.storage.handles import Handle, TrackReading
from metering.summary import Summary, of_stream
from metering.times import Range

ReadReadings = Callable[[Collection[Handle], Range], Iterator[TrackReading]]


class TrackSummaries:
    """Reads the pieces of tracks in a range, cut as somebody asks."""

    def __init__(
        self, sealed: SealedReads, readings: ReadReadings, range_: Range, cuts: Cuts
    ) -> None:
        """Take the ways to read, and what is asked."""
        self._blocks = BlockReader(sealed, range_, cuts)
        self._readings = readings
        self._cuts = cuts

    def pieces(
        self, kinds: Mapping[Handle, MeterType], effort: Effort
    ) -> Iterator[tuple[Handle, list[Summary]]]:
        """The pieces of each track that has readings, in order; counts what was read."""
        for found in self._blocks.taken(kinds, effort):
            pieces = {
                handle: [told.summary for told in one.pieces] for handle, one in found.items()
            }
            for range_, members in self._blocks.uncovered(found).items():
                effort.samples += self._read(pieces, kinds, members, range_)
            for handle, some in pieces.items():
                if some:
                    effort.tracks += 1
                    yield handle, sorted(some, key=attrgetter("first"))

    def _read(
        self,
        pieces: Mapping[Handle, list[Summary]],
        kinds: Mapping[Handle, MeterType],
        handles: Collection[Handle],
        range_: Range,
    ) -> int:
        count = 0
        for handle, pairs in groupby(self._readings(handles, range_), key=itemgetter(0)):
            readings = [reading for _, reading in pairs]
            count += len(readings)
            pieces[handle] += map(of_stream, self._cuts.runs(kinds[handle], readings))
        return count
