"""What a database is asked by `SeriesStorage`: plain look-ups by series, time and key.

A driver that keeps series and samples apart supplies these, and everything else is done. A *handle*
is the driver's name for a series.
"""

import abc
from collections.abc import (
    Callable,
    Collection,
    Iterator,
    Mapping,
)
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from metering.model import Rollup, Sample, Series
from metering.query import (
    Position,
)
from metering.retention import Horizons
from metering.storage.base import Storage
from metering.storage.blocks import (
    Grain,
    StoredBlock,
)
from metering.storage.handles import Handle, Pair
from metering.storage.sealing import Access, Run
from metering.storage.totals import Member
from metering.summary import Reading
from metering.times import Range

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row:
    """A sample as a driver keeps it: `handle` is the driver's name for the series."""

    handle: Handle
    id: str
    timestamp: datetime
    volume: Decimal
    recorded_at: datetime

    def sample(self, series: Series) -> Sample:
        """The sample, given the series that the handle stands for."""
        return Sample(
            series=series,
            id=self.id,
            timestamp=self.timestamp,
            volume=self.volume,
            recorded_at=self.recorded_at,
        )


class SeriesLookUps(Storage):
    """The look-ups, and the time limit of a question."""

    def __init__(self, timeout_seconds: float) -> None:
        """Take the time limit of a question."""
        self._timeout_seconds = timeout_seconds

    @abc.abstractmethod
    def _find_series(
        self, equal: Mapping[str, Any], *, by_resource: bool = False
    ) -> Iterator[tuple[Handle, Series]]:
        """The series whose fields equal these values (None for absent); all, if none is given.

        By `resource_id` if asked so.
        """

    @abc.abstractmethod
    def _find_rollups(self, equal: Mapping[str, Any]) -> Iterator[tuple[Handle, Rollup]]:
        """The rollups whose fields equal these values (None for absent); all, if none is given.

        Each that a series with samples has is there; no series has the same handle.
        """

    @abc.abstractmethod
    def _members(self, rollups: Collection[Handle] | None) -> Iterator[Member]:
        """The series of these rollups; of all, if None."""

    @abc.abstractmethod
    def _sources(self, equal: Mapping[str, Any]) -> Iterator[str]:
        """The source of each of these series, each once."""

    @abc.abstractmethod
    def _series(self, handles: Collection[Handle]) -> Iterator[tuple[Handle, Series]]:
        """The series with these handles."""

    @abc.abstractmethod
    def _series_of_resources(
        self, resource_ids: Collection[str], equal: Mapping[str, Any], besides: Collection[Handle]
    ) -> Iterator[tuple[Handle, Series]]:
        """The series of these resources whose fields equal these values, whoever's they are.

        Without those with the handles `besides`, which the caller has.
        """

    @abc.abstractmethod
    def _last_before(self, handles: Collection[Handle], instant: datetime) -> Iterator[Pair]:
        """The readings of each of the series at its last instant before this one."""

    @abc.abstractmethod
    def _first_from(self, handles: Collection[Handle], instant: datetime) -> Iterator[Pair]:
        """The readings of each of the series at its first instant at or after this one."""

    @abc.abstractmethod
    def _scan(
        self, handles: Collection[Handle], range_: Range, after: Position | None
    ) -> Iterator[Row]:
        """The samples of the series in range, by (timestamp, key) descending, after a position.

        They may be read slowly: between two of them nothing is held, and no limit of time runs.
        """

    @abc.abstractmethod
    def _readings(
        self, handles: Collection[Handle], range_: Range
    ) -> Iterator[tuple[Handle, Reading]]:
        """The readings of the series in range: all of one series together, by (at, volume)."""

    @abc.abstractmethod
    def _extents(
        self, handles: Collection[Handle], range_: Range, as_of: datetime | None
    ) -> Iterator[tuple[Handle, datetime, datetime]]:
        """The first and last timestamp of each of the series that has samples in range.

        Only samples with recorded_at <= as_of count, if it is given.
        """

    @abc.abstractmethod
    def _lasts(
        self, handles: Collection[Handle], range_: Range, as_of: datetime | None
    ) -> Iterator[tuple[Handle, datetime]]:
        """The last timestamp alone of each of them, likewise."""

    @abc.abstractmethod
    def _oldest(self, handles: Collection[Handle] | None) -> Iterator[datetime]:
        """Timestamps of samples, the oldest of all among them; of these series only, if given."""

    @abc.abstractmethod
    def _rows(self, keys: Collection[bytes]) -> Iterator[Row]:
        """The samples with these keys, in no order."""

    @abc.abstractmethod
    def _rows_at(self, places: Collection[tuple[bytes, datetime]]) -> Iterator[tuple[bytes, Row]]:
        """The samples at these places, each with the first part of its place, in no order.

        A place is the digest of a series, and an instant; none comes twice.
        """

    @abc.abstractmethod
    def _publish(self, horizons: Horizons) -> Horizons:
        """Make the later of these and the horizons published before durable, and return them."""

    @abc.abstractmethod
    def _spend(self, keys: Collection[bytes]) -> None:
        """Remember the keys as spent, durably; some may be so already."""

    @abc.abstractmethod
    def _delete(self, handles: Collection[Handle], range_: Range) -> Iterator[int]:
        """Delete the samples of the series in range bit by bit, yielding the size of each bit.

        Their days are struck in the same transaction, of the series and of their rollups.
        """

    @abc.abstractmethod
    def _blocks(
        self, handles: Collection[Handle], months: range, grain: Grain
    ) -> Iterator[StoredBlock]:
        """The blocks of series or rollups in these months, in no order; with hours if asked so."""

    @abc.abstractmethod
    def _open_seal(self, day: int, settle_seconds: float) -> Run:
        """Let whoever records a sample from before the day strike it, from now on.

        Waits then, if the driver has writers that may not know it yet, and days are not sealed.
        """

    @abc.abstractmethod
    def _close_seal(self, day: int, run: Run) -> None:
        """Note that all before the day is sealed, unless it was unsealed since the run began."""

    @abc.abstractmethod
    def _struck(self) -> list[tuple[int, list[Handle]]]:
        """Where days are struck: by month the series and rollups."""

    @abc.abstractmethod
    def _transact(self, run: Run, work: Callable[[Access], T]) -> T:
        """Do a run's work in a transaction, which is durable when it returns; again on a conflict.

        Raises:
            Misconfigured: the database has no transactions.
        """

    @abc.abstractmethod
    def _flaws(self) -> Iterator[str]:
        """What the database itself finds broken, samples of no series and the like."""
