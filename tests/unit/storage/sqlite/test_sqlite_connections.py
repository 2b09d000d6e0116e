"""Connections: none too many, none across a fork, none left open, and errors that are ours."""

import multiprocessing
import os
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest
from askers import Leaving, asked
from builders import after_noon, sample, submission

from metering.errors import Abandoned, QueryTooExpensive, StorageUnavailable
from metering.model import AllProjects, Outcome
from metering.query import SampleQuery
from metering.storage.sqlite import SqliteStorage

PROCESSES = 4
EVERYTHING = SampleQuery(scope=AllProjects())
ENDLESS = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"

WRITER = """
import sys
from builders import submission
from metering.storage.sqlite import SqliteStorage

storage = SqliteStorage.open(sys.argv[1], timeout_seconds=60)
for number in range(100_000):
    storage.record([submission(id=f"s-{number}")], atomic=True)
    print(f"s-{number}", flush=True)
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Where the file is."""
    return f"sqlite:///{tmp_path}/metering.db"


@pytest.fixture
def storage(url: str) -> Iterator[SqliteStorage]:
    """A store, prepared."""
    with closing(SqliteStorage.open(url, timeout_seconds=60)) as one:
        one.prepare()
        yield one


def open_files(folder: Path) -> list[str]:
    """Which files below the folder this process has open."""
    names = []
    for number in os.listdir("/proc/self/fd"):  # noqa: PTH208 - its own entry goes while it looks
        try:
            names.append(os.readlink(f"/proc/self/fd/{number}"))  # noqa: PTH115 - the same
        except FileNotFoundError:
            continue
    return sorted(name for name in names if name.startswith(str(folder)))


def ids(storage: SqliteStorage) -> set[str]:
    """The ids of all samples."""
    return {one.id for one in storage.samples(EVERYTHING)}


def raw(url: str) -> "closing[sqlite3.Connection]":
    """A connection by the back door."""
    path = url.removeprefix("sqlite:///")
    return closing(sqlite3.connect(path, timeout=0, isolation_level=None))


def write(storage: SqliteStorage, outcomes: "multiprocessing.Queue[list[Outcome]]") -> None:
    """Record the same hundred samples, one by one, as others do."""
    verdicts = [storage.record([submission(id=f"s-{n}")], atomic=True)[0] for n in range(100)]
    outcomes.put([verdict.outcome for verdict in verdicts])


def test_several_processes_write_at_once(storage: SqliteStorage, tmp_path: Path) -> None:
    """Processes that were forked off a store in use store each sample once between them."""
    storage.record([submission(id="first")], atomic=True)
    fork = multiprocessing.get_context("fork")
    outcomes = fork.Queue()
    workers = [fork.Process(target=write, args=(storage, outcomes)) for _ in range(PROCESSES)]
    for worker in workers:
        worker.start()
    found = Counter(outcome for _ in workers for outcome in outcomes.get())
    for worker in workers:
        worker.join()

    assert {Outcome.STORED: 100, Outcome.DUPLICATE: 100 * (PROCESSES - 1)} == found
    assert {"first", *(f"s-{n}" for n in range(100))} == ids(storage)


def test_fork_inherits_no_open_file(storage: SqliteStorage, tmp_path: Path) -> None:
    """A child has none of the files open that its parent used; the parent goes on."""
    storage.ping()
    fork = multiprocessing.get_context("fork")
    found = fork.Queue()
    child = fork.Process(target=lambda: found.put(open_files(tmp_path)))
    child.start()

    assert [] == found.get()
    child.join()
    storage.ping()


def test_fork_while_a_connection_is_lent(storage: SqliteStorage) -> None:
    """A child that inherits a lent connection opens its own and leaves that one alone."""
    fork = multiprocessing.get_context("fork")
    outcomes = fork.Queue()
    with storage.tables._connections.borrowed() as connection:
        child = fork.Process(target=write, args=(storage, outcomes))
        child.start()
        outcomes.get()
        child.join()

        assert [(100,)] == connection.execute("SELECT count(*) FROM samples").fetchall()


def test_killed_writer_keeps_what_it_acknowledged(storage: SqliteStorage, url: str) -> None:
    """Whatever a writer was told is STORED is there after kill -9, and at most one more."""
    command = [sys.executable, "-c", WRITER, url]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as writer:
        assert writer.stdout is not None
        acknowledged = set(islice(map(str.strip, writer.stdout), 50))
        writer.kill()
        acknowledged |= set(map(str.strip, writer.stdout))

    kept = ids(storage)
    assert acknowledged <= kept
    assert len(kept - acknowledged) <= 1


