"""Walks through samples, chunk by chunk: each chunk is a statement of its own, read to its end.

So no cursor is open and no lock is held while the caller thinks, whether it comes back or not. A
chunk begins after the last row of the one before; rows never change, so none is met twice.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from heapq import merge
from typing import Any

from metering.query import Position
from metering.storage.sqlite import statements
from metering.storage.sqlite.mapping import Columns
from metering.times import Range, to_milliseconds

# Of several tracks, and of one after a sample.
Statements = tuple[str, str]
Fetch = Callable[[str, Mapping[str, Any]], list[Columns]]

# Milliseconds far outside of the years 1 to 9999.
EARLIEST = -(2**62)
LATEST = 2**62

_FEW_TRACKS = 64
_FIRST_CHUNK = 32
_LAST_CHUNK = 4096
HANDLES_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Bounds:
    """A half-open range in milliseconds, every bound given."""

    start: int
    end: int

    @classmethod
    def of(cls, range_: Range) -> "Bounds":
        """The bounds of a range."""
        return cls(
            EARLIEST if range_.start is None else to_milliseconds(range_.start),
            LATEST if range_.end is None else to_milliseconds(range_.end),
        )


def newest_first(
    fetch: Fetch, handles: Collection[int], bounds: Bounds, after: Position | None
) -> Iterator[Columns]:
    """The samples of the tracks in bounds by (timestamp, key) descending, after a position.

    A few tracks are merged, so that a page costs a page. More are picked out of a walk through
    the samples of all.
    """
    begin = (bounds.end, b"")
    if after is not None:
        begin = min(begin, (to_milliseconds(after.timestamp), after.key))
    if len(handles) <= _FEW_TRACKS:
        walks = [
            _backwards(fetch, statements.SAMPLES_OF_TRACK, {"handle": handle}, bounds, begin)
            for handle in handles
        ]
        yield from merge(*walks, key=lambda row: (row[1], row[2]), reverse=True)
    else:
        wanted = frozenset(handles)
        for row in _backwards(fetch, statements.SAMPLES_BY_TIME, {}, bounds, begin):
            if row[0] in wanted:
                yield row


def by_track(
    fetch: Fetch, asked: Statements, handles: Collection[int], bounds: Bounds
) -> Iterator[Columns]:
    """What is asked, (track, timestamp, key) and more, of the samples in bounds, in this order."""
    of_several, of_one = asked
    pending = sorted(handles)
    while pending:
        group = pending[:HANDLES_AT_ONCE]
        pending = pending[HANDLES_AT_ONCE:]
        parameters = {
            "handles": statements.numbers_parameter(group),
            "start": bounds.start,
            "end": bounds.end,
            "limit": _LAST_CHUNK,
        }
        rows = fetch(of_several, parameters)
        yield from rows
        if len(rows) == _LAST_CHUNK:
            yield from _rest(fetch, of_one, rows[-1], bounds)
            pending = [handle for handle in group if handle > rows[-1][0]] + pending


def ends(
    fetch: Fetch, statement: str, handles: Collection[int], bounds: Bounds, as_of: int
) -> Iterator[Columns]:
    """What `EXTENTS`, `FIRSTS` or `LASTS` says of those tracks that have samples in bounds."""
    ordered = sorted(handles)
    for begin in range(0, len(ordered), HANDLES_AT_ONCE):
        parameters = {
            "handles": statements.numbers_parameter(ordered[begin : begin + HANDLES_AT_ONCE]),
            "start": bounds.start,
            "end": bounds.end,
            "as_of": as_of,
        }
        for columns in fetch(statement, parameters):
            if columns[1] is not None:
                yield columns


def _backwards(
    fetch: Fetch,
    statement: str,
    parameters: Mapping[str, Any],
    bounds: Bounds,
    begin: tuple[int, bytes],
) -> Iterator[Columns]:
    limit = _FIRST_CHUNK
    at, key = begin
    while True:
        where = {"start": bounds.start, "at": at, "key": key, "limit": limit}
        rows = fetch(statement, {**parameters, **where})
        yield from rows
        if len(rows) < limit:
            return
        at, key = rows[-1][1:3]
        limit = min(2 * limit, _LAST_CHUNK)


def _rest(fetch: Fetch, statement: str, last: Columns, bounds: Bounds) -> Iterator[Columns]:
    """What the track of a row has after that row."""
    rows = [last]
    while rows:
        handle, at, key = rows[-1][:3]
        where = {"handle": handle, "at": at, "key": key, "end": bounds.end, "limit": _LAST_CHUNK}
        rows = fetch(statement, where)
        yield from rows
