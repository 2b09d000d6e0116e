"""Stores over tables of SQLite that a test has changed."""

from typing import Self

from metering.storage.sqlite import SqliteStorage
from metering.storage.sqlite.location import path_of
from metering.storage.sqlite.tables import SqliteTables


def stored_in(kind: type[SqliteTables]) -> type[SqliteStorage]:
    """The driver of SQLite over such tables; a decorator of their class."""

    class Changed(SqliteStorage):
        __doc__ = kind.__doc__

        @classmethod
        def open(cls, url: str, *, timeout_seconds: float) -> Self:
            return cls(kind(path_of(url), timeout_seconds), timeout_seconds)

    Changed.__name__ = kind.__name__
    return Changed
