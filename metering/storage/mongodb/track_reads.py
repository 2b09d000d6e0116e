"""Readings, samples and blocks, as questions and transactions read them."""

import abc
from collections.abc import Collection, Iterator
from itertools import chain, groupby
from operator import itemgetter

from metering.chunks import chunks
from metering.model import MeterType
from metering.storage.blocks import DayOf, StoredBlock
from metering.storage.handles import Handle, TrackReading
from metering.storage.mongodb import questions
from metering.storage.mongodb.mapping import (
    blocks_from_documents,
    day_of_hours,
    found_in_batch,
    hours_key,
    readings_from_batch,
)
from metering.storage.mongodb.reading import KEYS_PER_FIND, Reader
from metering.storage.stored_sample import StoredSample
from metering.storage.totals import Member
from metering.storage.track_reads import TrackReads
from metering.times import Range


class MongoTrackReads(TrackReads):
    """Look-ups by a reader: of one question, or in a transaction."""

    @abc.abstractmethod
    def _reader(self) -> Reader:
        """What answers one question."""

    def members(self, rollups: Collection[Handle] | None) -> Iterator[Member]:
        """See `TrackReads.members`."""
        reader = self._reader()
        for chunk in (None,) if rollups is None else chunks(rollups, KEYS_PER_FIND):
            for document in reader.tracks(questions.members(chunk)):
                yield Member(document["_id"], document["rollup"], MeterType(document["type"]))

    def readings(self, handles: Collection[Handle], range_: Range) -> Iterator[TrackReading]:
        """See `TrackReads.readings`."""
        reader = self._reader()
        for chunk in chunks(handles, KEYS_PER_FIND):
            batches = reader.batches(questions.readings(chunk, range_))
            pairs = chain.from_iterable(map(readings_from_batch, batches))
            for handle, group in groupby(pairs, key=itemgetter(0)):
                # The index orders readings of one instant by rank before it does by volume.
                for reading in sorted(map(itemgetter(1), group)):
                    yield handle, reading

    def samples_of(self, handles: Collection[Handle], range_: Range) -> Iterator[StoredSample]:
        """See `TrackReads.samples_of`."""
        reader = self._reader()
        for chunk in chunks(handles, KEYS_PER_FIND):
            batches = reader.batches(questions.rows_of(chunk, range_))
            for found in chain.from_iterable(map(found_in_batch, batches)):
                yield found.row

    def blocks(
        self, handles: Collection[Handle], months: range, *, described: bool = False
    ) -> Iterator[StoredBlock]:
        """See `TrackReads.blocks`."""
        reader = self._reader()
        for chunk in chunks(handles, KEYS_PER_FIND):
            found = reader.blocks(questions.blocks(chunk, months, described=described))
            yield from blocks_from_documents(found)

    def hours(self, days: Collection[DayOf]) -> Iterator[tuple[DayOf, bytes]]:
        """See `TrackReads.hours`."""
        reader = self._reader()
        for chunk in chunks(days, KEYS_PER_FIND):
            for document in reader.hours(questions.among(map(hours_key, chunk))):
                yield day_of_hours(document["_id"]), document["hours"]
