"""Two ways to read tracks as pieces: without regard to metadata, or each series apart.

The first reads volumes and instants only. The second reads rows where blocks do not say what there
was on a day under each description, and takes what that costs.
"""

import abc
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from metering.cuts import Cuts
from metering.storage.base import Effort
from metering.storage.block_reader import BlockReader, Coverage, SealedReads
from metering.storage.handles import Handle, Moment, TrackReading, Tracks
from metering.storage.series_lookup import SeriesLookUp
from metering.storage.stored_sample import StoredSample
from metering.storage.track_summaries import ReadReadings, TrackSummaries
from metering.streams import Piece
from metering.summary import Reading, of_reading, of_stream
from metering.times import Range

ReadReadingsAt = Callable[[Collection[Moment]], Iterator[TrackReading]]
# All of one track together, by time.
ReadSamples = Callable[[Collection[Handle], Range], Iterator[StoredSample]]
# By (digest of the track, instant).
ReadSamplesAt = Callable[[Collection[tuple[bytes, datetime]]], Iterator[tuple[bytes, StoredSample]]]

# Of tracks whose samples are in memory together: each may be under a description of its own.
_DAYS_AT_ONCE = 2_000
_USUAL_DAYS = 31
_DAY = timedelta(days=1)


class PieceReader(abc.ABC):
    """Reads tracks as pieces."""

    @abc.abstractmethod
    def pieces(
        self, tracks: Tracks, range_: Range, cuts: Cuts, effort: Effort
    ) -> Iterator[tuple[Handle, Sequence[Piece]]]:
        """The pieces of each track that has readings in range, in the order of the tracks.

        Each in order. Counts what was read.
        """

    @abc.abstractmethod
    def readings(self, tracks: Tracks, range_: Range) -> Mapping[Handle, Sequence[Piece]]:
        """Each reading in range as a piece."""

    @abc.abstractmethod
    def readings_at(
        self, tracks: Tracks, moments: Collection[Moment]
    ) -> Mapping[Handle, Sequence[Piece]]:
        """Each reading of these tracks at these moments as a piece."""


class TrackPieces(PieceReader):
    """Pieces of tracks."""

    def __init__(
        self, sealed: SealedReads, readings: ReadReadings, readings_at: ReadReadingsAt
    ) -> None:
        """Take the ways to read."""
        self._sealed = sealed
        self._readings = readings
        self._readings_at = readings_at

    def pieces(
        self, tracks: Tracks, range_: Range, cuts: Cuts, effort: Effort
    ) -> Iterator[tuple[Handle, Sequence[Piece]]]:
        """See `PieceReader.pieces`."""
        summaries = TrackSummaries(self._sealed, self._readings, range_, cuts)
        kinds = {handle: track.type for handle, track in tracks.items()}
        for handle, found in summaries.pieces(kinds, effort):
            yield handle, [Piece(tracks[handle], summary) for summary in found]

    def readings(self, tracks: Tracks, range_: Range) -> Mapping[Handle, Sequence[Piece]]:
        """See `PieceReader.readings`."""
        return _by_track(tracks, self._readings(tracks.keys(), range_))

    def readings_at(
        self, tracks: Tracks, moments: Collection[Moment]
    ) -> Mapping[Handle, Sequence[Piece]]:
        """See `PieceReader.readings_at`."""
        return _by_track(tracks, self._readings_at(moments))


