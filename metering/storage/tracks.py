"""Answers for drivers that keep tracks, descriptions and samples apart: first decide on tracks.

A filter is first decided on each track, by the same code as the memory driver's
(`metering.matching`); what is left asks of metadata, which samples name by the handle of their
description, and of samples. So a database needs no more than a few plain look-ups by track, time
and key: it never sees a foreign name or value, and cannot differ in what a comparison means. A
driver supplies the look-ups (`metering.storage.tables`); SQLite and MongoDB are built so.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from metering.chunks import growing_chunks
from metering.cuts import Cuts
from metering.deadline import Deadline
from metering.matching import bounds, matches, matches_subject, reduced, required, without
from metering.model import (
    AllProjects,
    Extent,
    Place,
    Project,
    Sample,
    Scope,
    Stream,
    Subject,
    Submission,
    Track,
    Verdict,
    is_visible,
    sample_key,
)
from metering.query import (
    EVERYTHING,
    FIELDS,
    NOTHING,
    AllOf,
    AnyOf,
    ExtentQuery,
    Filter,
    Not,
    Position,
    SampleQuery,
    StreamQuery,
    SummaryQuery,
    fields_of,
    told_apart,
)
from metering.retention import Horizons
from metering.storage import expiry
from metering.storage.base import Effort, Inspection, Storage, WindowSummary, WindowTotal
from metering.storage.handles import Handle, Tracks
from metering.storage.pieces import PieceReader
from metering.storage.readers import Readers
from metering.storage.sample_filter import SampleFilter
from metering.storage.sealer import Sealer
from metering.storage.series_lookup import SeriesLookUp
from metering.storage.stream_reader import Ends, StreamReader
from metering.storage.tables import Tables
from metering.storage.verification import Verifier
from metering.streams import Piece, Stretch, stretches
from metering.summary import Summary, joined
from metering.times import EVER, Range, WholeRange

# Whose extents are looked up at once; the first are those of a page.
_FIRST_TRACKS = 128
_MOST_TRACKS = 8_192

AnyQuery = SampleQuery | ExtentQuery | SummaryQuery | StreamQuery


class TrackStorage(Storage):
    """A store over a driver's tables."""

    def __init__(self, tables: Tables, timeout_seconds: float) -> None:
        """Take the tables, and the time limit of a question."""
        self.tables = tables
        self._timeout_seconds = timeout_seconds

    def prepare(self) -> None:
        """See `Storage.prepare`."""
        self.tables.prepare()

    def check(self) -> list[str]:
        """See `Storage.check`."""
        return self.tables.check()

    def ping(self) -> None:
        """See `Storage.ping`."""
        self.tables.ping()

    def close(self) -> None:
        """See `Storage.close`."""
        self.tables.close()

    def record(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Verdict]:
        """See `Storage.record`."""
        return self.tables.record(submissions, atomic=atomic)

    def seal(self, until: datetime, *, settle_seconds: float = 0) -> Iterator[int]:
        """See `Storage.seal`."""
        return Sealer(self.tables).seal(until, settle_seconds)

    def unseal(self) -> None:
        """See `Storage.unseal`."""
        self.tables.unseal()

    def horizons(self) -> Horizons:
        """See `Storage.horizons`."""
        return self.tables.horizons()

    def retire(self, horizons: Horizons) -> Horizons:
        """See `Storage.retire`."""
        return expiry.retire(self.tables, horizons)

    def purge(self, retired: Horizons) -> Iterator[int]:
        """See `Storage.purge`."""
        return expiry.purge(self.tables, retired)

    def verify(self) -> Iterator[Inspection]:
        """See `Storage.verify`."""
        return Verifier(self.tables).verify()

    def samples(self, query: SampleQuery) -> Iterator[Sample]:
        """See `Storage.samples`."""
        deadline = Deadline(self._timeout_seconds)
        ids = required(query.filter, FIELDS["id"])
        if ids:
            yield from self._samples_with_id(str(ids[0]), query, deadline)
            return
        plan = self._plan(query, deadline)
        tracks = {handle: one for _, members in plan for handle, one in members.items()}
        range_ = query.range & bounds(query.filter)
        if not tracks or range_.is_empty:
            return
        left = SampleFilter({handle: rest for rest, members in plan for handle in members})
        rows = self.tables.scan(tracks.keys(), range_, query.after)
        for row, sample in deadline.guard(
            SeriesLookUp(self.tables.descriptions, tracks).samples(rows)
        ):
            if left.passes(row, sample):
                yield sample
                deadline.restart()  # what the caller did meanwhile does not count

    def _samples_with_id(
        self, sample_id: str, query: SampleQuery, deadline: Deadline
    ) -> Iterator[Sample]:
        """The samples with that id under any source: the key is enough, ids need no index."""
        keys = {sample_key(source, sample_id) for source in self.tables.sources(_look_up(query))}
        rows = list(deadline.guard(self.tables.samples_by_key(keys)))
        tracks = dict(self.tables.tracks({row.track for row in rows}))
        samples = [
            sample for _, sample in SeriesLookUp(self.tables.descriptions, tracks).samples(rows)
        ]
        after = query.after
        samples.sort(key=lambda one: (one.timestamp, one.key), reverse=True)
        for sample in samples:
            if (
                is_visible(sample.series, query.scope)
                and sample.timestamp in query.range
                and (after is None or Position(sample.timestamp, sample.key) < after)
                and matches(query.filter, sample)
            ):
                yield sample

    def samples_at(self, places: Collection[Place]) -> Iterator[Sample]:
        """See `Storage.samples_at`."""
        deadline = Deadline(self._timeout_seconds)
        asked = set(places)
        tracks = {one.subject.track.digest: one.subject.track for one in asked}
        found = self.tables.samples_at({(one.subject.track.digest, one.at) for one in asked})
        rows, of_handles = [], {}
        for digest, row in deadline.guard(found):
            rows.append(row)
            of_handles[row.track] = tracks[digest]
        for _, sample in deadline.guard(
            SeriesLookUp(self.tables.descriptions, of_handles).samples(rows)
        ):
            series, at = sample.series, sample.timestamp
            if Place(series, at) in asked or Place(series.track, at) in asked:
                yield sample

    def extents(self, query: ExtentQuery) -> Iterator[Extent]:
        """See `Storage.extents`."""
        if query.range.is_empty:
            return
        deadline = Deadline(self._timeout_seconds)
        left = _left(query)
        visible = (
            (handle, track)
            for handle, track in self._visible(query, deadline, by_resource=True)
            if left == EVERYTHING or reduced(left, track) != NOTHING
        )
        first = _FIRST_TRACKS if query.lazily else _MOST_TRACKS
        for some in growing_chunks(visible, first, _MOST_TRACKS):
            tracks = dict(some)
            if query.by_series:
                yield from self._extents_of_series(tracks, left, query, deadline)
            else:
                found = self._extents_of_tracks(tracks, query, deadline)
                yield from sorted(found, key=attrgetter("subject.resource_id"))

    def _extents_of_tracks(
        self, tracks: Tracks, query: ExtentQuery, deadline: Deadline
    ) -> Iterator[Extent]:
        if query.last_only:
            for handle, last in deadline.guard(
                self.tables.lasts(tracks.keys(), query.range, query.as_of)
            ):
                yield Extent(tracks[handle], last, last)
        else:
            ends = self.tables.extents(tracks.keys(), query.range, query.as_of)
            for handle, first, last in deadline.guard(ends):
                yield Extent(tracks[handle], first, last)

    def _extents_of_series(
        self, tracks: Tracks, left: Filter, query: ExtentQuery, deadline: Deadline
    ) -> Iterator[Extent]:
        reader = Readers(self.tables, deadline).of_series(tracks, query.as_of)
        whole = Cuts(windows=WholeRange(query.range))
        for _, pieces in deadline.guard(reader.pieces(tracks, query.range, whole, Effort())):
            ends: dict[Subject, list[datetime]] = defaultdict(list)
            for piece in _matching(left, pieces):
                ends[piece.subject] += (piece.summary.first.at, piece.summary.last.at)
            for subject, instants in ends.items():
                last = max(instants)
                yield Extent(subject, last if query.last_only else min(instants), last)

    def oldest(self, scope: Scope) -> datetime | None:
        """See `Storage.oldest`."""
        deadline = Deadline(self._timeout_seconds)
        if isinstance(scope, AllProjects):
            return self.tables.oldest()
        visible = [handle for handle, _ in self._visible(ExtentQuery(scope=scope), deadline)]
        firsts = deadline.guard(self.tables.firsts(visible, EVER, None))
        return min((at for _, at in firsts), default=None)

    def summaries(
        self, query: SummaryQuery, effort: Effort | None = None
    ) -> Iterator[WindowSummary]:
        """See `Storage.summaries`."""
        deadline = Deadline(self._timeout_seconds)
        effort = effort or Effort()
        windows = query.windows
        readers = Readers(self.tables, deadline)
        for rest, tracks in self._plan(query, deadline):
            range_ = query.range & bounds(rest)
            if range_.is_empty:
                continue
            if rest == EVERYTHING and not query.by_series:
                reader: PieceReader = readers.of_tracks()
            elif _asks_samples(rest):
                reader = readers.of_samples(tracks, rest)
            else:
                reader = readers.of_series(tracks)
            cuts = Cuts(windows=windows)
            for _, pieces in deadline.guard(reader.pieces(tracks, range_, cuts, effort)):
                found: dict[tuple[Subject, Range], list[Summary]] = defaultdict(list)
                for piece in _matching(rest, pieces):
                    window = windows.containing(piece.summary.first.at)
                    found[told_apart(query, piece.subject), window].append(piece.summary)
                for (subject, window), parts in found.items():
                    yield WindowSummary(subject, window, joined(parts))

    def totals(self, query: SummaryQuery, effort: Effort | None = None) -> Iterator[WindowTotal]:
        """See `Storage.totals`."""
        if query.range.is_empty:
            return
        deadline = Deadline(self._timeout_seconds)
        left = _left(query)
        rollups = {
            handle: one
            for handle, one in deadline.guard(self.tables.find_rollups(_look_up(query)))
            if is_visible(one, query.scope) and matches_subject(left, one)
        }
        reader = Readers(self.tables, deadline).of_totals(query.range, query.windows)
        for totals in deadline.guard(reader.totals(rollups, effort or Effort())):
            for (handle, window), summary in totals.items():
                yield WindowTotal(rollups[handle], window, summary)

    def streams(
        self, query: StreamQuery, effort: Effort | None = None
    ) -> Iterator[Sequence[Stretch]]:
        """See `Storage.streams`."""
        deadline = Deadline(self._timeout_seconds)
        if query.range.is_empty:
            return
        streams = self._whole_streams(query, deadline)
        tracks = {handle: one for members in streams.values() for handle, one in members.items()}
        readers = Readers(self.tables, deadline)
        pieces = readers.of_series(tracks) if query.by_series else readers.of_tracks()
        ends = Ends(self.tables.firsts, self.tables.lasts)
        reader = StreamReader(pieces, ends, query, effort or Effort())
        for of_stream in deadline.guard(reader.streams(streams.values())):
            found = stretches(of_stream, query)
            if found:
                yield found

    def _whole_streams(
        self, query: StreamQuery, deadline: Deadline
    ) -> Mapping[Stream, Mapping[Handle, Track]]:
        """All tracks of the streams of which a track may match, whoever's they are."""
        streams: dict[Stream, dict[Handle, Track]] = defaultdict(dict)
        left, asked = _left(query), _look_up(query)
        found = list(self._visible(query, deadline))
        for handle, track in found:
            if reduced(left, track) != NOTHING:
                streams[track.stream][handle] = track
        of_stream = {name: value for name, value in asked.items() if name in Stream._fields}
        if of_stream != asked:  # else the look-up has found all of each stream
            resources = {stream.resource_id for stream in streams}
            besides = {handle for handle, _ in found}
            found += deadline.guard(self.tables.tracks_of_resources(resources, of_stream, besides))
        for handle, track in found:
            if track.stream in streams:
                streams[track.stream][handle] = track
        return streams

    def _plan(
        self, query: SampleQuery | SummaryQuery, deadline: Deadline
    ) -> list[tuple[Filter, dict[Handle, Track]]]:
        """The tracks that can match, by what is left to ask of their samples."""
        plan: dict[Hashable, tuple[Filter, dict[Handle, Track]]] = {}
        left = _left(query)
        for handle, track in self._visible(query, deadline):
            rest = left if left == EVERYTHING else reduced(left, track)
            if rest != NOTHING:
                plan.setdefault(_shape(rest), (rest, {}))[1][handle] = track
        return list(plan.values())

    def _visible(
        self, query: AnyQuery, deadline: Deadline, *, by_resource: bool = False
    ) -> Iterator[tuple[Handle, Track]]:
        """The tracks in scope that the look-up finds; the scope is checked again."""
        found = self.tables.find_tracks(_look_up(query), by_resource=by_resource)
        for handle, track in deadline.guard(found):
            if is_visible(track, query.scope):
                yield handle, track


