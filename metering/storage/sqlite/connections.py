"""Connections to the file: lent for one statement or transaction at a time, never across a fork.

A connection that is idle is lent to whichever thread asks next, so there are never more than
threads at work, and none is left behind by a thread that ended. What leaves is our error; the
cause is SQLite's.
"""

import os
import sqlite3
import time
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from metering.errors import NotPrepared, StorageUnavailable
from metering.storage.sqlite import schema

BUSY_SECONDS = 5.0
_PAUSE_SECONDS = 0.002

_PRAGMAS = (
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    # Keys are random, so that a batch touches pages everywhere: with room for them (32 MiB a
    # connection, 40 MB of log) large batches into 300,000 samples were kept 1.4 times as fast.
    "PRAGMA cache_size = -32768",
    "PRAGMA wal_autocheckpoint = 10000",
)


def give_way() -> None:
    """Let somebody write who waits: who writes on at once would be the first to do so."""
    time.sleep(5 * _PAUSE_SECONDS)


@dataclass(frozen=True, slots=True)
class _Link:
    """A connection, and which file (device, inode) it was opened on."""

    connection: sqlite3.Connection
    identity: tuple[int, int] | None


class Connections:
    """The connections of one store. All methods may be called from several threads at once.

    Lock-free, since a lock that is held while another thread forks is held for ever in the child:
    the deque's own operations are atomic.
    """

    def __init__(self, path: Path) -> None:
        """Take the absolute path; nothing is opened."""
        self._path = path
        self._idle: dict[int, deque[_Link]] = {}
        self._closed = False
        # SQLite keeps its file locks per process in memory: a child that inherits an open file
        # believes that it holds locks that it does not.
        reference = weakref.WeakMethod(self.close_idle)
        os.register_at_fork(before=lambda: (method := reference()) and method())

    @contextmanager
    def borrowed(self) -> Iterator[sqlite3.Connection]:
        """A connection for the block, to a prepared file; thrown away if the block fails.

        Raises:
            StorageUnavailable: there is no file, it was never prepared, or SQLite reports an error.
            Misconfigured: the file is a newer release's.
        """
        with _our_errors():
            link = self._take()
            try:
                yield link.connection
            except BaseException:
                _abandon(link.connection)
                raise
            self._give_back(link)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A connection that alone may write; what the block wrote is durable after it, or undone.

        Raises:
            StorageUnavailable: as `borrowed`, or others kept writing for `BUSY_SECONDS`.
        """
        with self.borrowed() as connection:
            _begin(connection)
            yield connection
            connection.execute("COMMIT")

    @contextmanager
    def opened(self, *, create: bool) -> Iterator[sqlite3.Connection]:
        """A connection of its own, to a file in any state.

        Raises:
            StorageUnavailable: the file cannot be opened, or SQLite reports an error.
        """
        with _our_errors():
            connection = self._open("rwc" if create else "rw")
            try:
                yield connection
            finally:
                _abandon(connection)

    def close_idle(self) -> None:
        """Close what this process has open and is not lent."""
        idle = self._idle.get(os.getpid(), deque())
        with suppress(IndexError):
            while True:
                idle.pop().connection.close()

    def close(self) -> None:
        """Close everything; what is lent, when it comes back."""
        self._closed = True
        self.close_idle()

    def _take(self) -> _Link:
        identity = self._identity()
        idle = self._idle.setdefault(os.getpid(), deque())
        while idle:
            with suppress(IndexError):
                link = idle.pop()
                if link.identity == identity:
                    return link
                link.connection.close()
        return _Link(self._connect(), identity)

    def _give_back(self, link: _Link) -> None:
        self._idle.setdefault(os.getpid(), deque()).append(link)
        if self._closed:
            self.close_idle()

    def _identity(self) -> tuple[int, int] | None:
        """Which file is there now: a write to one that was moved away would be lost."""
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _connect(self) -> sqlite3.Connection:
        try:
            connection = self._open("rw")
        except sqlite3.OperationalError as error:
            is_new = self._identity() is None and self._path.parent.is_dir()
            kind = NotPrepared if is_new else StorageUnavailable
            raise kind(f"the SQLite file cannot be opened; {schema.ADVICE}") from error
        try:
            schema.require(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _open(self, mode: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self._path.as_uri()}?mode={mode}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        return connection


def _begin(connection: sqlite3.Connection) -> None:
    """Become the one writer, or raise when `BUSY_SECONDS` have passed.

    SQLite's own pauses grow to 100 ms, so that who writes without a pause starves the others:
    of eight processes one waited 4 s for a single sample, and 0.3 s with these short pauses.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    connection.execute("PRAGMA busy_timeout = 0")
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            break
    connection.execute(f"PRAGMA busy_timeout = {round(BUSY_SECONDS * 1000)}")


def _abandon(connection: sqlite3.Connection) -> None:
    """Undo what is not committed, and close."""
    with suppress(sqlite3.Error):
        connection.rollback()
    connection.close()


@contextmanager
def _our_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        # Its own words name tables and files; they go into the log, as the cause.
        name = getattr(error, "sqlite_errorname", "an error")
        raise StorageUnavailable(f"SQLite reports {name}") from error