class SeriesPieces(PieceReader):
    """Pieces of series: where metadata change with every sample, as many as there are samples."""

    def __init__(
        self,
        sealed: SealedReads,
        rows: ReadSamples,
        samples_at: ReadSamplesAt,
        series: SeriesLookUp,
        as_of: datetime | None = None,
    ) -> None:
        """Take the ways to read; of blocks only what was recorded until an instant, if given."""
        self._sealed = sealed
        self._rows = rows
        self._samples_at = samples_at
        self._series = series
        self._as_of = as_of

    def pieces(
        self, tracks: Tracks, range_: Range, cuts: Cuts, effort: Effort
    ) -> Iterator[tuple[Handle, Sequence[Piece]]]:
        """See `PieceReader.pieces`."""
        reader = BlockReader(self._sealed, range_, cuts, by_series=True, as_of=self._as_of)
        kinds = {handle: track.type for handle, track in tracks.items()}
        for found in reader.taken(kinds, effort):
            some: dict[Handle, Coverage] = {}
            left: float = _DAYS_AT_ONCE
            for handle, one in found.items():
                some[handle] = one
                left -= sum(map(_days_of, reader.gaps(one)))
                if left <= 0:
                    yield from self._completed(some, reader.uncovered(some), cuts, effort)
                    some, left = {}, _DAYS_AT_ONCE
            yield from self._completed(some, reader.uncovered(some), cuts, effort)

    def _completed(
        self,
        found: Mapping[Handle, Coverage],
        uncovered: Mapping[Range, Collection[Handle]],
        cuts: Cuts,
        effort: Effort,
    ) -> Iterator[tuple[Handle, Sequence[Piece]]]:
        """What was taken, and what is left to be read."""
        pieces = self._described(found)
        for gap, handles in uncovered.items():
            for handle, of_track in self._in_order(handles, gap):
                effort.samples += len(of_track)
                pieces[handle] += in_runs(of_track, cuts)
        for handle, some in pieces.items():
            if some:
                effort.tracks += 1
                yield handle, sorted(some, key=Piece.order)

    def readings(self, tracks: Tracks, range_: Range) -> Mapping[Handle, Sequence[Piece]]:
        """See `PieceReader.readings`."""
        return dict(self._in_order(tracks.keys(), range_))

    def readings_at(
        self, tracks: Tracks, moments: Collection[Moment]
    ) -> Mapping[Handle, Sequence[Piece]]:
        """See `PieceReader.readings_at`."""
        found = defaultdict(list)
        places = [(tracks[handle].digest, at) for handle, at in moments]
        rows = (row for _, row in self._samples_at(places))
        for row, series in self._series.with_series(rows):
            reading = Reading(row.timestamp, row.volume)
            found[row.track].append(Piece(series, of_reading(reading)))
        return found

    def _described(self, found: Mapping[Handle, Coverage]) -> dict[Handle, list[Piece]]:
        told = [(handle, one) for handle, taken in found.items() for one in taken.pieces]
        series = self._series.series([(handle, one.description) for handle, one in told])
        pieces: dict[Handle, list[Piece]] = {handle: [] for handle in found}
        for (handle, one), of in zip(told, series, strict=True):
            pieces[handle].append(Piece(of, one.summary))
        return pieces

    def _in_order(
        self, handles: Collection[Handle], range_: Range
    ) -> Iterator[tuple[Handle, list[Piece]]]:
        rows = self._series.with_series(self._rows(handles, range_))
        for handle, of_track in groupby(rows, key=lambda pair: pair[0].track):
            readings = (
                Piece(series, of_reading(Reading(row.timestamp, row.volume)))
                for row, series in of_track
            )
            yield handle, sorted(readings, key=Piece.order)


def in_runs(pieces: Iterable[Piece], cuts: Cuts) -> Iterator[Piece]:
    """Readings that follow each other in one track or series, together as far as they may be."""
    for _, alike in groupby(pieces, key=lambda piece: piece.subject.digest):
        some = list(alike)
        readings = [piece.summary.first for piece in some]
        for run in cuts.runs(some[0].subject.type, readings):
            yield Piece(some[0].subject, of_stream(run))


def _days_of(gap: Range) -> float:
    """How long it is; without an end as long as a month, since most tracks have no more of it."""
    if gap.start is None or gap.end is None:
        return _USUAL_DAYS
    return (gap.end - gap.start) / _DAY


def _by_track(tracks: Tracks, pairs: Iterable[TrackReading]) -> Mapping[Handle, Sequence[Piece]]:
    found = defaultdict(list)
    for handle, reading in pairs:
        found[handle].append(Piece(tracks[handle], of_reading(reading)))
    return found
