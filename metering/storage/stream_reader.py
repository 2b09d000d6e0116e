"""The pieces of whole streams in order, taken apart where several tracks or series overlap.

The tracks or series of a stream rarely overlap in time: an owner or a description changes, and the
next one goes on. Where they do, their days are read apart, and if these overlap too, their
readings.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from heapq import merge
from typing import NamedTuple

from metering.cuts import Cuts
from metering.model import MeterType, Track
from metering.query import StreamQuery
from metering.storage.base import Effort
from metering.storage.handles import Handle, Moment, Tracks
from metering.storage.pieces import PieceReader, in_runs
from metering.storage.spans import day_of, days_range
from metering.streams import Piece
from metering.summary import joined
from metering.times import Range

# Pieces of one stream; of several tracks or series if they overlap.
Cluster = Sequence[Piece]
ReadingsOfDays = dict[Range, Mapping[Handle, Sequence[Piece]]]

ReadEnds = Callable[[Collection[Handle], Range, datetime | None], Iterator[Moment]]

_DAY = timedelta(days=1)
_TRACKS_AT_ONCE = 1_000
# Their days, or readings, are all in memory together.
_TANGLED_AT_ONCE = 64
_NO_PIECES: tuple[Handle, Sequence[Piece]] = (None, ())


@dataclass(frozen=True, slots=True)
class Ends:
    """How to find the first, or the last, moment of each of some tracks in a range."""

    firsts: ReadEnds
    lasts: ReadEnds


class _Beside(NamedTuple):
    """By track, the readings at its last moment before the range, and at its first after it."""

    before: Mapping[Handle, Sequence[Piece]]
    after: Mapping[Handle, Sequence[Piece]]


class StreamReader:
    """Reads all pieces of streams in a range, cut as somebody asks, and their neighbours."""

    def __init__(self, reader: PieceReader, ends: Ends, query: StreamQuery, effort: Effort) -> None:
        """Take who reads them, what is asked, and where to count what was read."""
        self._reader = reader
        self._ends = ends
        self._query = query
        self._range = query.range
        self._cuts = query.cuts
        self._effort = effort

    def streams(self, streams: Iterable[Tracks]) -> Iterator[list[Piece]]:
        """The pieces of each stream in order, with the reading before the range, and after it."""
        for some in _in_groups(streams, _TRACKS_AT_ONCE):
            beside = self._beside(_all_of(some))
            tangled = []
            for members, clusters in self._clusters(some, self._cuts):
                if any(map(_is_tangled, clusters)):
                    tangled.append(members)
                else:
                    yield self._whole(members, clusters, beside)
            for few in _in_groups(tangled, _TANGLED_AT_ONCE):
                for members, clusters in self._untangled(few):
                    yield self._whole(members, clusters, beside)

    def _whole(self, members: Tracks, clusters: Iterable[Cluster], beside: _Beside) -> list[Piece]:
        last = max(_of_members(members, beside.before), key=Piece.order, default=None)
        first = min(_of_members(members, beside.after), key=Piece.order, default=None)
        within = self._in_few(piece for cluster in clusters for piece in cluster)
        return [*([last] if last else []), *within, *([first] if first else [])]

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

    def _untangled(self, streams: Sequence[Tracks]) -> Iterator[tuple[Tracks, Sequence[Cluster]]]:
        """Each stream, in clusters that have one track or series each, or runs."""
        longest = _DAY if self._cuts.longest is None else min(self._cuts.longest, _DAY)
        found = list(self._clusters(streams, replace(self._cuts, longest=longest)))
        readings = self._readings_of(
            (members, cluster)
            for members, clusters in found
            for cluster in filter(_is_tangled, clusters)
        )
        for members, clusters in found:
            yield members, [self._combed(members, cluster, readings) for cluster in clusters]

    def _clusters(
        self, streams: Sequence[Tracks], cuts: Cuts
    ) -> Iterator[tuple[Tracks, Sequence[Cluster]]]:
        """Each stream and its pieces, which come in the order of its tracks."""
        found = self._reader.pieces(_all_of(streams), self._range, cuts, self._effort)
        handle, pieces = next(found, _NO_PIECES)
        for members in streams:
            mine: list[Piece] = []
            while handle in members:
                mine += pieces
                handle, pieces = next(found, _NO_PIECES)
            yield members, _clusters(mine)

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

    def _beside(self, tracks: Tracks) -> _Beside:
        """The readings beside the range, of the tracks of which they are asked for."""
        start, end = self._range.start, self._range.end
        of_before = _of_types(tracks, self._query.before) if start else {}
        of_after = _of_types(tracks, self._query.after) if end else {}
        return _Beside(
            self._at_ends(of_before, self._ends.lasts, Range(None, start)),
            self._at_ends(of_after, self._ends.firsts, Range(end, None)),
        )

    def _at_ends(
        self, tracks: Tracks, read: ReadEnds, range_: Range
    ) -> Mapping[Handle, Sequence[Piece]]:
        moments = list(read(tracks.keys(), range_, None)) if tracks else []
        found = self._reader.readings_at(tracks, moments) if moments else {}
        self._effort.samples += sum(map(len, found.values()))
        return found


def _of_types(tracks: Tracks, types: Collection[MeterType]) -> Tracks:
    return {handle: one for handle, one in tracks.items() if one.type in types}


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
