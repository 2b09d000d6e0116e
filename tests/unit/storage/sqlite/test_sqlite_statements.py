"""Statements use the index that was made for them."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from metering.query import FIELDS
from metering.storage.sqlite import SqliteStorage, statements

NUMBERS = ("handle", "start", "end", "at", "limit", "as_of")
LISTS = ("handles", "resource_ids")
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
            statements.SAMPLES_OF_SERIES,
            "PRIMARY KEY (series=? AND timestamp>? AND (timestamp,key)<(?,?))",
        ),
        (
            statements.SAMPLES_BY_TIME,
            "INDEX samples_by_time (timestamp>? AND (timestamp,key)<(?,?))",
        ),
        (statements.READINGS, "PRIMARY KEY (series=? AND timestamp>? AND timestamp<?)"),
        (statements.READINGS_OF_SERIES, "PRIMARY KEY (series=? AND (timestamp,key)>(?,?)"),
        (statements.EXTENTS, "PRIMARY KEY (series=? AND timestamp>? AND timestamp<?)"),
        (statements.SAMPLES_BY_KEY, "INDEX samples_by_key (key=?)"),
        (statements.HANDLES_BY_DIGEST, "(digest=?)"),
        (statements.SERIES_BY_HANDLE, "INTEGER PRIMARY KEY (rowid=?)"),
        (statements.find_series(["meter", "unit", "project_id"]), "(meter=? AND project_id=?)"),
        (statements.find_series(["project_id"]), "series_by_project (project_id=?)"),
        (statements.find_series([], by_resource=True), "INDEX series_by_resource"),
        (statements.series_of_resources(["meter", "source"]), "series_by_resource (resource_id=?)"),
        (statements.find_series(["resource_id"]), "series_by_resource (resource_id=?)"),
    ],
)
def test_index_is_used_and_nothing_sorted(
    connection: sqlite3.Connection, sql: str, step: str
) -> None:
    """Each look-up seeks in the index that serves it, and gets its order from there."""
    found = plan(connection, sql)

    assert step in found
    assert "TEMP B-TREE" not in found


def test_every_field_of_series_can_be_looked_up(connection: sqlite3.Connection) -> None:
    """A look-up may name any field that the engine may ask for."""
    names = [field.name for field in FIELDS.values() if field.of_series]
    sql = statements.find_series(names)

    assert [] == connection.execute(sql, dict.fromkeys(names)).fetchall()
