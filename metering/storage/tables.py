"""What a driver supplies that keeps tracks, descriptions and samples apart: plain look-ups.

By track, time and key; `TrackStorage` does everything else with them. A *handle* is the driver's
name for a track, rollup or description.
"""

import abc
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from metering.metadata import Metadata
from metering.model import Rollup, Submission, Track, Verdict
from metering.query import Position
from metering.retention import Horizons
from metering.storage.handles import Handle, Moment, TrackReading
from metering.storage.sealing import Run, SealTransaction
from metering.storage.stored_sample import StoredSample
from metering.storage.track_reads import TrackReads
from metering.times import Range

T = TypeVar("T")


class Tables(TrackReads):
    """A database's tracks, rollups, descriptions, samples and blocks.

    Each look-up has the time limit of a question, and raises what a `Storage` may raise.
    """

    @abc.abstractmethod
    def prepare(self) -> None:
        """See `Storage.prepare`."""

    @abc.abstractmethod
    def check(self) -> list[str]:
        """See `Storage.check`."""

    @abc.abstractmethod
    def ping(self) -> None:
        """See `Storage.ping`."""

    @abc.abstractmethod
    def close(self) -> None:
        """See `Storage.close`."""

    @abc.abstractmethod
    def record(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Verdict]:
        """See `Storage.record`."""

    @abc.abstractmethod
    def find_tracks(
        self, equal: Mapping[str, Any], *, by_resource: bool = False
    ) -> Iterator[tuple[Handle, Track]]:
        """The tracks whose fields equal these values (None for absent); all, if none is given.

        By `resource_id` if asked so.
        """

    @abc.abstractmethod
    def find_rollups(self, equal: Mapping[str, Any]) -> Iterator[tuple[Handle, Rollup]]:
        """The rollups whose fields equal these values (None for absent); all, if none is given.

        Each that a track with samples has is there; no track has the same handle.
        """

    @abc.abstractmethod
    def sources(self, equal: Mapping[str, Any]) -> Iterator[str]:
        """The source of each of these tracks, each once."""

    @abc.abstractmethod
    def tracks(self, handles: Collection[Handle]) -> Iterator[tuple[Handle, Track]]:
        """The tracks with these handles."""

    @abc.abstractmethod
    def descriptions(self, handles: Collection[Handle]) -> Iterator[tuple[Handle, Metadata]]:
        """The descriptions with these handles; without those that are missing."""

    @abc.abstractmethod
    def tracks_of_resources(
        self, resource_ids: Collection[str], equal: Mapping[str, Any], besides: Collection[Handle]
    ) -> Iterator[tuple[Handle, Track]]:
        """The tracks of these resources whose fields equal these values, whoever owns them.

        Those with the handles `besides` are left out: the caller has them.
        """

    @abc.abstractmethod
    def scan(
        self, handles: Collection[Handle], range_: Range, after: Position | None
    ) -> Iterator[StoredSample]:
        """The samples of the tracks in range, by (timestamp, key) descending, after a position.

        They may be read slowly: between two of them nothing is held, and no limit of time runs.
        """

    @abc.abstractmethod
    def extents(
        self, handles: Collection[Handle], range_: Range, as_of: datetime | None
    ) -> Iterator[tuple[Handle, datetime, datetime]]:
        """The first and last timestamp of each of the tracks that has samples in range.

        Only samples with recorded_at <= as_of count, if it is given.
        """

    @abc.abstractmethod
    def firsts(
        self, handles: Collection[Handle], range_: Range, as_of: datetime | None
    ) -> Iterator[Moment]:
        """The first timestamp alone of each of them, likewise."""

    @abc.abstractmethod
    def lasts(
        self, handles: Collection[Handle], range_: Range, as_of: datetime | None
    ) -> Iterator[Moment]:
        """The last timestamp alone of each of them, likewise."""

    @abc.abstractmethod
    def oldest(self) -> datetime | None:
        """The timestamp of the oldest sample of all; None if there is none."""

    @abc.abstractmethod
    def readings_at(self, moments: Collection[Moment]) -> Iterator[TrackReading]:
        """The readings of the tracks at these moments, in no order; no moment comes twice."""

    @abc.abstractmethod
    def samples_by_key(self, keys: Collection[bytes]) -> Iterator[StoredSample]:
        """The samples with these keys, in no order."""

    @abc.abstractmethod
    def samples_at(
        self, places: Collection[tuple[bytes, datetime]]
    ) -> Iterator[tuple[bytes, StoredSample]]:
        """The samples at these places, each with the first part of its place, in no order.

        A place is the digest of a track, and an instant; none comes twice.
        """

    @abc.abstractmethod
    def horizons(self) -> Horizons:
        """See `Storage.horizons`."""

    @abc.abstractmethod
    def publish(self, horizons: Horizons) -> Horizons:
        """Make the later of these and the horizons published before durable, and return them."""

    @abc.abstractmethod
    def spend(self, keys: Collection[bytes]) -> None:
        """Remember the keys as spent, durably; some may be so already."""

    @abc.abstractmethod
    def delete(self, handles: Collection[Handle], range_: Range) -> Iterator[int]:
        """Delete the samples of the tracks in range bit by bit, yielding the size of each bit.

        Their days are struck in the same transaction, of the tracks and of their rollups.
        """

    @abc.abstractmethod
    def open_seal(self, before: datetime, settle_seconds: float) -> Run:
        """From now on, let writers strike the day of each sample from before the instant.

        Then wait, if there may be writers that do not know it yet, and something to be sealed.
        """

    @abc.abstractmethod
    def close_seal(self, before: datetime, run: Run) -> None:
        """Note that all before is sealed, unless it was unsealed since the run began."""

    @abc.abstractmethod
    def struck(self) -> list[tuple[int, list[Handle]]]:
        """Where days are struck: by month the tracks and rollups."""

    @abc.abstractmethod
    def transact(self, run: Run, work: Callable[[SealTransaction], T]) -> T:
        """Do a run's work in a transaction, which is durable when it returns; again on a conflict.

        Raises:
            Misconfigured: the database has no transactions.
        """

    @abc.abstractmethod
    def unseal(self) -> None:
        """See `Storage.unseal`."""

    @abc.abstractmethod
    def flaws(self) -> Iterator[str]:
        """What the database itself finds broken, samples of no track and the like."""
