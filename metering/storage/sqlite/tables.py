"""Look-ups in SQLite: every statement is read to its end before its rows are handed on.

So nothing is open between two of them.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar, cast

from metering.chunks import chunks
from metering.deadline import Deadline
from metering.metadata import Metadata
from metering.model import Rollup, Submission, Track, Verdict
from metering.query import Position
from metering.retention import Horizons
from metering.storage.digest_cache import DigestCache
from metering.storage.handles import Handle, Moment, TrackReading
from metering.storage.sealing import Run, SealTransaction
from metering.storage.sqlite import scanning, schema, sealing, statements, writing
from metering.storage.sqlite.connections import Connections, give_way
from metering.storage.sqlite.mapping import (
    Columns,
    description_from_columns,
    horizons_from_rows,
    horizons_to_rows,
    reading_from_columns,
    rollup_from_columns,
    row_from_columns,
    track_from_columns,
)
from metering.storage.sqlite.track_reads import SqliteTrackReads
from metering.storage.stored_sample import StoredSample
from metering.storage.tables import Tables
from metering.times import Range, from_milliseconds, to_milliseconds

T = TypeVar("T")

_STEPS_BETWEEN_LOOKS_AT_THE_CLOCK = 10_000
# Others may write in between: this many take some 50 ms.
_DELETED_AT_ONCE = 5_000


class SqliteTables(SqliteTrackReads, Tables):
    """Tables in a file."""

    def __init__(self, path: Path, timeout_seconds: float) -> None:
        """Take the file and the time limit of a question; nothing is opened."""
        self._path = path
        self._timeout_seconds = timeout_seconds
        self._connections = Connections(path)
        self._known_tracks: DigestCache[Track] = DigestCache()
        self._known_descriptions: DigestCache[Metadata] = DigestCache()

    def prepare(self) -> None:
        """Create the file, if need be, and what is missing in it.

        Raises:
            Misconfigured: a newer release prepared it.
            StorageUnavailable: it cannot be written.
        """
        with self._connections.opened(create=True) as connection:
            schema.create(connection)

    def check(self) -> list[str]:
        """What is wrong with the file, a sentence each.

        Raises:
            StorageUnavailable: it cannot be opened, or is not SQLite's.
        """
        if not self._path.exists() and self._path.parent.is_dir():
            return [f"there is no SQLite file yet; {schema.ADVICE}"]
        with self._connections.opened(create=False) as connection:
            return schema.problems(connection)

    def ping(self) -> None:
        """Return if the file is there and prepared.

        Raises:
            StorageUnavailable: it is not.
        """
        with self._connections.borrowed() as connection:
            schema.require(connection)

    def close(self) -> None:
        """Close this process's connections."""
        self._connections.close()

    def record(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Verdict]:
        """See `Storage.record`."""
        with self._connections.transaction() as connection:
            return writing.record(connection, submissions, atomic=atomic)

    def find_tracks(
        self, equal: Mapping[str, Any], *, by_resource: bool = False
    ) -> Iterator[tuple[Handle, Track]]:
        """See `Tables.find_tracks`."""
        fetch = self._question()
        found = fetch(statements.find_tracks(equal, by_resource=by_resource), equal)
        return self._known_tracks.completed(found, partial(_read_tracks, fetch))

    def find_rollups(self, equal: Mapping[str, Any]) -> Iterator[tuple[Handle, Rollup]]:
        """See `Tables.find_rollups`."""
        return map(rollup_from_columns, self._question()(statements.find_rollups(equal), equal))

    def sources(self, equal: Mapping[str, Any]) -> Iterator[str]:
        """See `Tables.sources`."""
        for (source,) in self._question()(statements.find_sources(equal), equal):
            yield source

    def tracks(self, handles: Collection[Handle]) -> Iterator[tuple[Handle, Track]]:
        """See `Tables.tracks`."""
        return _read_tracks(self._question(), handles)

    def descriptions(self, handles: Collection[Handle]) -> Iterator[tuple[Handle, Metadata]]:
        """See `Tables.descriptions`."""
        fetch = self._question()
        for some in chunks(_numbers(handles), scanning.HANDLES_AT_ONCE):
            parameters = {"handles": statements.numbers_parameter(some)}
            found = fetch(statements.DESCRIPTION_DIGESTS, parameters)
            yield from self._known_descriptions.completed(found, partial(_read_descriptions, fetch))

    def tracks_of_resources(
        self, resource_ids: Collection[str], equal: Mapping[str, Any], besides: Collection[Handle]
    ) -> Iterator[tuple[Handle, Track]]:
        """See `Tables.tracks_of_resources`."""
        fetch = self._question()
        for some in chunks(resource_ids, scanning.HANDLES_AT_ONCE):
            parameters = {**equal, "resource_ids": statements.texts_parameter(some)}
            found = fetch(statements.tracks_of_resources(equal), parameters)
            others = (pair for pair in found if pair[0] not in besides)
            yield from self._known_tracks.completed(others, partial(_read_tracks, fetch))

    def scan(
        self, handles: Collection[Handle], range_: Range, after: Position | None
    ) -> Iterator[StoredSample]:
        """See `Tables.scan`."""
        bounds = scanning.Bounds.of(range_)
        for columns in scanning.newest_first(self._fetch_alone, _numbers(handles), bounds, after):
            yield row_from_columns(columns)

    def extents(
        self, handles: Collection[Handle], range_: Range, as_of: datetime | None
    ) -> Iterator[tuple[Handle, datetime, datetime]]:
        """See `Tables.extents`."""
        for handle, first, last in self._ends(statements.EXTENTS, handles, range_, as_of):
            yield handle, from_milliseconds(first), from_milliseconds(last)

    def firsts(
        self, handles: Collection[Handle], range_: Range, as_of: datetime | None
    ) -> Iterator[Moment]:
        """See `Tables.firsts`."""
        for handle, first in self._ends(statements.FIRSTS, handles, range_, as_of):
            yield handle, from_milliseconds(first)

    def lasts(
        self, handles: Collection[Handle], range_: Range, as_of: datetime | None
    ) -> Iterator[Moment]:
        """See `Tables.lasts`."""
        for handle, last in self._ends(statements.LASTS, handles, range_, as_of):
            yield handle, from_milliseconds(last)

    def _ends(
        self,
        statement: str,
        handles: Collection[Handle],
        range_: Range,
        as_of: datetime | None,
    ) -> Iterator[Columns]:
        limit = scanning.LATEST if as_of is None else to_milliseconds(as_of)
        bounds = scanning.Bounds.of(range_)
        return scanning.ends(self._question(), statement, _numbers(handles), bounds, limit)

    def oldest(self) -> datetime | None:
        """See `Tables.oldest`."""
        ((oldest,),) = self._question()(statements.OLDEST, {})
        return None if oldest is None else from_milliseconds(oldest)

    def readings_at(self, moments: Collection[Moment]) -> Iterator[TrackReading]:
        """See `Tables.readings_at`."""
        fetch = self._question()
        for some in chunks(moments, scanning.HANDLES_AT_ONCE):
            pairs = ((cast("int", handle), to_milliseconds(at)) for handle, at in some)
            parameters = {"moments": statements.pairs_parameter(pairs)}
            for columns in fetch(statements.READINGS_AT, parameters):
                yield columns[0], reading_from_columns(columns)

    def samples_by_key(self, keys: Collection[bytes]) -> Iterator[StoredSample]:
        """See `Tables.samples_by_key`."""
        parameters = {"keys": statements.keys_parameter(keys)}
        for columns in self._question()(statements.SAMPLES_BY_KEY, parameters):
            yield row_from_columns(columns)

    def samples_at(
        self, places: Collection[tuple[bytes, datetime]]
    ) -> Iterator[tuple[bytes, StoredSample]]:
        """See `Tables.samples_at`."""
        fetch = self._question()
        for some in chunks(places, scanning.HANDLES_AT_ONCE):
            parameters = {
                "keys": statements.keys_parameter([digest for digest, _ in some]),
                "instants": statements.numbers_parameter(to_milliseconds(at) for _, at in some),
            }
            for digest, *columns in fetch(statements.SAMPLES_AT, parameters):
                yield digest, row_from_columns(tuple(columns))

    def horizons(self) -> Horizons:
        """See `Storage.horizons`."""
        return horizons_from_rows(self._question()(statements.HORIZONS, {}))

    def publish(self, horizons: Horizons) -> Horizons:
        """See `Tables.publish`."""
        with self._connections.transaction() as connection:
            published = horizons_from_rows(connection.execute(statements.HORIZONS).fetchall())
            joined = published.joined(horizons)
            connection.executemany(statements.PUBLISH, horizons_to_rows(joined))
        return joined

    def spend(self, keys: Collection[bytes]) -> None:
        """See `Tables.spend`."""
        with self._connections.transaction() as connection:
            connection.executemany(statements.SPEND, [(key,) for key in keys])

    def delete(self, handles: Collection[Handle], range_: Range) -> Iterator[int]:
        """See `Tables.delete`."""
        for some in chunks(_numbers(handles), scanning.HANDLES_AT_ONCE):
            count = _DELETED_AT_ONCE
            while count == _DELETED_AT_ONCE:
                count = self._delete_some(some, scanning.Bounds.of(range_))
                yield count

    def _delete_some(self, handles: Collection[int], bounds: scanning.Bounds) -> int:
        parameters = {
            "handles": statements.numbers_parameter(handles),
            "start": bounds.start,
            "end": bounds.end,
            "limit": _DELETED_AT_ONCE,
        }
        with self._connections.transaction() as connection:
            rows = connection.execute(statements.SOME_SAMPLES, parameters).fetchall()
            writing.strike_late(connection, rows)
            connection.executemany(statements.DELETE_SAMPLE, rows)
        give_way()
        return len(rows)

    def open_seal(self, before: datetime, _: float) -> Run:
        """See `Tables.open_seal`."""
        with self._connections.transaction() as connection:
            states = dict(connection.execute(statements.SEALING).fetchall())
            closed_ms = states.get(statements.CLOSED)
            done = None if closed_ms is None else from_milliseconds(closed_ms)
            run = Run(done, states.get(statements.RUN, 0) + 1)
            before_ms = to_milliseconds(before)
            opened = max(before_ms, states.get(statements.OPEN, before_ms))
            connection.execute(statements.SET_SEALING, (statements.OPEN, opened))
            connection.execute(statements.SET_SEALING, (statements.RUN, run.number))
        return run

    def close_seal(self, before: datetime, run: Run) -> None:
        """See `Tables.close_seal`."""
        with self._connections.transaction() as connection:
            connection.execute(
                statements.CLOSE_SEAL, {"before_ms": to_milliseconds(before), "run": run.number}
            )

    def struck(self) -> list[tuple[int, list[Handle]]]:
        """See `Tables.struck`."""
        rows = self._question()(statements.STRUCK, {})
        return [
            (month, [row[1] for row in group]) for month, group in groupby(rows, key=itemgetter(0))
        ]

    def transact(self, _: Run, work: Callable[[SealTransaction], T]) -> T:
        """See `Tables.transact`."""
        with self._connections.transaction() as connection:
            done = work(sealing.Transaction(connection))
        give_way()
        return done

    def unseal(self) -> None:
        """See `Storage.unseal`."""
        with self._connections.transaction() as connection:
            for statement in statements.UNSEAL:
                connection.execute(statement)

    def flaws(self) -> Iterator[str]:
        """See `Tables.flaws`."""
        fetch = self._question()
        for (damage,) in fetch(statements.DAMAGES, {}):
            yield f"SQLite says: {damage}"
        yield from self._changed_descriptions()
        for handle, count in fetch(statements.SAMPLES_OF_NO_TRACK, {}):
            yield f"{count} samples are of track {handle}, which does not exist"
        for digest, rollup, *columns in fetch(statements.TRACKS_AND_DIGESTS, {}):
            handle, track = track_from_columns(tuple(columns))
            if track.digest != digest:
                yield f"track {handle} has the digest of another"
            if track.rollup.digest != rollup:
                yield f"track {handle} is of no rollup, or that of another"

    def _changed_descriptions(self) -> Iterator[str]:
        after = 0
        while rows := self._fetch_alone(statements.DESCRIPTIONS_AFTER, {"handle": after}):
            for handle, digest, text in rows:
                after = handle
                if Metadata(text).digest != digest:
                    yield f"description {handle} has the digest of another"

    def _question(self) -> scanning.Fetch:
        """A way to fetch rows until the deadline, counted from now."""
        return partial(self._fetch, Deadline(self._timeout_seconds))

    def _fetch_alone(self, sql: str, parameters: Mapping[str, Any]) -> list[Columns]:
        """The rows of a statement that has a deadline of its own."""
        return self._question()(sql, parameters)

    def _fetch(self, deadline: Deadline, sql: str, parameters: Mapping[str, Any]) -> list[Columns]:
        with self._connections.borrowed() as connection:
            connection.set_progress_handler(deadline.has_passed, _STEPS_BETWEEN_LOOKS_AT_THE_CLOCK)
            try:
                rows = connection.execute(sql, parameters).fetchall()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                    raise deadline.reason() from error
                raise
            connection.set_progress_handler(None, 0)
        if deadline.has_passed():
            raise deadline.reason()
        return rows


def _read_tracks(
    fetch: scanning.Fetch, handles: Collection[Handle]
) -> Iterator[tuple[Handle, Track]]:
    parameters = {"handles": statements.numbers_parameter(_numbers(handles))}
    return map(track_from_columns, fetch(statements.TRACKS_BY_HANDLE, parameters))


def _read_descriptions(
    fetch: scanning.Fetch, handles: Collection[Handle]
) -> Iterator[tuple[Handle, Metadata]]:
    parameters = {"handles": statements.numbers_parameter(_numbers(handles))}
    return map(description_from_columns, fetch(statements.DESCRIPTIONS_BY_HANDLE, parameters))


def _numbers(handles: Collection[Handle]) -> Collection[int]:
    return cast("Collection[int]", handles)
