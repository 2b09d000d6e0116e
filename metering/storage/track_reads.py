"""What is read of tracks and rollups by questions as well as by sealing, in its transactions."""

import abc
from collections.abc import Collection, Iterator

from metering.storage.blocks import DayOf, StoredBlock
from metering.storage.handles import Handle, TrackReading
from metering.storage.stored_sample import StoredSample
from metering.storage.totals import Member
from metering.times import Range


class TrackReads(abc.ABC):
    """Look-ups of tracks, of their samples, and of what was sealed."""

    @abc.abstractmethod
    def members(self, rollups: Collection[Handle] | None) -> Iterator[Member]:
        """The tracks of these rollups; of all, if None."""

    @abc.abstractmethod
    def readings(self, handles: Collection[Handle], range_: Range) -> Iterator[TrackReading]:
        """The readings of the tracks in range: all of one track together, by (at, volume)."""

    @abc.abstractmethod
    def samples_of(self, handles: Collection[Handle], range_: Range) -> Iterator[StoredSample]:
        """The samples of the tracks in range: all of one track together, by time."""

    @abc.abstractmethod
    def blocks(
        self, handles: Collection[Handle], months: range, *, described: bool = False
    ) -> Iterator[StoredBlock]:
        """The blocks of tracks or rollups in these months, in no order.

        With what they say of descriptions if asked so.
        """

    @abc.abstractmethod
    def hours(self, days: Collection[DayOf]) -> Iterator[tuple[DayOf, bytes]]:
        """The hours of those of these days that have some, in no order."""
