"""Statements use the index that was made for them."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from metering.query import FIELDS
from metering.storage.sqlite import SqliteStorage, statements

NUMBERS = ("handle", "start", "begin", "end", "at", "limit", "as_of", "described")
LISTS = ("handles", "resource_ids", "rollups", "instants", "moments", "days")
PARAMETERS = dict.fromkeys(NUMBERS, 1) | {"key": b"", "keys": b""} | dict.fromkeys(LISTS, "[]")


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to an empty, prepared file."""
    storage = SqliteStorage.open(f"sqlite:///{tmp_path}/metering.db", timeout_seconds=60)
    storage.prepare()
    with closing(sqlite3.connect(tmp_path / "metering.db")) as one:
        yield one


def plan(connection: sqlite3.Connection, sql: str) -> str:
    """What SQLite intends to do."""
    names = dict.fromkeys(FIELDS, "")
    rows = connection.execute(f"EXPLAIN QUERY PLAN {sql}", names | PARAMETERS)
    return "\n".join(row[3] for row in rows)


@pytest.mark.parametrize(
    ("sql", "step"),
    [
        (
            statements.SAMPLES_OF_TRACK,
            "PRIMARY KEY (track=? AND timestamp>? AND (timestamp,key)<(?,?))",
        ),
        (
            statements.SAMPLES_BY_TIME,
            "INDEX samples_by_time (timestamp>? AND (timestamp,key)<(?,?))",
        ),
        (statements.READINGS[0], "PRIMARY KEY (track=? AND timestamp>? AND timestamp<?)"),
        (statements.READINGS[1], "PRIMARY KEY (track=? AND (timestamp,key)>(?,?)"),
        (statements.ROWS[0], "PRIMARY KEY (track=? AND timestamp>? AND timestamp<?)"),
        (statements.ROWS[1], "PRIMARY KEY (track=? AND (timestamp,key)>(?,?)"),
        (statements.SAMPLES_AT, "PRIMARY KEY (track=? AND timestamp=?)"),
        (statements.READINGS_AT, "PRIMARY KEY (track=? AND timestamp=?)"),
        (statements.SOME_SAMPLES, "PRIMARY KEY (track=? AND timestamp>? AND timestamp<?)"),
        (statements.EXTENTS, "PRIMARY KEY (track=? AND timestamp>? AND timestamp<?)"),
        (statements.LASTS, "PRIMARY KEY (track=? AND timestamp>? AND timestamp<?)"),
        (statements.FIRSTS, "PRIMARY KEY (track=? AND timestamp>? AND timestamp<?)"),
        (statements.SAMPLES_BY_KEY, "INDEX samples_by_key (key=?)"),
        (statements.TRACKS_BY_DIGEST, "COVERING INDEX sqlite_autoindex_tracks_1 (digest=?)"),
        (statements.TRACKS_BY_HANDLE, "tracks USING INTEGER PRIMARY KEY (rowid=?)"),
        (
            statements.DESCRIPTIONS_BY_DIGEST,
            "COVERING INDEX sqlite_autoindex_descriptions_1 (digest=?)",
        ),
        (statements.DESCRIPTIONS_BY_HANDLE, "descriptions USING INTEGER PRIMARY KEY (rowid=?)"),
        (statements.DESCRIPTION_DIGESTS, "descriptions USING INTEGER PRIMARY KEY (rowid=?)"),
        (statements.MEMBERS_OF, "tracks_by_rollup (rollup=?)"),
        (statements.ROLLUPS_OF, "tracks USING INTEGER PRIMARY KEY (rowid=?)"),
        (statements.BLOCKS, "PRIMARY KEY (of=? AND month>? AND month<?)"),
        (statements.HOURS, "PRIMARY KEY (of=? AND day=?)"),
        (statements.find_tracks(["meter", "unit", "project_id"]), "(meter=? AND project_id=?)"),
        (statements.find_tracks(["project_id"]), "tracks_by_project (project_id=?)"),
        (statements.find_tracks([], by_resource=True), "INDEX tracks_by_resource"),
        (statements.tracks_of_resources(["meter", "source"]), "tracks_by_resource (resource_id=?)"),
        (statements.find_tracks(["resource_id"]), "tracks_by_resource (resource_id=?)"),
    ],
)
def test_index_is_used_and_nothing_sorted(
    connection: sqlite3.Connection, sql: str, step: str
) -> None:
    """Each look-up seeks in the index that serves it, and gets its order from there."""
    found = plan(connection, sql)

    assert step in found
    assert "TEMP B-TREE" not in found


def test_every_field_of_tracks_can_be_looked_up(connection: sqlite3.Connection) -> None:
    """A look-up may name any field that the engine may ask for."""
    names = [field.name for field in FIELDS.values() if field.of_track]
    sql = statements.find_tracks(names)

    assert [] == connection.execute(sql, dict.fromkeys(names)).fetchall()
