"""What a resource was when: its descriptions in force, read as far as somebody looks.

Where the extents of series do not overlap they say all. Where those of different descriptions do,
because one came back or passed into the next, the same is asked of a narrower time, and in the end
of single samples. So an answer costs what changes in the time that it is about.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import chain, groupby, pairwise
from typing import NamedTuple

from metering.cuts import Cuts
from metering.deadline import Deadline
from metering.metadata import Metadata
from metering.model import AllProjects, Scope, Series
from metering.query import (
    FIELDS,
    Comparison,
    ExtentQuery,
    Filter,
    Operator,
    SampleQuery,
    StreamQuery,
)
from metering.storage.base import Storage
from metering.times import EVER, FIRST, LAST, MILLISECOND, Range, WholeRange, following, truncate

# So little time is read sample by sample: first so much, and twice that after few samples.
_SHORT = timedelta(hours=1)
_LONGEST_SHORT = timedelta(days=1)
_FEW_SAMPLES, _MANY_SAMPLES = 1_000, 4_000


class Part(NamedTuple):
    """One description is in force between the timestamps of two samples, both inclusive."""

    series: Series
    first_sample_at: datetime
    last_sample_at: datetime


class History:
    """The history of a resource, made of *parts*.

    Only samples in scope exist. Of several descriptions at one instant that of the series with the
    greatest digest is in force from then on, as in `catalogue.resources.newest`; a part has that
    series.
    """

    def __init__(
        self, storage: Storage, scope: Scope, resource_id: str, deadline: Deadline
    ) -> None:
        """Take where to look, and the deadline of all that is asked together."""
        self._storage = storage
        self._scope = scope
        self._filter: Filter = Comparison(FIELDS["resource_id"], Operator.EQ, resource_id)
        self._deadline = deadline
        self._short = _SHORT

    def changes(self, start: datetime | None = None) -> Iterator[Part]:
        """The first part of each description that follows another one, by time.

        If an instant is given, they begin with the description in force then, after some part (not
        the first) of the one before it.
        """
        parts = self._parts(EVER) if start is None else self._around(start)
        for _, alike in groupby(parts, key=_description):
            yield next(alike)

    def handed_over(self, last: Part) -> datetime | None:
        """When somebody else's reading follows in a stream, if no own sample is as late.

        The part is one of the description that is in force last.
        """
        if isinstance(self._scope, AllProjects):
            return None
        since = self._extents(Range(last.first_sample_at, None))
        end = max((one.last_sample_at for one in since), default=last.last_sample_at)
        query = StreamQuery(
            scope=self._scope,
            filter=self._filter,
            range=Range(end, end + MILLISECOND),
            cuts=Cuts(windows=WholeRange(EVER)),
            by_series=False,
        )
        found = [one.until for stream in self._storage.streams(query) for one in stream]
        return min((until for until in found if until and until > end), default=None)

    def _around(self, start: datetime) -> Iterator[Part]:
        after = following(start)
        later = iter(()) if after is None else self._parts(Range(after, None))
        current = None
        for part in self._parts(Range(None, after), backwards=True):
            if current and _description(part) != _description(current):
                return chain([part, current], later)
            current = part
        return chain([current] if current else [], later)

    def _parts(self, begins: Range, *, backwards: bool = False) -> Iterator[Part]:
        """The parts that begin in the range; of those that begin together the one in force first.

        What overlaps is of one description.
        """
        return self._deadline.guard(self._walk(EVER, begins, -1 if backwards else 1))

    def _walk(self, within: Range, begins: Range, step: int) -> Iterator[Part]:
        """The same of samples within a range."""
        parts = self._extents(within)
        contested = _contested(parts)
        if contested and _length(within) > self._short:
            for range_ in _cut(within, contested, self._short)[::step]:
                if not (range_ & begins).is_empty:
                    yield from self._walk(range_, begins, step)
            return
        if contested:
            parts = self._instants(within)
        yield from (part for part in parts[::step] if part.first_sample_at in begins)

    def _extents(self, range_: Range) -> list[Part]:
        query = ExtentQuery(scope=self._scope, filter=self._filter, range=range_)
        parts = (
            Part(one.subject, one.first_sample_at, one.last_sample_at)
            for one in self._storage.extents(query)
            if isinstance(one.subject, Series)
        )
        found = sorted(parts, key=lambda one: one.series.digest, reverse=True)
        return sorted(found, key=lambda one: one.first_sample_at)

    def _instants(self, range_: Range) -> list[Part]:
        """What is in force after each instant that has samples."""
        query = SampleQuery(scope=self._scope, filter=self._filter, range=range_)
        found: dict[datetime, Series] = {}
        samples = list(self._deadline.guard(self._storage.samples(query)))
        for sample in samples:
            other = found.get(sample.timestamp, sample.series)
            found[sample.timestamp] = max(sample.series, other, key=lambda one: one.digest)
        if len(samples) < _FEW_SAMPLES:
            self._short = min(2 * self._short, _LONGEST_SHORT)
        elif len(samples) > _MANY_SAMPLES:
            self._short /= 2
        return [Part(found[at], at, at) for at in sorted(found)]


def _description(part: Part) -> tuple[str | None, str | None, Metadata]:
    return part.series.project_id, part.series.user_id, part.series.metadata


def _contested(extents: Iterable[Part]) -> list[tuple[datetime, datetime]]:
    """From when to when extents of different descriptions overlap; in order, as they come."""
    found: list[tuple[datetime, datetime]] = []
    furthest: Part | None = None
    for extent in extents:
        if furthest is None:
            furthest = extent
        # Others that it overlaps end before the furthest, and were compared with that already.
        until = min(furthest.last_sample_at, extent.last_sample_at)
        if until >= extent.first_sample_at and _description(furthest) != _description(extent):
            start, end = extent.first_sample_at, until + MILLISECOND
            if found and start <= found[-1][1]:
                begin, other_end = found.pop()
                start, end = begin, max(end, other_end)
            found.append((start, end))
        furthest = max(furthest, extent, key=lambda one: one.last_sample_at)
    return found


def _cut(
    range_: Range, contested: Iterable[tuple[datetime, datetime]], short: timedelta
) -> list[Range]:
    """A range in order: what is contested, in halves if it is not short, and what lies between."""
    bounds = [range_.start]
    for start, end in contested:
        is_long = end - start > short
        bounds += [start, truncate(start + (end - start) / 2), end] if is_long else [start, end]
    return [Range(start, end) for start, end in pairwise([*bounds, range_.end])]


def _length(range_: Range) -> timedelta:
    return (range_.end or LAST) - (range_.start or FIRST)
