"""What prepare makes, what check finds, and which files are refused."""

import multiprocessing
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from builders import submission

from metering.errors import Misconfigured, NotPrepared, StorageUnavailable
from metering.model import AllProjects
from metering.query import SampleQuery
from metering.storage.sqlite import SqliteStorage
from metering.storage.sqlite.schema import VERSION, create, problems

PROCESSES = 6


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is to be."""
    return tmp_path / "metering.db"


@pytest.fixture
def storage(path: Path) -> Iterator[SqliteStorage]:
    """A store whose file is not there yet."""
    with closing(store(path)) as one:
        yield one


def store(path: Path) -> SqliteStorage:
    """The store at the path."""
    return SqliteStorage.open(f"sqlite:///{path}", timeout_seconds=60)


def change(path: Path, *statements: str) -> None:
    """What an operator might do to the file by hand."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def prepare_when_all_are_ready(path: Path, barrier: "multiprocessing.Barrier") -> None:
    """Prepare at the same moment as others."""
    barrier.wait()
    store(path).prepare()


def test_prepared_file_is_in_order(storage: SqliteStorage) -> None:
    """There is nothing wrong with what prepare made, once or twice."""
    storage.prepare()
    storage.prepare()

    assert [] == storage.check()


def test_opening_creates_nothing(storage: SqliteStorage, path: Path) -> None:
    """Only prepare makes a file; a question or check does not."""
    assert ["there is no SQLite file yet; run `metering-manage prepare`"] == storage.check()
    with pytest.raises(NotPrepared, match="run `metering-manage prepare`"):
        storage.ping()
    assert not path.exists()


def test_file_that_was_never_prepared(storage: SqliteStorage, path: Path) -> None:
    """Questions to an empty file say which command to run, and check says it too."""
    path.touch()

    with pytest.raises(NotPrepared, match="never prepared; run `metering-manage prepare`"):
        list(storage.samples(SampleQuery(scope=AllProjects())))
    with pytest.raises(StorageUnavailable, match="run `metering-manage prepare`"):
        storage.record([submission()], atomic=True)
    assert ["the SQLite file was never prepared; run `metering-manage prepare`"] == storage.check()


def test_newer_version(storage: SqliteStorage, path: Path) -> None:
    """A file of a newer release is refused by every act, and check says so."""
    change(path, f"PRAGMA user_version = {VERSION + 1}")

    with pytest.raises(Misconfigured, match="has schema version 2; this release knows 1"):
        storage.ping()
    with pytest.raises(Misconfigured, match="has schema version 2"):
        storage.prepare()
    assert ["the SQLite file has schema version 2; this release knows 1"] == storage.check()


def test_version_that_changes_while_prepare_waits(path: Path) -> None:
    """A newer release that prepares first wins: nothing is created over it."""
    change(path, "PRAGMA journal_mode = WAL")
    traced = sqlite3.connect(path, isolation_level=None)
    traced.set_trace_callback(
        lambda sql: change(path, "PRAGMA user_version = 2") if "journal_mode" in sql else None
    )

    with pytest.raises(Misconfigured):
        create(traced)
    traced.rollback()

    assert [] == traced.execute("SELECT name FROM sqlite_schema").fetchall()
    traced.close()


def test_where_no_log_can_be_kept_nothing_is_prepared(path: Path) -> None:
    """As on disks of a network: SQLite says so by the mode that it answers, not by an error."""
    file = f"file:{path}?vfs=unix-dotfile"
    with closing(sqlite3.connect(file, uri=True, isolation_level=None)) as connection:
        with pytest.raises(Misconfigured, match="put it on a local disk"):
            create(connection)

        assert [] == connection.execute("SELECT name FROM sqlite_schema").fetchall()


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (
            "DROP INDEX samples_by_time",
            "index samples_by_time is missing; run `metering-manage prepare`",
        ),
        ("DROP TABLE samples", "table samples is missing; run `metering-manage prepare`"),
        (
            "PRAGMA journal_mode = DELETE",
            "the SQLite file is not in WAL mode; run `metering-manage prepare`",
        ),
    ],
)
def test_what_is_missing(storage: SqliteStorage, path: Path, damage: str, sentence: str) -> None:
    """Check names what is missing, and prepare brings it back."""
    storage.prepare()
    change(path, damage)

    assert sentence in storage.check()
    storage.prepare()
    assert [] == storage.check()


def test_index_that_is_another(storage: SqliteStorage, path: Path) -> None:
    """An index of the right name on other columns does not pass for ours."""
    storage.prepare()
    change(path, "DROP INDEX samples_by_time", "CREATE INDEX samples_by_time ON samples (volume)")

    assert ["index samples_by_time is not as this release makes it"] == storage.check()


def test_file_of_something_else(storage: SqliteStorage, path: Path) -> None:
    """What is no SQLite file is not taken for one, and its content is not told."""
    path.write_text("secret " * 1000)

    with pytest.raises(StorageUnavailable) as refusal:
        storage.check()
    assert "SQLite reports SQLITE_NOTADB" == refusal.value.message


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    """Prepare creates no folders, and check cannot reach what is in none."""
    storage = store(tmp_path / "none" / "metering.db")

    with pytest.raises(StorageUnavailable):
        storage.prepare()
    with pytest.raises(StorageUnavailable):
        storage.check()


def test_several_processes_prepare_at_once(path: Path) -> None:
    """Processes that start together on a fresh file all succeed."""
    fork = multiprocessing.get_context("fork")
    barrier = fork.Barrier(PROCESSES)
    workers = [
        fork.Process(target=prepare_when_all_are_ready, args=(path, barrier))
        for _ in range(PROCESSES)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert [0] * PROCESSES == [worker.exitcode for worker in workers]
    with closing(sqlite3.connect(path)) as connection:
        assert [] == problems(connection)


@pytest.fixture
def read_file(path: Path) -> Iterator[sqlite3.Connection]:
    """A file of another mode, which this connection is reading."""
    change(path, "CREATE TABLE other (x)", "INSERT INTO other VALUES (1)")
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM other").fetchall()
        yield reader


def test_file_that_is_being_read(read_file: sqlite3.Connection, path: Path) -> None:
    """Prepare waits until a file that must be switched to WAL is read no more."""
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        connection.set_trace_callback(
            lambda sql: read_file.close() if sql == "BEGIN IMMEDIATE" else None
        )
        create(connection)

        assert [] == problems(connection)


def test_file_that_is_read_for_long(
    storage: SqliteStorage, read_file: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prepare gives up in the end on a file that must be switched to WAL and is being read."""
    monkeypatch.setattr("metering.storage.sqlite.connections.BUSY_SECONDS", 0)
    monkeypatch.setattr("metering.storage.sqlite.schema._ATTEMPTS", 1)

    with pytest.raises(StorageUnavailable, match="is in use"):
        storage.prepare()


def test_file_that_cannot_be_written(path: Path) -> None:
    """Whatever else keeps the file from being switched to WAL is told as it is."""
    path.touch()
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    with closing(connection), pytest.raises(sqlite3.OperationalError, match="readonly"):
        create(connection)
