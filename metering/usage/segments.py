"""Segments: a stream while nothing changed that somebody asks about.

A, B, A is three segments. They touch: each ends where the next begins, which is with its first
reading. What they have of readings and of intervals adds up exactly to what the range has.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple

from metering.cuts import Cuts
from metering.decimals import canonical
from metering.grouping import Group
from metering.model import MeterType, Place, Scope, Stream, Subject
from metering.query import (
    EVERYTHING,
    AllOf,
    Field,
    Filter,
    StreamQuery,
    asks_metadata,
    fields_of,
    require_series_fields,
)
from metering.retention import Horizons
from metering.storage.base import Storage
from metering.streams import Stretch
from metering.summary import Reading
from metering.times import EVER, LAST, Range, WholeRange
from metering.usage import quantities
from metering.usage.carrying import carried_into
from metering.usage.figures import USAGE, Accumulator, Detail, detail, figure
from metering.usage.quantities import Crediting, Portion, Rules
from metering.usage.runs import Conditions, lacks, runs

_OF_STREAM = frozenset(Stream._fields)
_CREDITINGS: Mapping[MeterType, tuple[Crediting, ...]] = {
    MeterType.DELTA: (quantities.readings,),
    MeterType.CUMULATIVE: (quantities.readings, quantities.increase),
    MeterType.GAUGE: (quantities.readings, quantities.holding),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentQuery:
    """By which fields streams are divided, and what is asked of them.

    `now`, `max_gap` and `first_counts` are as in `Rules`; after the last reading of a stream its
    segment goes on for `max_gap`, whatever the type. With `carries`, metadata that a description
    lacks have the last value that they had in the stream, as far as that is in scope. With `merges`
    segments of a stream that have equal values are one. Samples before the horizons have expired.
    """

    scope: Scope
    by: tuple[Field, ...]
    now: datetime
    filter: Filter = EVERYTHING
    range: Range = EVER
    max_gap: timedelta | None = None
    first_counts: bool = False
    carries: bool = True
    merges: bool = False
    horizons: Horizons = field(default_factory=Horizons)

    @property
    def is_open(self) -> bool:
        """Whether readings of the range may still come."""
        return self.range.end is None or self.now <= self.range.end

    @property
    def rules(self) -> Rules:
        """How portions are made."""
        return Rules(
            windows=WholeRange(self.range),
            range=self.range,
            now=self.now,
            max_gap=self.max_gap,
            first_counts=self.first_counts,
            returning=self.merges,
        )

    @property
    def of_streams(self) -> StreamQuery:
        """The whole streams: values are carried on from descriptions that do not match, too."""
        max_gaps = {} if self.max_gap is None else {MeterType.GAUGE: self.max_gap}
        return StreamQuery(
            scope=self.scope,
            filter=AllOf(tuple(part for part in _conjuncts(self.filter) if _is_of_stream(part))),
            range=self.range,
            cuts=Cuts(windows=WholeRange(self.range), at=self.now, max_gaps=max_gaps),
            by_series=asks_metadata(self.filter, self.by),
        )


class Span(NamedTuple):
    """From an instant up to another."""

    start: datetime
    end: datetime


class End(NamedTuple):
    """The first or the last reading of a segment, and its series or track."""

    series: Subject
    reading: Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A stream while its values were these.

    `number` counts the segments of a resource in time, from 1. There are several `spans`, in order,
    where segments were merged. A segment may have no sample in the range, only an interval that
    reaches into it: then there are neither extremes nor a first and last reading. `usage` is what
    is billed for a meter of this type, `detail` what that is made of.
    """

    stream: Stream
    number: int
    values: Group
    spans: tuple[Span, ...]
    count: int
    sum: Decimal
    min: Decimal | None
    max: Decimal | None
    first: End | None
    last: End | None
    usage: Decimal
    detail: Detail

    @property
    def order(self) -> tuple[str, str, str, str, datetime, int]:
        """The sort key: resource, source, type, unit, start. No two segments have the same."""
        source, _, type_, unit, resource_id = self.stream
        return resource_id, source, type_, unit, self.spans[0].start, self.number


def segments(storage: Storage, query: SegmentQuery) -> list[Segment]:
    """The segments of the streams in question, sorted.

    Raises:
        InvalidQuery: the filter asks of single samples.
    """
    require_series_fields(query.filter)
    found = [
        _segment(stream, parts, query)
        for stream, stretches, carried in _streams(storage, query)
        for parts in _together(_parts(stretches, carried, query), merge=query.merges)
    ]
    return sorted(_numbered(found), key=lambda one: one.order)


def sample_ids(storage: Storage, found: Iterable[Segment]) -> dict[End, tuple[str, str]]:
    """The ids of the samples with the reading of each end: the least and the greatest of them."""
    ends = {end for one in found for end in (one.first, one.last) if end is not None}
    ids: dict[End, list[str]] = defaultdict(list)
    for sample in storage.samples_at({Place(end.series, end.reading.at) for end in ends}):
        reading = Reading(sample.timestamp, sample.volume)
        for series in (sample.series, sample.series.track):
            ids[End(series, reading)].append(sample.id)
    return {end: (min(ids[end]), max(ids[end])) for end in ends & ids.keys()}


def _conjuncts(filter_: Filter) -> Iterator[Filter]:
    """The parts all of which must match."""
    if isinstance(filter_, AllOf):
        for part in filter_.parts:
            yield from _conjuncts(part)
    else:
        yield filter_


