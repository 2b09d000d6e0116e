"""Cursors under a time limit, a batch at a time, and what takes several of them."""

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import datetime
from itertools import chain
from typing import Any, TypeVar

from pymongo import ASCENDING, DESCENDING
from pymongo.client_session import ClientSession
from pymongo.collection import Collection as MongoCollection
from pymongo.errors import PyMongoError

from metering import asker
from metering.chunks import chunks
from metering.deadline import Deadline
from metering.storage.mongodb import faults, questions
from metering.storage.mongodb.connection import Connection
from metering.storage.mongodb.mapping import (
    NAIVE,
    Document,
    aware,
    found_in_batch,
    readings_from_batch,
)
from metering.storage.mongodb.names import RANK, RECORDED_AT
from metering.storage.mongodb.questions import Ends, Find, Stages
from metering.storage.mongodb.ranks import instant_of
from metering.storage.stored_sample import StoredSample
from metering.summary import Reading

T = TypeVar("T")

# Keys that are sent at once: 50 kB.
KEYS_PER_FIND = 2_000
# MongoDB plans each alternative of a question for itself, some 25 us each.
MOMENTS_PER_FIND = 1_000
# As many come in one answer, unless they have more than 16 MB.
_DOCUMENTS_AT_ONCE = 1_000
# Of raw batches, 1.6 MB or less: to wait for one of 16 MB took some two seconds where eight
# questions did, and nobody looks meanwhile whether the asker has gone.
_SAMPLES_AT_ONCE = 10_000


