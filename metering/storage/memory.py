"""The reference driver: plain Python over a dict, slow, obviously right, gone with the process."""

import threading
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import ClassVar, Self

from metering.matching import matches, matches_subject
from metering.model import (
    Extent,
    Place,
    Rollup,
    Sample,
    Scope,
    Stream,
    Subject,
    Submission,
    Verdict,
    is_visible,
)
from metering.query import ExtentQuery, SampleQuery, StreamQuery, SummaryQuery, told_apart
from metering.retention import Expiry, Horizons, becomes_spent
from metering.storage.base import (
    Effort,
    Inspection,
    Storage,
    WindowSummary,
    WindowTotal,
    has_refusal,
    verdicts_in_order,
)
from metering.streams import Piece, Stretch, stretches
from metering.summary import Reading, of_reading, of_stream, tally
from metering.times import Range


class MemoryStorage(Storage):
    """`memory://`: for tests and a first look."""

    is_for_production: ClassVar[bool] = False

    def __init__(self) -> None:
        """An empty store."""
        self._samples: dict[bytes, Sample] = {}
        self._expiry = Expiry()
        self._lock = threading.Lock()

    @classmethod
    def open(cls, url: str, *, timeout_seconds: float) -> Self:  # noqa: ARG003 - has no parts
        """An empty store; the URL is `memory://`."""
        return cls()

    def prepare(self) -> None:
        """Nothing to create."""

    def check(self) -> list[str]:
        """Say that nothing is kept."""
        return ["memory:// keeps nothing when the process ends"]

    def ping(self) -> None:
        """Always there."""

    def close(self) -> None:
        """Nothing to free."""

    def record(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Verdict]:
        """See `Storage.record`."""
        with self._lock:
            verdicts, fresh = verdicts_in_order(submissions, self._samples, self._expiry)
            if not (atomic and has_refusal(verdicts)):
                self._samples = self._samples | fresh
            return verdicts

    def samples(self, query: SampleQuery) -> Iterator[Sample]:
        """See `Storage.samples`."""
        ordered = sorted(self._samples.values(), key=_position, reverse=True)
        for sample in ordered:
            if query.after and _position(sample) >= (query.after.timestamp, query.after.key):
                continue
            if _is_asked(query, sample):
                yield sample

    def samples_at(self, places: Collection[Place]) -> Iterator[Sample]:
        """See `Storage.samples_at`."""
        asked = set(places)
        for sample in self._samples.values():
            series, at = sample.series, sample.timestamp
            if Place(series, at) in asked or Place(series.track, at) in asked:
                yield sample

    def extents(self, query: ExtentQuery) -> Iterator[Extent]:
        """See `Storage.extents`."""
        seen: dict[Subject, list[datetime]] = defaultdict(list)
        for sample in self._samples.values():
            in_time = query.as_of is None or sample.recorded_at <= query.as_of
            if (
                in_time
                and sample.timestamp in query.range
                and is_visible(sample.series, query.scope)
                and matches_subject(query.filter, sample.series)
            ):
                seen[told_apart(query, sample.series)].append(sample.timestamp)
        for series, instants in sorted(seen.items(), key=lambda one: one[0].resource_id):
            last = max(instants)
            yield Extent(series, last if query.last_only else min(instants), last)

    def oldest(self, scope: Scope) -> datetime | None:
        """See `Storage.oldest`."""
        visible = (one for one in self._samples.values() if is_visible(one.series, scope))
        return min((one.timestamp for one in visible), default=None)

    def summaries(
        self, query: SummaryQuery, effort: Effort | None = None
    ) -> Iterator[WindowSummary]:
        """See `Storage.summaries`."""
        effort = effort or Effort()
        readings: dict[tuple[Subject, Range], list[Reading]] = defaultdict(list)
        for sample in self._samples.values():
            if _is_asked(query, sample):
                effort.samples += 1
                key = told_apart(query, sample.series), query.windows.containing(sample.timestamp)
                readings[key].append(Reading(sample.timestamp, sample.volume))
        effort.tracks += len({one.track for one, _ in readings})
        for (subject, window), found in readings.items():
            yield WindowSummary(subject, window, of_stream(sorted(found)))

    def totals(self, query: SummaryQuery, effort: Effort | None = None) -> Iterator[WindowTotal]:
        """See `Storage.totals`."""
        effort = effort or Effort()
        readings: dict[tuple[Rollup, Range], list[Reading]] = defaultdict(list)
        tracks = set()
        for sample in self._samples.values():
            if _is_asked(query, sample):
                effort.samples += 1
                tracks.add(sample.series.track)
                key = sample.series.track.rollup, query.windows.containing(sample.timestamp)
                readings[key].append(Reading(sample.timestamp, sample.volume))
        effort.tracks += len(tracks)
        for (rollup, window), found in readings.items():
            yield WindowTotal(rollup, window, tally([of_reading(one) for one in found]))

    def streams(
        self, query: StreamQuery, effort: Effort | None = None
    ) -> Iterator[Sequence[Stretch]]:
        """See `Storage.streams`."""
        effort = effort or Effort()
        streams: dict[Stream, list[Piece]] = defaultdict(list)
        for sample in self._samples.values():
            piece = of_reading(Reading(sample.timestamp, sample.volume))
            streams[sample.series.stream].append(Piece(told_apart(query, sample.series), piece))
        for pieces in streams.values():
            found = stretches(sorted(pieces, key=Piece.order), query)
            effort.samples += len(found)
            effort.tracks += len({one.subject.track for one in found})
            if found:
                yield found

    def seal(self, until: datetime, *, settle_seconds: float = 0) -> Iterator[int]:  # noqa: ARG002
        """Samples are at hand."""
        return iter(())

    def unseal(self) -> None:
        """Nothing was kept."""

    def horizons(self) -> Horizons:
        """See `Storage.horizons`."""
        return self._expiry.horizons

    def retire(self, horizons: Horizons) -> Horizons:
        """See `Storage.retire`."""
        with self._lock:
            joined = self._expiry.horizons.joined(horizons)
            gone = (one for one in self._samples.values() if _is_before(joined, one))
            spent = {one.key for one in gone if becomes_spent(one.timestamp, one.recorded_at)}
            self._expiry = Expiry(joined, spent.union(self._expiry.spent))
        return joined

    def purge(self, retired: Horizons) -> Iterator[int]:
        """See `Storage.purge`."""
        with self._lock:
            before = len(self._samples)
            self._samples = {
                key: one for key, one in self._samples.items() if not _is_before(retired, one)
            }
            gone = before - len(self._samples)
        yield gone

    def verify(self) -> Iterator[Inspection]:
        """There is one way to read a dict: nothing can contradict."""
        return iter(())


def _is_asked(query: SampleQuery | SummaryQuery, sample: Sample) -> bool:
    return (
        is_visible(sample.series, query.scope)
        and sample.timestamp in query.range
        and matches(query.filter, sample)
    )


def _is_before(horizons: Horizons, sample: Sample) -> bool:
    return sample.timestamp < horizons.of(sample.series.meter)


def _position(sample: Sample) -> tuple[datetime, bytes]:
    return sample.timestamp, sample.key