def _is_of_stream(filter_: Filter) -> bool:
    return all(one.name in _OF_STREAM for one in fields_of(filter_))


def _streams(
    storage: Storage, query: SegmentQuery
) -> Iterator[tuple[Stream, Sequence[Stretch], Group]]:
    """Each stream, and the values that it carried into the range."""
    streams, nothing = query.of_streams, (None,) * len(query.by)
    lacking: dict[Stream, Sequence[Stretch]] = {}
    for stretches in storage.streams(streams):
        first = stretches[0]
        is_lacking = query.carries and lacks(first.subject, query.by)
        if is_lacking and not first.opens and query.range.start is not None:
            lacking[first.subject.stream] = stretches
        else:
            yield first.subject.stream, stretches, nothing
    if lacking:
        carried = carried_into(storage, streams, query.by, lacking.keys())
        for stream, stretches in lacking.items():
            yield stream, stretches, carried[stream]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Successive stretches of a stream with equal values, as far as they are in range.

    `is_open` says that it goes on until now at least, and the range too.
    """

    values: Group
    span: Span
    is_open: bool
    portions: Sequence[Portion]
    first: End | None
    last: End | None


def _parts(stretches: Sequence[Stretch], carried: Group, query: SegmentQuery) -> Iterator[_Part]:
    conditions = Conditions(by=query.by, filter=query.filter, carries=query.carries)
    for values, run in runs(stretches, carried, conditions):
        part = _part(values, run, query)
        if part is not None:
            yield part


def _part(values: Group, run: Sequence[Stretch], query: SegmentQuery) -> _Part | None:
    """What a run has in range; None of the one before, if its interval does not reach into it."""
    rules, creditings = query.rules, _CREDITINGS[run[0].subject.type]
    portions = [[portion for credit in creditings for portion in credit(one, rules)] for one in run]
    inside = [one for one in run if one.summary.first.at in query.range]
    start = inside[0].summary.first.at if inside else None
    if portions[0] and (not inside or inside[0] is not run[0]):
        start = query.range.start
    if start is None:
        return None
    first = End(inside[0].subject, inside[0].summary.first) if inside else None
    last = End(inside[-1].subject, inside[-1].summary.last) if inside else None
    return _Part(
        values=values,
        span=Span(start, max(start, _end(run[-1], query))),
        is_open=query.is_open and not _has_ended(run[-1], query),
        portions=[portion for some in portions for portion in some],
        first=first,
        last=last,
    )


def _has_ended(last: Stretch, query: SegmentQuery) -> bool:
    """Whether another reading has followed; the clock of who sent it may be ahead of ours."""
    return last.until is not None and last.until <= query.now


def _end(last: Stretch, query: SegmentQuery) -> datetime:
    """Where a segment ends whose last stretch this is."""
    end = query.range.end
    if last.until is not None and last.until in query.range:
        return last.until
    if last.next is not None and end is not None and last.subject.type is MeterType.CUMULATIVE:
        return end  # the interval up to the next reading is counted
    ends = [query.now, end or LAST]
    at = last.summary.last.at
    if query.max_gap is not None and query.max_gap < LAST - at:
        ends.append(at + query.max_gap)
    return min(ends)


def _together(parts: Iterable[_Part], *, merge: bool) -> Collection[Sequence[_Part]]:
    """The parts that make one segment each: alone, or with those of equal values."""
    if not merge:
        return [[part] for part in parts]
    merged: dict[Group, list[_Part]] = defaultdict(list)
    for part in parts:
        merged[part.values].append(part)
    return merged.values()


def _segment(stream: Stream, parts: Sequence[_Part], query: SegmentQuery) -> Segment:
    whole = Accumulator(
        counted=(),
        has_levels=False,
        seconds=None,
        kind=stream.type,
        # What is over by itself can be merged with a segment that is still to come.
        is_provisional=(query.merges and query.is_open) or any(one.is_open for one in parts),
        has_expired=query.horizons.cut(stream.meter, query.range),
    )
    for part in parts:
        for portion in part.portions:
            whole.add(portion)
    usage = figure(USAGE, whole)
    assert usage is not None  # noqa: S101 - of nothing it is 0
    summary = whole.summary
    return Segment(
        stream=stream,
        number=0,
        values=parts[0].values,
        spans=tuple(part.span for part in parts),
        count=summary.count if summary else 0,
        sum=canonical(summary.sum) if summary else Decimal(0),
        min=summary.min if summary else None,
        max=summary.max if summary else None,
        first=next((part.first for part in parts if part.first), None),
        last=next((part.last for part in reversed(parts) if part.last), None),
        usage=usage,
        detail=detail([USAGE], whole, stream.unit) or _of_samples(stream.unit, whole, query),
    )


def _of_samples(unit: str, whole: Accumulator, query: SegmentQuery) -> Detail:
    """The detail of a sum: until the range is over, more may come."""
    return Detail(
        unit=unit,
        measured=None,
        interpolated=None,
        resets=None,
        unit_seconds=None,
        observed_seconds=None,
        quality=replace(whole, is_provisional=query.is_open).quality,
    )


def _numbered(found: Iterable[Segment]) -> Iterator[Segment]:
    """The segments, those of each resource counted in time."""

    def in_time(one: Segment) -> tuple[str, datetime, Stream]:
        return one.stream.resource_id, one.spans[0].start, one.stream

    for _, of_resource in groupby(sorted(found, key=in_time), lambda one: one.stream.resource_id):
        for number, one in enumerate(of_resource, start=1):
            yield replace(one, number=number)
