"""Look-ups in MongoDB: by track, time and key.

`tracks`, `descriptions` and `rollups` have a document for each of them, `samples` one for each
sample; none is ever changed. `blocks` has what was sealed, `horizons` and
`spent` what has expired. Transactions need a replica set (one member will do). On a standalone
server `record(atomic=True)` looks before it writes, but samples that somebody else stores at the
same moment can leave it half done.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Any, TypeVar, cast

from pymongo import ASCENDING, DESCENDING

from metering.chunks import chunks
from metering.metadata import Metadata
from metering.model import Rollup, Submission, Track, Verdict
from metering.query import Position
from metering.retention import Horizons
from metering.storage.digest_cache import DigestCache
from metering.storage.handles import Handle, Moment, TrackReading
from metering.storage.mongodb import deployment, expiring, faults, questions, scanning, sealing
from metering.storage.mongodb.connection import Connection
from metering.storage.mongodb.mapping import (
    Found,
    description_from_document,
    found_in_batch,
    rollup_from_document,
    row_from_document,
    track_from_document,
)
from metering.storage.mongodb.names import RANK
from metering.storage.mongodb.questions import Find
from metering.storage.mongodb.ranks import instant_of
from metering.storage.mongodb.reading import (
    KEYS_PER_FIND,
    Reader,
    read_readings_at,
    read_samples_at,
)
from metering.storage.mongodb.track_reads import MongoTrackReads
from metering.storage.mongodb.writing import Writer
from metering.storage.sealing import Run, SealTransaction
from metering.storage.stored_sample import StoredSample
from metering.storage.tables import Tables
from metering.times import Range

T = TypeVar("T")

# As many seeks take as long as a question.
_FEW_TRACKS = 50


class MongoTables(MongoTrackReads, Tables):
    """Tables in a database of MongoDB 6.0 or later."""

    def __init__(self, url: str, timeout_seconds: float) -> None:
        """See `MongoStorage.open`."""
        self._timeout_seconds = timeout_seconds
        self._connection = Connection(url, timeout_seconds)
        self._writer = Writer(self._connection)
        self._known_tracks: DigestCache[Track] = DigestCache()
        self._known_descriptions: DigestCache[Metadata] = DigestCache()

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

    def find_tracks(
        self, equal: Mapping[str, Any], *, by_resource: bool = False
    ) -> Iterator[tuple[Handle, Track]]:
        """See `Tables.find_tracks`."""
        reader = self._reader()
        find = questions.handles_with(equal, by_resource=by_resource)
        return self._completed(reader, map(itemgetter("_id"), reader.tracks(find)))

    def find_rollups(self, equal: Mapping[str, Any]) -> Iterator[tuple[Handle, Rollup]]:
        """See `Tables.find_rollups`."""
        for document in self._reader().rollups(questions.tracks_with(equal)):
            yield document["_id"], rollup_from_document(document)

    def sources(self, equal: Mapping[str, Any]) -> Iterator[str]:
        """See `Tables.sources`."""
        return self._reader().sources(questions.sources_of(equal))

    def tracks(self, handles: Collection[Handle]) -> Iterator[tuple[Handle, Track]]:
        """See `Tables.tracks`."""
        return self._completed(self._reader(), handles)

    def _completed(self, reader: Reader, handles: Iterable[Any]) -> Iterator[tuple[Handle, Track]]:
        """The tracks with these handles, which are their digests, if they are there."""
        pairs = ((handle, handle) for handle in handles)
        return self._known_tracks.completed(pairs, partial(_read_tracks, reader))

    def descriptions(self, handles: Collection[Any]) -> Iterator[tuple[Handle, Metadata]]:
        """See `Tables.descriptions`."""
        pairs = ((handle, handle) for handle in handles)
        return self._known_descriptions.completed(pairs, self._read_descriptions)

    def _read_descriptions(self, handles: Collection[Any]) -> Iterator[tuple[Handle, Metadata]]:
        reader = self._reader()
        for chunk in chunks(handles, KEYS_PER_FIND):
            for document in reader.descriptions(questions.among(chunk)):
                yield document["_id"], description_from_document(document)

    def tracks_of_resources(
        self, resource_ids: Collection[str], equal: Mapping[str, Any], besides: Collection[Handle]
    ) -> Iterator[tuple[Handle, Track]]:
        """See `Tables.tracks_of_resources`."""
        reader = self._reader()
        for chunk in chunks(resource_ids, KEYS_PER_FIND):
            found = map(
                itemgetter("_id"), reader.tracks(questions.handles_of_resources(chunk, equal))
            )
            yield from self._completed(reader, (one for one in found if one not in besides))

    def scan(
        self, handles: Collection[Handle], range_: Range, after: Position | None
    ) -> Iterator[StoredSample]:
        """See `Tables.scan`."""
        count = self._reader().count_tracks
        found = scanning.newest_first(self._samples_alone, handles, range_, after, count)
        return map(attrgetter("row"), found)

    def extents(
        self, handles: Collection[Handle], range_: Range, as_of: datetime | None
    ) -> Iterator[tuple[Handle, datetime, datetime]]:
        """See `Tables.extents`."""
        reader = self._reader()
        for chunk in chunks(handles, KEYS_PER_FIND):
            yield from reader.extents(questions.Ends(chunk, range_, as_of))

    def firsts(
        self, handles: Collection[Handle], range_: Range, as_of: datetime | None
    ) -> Iterator[Moment]:
        """See `Tables.firsts`."""
        reader = self._reader()
        # Mostly the range begins now; one seek says that there is nothing, instead of one a track.
        if len(handles) > _FEW_TRACKS and not any(reader.samples(questions.any_in(range_))):
            return
        for chunk in chunks(handles, KEYS_PER_FIND):
            yield from reader.ends(questions.Ends(chunk, range_, as_of), ASCENDING)

    def lasts(
        self, handles: Collection[Handle], range_: Range, as_of: datetime | None
    ) -> Iterator[Moment]:
        """See `Tables.lasts`."""
        reader = self._reader()
        for chunk in chunks(handles, KEYS_PER_FIND):
            yield from reader.ends(questions.Ends(chunk, range_, as_of), DESCENDING)

    def oldest(self) -> datetime | None:
        """See `Tables.oldest`."""
        found = next(self._reader().samples(questions.OLDEST), None)
        return instant_of(found[RANK]) if found else None

    def readings_at(self, moments: Collection[Moment]) -> Iterator[TrackReading]:
        """See `Tables.readings_at`."""
        return read_readings_at(self._reader(), moments)

    def samples_by_key(self, keys: Collection[bytes]) -> Iterator[StoredSample]:
        """See `Tables.samples_by_key`."""
        reader = self._reader()
        for chunk in chunks(keys, KEYS_PER_FIND):
            yield from map(row_from_document, reader.samples(questions.among(chunk)))

    def samples_at(
        self, places: Collection[tuple[bytes, datetime]]
    ) -> Iterator[tuple[bytes, StoredSample]]:
        """See `Tables.samples_at`."""
        for row in read_samples_at(self._reader(), places):
            yield cast("bytes", row.track), row

    def horizons(self) -> Horizons:
        """See `Storage.horizons`."""
        with faults.of_order():
            return expiring.read_watermarks(self._connection).horizons

    def publish(self, horizons: Horizons) -> Horizons:
        """See `Tables.publish`."""
        with faults.of_order():
            return expiring.publish(self._connection, horizons)

    def spend(self, keys: Collection[bytes]) -> None:
        """See `Tables.spend`."""
        with faults.of_order():
            expiring.spend(self._connection, keys)

    def delete(self, handles: Collection[Handle], range_: Range) -> Iterator[int]:
        """See `Tables.delete`."""
        for chunk in chunks(handles, KEYS_PER_FIND):
            yield from sealing.delete(self._connection, chunk, range_)

    def open_seal(self, before: datetime, settle_seconds: float) -> Run:
        """See `Tables.open_seal`."""
        with faults.of_order():
            return sealing.open_seal(self._connection, before, settle_seconds)

    def close_seal(self, before: datetime, run: Run) -> None:
        """See `Tables.close_seal`."""
        with faults.of_order():
            sealing.close_seal(self._connection, before, run)

    def struck(self) -> list[tuple[int, list[Handle]]]:
        """See `Tables.struck`."""
        return sealing.struck_blocks(self._reader())

    def transact(self, run: Run, work: Callable[[SealTransaction], T]) -> T:
        """See `Tables.transact`."""
        return sealing.transact(self._connection, self._timeout_seconds, run, work)

    def unseal(self) -> None:
        """See `Storage.unseal`."""
        with faults.of_order():
            sealing.unseal(self._connection)

    def flaws(self) -> Iterator[str]:
        """See `Tables.flaws`."""
        reader = self._reader()
        # Before the tracks: a track is stored before the first of its samples.
        in_use = set(reader.tracks_in_use())
        documents = reader.tracks(questions.tracks_with({}))
        tracks = {one["_id"]: (track_from_document(one), one["rollup"]) for one in documents}
        rollups = dict(self.find_rollups({}))
        for missing in sorted(in_use - tracks.keys()):
            yield f"samples are of track {missing.hex()}, which does not exist"
        for document in reader.descriptions(questions.EVERY):
            if document["_id"] != description_from_document(document).digest:
                yield f"description {document['_id'].hex()} has the key of another"
        for handle, (one, rollup) in tracks.items():
            if handle != one.digest:
                yield f"track {one.digest.hex()} has the key of another"
            if rollup != one.rollup.digest or rollups.get(rollup) != one.rollup:
                yield f"track {one.digest.hex()} is of no rollup, or that of another"

    def _samples_alone(self, find: Find) -> Iterator[Found]:
        """The samples of a find that has a time limit of its own."""
        return chain.from_iterable(map(found_in_batch, self._reader().batches(find)))

    def _reader(self) -> Reader:
        return Reader(self._connection, self._timeout_seconds)


def _read_tracks(reader: Reader, handles: Collection[Any]) -> Iterator[tuple[Handle, Track]]:
    for chunk in chunks(handles, KEYS_PER_FIND):
        for document in reader.tracks(questions.among(chunk)):
            yield document["_id"], track_from_document(document)
