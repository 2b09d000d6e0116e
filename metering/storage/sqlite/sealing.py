"""Blocks in SQLite: striking days, and the transactions that make blocks."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping

from metering.storage.blocks import DayOf, StoredBlock
from metering.storage.handles import Handle, TrackReading
from metering.storage.sealing import SealTransaction
from metering.storage.spans import month_of
from metering.storage.sqlite import scanning, statements
from metering.storage.sqlite.reading import (
    read_blocks,
    read_hours,
    read_members,
    read_readings,
    read_rows,
)
from metering.storage.stored_sample import StoredSample
from metering.storage.totals import Member
from metering.times import Range


def strike(connection: sqlite3.Connection, days: Iterable[tuple[int, int]]) -> None:
    """Let (handle, day) be read from samples until it is sealed again."""
    rows = [(handle, month_of(day), day) for handle, day in days]
    connection.executemany(statements.STRIKE, rows)


class Transaction(SealTransaction):
    """What sealing does in a transaction of a connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Take a connection that alone may write."""
        self._connection = connection
        self._fetch: scanning.Fetch = lambda sql, values: connection.execute(sql, values).fetchall()

    def blocks(self, handles: Collection[Handle], months: range) -> Iterator[StoredBlock]:
        """See `SealTransaction.blocks`."""
        return read_blocks(self._fetch, handles, months, described=True)

    def hours(self, days: Collection[DayOf]) -> Iterator[tuple[DayOf, bytes]]:
        """See `SealTransaction.hours`."""
        return read_hours(self._fetch, days)

    def members(self, rollups: Collection[Handle]) -> Iterator[Member]:
        """See `SealTransaction.members`."""
        return read_members(self._fetch, rollups)

    def readings(self, handles: Collection[Handle], range_: Range) -> Iterator[TrackReading]:
        """See `SealTransaction.readings`."""
        return read_readings(self._fetch, handles, range_)

    def samples_of(self, handles: Collection[Handle], range_: Range) -> Iterator[StoredSample]:
        """See `SealTransaction.samples_of`."""
        return read_rows(self._fetch, handles, range_)

    def keep(self, blocks: Collection[StoredBlock], hours: Mapping[DayOf, bytes | None]) -> None:
        """See `SealTransaction.keep`."""
        rows = [
            (one.handle, one.month, one.days, one.described, json.dumps(list(one.struck)))
            for one in blocks
        ]
        self._connection.executemany(statements.KEEP_BLOCK, rows)
        kept = [(*of, one) for of, one in hours.items() if one is not None]
        self._connection.executemany(statements.KEEP_HOURS, kept)
        gone = [of for of, one in hours.items() if one is None]
        self._connection.executemany(statements.FORGET_HOURS, gone)