def _matching(left: Filter, pieces: Sequence[Piece]) -> Iterator[Piece]:
    """The pieces whose series match; all, if the filter asks of samples: these were filtered."""
    if left == EVERYTHING or _asks_samples(left):
        yield from pieces
        return
    decided: dict[bytes, bool] = {}
    for piece in pieces:
        digest = piece.subject.digest
        if digest not in decided:
            decided[digest] = matches_subject(left, piece.subject)
        if decided[digest]:
            yield piece


def _asks_samples(filter_: Filter) -> bool:
    return not all(field.of_series for field in fields_of(filter_))


def _shape(left: Filter) -> Hashable:
    """What tells what is left of one query apart: its comparisons are those of the query itself."""
    match left:
        case AllOf(parts) | AnyOf(parts):
            return type(left), *map(_shape, parts)
        case Not(part):
            return Not, _shape(part)
    return id(left)


def _left(query: AnyQuery) -> Filter:
    """What the look-up leaves to ask of tracks, series and samples."""
    return without(query.filter, _look_up(query))


def _look_up(query: AnyQuery) -> dict[str, Any]:
    """What the fields of every matching track must equal; scope wins over what was asked."""
    equal: dict[str, Any] = {}
    for field in FIELDS.values():
        values = required(query.filter, field) if field.of_series else []
        if values and (values[0] is None or isinstance(values[0], str)):
            equal[field.name] = values[0]
    if isinstance(query.scope, Project):
        equal["project_id"] = query.scope.id
    return equal
