"""The embedded driver: one SQLite file, no server, several processes at once."""

from typing import Self

from metering.storage.sqlite.location import path_of
from metering.storage.sqlite.tables import SqliteTables
from metering.storage.tracks import TrackStorage


class SqliteStorage(TrackStorage):
    """`sqlite:////absolute.db` or `sqlite:///relative.db`."""

    tables: SqliteTables

    @classmethod
    def open(cls, url: str, *, timeout_seconds: float) -> Self:
        """A store in the file that the URL names; opened when first used, so forks may follow.

        Raises:
            Misconfigured: the URL names no file.
        """
        return cls(SqliteTables(path_of(url), timeout_seconds), timeout_seconds)
