"""Plain rows in SQLite, by sqlite3 alone."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec

from bench.data import END, METER, PROJECT, START, Usage
from bench.plain import INDEXES, OF_RESOURCES, OF_SIZES, OF_USAGE, Size
from bench.plain.reckoning import Quantities, usage

_FIELDS = (
    "counter_name",
    "counter_type",
    "counter_unit",
    "counter_volume",
    "resource_id",
    "project_id",
    "user_id",
    "source",
)
_TABLE = f"""
CREATE TABLE samples (
    message_id BLOB PRIMARY KEY, {", ".join(_FIELDS)},
    timestamp INTEGER, recorded_at INTEGER, resource_metadata TEXT
)
"""
_FIGURES = """
    count(*), sum(counter_volume), min(counter_volume), max(counter_volume),
    avg(counter_volume), min(timestamp), max(timestamp)
"""
_MONTH_OF_PROJECT = f"""
SELECT {_FIGURES} FROM samples
WHERE project_id = ? AND counter_name = ? AND timestamp >= ? AND timestamp < ?
"""


def _index(fields: Sequence[str]) -> str:
    """The name of the index over these fields."""
    return "samples_by_" + "_".join(fields).replace(".", "_")


def _column(field: str) -> str:
    """A column, or what is in a column of JSON."""
    column, _, path = field.partition(".")
    return f"json_extract({column}, '$.{path}')" if path else column


_MONTH_BY_RESOURCE = f"""
SELECT resource_id, {_FIGURES} FROM samples INDEXED BY {_index(OF_RESOURCES)}
WHERE counter_name = ? AND timestamp >= ? AND timestamp < ? GROUP BY resource_id
"""
_SIZE = _column(OF_SIZES[1])
_MONTH_BY_SIZE = f"""
SELECT {_SIZE}, {_FIGURES} FROM samples INDEXED BY {_index(OF_SIZES)}
WHERE counter_name = ? AND timestamp >= ? AND timestamp < ? GROUP BY {_SIZE}
"""
_OF_USAGE = ", ".join(OF_USAGE[1:-2])
_USAGE_OF_PROJECT = f"""
SELECT {_OF_USAGE}, timestamp / 1000.0, counter_volume
FROM samples INDEXED BY {_index(OF_USAGE)}
WHERE project_id = ? AND timestamp >= ? AND timestamp < ?
ORDER BY project_id, {_OF_USAGE}, timestamp
"""
# Skips through the index from resource to resource.
_RESOURCES = """
WITH RECURSIVE resource (id) AS (
    SELECT min(resource_id) FROM samples
    UNION ALL
    SELECT (SELECT min(resource_id) FROM samples WHERE resource_id > id)
    FROM resource WHERE id IS NOT NULL
),
ends (id, first, last) AS (
    SELECT id, (SELECT min(timestamp) FROM samples WHERE resource_id = id),
           (SELECT max(timestamp) FROM samples WHERE resource_id = id)
    FROM resource WHERE id IS NOT NULL
)
SELECT *, (
    SELECT resource_metadata FROM samples WHERE resource_id = id AND timestamp = last LIMIT 1
) FROM ends ORDER BY last DESC LIMIT ?
"""
_GROUPED_RESOURCES = """
SELECT resource_id, min(timestamp), max(timestamp) AS last FROM samples
GROUP BY resource_id ORDER BY last DESC LIMIT ?
"""
_METERS = """
SELECT DISTINCT resource_id, counter_name, counter_type, counter_unit FROM samples
ORDER BY 1, 2, 3, 4 LIMIT ?
"""
_NEWEST = "SELECT * FROM samples ORDER BY timestamp DESC LIMIT ?"
_INSERT = f"INSERT INTO samples VALUES ({', '.join('?' * (len(_FIELDS) + 4))})"
_BUSY_SECONDS = 60


class PlainRows:
    """Rows like the documents, metadata as JSON; written ahead, and synced with each batch."""

    def __init__(self, path: Path) -> None:
        """Take the path of a file that is theirs alone."""
        self._path = path
        self._connection = self._connect()

    def prepare(self) -> None:
        """See `Plain.prepare`."""
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute(_TABLE)
        for fields in INDEXES:
            self._create_index(fields)

    def writer(self, batches: Sequence[Sequence[Usage]]) -> Callable[[], None]:
        """See `Plain.writer`."""
        connection = self._connect()
        now = _milliseconds(datetime.now(UTC))
        ready = [[_row(one, now) for one in batch] for batch in batches]

        def write() -> None:
            for rows in ready:
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany(_INSERT, rows)
                connection.execute("COMMIT")

        return write

    @contextmanager
    def indexed(self, *fields: str) -> Iterator[None]:
        """See `Plain.indexed`."""
        name = self._create_index(fields)
        yield
        self._connection.execute(f"DROP INDEX {name}")

    def month_of_project(self) -> object:
        """See `Plain.month_of_project`."""
        month = (_milliseconds(START), _milliseconds(END))
        return self._connection.execute(_MONTH_OF_PROJECT, (PROJECT, METER, *month)).fetchall()

    def usage_of_project(self) -> Quantities:
        """See `Plain.usage_of_project`."""
        month = (_milliseconds(START), _milliseconds(END))
        return usage(self._connection.execute(_USAGE_OF_PROJECT, (PROJECT, *month)))

    def month_by_resource(self) -> object:
        """See `Plain.month_by_resource`."""
        month = (_milliseconds(START), _milliseconds(END))
        return self._connection.execute(_MONTH_BY_RESOURCE, (METER, *month)).fetchall()

    def month_by_size(self) -> object:
        """See `Plain.month_by_size`."""
        month = (_milliseconds(START), _milliseconds(END))
        return self._connection.execute(_MONTH_BY_SIZE, (METER, *month)).fetchall()

    def resources(self, limit: int) -> list:
        """See `Plain.resources`."""
        return self._connection.execute(_RESOURCES, (limit,)).fetchall()

    def grouped_resources(self, limit: int) -> list:
        """See `Plain.grouped_resources`."""
        return self._connection.execute(_GROUPED_RESOURCES, (limit,)).fetchall()

    def meters(self, limit: int) -> list:
        """See `Plain.meters`; ends when it has enough."""
        return self._connection.execute(_METERS, (limit,)).fetchall()

    def newest(self, limit: int) -> bytes:
        """See `Plain.newest`."""
        cursor = self._connection.execute(_NEWEST, (limit,))
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor]
        for row in rows:
            row["message_id"] = UUID(bytes=row["message_id"])
            row["resource_metadata"] = msgspec.Raw(row["resource_metadata"].encode())
        return msgspec.json.encode(rows)

    def size(self) -> Size:
        """See `Plain.size`."""
        return size(self._path)

    def _create_index(self, fields: Sequence[str]) -> str:
        name = _index(fields)
        self._connection.execute(
            f"CREATE INDEX {name} ON samples ({', '.join(map(_column, fields))})"
        )
        return name

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None)
        # As our driver has it.
        for pragma in ("synchronous = FULL", "cache_size = -32768", "wal_autocheckpoint = 10000"):
            connection.execute(f"PRAGMA {pragma}")
        return connection


def size(path: Path) -> Size:
    """The pages of a database that are in use; SQLite compresses nothing."""
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS)
    pages, free, page_bytes = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    connection.close()
    return Size((pages - free) * page_bytes, (pages - free) * page_bytes)


def _row(one: Usage, now: int) -> tuple:
    at = datetime.fromisoformat(one["timestamp"]).replace(tzinfo=UTC)
    return (
        UUID(one["message_id"]).bytes,
        *(one[field] for field in _FIELDS),
        _milliseconds(at),
        now,
        msgspec.json.encode(one["resource_metadata"]).decode(),
    )


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)
