"""The embedded driver: one SQLite file, no server, several processes at once.

What to read is decided by `TrackStorage`; here are the look-ups. Every statement is read to its
end before its rows are handed on, so nothing is open between two of them.
"""

import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Self, TypeVar, cast

from metering.chunks import chunks
from metering.errors import QueryTooExpensive
from metering.metadata import Metadata
from metering.model import Rollup, Submission, Track, Verdict
from metering.query import Position
from metering.retention import Horizons
from metering.storage.blocks import Grain, StoredBlock
from metering.storage.handles import Handle, Pair, Row
from metering.storage.known import Known
from metering.storage.sealing import Access, Run
from metering.storage.sqlite import access, scan, schema, statements, writing
from metering.storage.sqlite.connections import Connections, give_way
from metering.storage.sqlite.location import path_of
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
from metering.storage.totals import Member
from metering.storage.tracks import TrackStorage
from metering.summary import Reading
from metering.times import Range, from_milliseconds, to_milliseconds

T = TypeVar("T")

_STEPS_BETWEEN_LOOKS_AT_THE_CLOCK = 10_000
# Others may write in between: this many take some 50 ms.
_DELETED_AT_ONCE = 5_000


class SqliteStorage(TrackStorage):
    """`sqlite:////absolute.db` or `sqlite:///relative.db`."""

    def __init__(self, path: Path, timeout_seconds: float) -> None:
        """Take the file and the time limit of a question; nothing is opened."""
        super().__init__(timeout_seconds)
        self._path = path
        self._connections = Connections(path)
        self._known_tracks: Known[Track] = Known()
        self._known_descriptions: Known[Metadata] = Known()

    @classmethod
    def open(cls, url: str, *, timeout_seconds: float) -> Self:
        """A store in the file that the URL names; opened when first used, so forks may follow.

        Raises:
            Misconfigured: the URL names no file.
        """
        return cls(path_of(url), timeout_seconds)

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

    def _find_tracks(
        self, equal: Mapping[str, Any], *, by_resource: bool = False
    ) -> Iterator[tuple[Handle, Track]]:
        fetch = self._question()
        found = fetch(statements.find_tracks(equal, by_resource=by_resource), equal)
        return self._known_tracks.completed(found, partial(_read_tracks, fetch))

    def _find_rollups(self, equal: Mapping[str, Any]) -> Iterator[tuple[Handle, Rollup]]:
        return map(rollup_from_columns, self._question()(statements.find_rollups(equal), equal))

    def _members(self, rollups: Collection[Handle] | None) -> Iterator[Member]:
        return access.read_members(self._question(), rollups)

    def _sources(self, equal: Mapping[str, Any]) -> Iterator[str]:
        for (source,) in self._question()(statements.find_sources(equal), equal):
            yield source

    def _tracks(self, handles: Collection[Handle]) -> Iterator[tuple[Handle, Track]]:
        return _read_tracks(self._question(), handles)

    def _descriptions(self, handles: Collection[Handle]) -> Iterator[tuple[Handle, Metadata]]:
        fetch = self._question()
        for some in chunks(_numbers(handles), scan.HANDLES_AT_ONCE):
            parameters = {"handles": statements.numbers_parameter(some)}
            found = fetch(statements.DESCRIPTION_DIGESTS, parameters)
            yield from self._known_descriptions.completed(found, partial(_read_descriptions, fetch))

    def _tracks_of_resources(
        self, resource_ids: Collection[str], equal: Mapping[str, Any], besides: Collection[Handle]
    ) -> Iterator[tuple[Handle, Track]]:
        fetch = self._question()
        for some in chunks(resource_ids, scan.HANDLES_AT_ONCE):
            parameters = {**equal, "resource_ids": statements.texts_parameter(some)}
            found = fetch(statements.tracks_of_resources(equal), parameters)
            others = (pair for pair in found if pair[0] not in besides)
            yield from self._known_tracks.completed(others, partial(_read_tracks, fetch))

    def _last_before(self, handles: Collection[Handle], instant: datetime) -> Iterator[Pair]:
        return self._neighbours(statements.LAST_BEFORE, handles, instant)

    def _first_from(self, handles: Collection[Handle], instant: datetime) -> Iterator[Pair]:
        return self._neighbours(statements.FIRST_FROM, handles, instant)

    def _neighbours(
        self, statement: str, handles: Collection[Handle], instant: datetime
    ) -> Iterator[Pair]:
        fetch = self._question()
        for some in chunks(_numbers(handles), scan.HANDLES_AT_ONCE):
            at = {"handles": statements.numbers_parameter(some), "at": to_milliseconds(instant)}
            for columns in fetch(statement, at):
                yield columns[0], reading_from_columns(columns)

    def _scan(
        self, handles: Collection[Handle], range_: Range, after: Position | None
    ) -> Iterator[Row]:
        bounds = scan.Bounds.of(range_)
        for columns in scan.newest_first(self._fetch_alone, _numbers(handles), bounds, after):
            yield row_from_columns(columns)

    def _readings(
        self, handles: Collection[Handle], range_: Range
    ) -> Iterator[tuple[Handle, Reading]]:
        return access.read_readings(self._question(), handles, range_)

    def _rows_of(self, handles: Collection[Handle], range_: Range) -> Iterator[Row]:
        return access.read_rows(self._question(), handles, range_)

    def _extents(
        self, handles: Collection[Handle], range_: Range, as_of: datetime | None
    ) -> Iterator[tuple[Handle, datetime, datetime]]:
        for handle, first, last in self._ends(statements.EXTENTS, handles, range_, as_of):
            yield handle, from_milliseconds(first), from_milliseconds(last)

    def _lasts(
        self, handles: Collection[Handle], range_: Range, as_of: datetime | None
    ) -> Iterator[tuple[Handle, datetime]]:
        for handle, last in self._ends(statements.LASTS, handles, range_, as_of):
            yield handle, from_milliseconds(last)

    def _ends(
        self,
        statement: str,
        handles: Collection[Handle],
        range_: Range,
        as_of: datetime | None,
    ) -> Iterator[Columns]:
        limit = scan.LATEST if as_of is None else to_milliseconds(as_of)
        bounds = scan.Bounds.of(range_)
        return scan.ends(self._question(), statement, _numbers(handles), bounds, limit)

    def _oldest(self, handles: Collection[Handle] | None) -> Iterator[datetime]:
        rows = scan.oldest(self._question(), None if handles is None else _numbers(handles))
        return map(from_milliseconds, rows)

    def _rows(self, keys: Collection[bytes]) -> Iterator[Row]:
        parameters = {"keys": statements.keys_parameter(keys)}
        for columns in self._question()(statements.SAMPLES_BY_KEY, parameters):
            yield row_from_columns(columns)

    def _rows_at(self, places: Collection[tuple[bytes, datetime]]) -> Iterator[tuple[bytes, Row]]:
        fetch = self._question()
        for some in chunks(places, scan.HANDLES_AT_ONCE):
            parameters = {
                "keys": statements.keys_parameter([digest for digest, _ in some]),
                "instants": statements.numbers_parameter(to_milliseconds(at) for _, at in some),
            }
            for digest, *columns in fetch(statements.SAMPLES_AT, parameters):
                yield digest, row_from_columns(tuple(columns))

    def horizons(self) -> Horizons:
        """See `Storage.horizons`."""
        return horizons_from_rows(self._question()(statements.HORIZONS, {}))

    def _publish(self, horizons: Horizons) -> Horizons:
        with self._connections.transaction() as connection:
            published = horizons_from_rows(connection.execute(statements.HORIZONS).fetchall())
            joined = published.joined(horizons)
            connection.executemany(statements.PUBLISH, horizons_to_rows(joined))
        return joined

    def _spend(self, keys: Collection[bytes]) -> None:
        with self._connections.transaction() as connection:
            connection.executemany(statements.SPEND, [(key,) for key in keys])

    def _delete(self, handles: Collection[Handle], range_: Range) -> Iterator[int]:
        for some in chunks(_numbers(handles), scan.HANDLES_AT_ONCE):
            count = _DELETED_AT_ONCE
            while count == _DELETED_AT_ONCE:
                count = self._delete_some(some, scan.Bounds.of(range_))
                yield count

    def _delete_some(self, handles: Collection[int], bounds: scan.Bounds) -> int:
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

    def _blocks(
        self, handles: Collection[Handle], months: range, grain: Grain, *, described: bool = False
    ) -> Iterator[StoredBlock]:
        return access.read_blocks(self._question(), handles, months, grain, described=described)

    def _open_seal(self, day: int, _: float) -> Run:
        with self._connections.transaction() as connection:
            states = dict(connection.execute(statements.SEALING).fetchall())
            run = Run(states.get(statements.CLOSED), states.get(statements.RUN, 0) + 1)
            opened = max(day, states.get(statements.OPEN, day))
            connection.execute(statements.SET_SEALING, (statements.OPEN, opened))
            connection.execute(statements.SET_SEALING, (statements.RUN, run.number))
        return run

    def _close_seal(self, day: int, run: Run) -> None:
        with self._connections.transaction() as connection:
            connection.execute(statements.CLOSE_SEAL, {"day": day, "run": run.number})

    def _struck(self) -> list[tuple[int, list[Handle]]]:
        rows = self._question()(statements.STRUCK, {})
        return [
            (month, [row[1] for row in group]) for month, group in groupby(rows, key=itemgetter(0))
        ]

    def _transact(self, _: Run, work: Callable[[Access], T]) -> T:
        with self._connections.transaction() as connection:
            done = work(access.Transaction(connection))
        give_way()
        return done

    def unseal(self) -> None:
        """See `Storage.unseal`."""
        with self._connections.transaction() as connection:
            for statement in statements.UNSEAL:
                connection.execute(statement)

    def _flaws(self) -> Iterator[str]:
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

    def _question(self) -> scan.Fetch:
        """A way to fetch rows until the time limit, which begins now, is reached."""
        return partial(self._fetch, time.monotonic() + self._timeout_seconds)

    def _fetch_alone(self, sql: str, parameters: Mapping[str, Any]) -> list[Columns]:
        """The rows of a statement that has a time limit of its own."""
        return self._question()(sql, parameters)

    def _fetch(self, deadline: float, sql: str, parameters: Mapping[str, Any]) -> list[Columns]:
        def is_late() -> bool:
            return time.monotonic() > deadline

        with self._connections.borrowed() as connection:
            connection.set_progress_handler(is_late, _STEPS_BETWEEN_LOOKS_AT_THE_CLOCK)
            try:
                rows = connection.execute(sql, parameters).fetchall()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                    raise QueryTooExpensive(self._timeout_seconds) from error
                raise
            connection.set_progress_handler(None, 0)
        if is_late():
            raise QueryTooExpensive(self._timeout_seconds)
        return rows


def _read_tracks(fetch: scan.Fetch, handles: Collection[Handle]) -> Iterator[tuple[Handle, Track]]:
    parameters = {"handles": statements.numbers_parameter(_numbers(handles))}
    return map(track_from_columns, fetch(statements.TRACKS_BY_HANDLE, parameters))


def _read_descriptions(
    fetch: scan.Fetch, handles: Collection[Handle]
) -> Iterator[tuple[Handle, Metadata]]:
    parameters = {"handles": statements.numbers_parameter(_numbers(handles))}
    return map(description_from_columns, fetch(statements.DESCRIPTIONS_BY_HANDLE, parameters))


def _numbers(handles: Collection[Handle]) -> Collection[int]:
    return cast("Collection[int]", handles)