@pytest.mark.parametrize("closes", [True, False])
def test_nothing_is_open_between_rows(storage: SqliteStorage, url: str, closes: bool) -> None:
    """A list that is read in part, closed or forgotten, holds neither cursor nor snapshot."""
    batch = [submission(id=f"s-{n}", timestamp=after_noon(n)) for n in range(200)]
    storage.record(batch, atomic=True)
    samples = storage.samples(EVERYTHING)
    assert "s-199" == next(samples).id
    if closes:
        samples.close()

    storage.record([submission(id="later")], atomic=True)
    with raw(url) as other:
        assert (0, 0, 0) == other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def test_threads_that_ended_leave_nothing(storage: SqliteStorage, tmp_path: Path) -> None:
    """Threads one after the other share one connection."""
    storage.ping()
    before = open_files(tmp_path)
    for _ in range(5):
        thread = threading.Thread(target=storage.ping)
        thread.start()
        thread.join()

    assert before == open_files(tmp_path)


def test_close_frees_all(storage: SqliteStorage, tmp_path: Path) -> None:
    """After close no file is open, not even by what was lent at that moment."""
    storage.ping()
    with storage.tables._connections.borrowed():
        storage.ping()
        storage.close()

    assert [] == open_files(tmp_path)


def test_file_that_was_replaced(storage: SqliteStorage, url: str, tmp_path: Path) -> None:
    """Samples go to the file that is there now, never to one that was moved away."""
    storage.record([submission(id="old")], atomic=True)
    (tmp_path / "metering.db").rename(tmp_path / "moved.db")
    with pytest.raises(StorageUnavailable, match="run `metering-manage prepare`"):
        storage.ping()
    storage.prepare()
    storage.record([submission(id="new")], atomic=True)

    with closing(SqliteStorage.open(url, timeout_seconds=60)) as fresh:
        assert {"new"} == ids(fresh)


def test_file_that_others_keep_writing(
    storage: SqliteStorage, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that gets no turn is told so; readers need none."""
    monkeypatch.setattr("metering.storage.sqlite.connections.BUSY_SECONDS", 0.01)
    storage.tables._connections.close_idle()
    with raw(url) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageUnavailable) as refusal:
            storage.record([submission()], atomic=True)

        assert "SQLite reports SQLITE_BUSY" == refusal.value.message
        assert isinstance(refusal.value.__cause__, sqlite3.OperationalError)
        assert set() == ids(storage)


@pytest.mark.parametrize("last", ["INSERT INTO series (digest) VALUES (x'00')", "not SQL"])
def test_transaction_that_fails_is_undone(storage: SqliteStorage, last: str) -> None:
    """What was written before an error is gone, and the next transaction is a clean one."""

    def fail() -> None:
        with storage.tables._connections.transaction() as connection:
            connection.execute("CREATE TABLE half (x)")
            connection.execute("DROP INDEX samples_by_time")
            connection.execute(last)

    with pytest.raises(StorageUnavailable):
        fail()

    assert [] == storage.check()
    assert [sample()] == [verdict.kept for verdict in storage.record([submission()], atomic=True)]


def test_statement_that_takes_too_long(url: str) -> None:
    """The time limit ends a statement in the middle, with SQLite's own error as the cause."""
    with closing(SqliteStorage.open(url, timeout_seconds=0.05)) as storage:
        storage.prepare()
        with pytest.raises(QueryTooExpensive) as refusal:
            storage.tables._question()(ENDLESS, {})

        assert isinstance(refusal.value.__cause__, sqlite3.OperationalError)


def test_statement_that_nobody_waits_for(url: str) -> None:
    """It ends in the middle, likewise, when it is seen that its asker has gone."""
    leaving = Leaving(3)
    with closing(SqliteStorage.open(url, timeout_seconds=60)) as storage:
        storage.prepare()
        with pytest.raises(Abandoned) as refusal:
            asked(leaving, lambda: storage.tables._question()(ENDLESS, {}))

        assert isinstance(refusal.value.__cause__, sqlite3.OperationalError)
    assert leaving.looks > 3


def test_time_limit_counts_over_statements(url: str) -> None:
    """A question whose time is up gets no further, however short its statements are."""
    with closing(SqliteStorage.open(url, timeout_seconds=-1)) as storage:
        storage.prepare()
        with pytest.raises(QueryTooExpensive):
            storage.tables._question()("SELECT 1", {})


def test_error_of_sqlite(storage: SqliteStorage) -> None:
    """Whatever else SQLite reports is ours when it leaves."""
    with pytest.raises(StorageUnavailable, match="SQLite reports SQLITE_ERROR"):
        storage.tables._question()("SELECT * FROM none", {})
