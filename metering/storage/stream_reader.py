"""The pieces of whole streams in order, taken apart where several tracks or series overlap.

The tracks or series of a stream rarely overlap in time: an owner or a description changes, and the
next one goes on. Where they do, their days are read apart, and if these overlap too, their
readings.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from heapq import merge

from metering.cuts import Cuts
from metering.model import MeterType, Track
from metering.query import StreamQuery
from metering.storage.base import Effort
from metering.storage.blocks import day_of, days_range
from metering.storage.handles import Handle, Tracks
from metering.storage.pieces import PieceReader, ReadNeighbours, in_runs
from metering.streams import Piece
from metering.summary import joined
from metering.times import Range

# Pieces of one stream; of several tracks or series if they overlap.
Cluster = Sequence[Piece]
ReadingsOfDays = dict[Range, Mapping[Handle, Sequence[Piece]]]

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """How to find what lies beside a range."""

    last_before: ReadNeighbours
    first_from: ReadNeighbours


class StreamReader:
    """Reads all pieces of streams in a range, cut as somebody asks, and their neighbours."""

    def __init__(
        self, reader: PieceReader, neighbours: Neighbours, query: StreamQuery, effort: Effort
    ) -> None:
        """Take who reads them, what is asked, and where to count what was read."""
        self._reader = reader
        self._neighbours = neighbours
        self._query = query
        self._range = query.range
        self._cuts = query.cuts
        self._effort = effort

    def streams(self, streams: Iterable[Tracks]) -> Iterator[list[Piece]]:
        """The pieces of each stream in order, with the reading before the range, and after it."""
        query, neighbours = self._query, self._neighbours
        for some in _in_groups(streams, self._reader.tracks_at_once):
            found = self._untangled(some)
            tracks = _all_of(some)
            before = self._beside(tracks, query.range.start, query.before, neighbours.last_before)
            after = self._beside(tracks, query.range.end, query.after, neighbours.first_from)
            for members, clusters in zip(some, found, strict=True):
                last = max(_of_members(members, before), key=Piece.order, default=None)
                first = min(_of_members(members, after), key=Piece.order, default=None)
                within = self._in_few(piece for cluster in clusters for piece in cluster)
                yield [*([last] if last else []), *within, *([first] if first else [])]

    def _in_few(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """The pieces of a stream, joined as far as the cuts allow: cheaper than using each."""
        run: list[Piece] = []
        for piece in pieces:
            if run and not (
                piece.subject.digest == run[0].subject.digest
                and self._cuts.joins(
                    piece.subject.type, run[-1].summary, piece.summary, run[0].summary.first.at
                )
            ):
                yield _as_one(run)
                run = []
            run.append(piece)
        if run:
            yield _as_one(run)

    def _untangled(self, streams: Sequence[Tracks]) -> list[Sequence[Cluster]]:
        """The pieces of each stream; the clusters have one track or series each, or runs."""
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

    def _clusters(self, streams: Sequence[Tracks], cuts: Cuts) -> list[Sequence[Cluster]]:
        found = self._reader.pieces(_all_of(streams), self._range, cuts, self._effort)
        pieces = dict(found)
        return [
            _clusters(piece for handle in members for piece in pieces.get(handle, ()))
            for members in streams
        ]

    def _readings_of(self, tangled: Iterable[tuple[Tracks, Cluster]]) -> ReadingsOfDays:
        """The readings of the tracks of clusters on their days."""
        tracks: dict[Range, dict[Handle, Track]] = defaultdict(dict)
        for members, cluster in tangled:
            tracks[_days(cluster)].update(members)
        readings: ReadingsOfDays = {}
        for days, some in tracks.items():
            readings[days] = self._reader.readings(some, days & self._range)
            self._effort.samples += sum(map(len, readings[days].values()))
        return readings

    def _combed(self, members: Tracks, cluster: Cluster, readings: ReadingsOfDays) -> Cluster:
        """The cluster as runs of readings, if it has several tracks or series."""
        if not _is_tangled(cluster):
            return cluster
        begin, last = _bounds(cluster)
        of_days = readings[_days(cluster)]
        strands = [
            [one for one in of_days.get(handle, ()) if begin <= one.summary.first.at <= last]
            for handle in members
        ]
        in_order = merge(*strands, key=Piece.order)
        return list(in_runs(in_order, self._cuts))

    def _beside(
        self,
        tracks: Tracks,
        bound: datetime | None,
        types: Collection[MeterType],
        read: ReadNeighbours,
    ) -> Mapping[Handle, Sequence[Piece]]:
        """The neighbours at one end of the range, of the tracks of these types."""
        asked = {handle: one for handle, one in tracks.items() if one.type in types}
        if bound is None or not asked:
            return {}
        found = self._reader.neighbours(asked, bound, read)
        self._effort.samples += sum(map(len, found.values()))
        return found


def _in_groups(streams: Iterable[Tracks], size: int) -> Iterator[list[Tracks]]:
    """Streams together that have so many tracks."""
    group: list[Tracks] = []
    count = 0
    for members in streams:
        group.append(members)
        count += len(members)
        if count >= size:
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
    return len(cluster) > 1 and len({piece.subject.digest for piece in cluster}) > 1


def _as_one(run: Sequence[Piece]) -> Piece:
    return Piece(run[0].subject, joined([piece.summary for piece in run]))


def _bounds(cluster: Cluster) -> tuple[datetime, datetime]:
    """The first and the last instant of its readings."""
    return cluster[0].summary.first.at, max(piece.summary.last.at for piece in cluster)


def _days(cluster: Cluster) -> Range:
    """The whole days (UTC) that have it."""
    begin, last = _bounds(cluster)
    return days_range(day_of(begin), day_of(last) + 1)


def _all_of(streams: Iterable[Tracks]) -> Tracks:
    return {handle: one for members in streams for handle, one in members.items()}


def _of_members(members: Tracks, found: Mapping[Handle, Sequence[Piece]]) -> Iterator[Piece]:
    for handle in members:
        yield from found.get(handle, ())
