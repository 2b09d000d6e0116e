"""Readings and blocks through a way to fetch rows: under a time limit, or in a transaction."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import cast

from metering.storage.blocks import Grain, StoredBlock, month_of
from metering.storage.handles import Handle, Pair, Row
from metering.storage.sealing import Access
from metering.storage.sqlite import scanning, statements
from metering.storage.sqlite.mapping import (
    Columns,
    member_from_columns,
    reading_from_columns,
    row_from_columns,
)
from metering.storage.totals import Member
from metering.times import Range


def read_blocks(
    fetch: scanning.Fetch,
    handles: Collection[Handle],
    months: range,
    grain: Grain,
    *,
    described: bool,
) -> Iterator[StoredBlock]:
    """The blocks of tracks or rollups in these months."""
    parameters = {
        "handles": statements.numbers_parameter(cast("Collection[int]", handles)),
        "begin": months.start,
        "end": months.stop,
        "hours": grain is Grain.HOUR,
        "described": described,
    }
    for handle, month, days, hours_, of_days, struck in fetch(statements.BLOCKS, parameters):
        yield StoredBlock(handle, month, days, hours_, of_days, json.loads(struck))


def read_members(fetch: scanning.Fetch, rollups: Collection[Handle] | None) -> Iterator[Member]:
    """The tracks of these rollups; of all, if None."""
    if rollups is None:
        return map(member_from_columns, fetch(statements.MEMBERS, {}))
    parameters = {"rollups": statements.numbers_parameter(cast("Collection[int]", rollups))}
    return map(member_from_columns, fetch(statements.MEMBERS_OF, parameters))


def read_readings(
    fetch: scanning.Fetch, handles: Collection[Handle], range_: Range
) -> Iterator[Pair]:
    """The readings of the tracks in range: all of one track together, by (at, volume)."""
    rows = _of_tracks(fetch, statements.READINGS, handles, range_)
    for handle, group in groupby(rows, key=itemgetter(0)):
        # SQL knows volumes as text only: readings of one instant are put in order here.
        for reading in sorted(map(reading_from_columns, group)):
            yield handle, reading


def read_rows(fetch: scanning.Fetch, handles: Collection[Handle], range_: Range) -> Iterator[Row]:
    """The samples of the tracks in range: all of one track together, by time."""
    return map(row_from_columns, _of_tracks(fetch, statements.ROWS, handles, range_))


def _of_tracks(
    fetch: scanning.Fetch, asked: scanning.Statements, handles: Collection[Handle], range_: Range
) -> Iterator[Columns]:
    return scanning.by_track(
        fetch, asked, cast("Collection[int]", handles), scanning.Bounds.of(range_)
    )


def strike(connection: sqlite3.Connection, days: Iterable[tuple[int, int]]) -> None:
    """Let (handle, day) be read from samples until it is sealed again."""
    rows = [(handle, month_of(day), day) for handle, day in days]
    connection.executemany(statements.STRIKE, rows)


class Transaction(Access):
    """What sealing does in a transaction of a connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Take a connection that alone may write."""
        self._connection = connection
        self._fetch: scanning.Fetch = lambda sql, values: connection.execute(sql, values).fetchall()

    def blocks(self, handles: Collection[Handle], months: range) -> Iterator[StoredBlock]:
        """See `Access.blocks`."""
        return read_blocks(self._fetch, handles, months, Grain.HOUR, described=True)

    def members(self, rollups: Collection[Handle]) -> Iterator[Member]:
        """See `Access.members`."""
        return read_members(self._fetch, rollups)

    def readings(self, handles: Collection[Handle], range_: Range) -> Iterator[Pair]:
        """See `Access.readings`."""
        return read_readings(self._fetch, handles, range_)

    def rows(self, handles: Collection[Handle], range_: Range) -> Iterator[Row]:
        """See `Access.rows`."""
        return read_rows(self._fetch, handles, range_)

    def keep(self, blocks: Collection[StoredBlock]) -> None:
        """See `Access.keep`."""
        rows = [
            (
                one.handle,
                one.month,
                one.days,
                one.hours,
                one.described,
                json.dumps(list(one.struck)),
            )
            for one in blocks
        ]
        self._connection.executemany(statements.KEEP_BLOCK, rows)
