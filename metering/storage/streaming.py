"""The pieces of whole streams in order, taken apart where those of several series overlap.

The series of a stream rarely overlap in time: a description changes, and the next one goes on.
Where one comes back its days are enough, or else its readings.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from heapq import merge
from itertools import groupby

from metering.cuts import Cuts
from metering.model import MeterType, Series, Stream
from metering.query import StreamQuery
from metering.storage.base import Effort
from metering.storage.blocks import day_of, days_range
from metering.storage.handles import Handle, Pair
from metering.storage.reckoning import ReadBlocks, ReadReadings, Reckoner
from metering.streams import Piece
from metering.summary import Reading, joined, of_reading, of_stream
from metering.times import Range

# The readings of each series at the last instant before one, or at the first from it on.
ReadNeighbours = Callable[[Collection[Handle], datetime], Iterator[Pair]]
Members = Mapping[Handle, Series]
# Pieces of one stream; of several series if they overlap.
Cluster = Sequence[Piece]
ReadingsOfDays = dict[Range, dict[Handle, list[Reading]]]

_DAY = timedelta(days=1)
_SERIES_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways to read."""

    blocks: ReadBlocks
    readings: ReadReadings
    last_before: ReadNeighbours
    first_from: ReadNeighbours


class StreamReader:
    """Reads all pieces of streams in a range, cut as somebody asks, and their neighbours."""

    def __init__(self, ways: Ways, query: StreamQuery, effort: Effort) -> None:
        """Take the ways to read, what is asked, and where to count what was read."""
        self._ways = ways
        self._query = query
        self._range = query.range
        self._cuts = query.cuts
        self._effort = effort

    def streams(self, streams: Mapping[Stream, Members]) -> Iterator[list[Piece]]:
        """The pieces of each stream in order, with the reading before the range, and after it."""
        for some in _in_groups(streams.values()):
            found = self._untangled(some)
            series = {handle: one for members in some for handle, one in members.items()}
            before, after = self._neighbours(series)
            for members, clusters in zip(some, found, strict=True):
                last = max(_singles(members, before), key=Piece.order, default=None)
                first = min(_singles(members, after), key=Piece.order, default=None)
                within = self._in_few(piece for cluster in clusters for piece in cluster)
                yield [*([last] if last else []), *within, *([first] if first else [])]

    def _in_few(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """The pieces of a stream, in as few as the cuts allow: each costs more than to join it."""
        run: list[Piece] = []
        for piece in pieces:
            if run and not (
                piece.series.digest == run[0].series.digest
                and self._cuts.joins(
                    piece.series.type, run[-1].summary, piece.summary, run[0].summary.first.at
                )
            ):
                yield _as_one(run)
                run = []
            run.append(piece)
        if run:
            yield _as_one(run)

    def _untangled(self, streams: Sequence[Members]) -> list[Sequence[Cluster]]:
        """The pieces of each stream; the clusters have one series each, or single runs."""
        found = self._clusters(streams, self._cuts)
        again = [index for index, clusters in enumerate(found) if any(map(_is_tangled, clusters))]
        longest = _DAY if self._cuts.longest is None else min(self._cuts.longest, _DAY)
        in_days = replace(self._cuts, longest=longest)
        for index, clusters in zip(
            again, self._clusters([streams[index] for index in again], in_days), strict=True
        ):
            found[index] = clusters
        readings = self._readings_of(
            (streams[index], cluster)
            for index in again
            for cluster in filter(_is_tangled, found[index])
        )
        for index in again:
            found[index] = [
                self._combed(streams[index], cluster, readings) for cluster in found[index]
            ]
        return found

    def _clusters(self, streams: Sequence[Members], cuts: Cuts) -> list[Sequence[Cluster]]:
        series = {handle: one for members in streams for handle, one in members.items()}
        ways = self._ways
        reckoner = Reckoner(ways.blocks, ways.readings, self._range, cuts)
        kinds = {handle: one.type for handle, one in series.items()}
        pieces = dict(reckoner.pieces(kinds, self._effort))
        return [
            _clusters(
                Piece(one, summary)
                for handle, one in members.items()
                for summary in pieces.get(handle, ())
            )
            for members in streams
        ]

    def _readings_of(self, tangled: Iterable[tuple[Members, Cluster]]) -> ReadingsOfDays:
        """The readings of the series of clusters on their days."""
        handles: dict[Range, set[Handle]] = defaultdict(set)
        for members, cluster in tangled:
            handles[_days(cluster)].update(members)
        readings: ReadingsOfDays = {}
        for days, some in handles.items():
            readings[days] = _by_handle(self._ways.readings(some, days & self._range))
            self._effort.samples += sum(map(len, readings[days].values()))
        return readings

    def _combed(self, members: Members, cluster: Cluster, readings: ReadingsOfDays) -> Cluster:
        """The cluster as runs of readings, if it has several series."""
        if not _is_tangled(cluster):
            return cluster
        begin, last = _bounds(cluster)
        of_days = readings[_days(cluster)]
        strands = [
            [
                Piece(series, of_reading(one))
                for one in of_days.get(handle, ())
                if begin <= one.at <= last
            ]
            for handle, series in members.items()
        ]
        singles = merge(*strands, key=Piece.order)
        return [
            Piece(together[0].series, of_stream(run))
            for _, group in groupby(singles, key=lambda piece: piece.series.digest)
            for together in [list(group)]
            for run in self._cuts.runs(
                together[0].series.type, [one.summary.first for one in together]
            )
        ]

    def _neighbours(
        self, series: Members
    ) -> tuple[dict[Handle, list[Reading]], dict[Handle, list[Reading]]]:
        query, ways = self._query, self._ways
        before = _beside(query.range.start, ways.last_before, series, query.before)
        after = _beside(query.range.end, ways.first_from, series, query.after)
        self._effort.samples += sum(map(len, [*before.values(), *after.values()]))
        return before, after


def _in_groups(streams: Iterable[Members]) -> Iterator[list[Members]]:
    """Streams together that have so many series."""
    group: list[Members] = []
    count = 0
    for members in streams:
        group.append(members)
        count += len(members)
        if count >= _SERIES_AT_ONCE:
            yield group
            group, count = [], 0
    if group:
        yield group


def _clusters(pieces: Iterable[Piece]) -> Sequence[Cluster]:
    """The pieces in order, together as far as they overlap or touch."""
    clusters: list[list[Piece]] = []
    last = None
    for piece in sorted(pieces, key=Piece.order):
        if last is None or piece.summary.first.at > last:
            clusters.append([piece])
            last = piece.summary.last.at
        else:
            clusters[-1].append(piece)
            last = max(last, piece.summary.last.at)
    return clusters


def _is_tangled(cluster: Cluster) -> bool:
    return len(cluster) > 1 and len({piece.series.digest for piece in cluster}) > 1


def _as_one(run: Sequence[Piece]) -> Piece:
    return Piece(run[0].series, joined([piece.summary for piece in run]))


def _bounds(cluster: Cluster) -> tuple[datetime, datetime]:
    """The first and the last instant of its readings."""
    return cluster[0].summary.first.at, max(piece.summary.last.at for piece in cluster)


def _days(cluster: Cluster) -> Range:
    """The whole days (UTC) that have it."""
    begin, last = _bounds(cluster)
    return days_range(day_of(begin), day_of(last) + 1)


def _beside(
    bound: datetime | None, read: ReadNeighbours, series: Members, types: Collection[MeterType]
) -> dict[Handle, list[Reading]]:
    """The neighbours at one end of a range, of the series of these types."""
    handles = [handle for handle, one in series.items() if one.type in types]
    return _by_handle(() if bound is None or not handles else read(handles, bound))


def _by_handle(pairs: Iterable[Pair]) -> dict[Handle, list[Reading]]:
    found = defaultdict(list)
    for handle, reading in pairs:
        found[handle].append(reading)
    return found


def _singles(members: Members, readings: Mapping[Handle, Sequence[Reading]]) -> Iterator[Piece]:
    for handle, series in members.items():
        for reading in readings.get(handle, ()):
            yield Piece(series, of_reading(reading))
