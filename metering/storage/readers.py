"""What reads the tables for one question: each reader by the deadline of the question."""

from collections.abc import Collection, Iterator
from datetime import datetime

from metering.deadline import Deadline
from metering.query import Filter
from metering.storage.block_reader import NOTHING_SEALED, SealedReads
from metering.storage.blocks import DayOf, StoredBlock
from metering.storage.handles import Handle, TrackReading, Tracks
from metering.storage.pieces import SeriesPieces, TrackPieces
from metering.storage.sample_filter import SampleFilter
from metering.storage.series_lookup import SeriesLookUp
from metering.storage.stored_sample import StoredSample
from metering.storage.tables import Tables
from metering.storage.totals import Member, TotalReader
from metering.times import Range, Windows


class Readers:
    """Makes the readers; they share one deadline."""

    def __init__(self, tables: Tables, deadline: Deadline) -> None:
        """Take the tables and the deadline."""
        self._tables = tables
        self._deadline = deadline

    def of_tracks(self) -> TrackPieces:
        """Pieces of tracks, whatever their metadata are."""
        return TrackPieces(self._sealed(), self._readings, self._tables.readings_at)

    def of_series(self, tracks: Tracks, as_of: datetime | None = None) -> SeriesPieces:
        """Pieces of series; of samples with recorded_at <= as_of, if that is given."""

        def samples(handles: Collection[Handle], range_: Range) -> Iterator[StoredSample]:
            for one in self._samples_of(handles, range_):
                if as_of is None or one.recorded_at <= as_of:
                    yield one

        look_up = SeriesLookUp(self._tables.descriptions, tracks)
        sealed = self._sealed(described=True)
        return SeriesPieces(sealed, samples, self._tables.samples_at, look_up, as_of)

    def of_samples(self, tracks: Tracks, left: Filter) -> SeriesPieces:
        """Pieces of the samples that match, without blocks: these know no single samples."""
        look_up = SeriesLookUp(self._tables.descriptions, tracks)
        matching = SampleFilter(dict.fromkeys(tracks, left))

        def samples(handles: Collection[Handle], range_: Range) -> Iterator[StoredSample]:
            for one, sample in look_up.samples(self._samples_of(handles, range_)):
                if matching.passes(one, sample):
                    yield one

        return SeriesPieces(NOTHING_SEALED, samples, self._tables.samples_at, look_up)

    def of_totals(self, range_: Range, windows: Windows) -> TotalReader:
        """Totals of rollups in a range, by window."""
        return TotalReader(self._sealed(), self._readings, self._members, range_, windows)

    def _sealed(self, *, described: bool = False) -> SealedReads:
        """What was sealed, with what it says of descriptions if asked so."""

        def blocks(handles: Collection[Handle], months: range) -> Iterator[StoredBlock]:
            return self._deadline.guard(self._tables.blocks(handles, months, described=described))

        def hours(days: Collection[DayOf]) -> Iterator[tuple[DayOf, bytes]]:
            return self._deadline.guard(self._tables.hours(days))

        return SealedReads(blocks, hours)

    def _readings(self, handles: Collection[Handle], range_: Range) -> Iterator[TrackReading]:
        return self._deadline.guard(self._tables.readings(handles, range_))

    def _samples_of(self, handles: Collection[Handle], range_: Range) -> Iterator[StoredSample]:
        return self._deadline.guard(self._tables.samples_of(handles, range_))

    def _members(self, rollups: Collection[Handle]) -> Iterator[Member]:
        return self._deadline.guard(self._tables.members(rollups))
