"""Readings, samples and blocks, as questions and transactions read them."""

import abc
import json
from collections.abc import Collection, Iterator
from itertools import groupby
from operator import itemgetter
from typing import cast

from metering.chunks import chunks
from metering.storage.blocks import DayOf, StoredBlock
from metering.storage.handles import Handle, TrackReading
from metering.storage.sqlite import scanning, statements
from metering.storage.sqlite.mapping import (
    Columns,
    member_from_columns,
    reading_from_columns,
    row_from_columns,
)
from metering.storage.stored_sample import StoredSample
from metering.storage.totals import Member
from metering.storage.track_reads import TrackReads
from metering.times import Range


class SqliteTrackReads(TrackReads):
    """Look-ups through a way to fetch rows: under a time limit, or in a transaction."""

    @abc.abstractmethod
    def _question(self) -> scanning.Fetch:
        """A way to fetch rows for one question."""

    def members(self, rollups: Collection[Handle] | None) -> Iterator[Member]:
        """See `TrackReads.members`."""
        fetch = self._question()
        if rollups is None:
            return map(member_from_columns, fetch(statements.MEMBERS, {}))
        parameters = {"rollups": statements.numbers_parameter(cast("Collection[int]", rollups))}
        return map(member_from_columns, fetch(statements.MEMBERS_OF, parameters))

    def readings(self, handles: Collection[Handle], range_: Range) -> Iterator[TrackReading]:
        """See `TrackReads.readings`."""
        rows = self._of_tracks(statements.READINGS, handles, range_)
        for handle, group in groupby(rows, key=itemgetter(0)):
            # SQL knows volumes as text only: readings of one instant are put in order here.
            for reading in sorted(map(reading_from_columns, group)):
                yield handle, reading

    def samples_of(self, handles: Collection[Handle], range_: Range) -> Iterator[StoredSample]:
        """See `TrackReads.samples_of`."""
        return map(row_from_columns, self._of_tracks(statements.ROWS, handles, range_))

    def _of_tracks(
        self, asked: scanning.Statements, handles: Collection[Handle], range_: Range
    ) -> Iterator[Columns]:
        numbers = cast("Collection[int]", handles)
        return scanning.by_track(self._question(), asked, numbers, scanning.Bounds.of(range_))

    def blocks(
        self, handles: Collection[Handle], months: range, *, described: bool = False
    ) -> Iterator[StoredBlock]:
        """See `TrackReads.blocks`."""
        parameters = {
            "handles": statements.numbers_parameter(cast("Collection[int]", handles)),
            "begin": months.start,
            "end": months.stop,
            "described": described,
        }
        for handle, month, days, of_days, struck in self._question()(statements.BLOCKS, parameters):
            yield StoredBlock(handle, month, days, of_days, json.loads(struck))

    def hours(self, days: Collection[DayOf]) -> Iterator[tuple[DayOf, bytes]]:
        """See `TrackReads.hours`."""
        fetch = self._question()
        for some in chunks(days, scanning.HANDLES_AT_ONCE):
            pairs = ((cast("int", handle), day) for handle, day in some)
            parameters = {"days": statements.pairs_parameter(pairs)}
            for handle, day, hours in fetch(statements.HOURS, parameters):
                yield DayOf(handle, day), hours