class Reader:
    """Answers one question, which may take several cursors, within one time limit."""

    def __init__(
        self,
        connection: Connection,
        timeout_seconds: float,
        session: ClientSession | None = None,
    ) -> None:
        """Take the limit; the time runs from now on. In the transaction of a session, if given."""
        self._connection = connection
        self._timeout_seconds = timeout_seconds
        self._session = session
        self._deadline = Deadline(timeout_seconds)

    def tracks(self, find: Find) -> Iterator[Document]:
        """The documents of tracks."""
        return self._find(self._connection.tracks, find)

    def descriptions(self, find: Find) -> Iterator[Document]:
        """The documents of descriptions."""
        return self._find(self._connection.descriptions, find)

    def rollups(self, find: Find) -> Iterator[Document]:
        """The documents of rollups."""
        return self._find(self._connection.rollups, find)

    def sources(self, stages: Stages) -> Iterator[str]:
        """The sources of tracks, each once."""
        for found in self._aggregate(self._connection.tracks, stages):
            yield found["_id"]

    def count_tracks(self) -> int:
        """About how many tracks there are: what MongoDB knows without counting."""
        with faults.of_question(self._timeout_seconds):
            return self._connection.tracks.estimated_document_count(
                maxTimeMS=self._deadline.remaining_ms()
            )

    def samples(self, find: Find) -> Iterator[Document]:
        """The documents of samples."""
        return self._find(self._connection.samples, find)

    def blocks(self, find: Find) -> Iterator[Document]:
        """The documents of blocks."""
        return self._find(self._connection.blocks, find)

    def hours(self, find: Find) -> Iterator[Document]:
        """The documents of hours of busy days."""
        return self._find(self._connection.hours, find)

    def batches(self, find: Find) -> Iterator[bytes]:
        """The documents of samples, as raw batches of BSON; the find may say how many at once."""
        return self._read(
            lambda ms: self._connection.samples.find_raw_batches(
                **{"batch_size": _SAMPLES_AT_ONCE, **find}, max_time_ms=ms, session=self._session
            ),
            lambda cursor: next(cursor, None),
        )

    def extents(self, asked: Ends) -> Iterator[tuple[bytes, Any, Any]]:
        """The first and last timestamp of each of the tracks that has samples in question."""
        firsts = dict(self.ends(asked, ASCENDING))
        lasts = dict(self.ends(asked, DESCENDING))
        # Samples may arrive between the two looks: only tracks that both have seen.
        for handle in firsts.keys() & lasts.keys():
            yield handle, firsts[handle], lasts[handle]

    def ends(self, asked: Ends, direction: int) -> Iterator[tuple[bytes, Any]]:
        """The first timestamp of each of these tracks in the direction."""
        late = []
        stages = questions.ends(asked, direction)
        for found in self._aggregate(self._connection.samples, stages):
            if asked.as_of is None or aware(found[RECORDED_AT]) <= asked.as_of:
                yield found["_id"], instant_of(found[RANK])
            else:
                late.append(found["_id"])
        if late:
            stages = questions.ends_in_time(Ends(late, asked.range, asked.as_of), direction)
            for found in self._aggregate(self._connection.tracks, stages):
                yield found["_id"], instant_of(found[RANK])

    def tracks_in_use(self) -> Iterator[bytes]:
        """The handle of each track that has samples, whether or not it is stored."""
        for found in self._aggregate(self._connection.samples, questions.tracks_in_use()):
            yield found["_id"]

    def _find(self, collection: MongoCollection[Document], find: Find) -> Iterator[Document]:
        return self._documents(
            lambda ms: collection.find(
                **find, batch_size=_DOCUMENTS_AT_ONCE, max_time_ms=ms, session=self._session
            )
        )

    def _aggregate(
        self, collection: MongoCollection[Document], stages: Stages
    ) -> Iterator[Document]:
        """The documents that the stages give, whose instants are naive."""
        naive = collection.with_options(codec_options=NAIVE)
        return self._documents(
            lambda ms: naive.aggregate(
                stages, batchSize=_DOCUMENTS_AT_ONCE, maxTimeMS=ms, session=self._session
            )
        )

    def _documents(self, start: Callable[[int], Any]) -> Iterator[Document]:
        batches = self._read(start, lambda cursor: cursor.to_list(_DOCUMENTS_AT_ONCE))
        return chain.from_iterable(batches)

    def _asking(self) -> AbstractContextManager[None]:
        """Translates errors; not in a transaction, which is begun anew after some of them."""
        return nullcontext() if self._session else faults.of_question(self._timeout_seconds)

    def _read(self, start: Callable[[int], Any], take: Callable[[Any], T | None]) -> Iterator[T]:
        """What is taken from a cursor until it is empty; it is closed whatever ends the iteration.

        MongoDB counts the time that it spends on all batches of a cursor. Before each it is looked
        whether anybody waits for it.

        Raises:
            QueryTooExpensive: they took longer than what was left of the time.
            Abandoned: nobody waits.
        """
        remaining_ms = self._deadline.remaining_ms()

        def begin() -> tuple[Any, T | None]:
            cursor = start(remaining_ms)
            return cursor, take(cursor)

        with self._asking():
            cursor, batch = self._connection.committed(begin, self._session)
        try:
            while batch:
                yield batch
                asker.require()
                with self._asking():
                    batch = take(cursor)
        finally:
            with suppress(PyMongoError):
                cursor.close()


def read_readings_at(
    reader: Reader, moments: Collection[tuple[Any, datetime]]
) -> Iterator[tuple[bytes, Reading]]:
    """The readings of the tracks at these moments, in no order."""
    for some in chunks(moments, MOMENTS_PER_FIND):
        asked = set(some)
        batches = reader.batches(questions.readings_at(some))
        for handle, reading in chain.from_iterable(map(readings_from_batch, batches)):
            if (handle, reading.at) in asked:
                yield handle, reading


def read_samples_at(
    reader: Reader, moments: Collection[tuple[Any, datetime]]
) -> Iterator[StoredSample]:
    """The samples of the tracks at these moments, in no order."""
    for some in chunks(moments, MOMENTS_PER_FIND):
        asked = set(some)
        batches = reader.batches(questions.samples_at(some))
        for found in chain.from_iterable(map(found_in_batch, batches)):
            if (found.row.track, found.row.timestamp) in asked:
                yield found.row
