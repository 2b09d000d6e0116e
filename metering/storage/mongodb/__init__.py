"""The MongoDB driver: look-ups by series, time and key, for `SeriesStorage` to answer from.

`series` has a document for each series, `samples` one for each sample, about 90 bytes; documents
are never changed. Transactions need a replica set (one member will do). On a standalone server
`record(atomic=True)` looks before it writes, but samples that somebody else stores at the same
moment can leave it half done.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, groupby
from operator import itemgetter
from typing import Any, Self

from metering.model import Series, Submission, Verdict
from metering.query import Position
from metering.retention import Horizons
from metering.storage.mongodb import deployment, expiring, faults, questions
from metering.storage.mongodb.connection import Connection
from metering.storage.mongodb.mapping import (
    readings_from_batch,
    row_from_document,
    series_from_document,
)
from metering.storage.mongodb.reading import Reader, chunks
from metering.storage.mongodb.writing import Writer
from metering.storage.series import Handle, Row, SeriesStorage
from metering.summary import Reading
from metering.times import Range

# Keys that are sent at once: 50 kB.
_KEYS_PER_FIND = 2_000


class MongoStorage(SeriesStorage):
    """`mongodb://host/database`: a store in MongoDB 6.0 or later."""

    def __init__(self, url: str, timeout_seconds: float) -> None:
        """See `open`."""
        super().__init__(timeout_seconds)
        self._connection = Connection(url, timeout_seconds)
        self._writer = Writer(self._connection)

    @classmethod
    def open(cls, url: str, *, timeout_seconds: float) -> Self:
        """See `Storage.open`; the database is `metering` if the URL names none.

        Raises:
            Misconfigured: the URL is not valid.
        """
        return cls(url, timeout_seconds)

    def prepare(self) -> None:
        """See `Storage.prepare`.

        Raises:
            Misconfigured: a newer version made the database, or an index differs from ours.
        """
        deployment.prepare(self._connection)

    def check(self) -> list[str]:
        """See `Storage.check`."""
        return deployment.check(self._connection)

    def ping(self) -> None:
        """See `Storage.ping`."""
        deployment.require(self._connection)

    def close(self) -> None:
        """See `Storage.close`."""
        self._connection.close()

    def record(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Verdict]:
        """See `Storage.record`."""
        return self._writer.record(submissions, atomic=atomic)

    def _find_series(self, equal: Mapping[str, Any]) -> Iterator[tuple[Handle, Series]]:
        for document in self._reader().series(questions.series_with(equal)):
            yield document["_id"], series_from_document(document)

    def _scan(
        self, handles: Collection[Handle], range_: Range, after: Position | None
    ) -> Iterator[Row]:
        return map(row_from_document, self._reader().scan(handles, range_, after))

    def _readings(
        self, handles: Collection[Handle], range_: Range
    ) -> Iterator[tuple[Handle, Reading]]:
        reader = self._reader()
        for chunk in chunks(handles, _KEYS_PER_FIND):
            batches = reader.batches(questions.readings(chunk, range_))
            pairs = chain.from_iterable(map(readings_from_batch, batches))
            for handle, group in groupby(pairs, key=itemgetter(0)):
                # The index orders readings of one instant by key, not by volume.
                for reading in sorted(map(itemgetter(1), group)):
                    yield handle, reading

    def _extents(
        self, handles: Collection[Handle], range_: Range, as_of: datetime | None
    ) -> Iterator[tuple[Handle, datetime, datetime]]:
        reader = self._reader()
        for chunk in chunks(handles, _KEYS_PER_FIND):
            yield from reader.extents(questions.Ends(chunk, range_, as_of))

    def _rows(self, keys: Collection[bytes]) -> Iterator[Row]:
        reader = self._reader()
        for chunk in chunks(keys, _KEYS_PER_FIND):
            yield from map(row_from_document, reader.samples(questions.among(chunk)))

    def horizons(self) -> Horizons:
        """See `Storage.horizons`."""
        with faults.of_order():
            return expiring.read_horizons(self._connection)

    def _publish(self, horizons: Horizons) -> Horizons:
        with faults.of_order():
            return expiring.publish(self._connection, horizons)

    def _spend(self, keys: Collection[bytes]) -> None:
        with faults.of_order():
            expiring.spend(self._connection, keys)

    def _delete(self, handles: Collection[Handle], range_: Range) -> Iterator[int]:
        for chunk in chunks(handles, _KEYS_PER_FIND):
            yield from expiring.delete(self._connection, chunk, range_)

    def _flaws(self) -> Iterator[str]:
        reader = self._reader()
        # Before the series: a series is stored before the first of its samples.
        in_use = set(reader.series_in_use())
        series = {handle: one.digest for handle, one in self._find_series({})}
        for missing in sorted(in_use - series.keys()):
            yield f"samples are of series {missing.hex()}, which does not exist"
        for handle, digest in series.items():
            if handle != digest:
                yield f"series {digest.hex()} has the key of another"

    def _reader(self) -> Reader:
        return Reader(self._connection, self._timeout_seconds)
