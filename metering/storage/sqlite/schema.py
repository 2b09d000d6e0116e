"""The tables and indexes of a file: made, required, and compared with what `schema.sql` says."""

import sqlite3
from contextlib import closing
from importlib.resources import files

from metering.errors import Misconfigured, NotPrepared, StorageUnavailable

VERSION = 1
ADVICE = "run `metering-manage prepare`"
_ATTEMPTS = 100


def version_of(connection: sqlite3.Connection) -> int:
    """The version that the file says it has; 0 if it was never prepared."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def require(connection: sqlite3.Connection) -> None:
    """Return if the file has this release's version.

    Raises:
        NotPrepared: it was never prepared.
        Misconfigured: a newer release prepared it.
    """
    version = version_of(connection)
    if version == 0:
        raise NotPrepared(f"the SQLite file was never prepared; {ADVICE}")
    if version != VERSION:
        raise Misconfigured(_foreign(version), field="[database] connection")


def create(connection: sqlite3.Connection) -> None:
    """Create what is missing, in one transaction; others may do the same at the same time.

    Raises:
        Misconfigured: a newer release prepared the file, or no write-ahead log can be kept beside
            it; nothing was changed.
    """
    if version_of(connection) not in (0, VERSION):
        require(connection)
    _keep_a_log(connection)
    connection.execute("BEGIN IMMEDIATE")
    if version_of(connection) not in (0, VERSION):
        require(connection)
    for statement in _script().split(";"):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def problems(connection: sqlite3.Connection) -> list[str]:
    """What of the schema is missing, or not as this release makes it; a sentence each."""
    version = version_of(connection)
    if version == 0:
        return [f"the SQLite file was never prepared; {ADVICE}"]
    if version != VERSION:
        return [_foreign(version)]
    with closing(sqlite3.connect(":memory:")) as model:
        model.executescript(_script())
        expected = _objects(model)
    found = _objects(connection)
    sentences = []
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        sentences.append(f"the SQLite file is not in WAL mode; {ADVICE}")
    for name, (kind, sql) in expected.items():
        if name not in found:
            sentences.append(f"{kind} {name} is missing; {ADVICE}")
        elif found[name] != (kind, sql):
            sentences.append(f"{kind} {name} is not as this release makes it")
    return sentences


def _foreign(version: int) -> str:
    return f"the SQLite file has schema version {version}; this release knows {VERSION}"


def _script() -> str:
    return files("metering.storage.sqlite").joinpath("schema.sql").read_text(encoding="utf-8")


def _objects(connection: sqlite3.Connection) -> dict[str, tuple[str, str]]:
    rows = connection.execute("SELECT name, type, sql FROM sqlite_schema WHERE sql IS NOT NULL")
    return {name: (kind, sql) for name, kind, sql in rows}


def _keep_a_log(connection: sqlite3.Connection) -> None:
    """Switch to WAL. SQLite does not wait for others here, so wait with a transaction."""
    attempts = 1
    while not _has_log(connection):
        if attempts == _ATTEMPTS:
            raise StorageUnavailable("the SQLite file is in use; stop what reads it and try again")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("COMMIT")
        attempts += 1


def _has_log(connection: sqlite3.Connection) -> bool:
    """Whether the file is in WAL mode now; False if somebody uses it."""
    try:
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        return False
    if mode != "wal":  # SQLite says so in no other way
        message = "SQLite can keep no write-ahead log beside the file: put it on a local disk"
        raise Misconfigured(message, field="[database] connection")
    return True
