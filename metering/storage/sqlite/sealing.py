"""Blocks in SQLite: striking days, and the transactions that make blocks."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping

from metering.storage.blocks import DayOf, StoredBlock
from metering.storage.sealing import SealTransaction
from metering.storage.spans import month_of
from metering.storage.sqlite import scanning, statements
from metering.storage.sqlite.track_reads import SqliteTrackReads


def strike(connection: sqlite3.Connection, days: Iterable[tuple[int, int]]) -> None:
    """Let (handle, day) be read from samples until it is sealed again."""
    rows = [(handle, month_of(day), day) for handle, day in days]
    connection.executemany(statements.STRIKE, rows)


class Transaction(SqliteTrackReads, SealTransaction):
    """What sealing does in a transaction of a connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Take a connection that alone may write."""
        self._connection = connection
        self._fetch: scanning.Fetch = lambda sql, values: connection.execute(sql, values).fetchall()

    def _question(self) -> scanning.Fetch:
        return self._fetch

    def keep(self, blocks: Collection[StoredBlock], hours: Mapping[DayOf, bytes | None]) -> None:
        """See `SealTransaction.keep`."""
        rows = [
            (one.handle, one.month, one.days, one.described, json.dumps(list(one.struck)))
            for one in blocks
        ]
        self._connection.executemany(statements.KEEP_BLOCK, rows)
        kept = [(*day, one) for day, one in hours.items() if one is not None]
        self._connection.executemany(statements.KEEP_HOURS, kept)
        gone = [day for day, one in hours.items() if one is None]
        self._connection.executemany(statements.FORGET_HOURS, gone)
