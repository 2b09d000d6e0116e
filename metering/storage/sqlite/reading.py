"""Readings and blocks through a way to fetch rows: under a time limit, or in a transaction."""

import json
from collections.abc import Collection, Iterator
from itertools import groupby
from operator import itemgetter
from typing import cast

from metering.chunks import chunks
from metering.storage.blocks import DayOf, StoredBlock
from metering.storage.handles import Handle, TrackReading
from metering.storage.sqlite import scanning, statements
from metering.storage.sqlite.mapping import (
    Columns,
    member_from_columns,
    reading_from_columns,
    row_from_columns,
)
from metering.storage.stored_sample import StoredSample
from metering.storage.totals import Member
from metering.times import Range


def read_blocks(
    fetch: scanning.Fetch,
    handles: Collection[Handle],
    months: range,
    *,
    described: bool,
) -> Iterator[StoredBlock]:
    """The blocks of tracks or rollups in these months."""
    parameters = {
        "handles": statements.numbers_parameter(cast("Collection[int]", handles)),
        "begin": months.start,
        "end": months.stop,
        "described": described,
    }
    for handle, month, days, of_days, struck in fetch(statements.BLOCKS, parameters):
        yield StoredBlock(handle, month, days, of_days, json.loads(struck))


def read_hours(fetch: scanning.Fetch, days: Collection[DayOf]) -> Iterator[tuple[DayOf, bytes]]:
    """The hours of those of these days that have some."""
    for some in chunks(days, scanning.HANDLES_AT_ONCE):
        pairs = ((cast("int", handle), day) for handle, day in some)
        parameters = {"days": statements.pairs_parameter(pairs)}
        for handle, day, hours in fetch(statements.HOURS, parameters):
            yield DayOf(handle, day), hours


def read_members(fetch: scanning.Fetch, rollups: Collection[Handle] | None) -> Iterator[Member]:
    """The tracks of these rollups; of all, if None."""
    if rollups is None:
        return map(member_from_columns, fetch(statements.MEMBERS, {}))
    parameters = {"rollups": statements.numbers_parameter(cast("Collection[int]", rollups))}
    return map(member_from_columns, fetch(statements.MEMBERS_OF, parameters))


def read_readings(
    fetch: scanning.Fetch, handles: Collection[Handle], range_: Range
) -> Iterator[TrackReading]:
    """The readings of the tracks in range: all of one track together, by (at, volume)."""
    rows = _of_tracks(fetch, statements.READINGS, handles, range_)
    for handle, group in groupby(rows, key=itemgetter(0)):
        # SQL knows volumes as text only: readings of one instant are put in order here.
        for reading in sorted(map(reading_from_columns, group)):
            yield handle, reading


def read_rows(
    fetch: scanning.Fetch, handles: Collection[Handle], range_: Range
) -> Iterator[StoredSample]:
    """The samples of the tracks in range: all of one track together, by time."""
    return map(row_from_columns, _of_tracks(fetch, statements.ROWS, handles, range_))


def _of_tracks(
    fetch: scanning.Fetch, asked: scanning.Statements, handles: Collection[Handle], range_: Range
) -> Iterator[Columns]:
    return scanning.by_track(
        fetch, asked, cast("Collection[int]", handles), scanning.Bounds.of(range_)
    )
