"""Drivers that are wrong in one thing each: the suite must find every one of them."""
# ruff: noqa: ARG002, D102 - signatures and meaning are those of the contract

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Context, Decimal
from itertools import islice
from typing import Any, Self

from msgspec import structs
from tables import stored_in

from metering.deadline import Deadline
from metering.matching import matches, matches_subject
from metering.metadata import Metadata
from metering.model import (
    AllProjects,
    Extent,
    Outcome,
    Rollup,
    Sample,
    Scope,
    Series,
    Subject,
    Submission,
    Track,
    Verdict,
    is_visible,
)
from metering.query import (
    AllOf,
    AnyOf,
    Comparison,
    ExtentQuery,
    Filter,
    Not,
    Operator,
    SampleQuery,
    StreamQuery,
    SummaryQuery,
)
from metering.retention import Expiry, Horizons
from metering.storage.base import Effort, WindowSummary, WindowTotal
from metering.storage.block_codec import decode, decode_described, encode_days, encode_described
from metering.storage.blocks import Described, StoredBlock
from metering.storage.handles import Handle
from metering.storage.memory import MemoryStorage
from metering.storage.sealing import Run, SealTransaction
from metering.storage.spans import HOURS_IN_A_DAY, hours_of
from metering.storage.sqlite import SqliteStorage, statements
from metering.storage.sqlite.tables import SqliteTables
from metering.storage.totals import Member
from metering.streams import Stretch
from metering.summary import Reading, Summary, joined, of_stream, tally
from metering.times import EPOCH, FIRST, MILLISECOND, FixedWindows, Range

EVERYONE = AllProjects()


class Flawless(MemoryStorage):
    """Wrong in nothing: what fails here is a fault of the suite."""


# --- questions that are changed on their way


class _OtherSamples(MemoryStorage):
    """Asks another question for samples."""

    changed: Callable[[Any], Any]

    def samples(self, query: SampleQuery) -> Iterator[Sample]:
        return super().samples(type(self).changed(query))


class _OtherExtents(MemoryStorage):
    """Asks another question for extents."""

    changed: Callable[[Any], Any]

    def extents(self, query: ExtentQuery) -> Iterator[Extent]:
        return super().extents(type(self).changed(query))


class _OtherStreams(MemoryStorage):
    """Asks another question for streams."""

    changed: Callable[[Any], Any]

    def streams(
        self, query: StreamQuery, effort: Effort | None = None
    ) -> Iterator[Sequence[Stretch]]:
        return super().streams(type(self).changed(query), effort)


class OldestOfEveryone(MemoryStorage):
    """Forgets the scope."""

    def oldest(self, scope: Scope) -> datetime | None:
        return super().oldest(EVERYONE)


class OldestAsTheyCame(MemoryStorage):
    """Takes what was recorded first for the oldest."""

    def oldest(self, scope: Scope) -> datetime | None:
        samples = super().samples(SampleQuery(scope=scope))
        first = min(samples, key=lambda one: one.recorded_at, default=None)
        return first and first.timestamp


class OldestOfNewestSeries(MemoryStorage):
    """Takes one series for all."""

    def oldest(self, scope: Scope) -> datetime | None:
        newest = next(super().samples(SampleQuery(scope=scope)), None)
        extents = super().extents(ExtentQuery(scope=scope))
        return next(
            (one.first_sample_at for one in extents if newest and one.subject == newest.series),
            None,
        )


class OldestOfLast(MemoryStorage):
    """Takes the wrong end."""

    def oldest(self, scope: Scope) -> datetime | None:
        newest = next(super().samples(SampleQuery(scope=scope)), None)
        return newest and newest.timestamp


class _OtherSummaries(MemoryStorage):
    """Asks another question for Summaries."""

    changed: Callable[[Any], Any]

    def summaries(
        self, query: SummaryQuery, effort: Effort | None = None
    ) -> Iterator[WindowSummary]:
        return super().summaries(type(self).changed(query), effort)


def _end_inclusive(query: Any) -> Any:
    range_ = query.range
    if range_.end is None or range_.is_empty:
        return query
    return replace(query, range=Range(range_.start, range_.end + MILLISECOND))


def _start_exclusive(query: Any) -> Any:
    range_ = query.range
    if range_.start is None:
        return query
    return replace(query, range=Range(range_.start + MILLISECOND, range_.end))


def _unscoped(query: Any) -> Any:
    return replace(query, scope=EVERYONE)


def _present_only(query: Any) -> Any:
    return replace(query, filter=_without_absent(query.filter))


def _without_absent(filter_: Filter) -> Filter:
    match filter_:
        case AllOf(parts):
            return AllOf(tuple(map(_without_absent, parts)))
        case AnyOf(parts):
            return AnyOf(tuple(map(_without_absent, parts)))
        case Comparison(field, Operator.NE, value) if value is not None:
            return AllOf((filter_, Comparison(field, Operator.NE, None)))
        case Not(Comparison(field, _, value)) if value is not None:
            return AllOf((filter_, Comparison(field, Operator.NE, None)))
    return filter_


class EndInclusiveSamples(_OtherSamples):
    """A sample at the end of a range is inside."""

    changed = _end_inclusive


class EndInclusiveExtents(_OtherExtents):
    """A sample at the end of a range makes an extent."""

    changed = _end_inclusive


class EndInclusiveSummaries(_OtherSummaries):
    """A sample at the end of a range is summed."""

    changed = _end_inclusive


class StartExclusiveSamples(_OtherSamples):
    """A sample at the start of a range is outside."""

    changed = _start_exclusive


class UnscopedSamples(_OtherSamples):
    """Samples of all projects."""

    changed = _unscoped


class UnscopedExtents(_OtherExtents):
    """Series of all projects."""

    changed = _unscoped


class UnscopedSummaries(_OtherSummaries):
    """Summaries of all projects."""

    changed = _unscoped


class NotEqualDropsAbsentSamples(_OtherSamples):
    """`!=` and not, as SQL has them with NULL."""

    changed = _present_only


class NotEqualDropsAbsentSummaries(_OtherSummaries):
    """The same for Summaries only."""

    changed = _present_only


class NotEqualDropsAbsentExtents(_OtherExtents):
    """The same for extents only."""

    changed = _present_only


class ForgetsAsOf(_OtherExtents):
    """Counts what was recorded later."""

    changed = staticmethod(lambda query: replace(query, as_of=None))


class ExtentsOfAllTime(MemoryStorage):
    """Finds the series by range, and tells where they begin and end at all."""

    def extents(self, query: ExtentQuery) -> Iterator[Extent]:
        asked = {one.subject for one in super().extents(query)}
        yield from (
            one for one in super().extents(replace(query, range=Range())) if one.subject in asked
        )


class ExtentsAsTheyCame(MemoryStorage):
    """Gives extents in another order than that of resources."""

    def extents(self, query: ExtentQuery) -> Iterator[Extent]:
        yield from sorted(super().extents(query), key=lambda one: one.subject.meter)


class FirstForLast(MemoryStorage):
    """Looks from the wrong end where the last sample alone is asked for."""

    def extents(self, query: ExtentQuery) -> Iterator[Extent]:
        for one in super().extents(replace(query, last_only=False)):
            last = one.first_sample_at if query.last_only else one.last_sample_at
            yield Extent(one.subject, one.first_sample_at, last)


class ExtentsOfEveryone(MemoryStorage):
    """Ends of a resource are those of all its owners' samples."""

    def extents(self, query: ExtentQuery) -> Iterator[Extent]:
        whole = list(super().extents(ExtentQuery(scope=EVERYONE, range=query.range)))
        for one in super().extents(query):
            same = [each for each in whole if each.subject.resource_id == one.subject.resource_id]
            yield Extent(
                one.subject,
                min(each.first_sample_at for each in same),
                max(each.last_sample_at for each in same),
            )


# --- samples that are changed on their way in


class _OtherSampleKept(MemoryStorage):
    """Keeps something else than what was sent."""

    def kept(self, sample: Sample) -> Sample:
        raise NotImplementedError

    def record(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Verdict]:
        changed = [structs.replace(one, sample=self.kept(one.sample)) for one in submissions]
        return super().record(changed, atomic=atomic)


class RoundedToHundredths(_OtherSampleKept):
    """Loses the last digit of a millisecond."""

    def kept(self, sample: Sample) -> Sample:
        digit = sample.timestamp.microsecond // 1000 % 10
        return structs.replace(sample, timestamp=sample.timestamp - digit * MILLISECOND)


class WholeSeconds(_OtherSampleKept):
    """Cuts the fraction of a second."""

    def kept(self, sample: Sample) -> Sample:
        return structs.replace(sample, timestamp=sample.timestamp.replace(microsecond=0))


class FloatMilliseconds(_OtherSampleKept):
    """Keeps instants as float seconds, and cuts where it should round."""

    def kept(self, sample: Sample) -> Sample:
        milliseconds = int(sample.timestamp.timestamp() % 1 * 1000)
        return structs.replace(
            sample, timestamp=sample.timestamp.replace(microsecond=milliseconds * 1000)
        )


class RecordedInSeconds(_OtherSampleKept):
    """Cuts the fraction of the time of recording."""

    def kept(self, sample: Sample) -> Sample:
        return structs.replace(sample, recorded_at=sample.recorded_at.replace(microsecond=0))


class FloatVolumes(_OtherSampleKept):
    """Keeps volumes as floats."""

    def kept(self, sample: Sample) -> Sample:
        return structs.replace(sample, volume=Decimal(repr(float(sample.volume))))


class MetadataAsText(_OtherSampleKept):
    """Merges series whose metadata differ in type only: 1, "1" and true."""

    def kept(self, sample: Sample) -> Sample:
        tree = {key: str(value) for key, value in sample.series.metadata.tree.items()}
        return structs.replace(sample, series=replace(sample.series, metadata=Metadata.of(tree)))


class EmptyProjectIsNone(_OtherSampleKept):
    """Takes the project without a name for no project."""

    def kept(self, sample: Sample) -> Sample:
        track = replace(sample.series.track, project_id=sample.series.project_id or None)
        series = replace(sample.series, track=track)
        return structs.replace(sample, series=series)


class IdsInLowerCase(_OtherSampleKept):
    """Compares ids without case."""

    def kept(self, sample: Sample) -> Sample:
        return structs.replace(sample, id=sample.id.lower())


# --- recording


class SharedIds(MemoryStorage):
    """Takes the id alone for the key, so sources meet under it."""

    def record(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Verdict]:
        verdicts = []
        for one in submissions:
            same = [kept for kept in self._samples.values() if kept.id == one.sample.id]
            if same and one.sample.key not in self._samples:
                agrees = structs.replace(one, completed=one.completed | {"source"}).repeats(same[0])
                outcome = Outcome.DUPLICATE if agrees else Outcome.CONFLICT
                verdicts.append(Verdict(outcome, same[0]))
            else:
                verdicts += super().record([one], atomic=atomic)
        return verdicts


class Overwriting(MemoryStorage):
    """A duplicate replaces what is kept."""

    def record(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Verdict]:
        verdicts = super().record(submissions, atomic=atomic)
        for one, verdict in zip(submissions, verdicts, strict=True):
            if verdict.outcome is Outcome.DUPLICATE:
                self._samples[one.sample.key] = one.sample
        return verdicts


class OverwritingInConflict(MemoryStorage):
    """A conflict is told, and replaces what is kept."""

    def record(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Verdict]:
        verdicts = super().record(submissions, atomic=atomic)
        for one, verdict in zip(submissions, verdicts, strict=True):
            if verdict.outcome is Outcome.CONFLICT and not atomic:
                self._samples[one.sample.key] = one.sample
        return verdicts


class ComparesOmitted(MemoryStorage):
    """Compares fields that the server filled in."""

    def record(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Verdict]:
        sent = [Submission(one.sample) for one in submissions]
        return super().record(sent, atomic=atomic)


class ComparesKeysOnly(MemoryStorage):
    """Takes every sample under a taken key for a duplicate."""

    def record(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Verdict]:
        verdicts = super().record(submissions, atomic=atomic)
        return [
            structs.replace(one, outcome=Outcome.DUPLICATE)
            if one.outcome is Outcome.CONFLICT
            else one
            for one in verdicts
        ]


class VerdictsByOutcome(MemoryStorage):
    """Tells first what is stored, then the rest."""

    def record(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Verdict]:
        verdicts = super().record(submissions, atomic=atomic)
        return sorted(verdicts, key=lambda one: one.outcome is not Outcome.STORED)


class VerdictsOfTheSender(MemoryStorage):
    """Hands back what was sent in place of what is kept."""

    def record(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Verdict]:
        verdicts = super().record(submissions, atomic=atomic)
        return [
            structs.replace(one, kept=sent.sample)
            for one, sent in zip(verdicts, submissions, strict=True)
        ]


class StoresAPart(MemoryStorage):
    """Stores the rest of an atomic batch beside a conflict."""

    def record(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Verdict]:
        return super().record(submissions, atomic=False)


class StoresUntilTheConflict(MemoryStorage):
    """Stores of an atomic batch what comes before the conflict."""

    def record(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Verdict]:
        verdicts = super().record(submissions, atomic=atomic)
        if atomic:
            for one in submissions:
                if super().record([one], atomic=True)[0].outcome is Outcome.CONFLICT:
                    break
        return verdicts


class AlwaysAtomic(MemoryStorage):
    """Stores nothing beside a conflict, asked or not."""

    def record(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Verdict]:
        return super().record(submissions, atomic=True)


class LastOfABatch(MemoryStorage):
    """Keeps the last of a key in a batch, as an upsert would."""

    def record(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Verdict]:
        before = self._samples
        verdicts = super().record(submissions, atomic=atomic)
        fresh = {one.sample.key: one.sample for one in submissions if one.sample.key not in before}
        if not (atomic and any(one.outcome is Outcome.CONFLICT for one in verdicts)):
            self._samples = self._samples | fresh
        return verdicts


class BlindToItsBatch(MemoryStorage):
    """Judges a batch by what was kept before it only."""

    def record(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Verdict]:
        before = self._samples
        verdicts = super().record(submissions, atomic=atomic)
        return [
            verdict if one.sample.key in before else Verdict(Outcome.STORED, one.sample)
            for one, verdict in zip(submissions, verdicts, strict=True)
        ]


class Unlocked(MemoryStorage):
    """Looks first and stores later, with time for others in between."""

    def record(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Verdict]:
        view = MemoryStorage()
        view._samples = self._samples
        verdicts = view.record(submissions, atomic=atomic)
        threading.Event().wait(0.001)
        self._samples = self._samples | view._samples
        return verdicts


# --- orders and pages


class OldestFirst(MemoryStorage):
    """Gives samples in ascending order."""

    def samples(self, query: SampleQuery) -> Iterator[Sample]:
        yield from reversed(list(super().samples(query)))


class AsTheyCame(MemoryStorage):
    """Gives samples in the order of arrival."""

    def samples(self, query: SampleQuery) -> Iterator[Sample]:
        asked = {one.key for one in super().samples(query)}
        yield from [one for key, one in self._samples.items() if key in asked]


class TiesAsTheyCame(MemoryStorage):
    """Orders by timestamp only."""

    def samples(self, query: SampleQuery) -> Iterator[Sample]:
        asked = {one.key for one in super().samples(query)}
        found = [one for key, one in self._samples.items() if key in asked]
        yield from sorted(found, key=lambda one: one.timestamp, reverse=True)


class TiesById(MemoryStorage):
    """Orders samples of one instant by id, and cuts pages so."""

    def samples(self, query: SampleQuery) -> Iterator[Sample]:
        found = list(super().samples(query))
        yield from sorted(found, key=lambda one: (one.timestamp, one.id), reverse=True)


class SeriesAfterSeries(MemoryStorage):
    """Reads one series after the other and does not merge them."""

    def samples(self, query: SampleQuery) -> Iterator[Sample]:
        yield from sorted(super().samples(query), key=lambda one: one.series.resource_id)


class RepeatsTies(MemoryStorage):
    """A page begins with all samples of the instant where the last one ended."""

    def samples(self, query: SampleQuery) -> Iterator[Sample]:
        everything = super().samples(replace(query, after=None))
        at = query.after and query.after.timestamp
        yield from (one for one in everything if at is None or one.timestamp <= at)


class SkipsTies(MemoryStorage):
    """A page begins after all samples of the instant where the last one ended."""

    def samples(self, query: SampleQuery) -> Iterator[Sample]:
        everything = super().samples(replace(query, after=None))
        at = query.after and query.after.timestamp
        yield from (one for one in everything if at is None or one.timestamp < at)


class RepeatsTheLast(MemoryStorage):
    """A page begins with the sample that the last one ended with."""

    def samples(self, query: SampleQuery) -> Iterator[Sample]:
        after = query.after
        for one in super().samples(replace(query, after=None)):
            if after is None or (one.timestamp, one.key) <= (after.timestamp, after.key):
                yield one


class LooksForTheMark(MemoryStorage):
    """Continues after the sample of the position, and gives nothing if it finds none."""

    def samples(self, query: SampleQuery) -> Iterator[Sample]:
        everything = super().samples(replace(query, after=None))
        if query.after is None:
            yield from everything
        else:
            for one in everything:
                if one.key == query.after.key:
                    yield from everything


class EagerSamples(MemoryStorage):
    """Makes the whole answer at once."""

    def samples(self, query: SampleQuery) -> Iterator[Sample]:
        return iter(list(super().samples(query)))


class EagerExtents(MemoryStorage):
    """Makes the whole answer at once."""

    def extents(self, query: ExtentQuery) -> Iterator[Extent]:
        return iter(list(super().extents(query)))


class EagerSummaries(MemoryStorage):
    """Makes the whole answer at once."""

    def summaries(
        self, query: SummaryQuery, effort: Effort | None = None
    ) -> Iterator[WindowSummary]:
        found = list(super().summaries(query, effort))
        return (one for one in found)


# --- Summaries


class _OtherTotals(MemoryStorage):
    """Asks another question for totals."""

    changed: Callable[[Any], Any]

    def totals(self, query: SummaryQuery, effort: Effort | None = None) -> Iterator[WindowTotal]:
        return super().totals(type(self).changed(query), effort)


class UnscopedTotals(_OtherTotals):
    """Forgets the scope."""

    changed = staticmethod(_unscoped)


class TotalsAtTheEndToo(_OtherTotals):
    """A sample at the end of a range is inside."""

    changed = staticmethod(_end_inclusive)


class IgnoresRangeOfTotals(_OtherTotals):
    """Adds up what there is at any time."""

    changed = staticmethod(lambda query: replace(query, range=Range()))


class IgnoresFilterOfTotals(_OtherTotals):
    """Adds up what nobody asked for."""

    changed = staticmethod(lambda query: replace(query, filter=AllOf(())))


def _track(series: Subject) -> Track:
    return series.track if isinstance(series, Series) else series


def _told_apart(query: SummaryQuery, sample: Sample) -> Subject:
    return sample.series if query.by_series else sample.series.track


class TotalsOfSeries(MemoryStorage):
    """Adds up each series by itself."""

    def totals(self, query: SummaryQuery, effort: Effort | None = None) -> Iterator[WindowTotal]:
        for one in self.summaries(query, effort):
            yield WindowTotal(_track(one.subject).rollup, one.window, tally([one.summary]))


class _ChangedTotals(MemoryStorage):
    """Adds up other rollups than there are."""

    def rollup(self, one: Rollup) -> Rollup:
        raise NotImplementedError

    def totals(self, query: SummaryQuery, effort: Effort | None = None) -> Iterator[WindowTotal]:
        found: dict[tuple[Rollup, Range], list[Summary]] = {}
        for one in super().totals(query, effort):
            found.setdefault((self.rollup(one.rollup), one.window), []).append(one.summary)
        for (rollup, window), some in found.items():
            yield WindowTotal(rollup, window, tally(some))


class TotalsOfMeters(_ChangedTotals):
    """Adds up all units."""

    def rollup(self, one: Rollup) -> Rollup:
        return one._replace(unit="core")


class TotalsOfNobodyAreEverybodys(_ChangedTotals):
    """Takes what belongs to nobody for a project's."""

    def rollup(self, one: Rollup) -> Rollup:
        return one._replace(project_id=one.project_id or "p-1")


class CreditsIntervals(MemoryStorage):
    """Says of all readings what one stream would have between them."""

    def totals(self, query: SummaryQuery, effort: Effort | None = None) -> Iterator[WindowTotal]:
        readings: dict[tuple[Rollup, Range], list[Reading]] = {}
        asked = SampleQuery(scope=query.scope, filter=query.filter, range=query.range)
        for sample in self.samples(asked):
            key = sample.series.track.rollup, query.windows.containing(sample.timestamp)
            readings.setdefault(key, []).append(Reading(sample.timestamp, sample.volume))
        for (rollup, window), found in readings.items():
            yield WindowTotal(rollup, window, of_stream(sorted(found)))


class FloatTotals(MemoryStorage):
    """Adds floats."""

    def totals(self, query: SummaryQuery, effort: Effort | None = None) -> Iterator[WindowTotal]:
        for one in super().totals(query, effort):
            yield structs.replace(
                one, summary=structs.replace(one.summary, sum=Decimal(float(one.summary.sum)))
            )


class FirstOfAnySeries(MemoryStorage):
    """Takes the first of the series that it met last."""

    def totals(self, query: SummaryQuery, effort: Effort | None = None) -> Iterator[WindowTotal]:
        firsts = {
            (_track(one.subject).rollup, one.window): one.summary.first
            for one in self.summaries(query, effort)
        }
        for one in super().totals(query):
            first = firsts[one.rollup, one.window]
            yield structs.replace(one, summary=structs.replace(one.summary, first=first))


class _OtherFigures(MemoryStorage):
    """Gives other Summaries than asked for."""

    def figures(self, summary: Summary, volumes: list[Decimal]) -> Summary:
        raise NotImplementedError

    def summaries(
        self, query: SummaryQuery, effort: Effort | None = None
    ) -> Iterator[WindowSummary]:
        asked = SampleQuery(scope=query.scope, filter=query.filter, range=query.range)
        for found in super().summaries(query, effort):
            volumes = [
                one.volume
                for one in self.samples(asked)
                if found.subject in (one.series, one.series.track)
                if one.timestamp in found.window
            ]
            yield structs.replace(found, summary=self.figures(found.summary, volumes))


class FloatSum(_OtherFigures):
    """Adds floats."""

    def figures(self, summary: Summary, volumes: list[Decimal]) -> Summary:
        return structs.replace(summary, sum=Decimal(repr(sum(map(float, volumes)))))


class Decimal128Sum(_OtherFigures):
    """Adds in 34 digits, as one Decimal128 does."""

    def figures(self, summary: Summary, volumes: list[Decimal]) -> Summary:
        context, total = Context(prec=34), Decimal(0)
        for volume in volumes:
            total = context.add(total, volume)
        return structs.replace(summary, sum=total)


class FloatSquares(_OtherFigures):
    """Squares floats."""

    def figures(self, summary: Summary, volumes: list[Decimal]) -> Summary:
        return structs.replace(
            summary, sum_of_squares=Decimal(sum(float(volume) ** 2 for volume in volumes))
        )


class TextExtremes(_OtherFigures):
    """Compares volumes as texts."""

    def figures(self, summary: Summary, volumes: list[Decimal]) -> Summary:
        return structs.replace(summary, min=min(volumes, key=str), max=max(volumes, key=str))


class FloatExtremes(_OtherFigures):
    """Compares volumes as floats."""

    def figures(self, summary: Summary, volumes: list[Decimal]) -> Summary:
        return structs.replace(summary, min=min(volumes, key=float), max=max(volumes, key=float))


class FloatIntegral(_OtherFigures):
    """Integrates floats."""

    def figures(self, summary: Summary, volumes: list[Decimal]) -> Summary:
        return structs.replace(summary, unit_seconds=Decimal(repr(float(summary.unit_seconds))))


class _FromReadings(MemoryStorage):
    """Makes Summaries from readings in its own way."""

    def grouped(self, query: SummaryQuery) -> Iterator[tuple[Sample, Range]]:
        asked = SampleQuery(scope=query.scope, filter=query.filter, range=query.range)
        for one in self.samples(asked):
            yield one, query.windows.containing(one.timestamp)

    def order(self, readings: list[Reading]) -> list[Reading]:
        return sorted(readings)

    def group(self, query: SummaryQuery, sample: Sample) -> Any:
        return _told_apart(query, sample)

    def summaries(
        self, query: SummaryQuery, effort: Effort | None = None
    ) -> Iterator[WindowSummary]:
        groups: dict[Any, list[Sample]] = {}
        for one, window in self.grouped(query):
            groups.setdefault((self.group(query, one), window), []).append(one)
        for (_, window), members in groups.items():
            readings = self.order([Reading(one.timestamp, one.volume) for one in members])
            series = _told_apart(query, members[0])
            yield WindowSummary(series, window, of_stream(readings))


class TiesDownward(_FromReadings):
    """Reads volumes of one instant from the greatest to the least."""

    def order(self, readings: list[Reading]) -> list[Reading]:
        return sorted(readings, key=lambda one: (one.at, -one.volume))


class StreamsNotSeries(_FromReadings):
    """Makes one Summary of all descriptions of a stream."""

    def group(self, query: SummaryQuery, sample: Sample) -> Any:
        series = sample.series
        return series.source, series.meter, series.type, series.unit, series.resource_id


class WindowsClosedAtTheEnd(_FromReadings):
    """Puts a sample at an edge into the window before."""

    def grouped(self, query: SummaryQuery) -> Iterator[tuple[Sample, Range]]:
        for one, window in super().grouped(query):
            at_edge = isinstance(query.windows, FixedWindows) and one.timestamp == window.start
            shift = MILLISECOND if at_edge else timedelta(0)
            yield one, query.windows.containing(one.timestamp - shift)


class WindowsOfTheEpoch(_FromReadings):
    """Counts windows from 1970 and forgets the anchor."""

    def grouped(self, query: SummaryQuery) -> Iterator[tuple[Sample, Range]]:
        windows = query.windows
        if isinstance(windows, FixedWindows):
            windows = replace(windows, anchor=datetime.fromtimestamp(0, windows.anchor.tzinfo))
        for one, _ in super().grouped(query):
            yield one, windows.containing(one.timestamp)


class CreditsAcrossWindows(MemoryStorage):
    """Credits the first reading of a window with what happened since the last one."""

    def summaries(
        self, query: SummaryQuery, effort: Effort | None = None
    ) -> Iterator[WindowSummary]:
        found = list(super().summaries(query, effort))
        for one in found:
            credited = [
                joined([other.summary, one.summary])
                for other in found
                if other.subject == one.subject and other.window.end == one.window.start
                if other.window.end is not None
            ]
            increase = credited[0].increase if credited else one.summary.increase
            yield structs.replace(one, summary=structs.replace(one.summary, increase=increase))


class FillsGaps(MemoryStorage):
    """Repeats a window that is empty."""

    def summaries(
        self, query: SummaryQuery, effort: Effort | None = None
    ) -> Iterator[WindowSummary]:
        for one in super().summaries(query, effort):
            yield one
            if isinstance(query.windows, FixedWindows):
                nothing = structs.replace(one.summary, count=0, sum=Decimal(0))
                window = query.windows.containing(one.window.end)  # type: ignore[arg-type]
                yield structs.replace(one, summary=nothing, window=window)


class SeriesForTracks(_OtherSummaries):
    """Tells series apart although nobody asked for it."""

    changed = staticmethod(lambda query: replace(query, by_series=True))


class TracksForSeries(_OtherSummaries):
    """Makes one Summary of all descriptions of a track."""

    changed = staticmethod(lambda query: replace(query, by_series=False))


class ExtentsOfSeriesForTracks(_OtherExtents):
    """Tells series apart although nobody asked for it."""

    changed = staticmethod(lambda query: replace(query, by_series=True))


class ExtentsOfTracksForSeries(_OtherExtents):
    """Says of a track what was asked of its series."""

    changed = staticmethod(lambda query: replace(query, by_series=False))


class StreamsOfTracksForSeries(_OtherStreams):
    """Does not cut streams where metadata change."""

    changed = staticmethod(lambda query: replace(query, by_series=False))


class StreamsOfSeriesForTracks(_OtherStreams):
    """Cuts streams where metadata change although nobody asked for it."""

    changed = staticmethod(lambda query: replace(query, by_series=True))


class SummaryOfEachSample(MemoryStorage):
    """Gives several Summaries for one series and window."""

    def summaries(
        self, query: SummaryQuery, effort: Effort | None = None
    ) -> Iterator[WindowSummary]:
        asked = SampleQuery(scope=query.scope, filter=query.filter, range=query.range)
        for one in self.samples(asked):
            window = query.windows.containing(one.timestamp)
            alone = of_stream([Reading(one.timestamp, one.volume)])
            yield WindowSummary(_told_apart(query, one), window, alone)


class FiltersSeriesOnly(MemoryStorage):
    """Sums all samples of a series of which one matches."""

    def summaries(
        self, query: SummaryQuery, effort: Effort | None = None
    ) -> Iterator[WindowSummary]:
        found = [one for one in self._samples.values() if matches(query.filter, one)]
        matching = {_told_apart(query, one) for one in found}
        for one in super().summaries(replace(query, filter=AllOf(()))):
            if one.subject in matching:
                yield one


class IgnoresRangeOfSummaries(_OtherSummaries):
    """Sums samples of all time."""

    changed = staticmethod(lambda query: replace(query, range=Range()))


# --- filters


class BooleansAreNumbers(MemoryStorage):
    """Takes true for 1, as SQL and Python do."""

    def samples(self, query: SampleQuery) -> Iterator[Sample]:
        yield from super().samples(replace(query, filter=_with_booleans(query.filter)))


def _with_booleans(filter_: Filter) -> Filter:
    match filter_:
        case Comparison(field, Operator.EQ, value) if type(value) is int and value in (0, 1):
            return AnyOf((filter_, Comparison(field, Operator.EQ, bool(value))))
    return filter_


class TopLevelMetadata(MemoryStorage):
    """Finds only keys of the first level."""

    def samples(self, query: SampleQuery) -> Iterator[Sample]:
        for one in super().samples(replace(query, filter=AllOf(()))):
            shallow = {
                key: value
                for key, value in one.series.metadata.tree.items()
                if not isinstance(value, dict)
            }
            series = structs.replace(one.series, metadata=Metadata.of(shallow))
            if matches(query.filter, structs.replace(one, series=series)):
                yield one


class IgnoresFilterOfExtents(MemoryStorage):
    """Gives all series, if any matches."""

    def extents(self, query: ExtentQuery) -> Iterator[Extent]:
        found = list(super().extents(replace(query, filter=AllOf(()))))
        if any(matches_subject(query.filter, one.subject) for one in found):
            yield from found


class FirstPartOnly(MemoryStorage):
    """Looks at the first condition of several."""

    def samples(self, query: SampleQuery) -> Iterator[Sample]:
        match query.filter:
            case AllOf((first, *_)):
                query = replace(query, filter=first)
        yield from super().samples(query)


# --- life


class ForgetsWhenPrepared(MemoryStorage):
    """Begins anew with every call to prepare."""

    def prepare(self) -> None:
        self._samples = {}


class OneForAll(MemoryStorage):
    """Keeps the samples of all stores together."""

    _everything: dict[bytes, Sample] = {}  # noqa: RUF012 - the fault

    def record(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Verdict]:
        self._samples = self._everything
        verdicts = super().record(submissions, atomic=atomic)
        self._everything.update(self._samples)
        return verdicts

    def samples(self, query: SampleQuery) -> Iterator[Sample]:
        self._samples = self._everything
        yield from super().samples(query)


class NeverInAHurry(SqliteStorage):
    """Knows no time limit."""

    @classmethod
    def open(cls, url: str, *, timeout_seconds: float) -> Self:
        del timeout_seconds
        return super().open(url, timeout_seconds=1e6)


class CountsTheCaller(SqliteStorage):
    """Has a time limit for all samples together, whoever takes the time."""

    def samples(self, query: SampleQuery) -> Iterator[Sample]:
        return Deadline(self._timeout_seconds).guard(super().samples(query))


# --- sealing


@stored_in
class ForgetsToStrike(SqliteTables):
    """Late samples leave the blocks of their days as they are."""

    def record(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Verdict]:
        verdicts = super().record(submissions, atomic=atomic)
        with self._connections.transaction() as connection:
            connection.execute("UPDATE blocks SET struck = '[]'")
        return verdicts


@stored_in
class ForgetsToStrikeRollups(SqliteTables):
    """Late samples count for their series only."""

    def record(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Verdict]:
        verdicts = super().record(submissions, atomic=atomic)
        with self._connections.transaction() as connection:
            connection.execute("UPDATE blocks SET struck = '[]' WHERE of < 0")
        return verdicts


@stored_in
class ForgetsMembers(SqliteTables):
    """Adds up one series of those that it has to read."""

    def members(self, rollups: Collection[Handle] | None) -> Iterator[Member]:
        found = super().members(rollups)
        return found if rollups is None else islice(found, 1)


@stored_in
class IgnoresStrikes(SqliteTables):
    """Takes what was sealed of a day for which samples came late."""

    def blocks(self, *arguments: Any, **named: Any) -> Iterator[StoredBlock]:
        for block in super().blocks(*arguments, **named):
            yield structs.replace(block, struck=())


@stored_in
class BlocksAnHourTooLong(SqliteTables):
    """Takes the hour after the last that was sealed for empty."""

    def blocks(self, *arguments: Any, **named: Any) -> Iterator[StoredBlock]:
        for stored in super().blocks(*arguments, **named):
            if stored.days is not None:
                yield _up_to(stored, lambda end: end + 1)


@stored_in
class BlocksWholeDays(SqliteTables):
    """Takes the rest of a day of which a part was sealed for empty."""

    def blocks(self, *arguments: Any, **named: Any) -> Iterator[StoredBlock]:
        for stored in super().blocks(*arguments, **named):
            if stored.days is not None:
                yield _up_to(stored, lambda end: -(-end // HOURS_IN_A_DAY) * HOURS_IN_A_DAY)


def _up_to(stored: StoredBlock, end_of: Callable[[int], int]) -> StoredBlock:
    """The same block with another end, in its month."""
    assert stored.days is not None
    block = decode(stored.days)
    end = min(end_of(block.end), hours_of(stored.month).stop)
    return structs.replace(stored, days=encode_days(structs.replace(block, end=end), stored.month))


def _encoded(stored: StoredBlock, described: Described) -> bytes | None:
    """The same of a block that says something else of its descriptions."""
    if stored.days is None:
        return None
    block = decode(stored.days)
    return encode_described(structs.replace(block, described=described), stored.month)


@stored_in
class OneDescriptionADay(SqliteTables):
    """Takes the first description of the month for that of all days that have several."""

    def blocks(self, *arguments: Any, **named: Any) -> Iterator[StoredBlock]:
        for stored in super().blocks(*arguments, **named):
            described = decode_described(stored.described, stored.month)
            if described is None:
                yield stored
                continue
            only = [1 if one is None else one for one in described.descriptions]
            changed = _encoded(stored, replace(described, descriptions=only))
            yield structs.replace(stored, described=changed)


@stored_in
class PartsOfOthers(SqliteTables):
    """Takes what a day has under one description for what it has under another."""

    def blocks(self, *arguments: Any, **named: Any) -> Iterator[StoredBlock]:
        for stored in super().blocks(*arguments, **named):
            described = decode_described(stored.described, stored.month)
            if described is None:
                yield stored
                continue
            parts = {
                day: dict(zip(of_day, reversed(of_day.values()), strict=True))
                for day, of_day in described.parts.items()
            }
            changed = _encoded(stored, replace(described, parts=parts))
            yield structs.replace(stored, described=changed)


@stored_in
class BlocksOfAnyTime(SqliteTables):
    """Counts what was recorded after the instant that counts, if it was sealed since."""

    def blocks(self, *arguments: Any, **named: Any) -> Iterator[StoredBlock]:
        for stored in super().blocks(*arguments, **named):
            described = decode_described(stored.described, stored.month)
            if described is not None:
                described = replace(described, recorded_until=EPOCH)
                changed = _encoded(stored, described)
                yield structs.replace(stored, described=changed)
            else:
                yield stored


@stored_in
class KeepsOldHours(SqliteTables):
    """Seals a day again, and leaves its hours as they are."""

    def transact(self, run: Run, work: Callable[[SealTransaction], Any]) -> Any:
        with self._connections.transaction() as connection:
            before = connection.execute("SELECT of, day, hours FROM hours").fetchall()
        done = super().transact(run, work)
        with self._connections.transaction() as connection:
            connection.executemany(statements.KEEP_HOURS, before)
        return done


@stored_in
class ForgetsToUnseal(SqliteTables):
    """Keeps blocks of samples that are deleted."""

    def delete(self, *arguments: Any) -> Iterator[int]:
        yield from super().delete(*arguments)
        with self._connections.transaction() as connection:
            connection.execute("UPDATE blocks SET struck = '[]'")


# --- retention


class TakesWhatExpired(MemoryStorage):
    """Deletes, and takes the same again."""

    def record(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Verdict]:
        known, self._expiry = self._expiry, Expiry()
        try:
            return super().record(submissions, atomic=atomic)
        finally:
            self._expiry = known


class HorizonsMoveBack(MemoryStorage):
    """The horizons given last count."""

    def retire(self, horizons: Horizons) -> Horizons:
        self._expiry = Expiry()
        return super().retire(horizons)


class HorizonsMoveBackForMeters(MemoryStorage):
    """A meter of its own forgets what the default was."""

    def retire(self, horizons: Horizons) -> Horizons:
        super().retire(horizons)
        merged = self._expiry.horizons
        self._expiry = Expiry(
            Horizons(merged.default, {**merged.meters, **horizons.meters}), self._expiry.spent
        )
        return self._expiry.horizons


class OneHorizonForAll(MemoryStorage):
    """Meters have no horizon of their own."""

    def retire(self, horizons: Horizons) -> Horizons:
        return super().retire(Horizons(horizons.default))


class ForgetsSpentKeys(MemoryStorage):
    """Keys of samples whose time the server chose are free again."""

    def retire(self, horizons: Horizons) -> Horizons:
        retired = super().retire(horizons)
        self._expiry = Expiry(self._expiry.horizons)
        return retired


class SpentBySomebody(MemoryStorage):
    """Takes every key without a time for spent, once something has expired."""

    def record(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Verdict]:
        if self._expiry.spent:
            every = {one.sample.key for one in submissions}
            self._expiry = Expiry(self._expiry.horizons, every)
        return super().record(submissions, atomic=atomic)


class ClosedHorizon(MemoryStorage):
    """What lies on the horizon goes with what lies before it."""

    def retire(self, horizons: Horizons) -> Horizons:
        def later(at: datetime) -> datetime:
            return at if at == FIRST else at + MILLISECOND

        meters = {meter: later(at) for meter, at in horizons.meters.items()}
        return super().retire(Horizons(later(horizons.default), meters))


class DeletesWhenRetired(MemoryStorage):
    """Does both at once."""

    def retire(self, horizons: Horizons) -> Horizons:
        retired = super().retire(horizons)
        list(self.purge(retired))
        return retired


class DeletesOnce(MemoryStorage):
    """Counts what went twice."""

    def purge(self, retired: Horizons) -> Iterator[int]:
        for count in super().purge(retired):
            yield count
            yield count


class StoresTheRest(MemoryStorage):
    """What has expired does not keep the rest of an atomic batch away."""

    def record(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Verdict]:
        verdicts = super().record(submissions, atomic=atomic)
        if atomic and all(one.outcome is not Outcome.CONFLICT for one in verdicts):
            super().record(submissions, atomic=False)
        return verdicts


class KeptIsDuplicate(MemoryStorage):
    """What has expired and is still there is a duplicate."""

    def record(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Verdict]:
        verdicts = super().record(submissions, atomic=atomic)
        return [
            Verdict(Outcome.DUPLICATE, one.kept) if one.kept.key in self._samples else one
            for one in verdicts
        ]


class PurgesForOthers(MemoryStorage):
    """Deletes all that has expired, whoever let it."""

    def purge(self, retired: Horizons) -> Iterator[int]:
        return super().purge(retired.joined(self._expiry.horizons))


class ForgetsWhatIsLeft(MemoryStorage):
    """Deletes whole series."""

    def purge(self, retired: Horizons) -> Iterator[int]:
        old = {
            one.series
            for one in self._samples.values()
            if one.timestamp < retired.of(one.series.meter)
        }
        before = len(self._samples)
        self._samples = {k: one for k, one in self._samples.items() if one.series not in old}
        yield before - len(self._samples)


# --- streams


Found = Iterator[Sequence[Stretch]]


class _OtherStretches(MemoryStorage):
    """Tells something else of each stretch."""

    def streams(self, query: StreamQuery, effort: Effort | None = None) -> Found:
        for stream in super().streams(query, effort):
            found = [other for one in stream for other in self._told(one, query)]
            if found:
                yield found

    def _told(self, one: Stretch, query: StreamQuery) -> Iterator[Stretch]:
        raise NotImplementedError


class UnscopedStreams(MemoryStorage):
    """Streams of all projects."""

    def streams(self, query: StreamQuery, effort: Effort | None = None) -> Found:
        return super().streams(_unscoped(query), effort)


class TellsTheNextOwnersReading(MemoryStorage):
    """Has what somebody else's reading says, not only when it was."""

    def streams(self, query: StreamQuery, effort: Effort | None = None) -> Found:
        for stream in super().streams(_unscoped(query), effort):
            mine = [one for one in stream if is_visible(one.subject, query.scope)]
            if mine:
                yield mine


class NothingOfOthers(MemoryStorage):
    """Looks at the caller's samples only: an interval goes on over the next owner's readings."""

    def streams(self, query: StreamQuery, effort: Effort | None = None) -> Found:
        mine = MemoryStorage()
        mine._samples = {
            key: one for key, one in self._samples.items() if is_visible(one.series, query.scope)
        }
        return mine.streams(query, effort)


class StreamsOfWhatMatches(MemoryStorage):
    """Looks at what matches only: a filter joins what another description lay between."""

    def streams(self, query: StreamQuery, effort: Effort | None = None) -> Found:
        some = MemoryStorage()
        some._samples = {
            key: one
            for key, one in self._samples.items()
            if matches_subject(query.filter, one.series)
        }
        return some.streams(query, effort)


class NothingCarriedIn(_OtherStretches):
    """Forgets the reading before the range."""

    def _told(self, one: Stretch, query: StreamQuery) -> Iterator[Stretch]:
        if one.summary.first.at in query.range:
            yield one


class NothingAfterTheRange(_OtherStretches):
    """Forgets the reading after it."""

    def _told(self, one: Stretch, query: StreamQuery) -> Iterator[Stretch]:
        inside = one.until is not None and one.until in query.range
        yield one if inside else structs.replace(one, until=None, next=None)


class LastOfItsDescription(_OtherStretches):
    """Tells of a stream's last reading only where nothing follows."""

    def _told(self, one: Stretch, query: StreamQuery) -> Iterator[Stretch]:
        yield structs.replace(one, stream_last=one.stream_last if one.until is None else None)


class EveryRangeOpens(_OtherStretches):
    """Takes the first reading in range for the first of all."""

    def _told(self, one: Stretch, query: StreamQuery) -> Iterator[Stretch]:
        start = query.range.start
        yield structs.replace(
            one, opens=one.opens or (start is not None and one.summary.first.at >= start)
        )


class EndInclusiveStreams(MemoryStorage):
    """A reading at the end of a range is inside."""

    def streams(self, query: StreamQuery, effort: Effort | None = None) -> Found:
        return super().streams(_end_inclusive(query), effort)


class SeriesNotStreams(MemoryStorage):
    """Takes each series for a stream."""

    def streams(self, query: StreamQuery, effort: Effort | None = None) -> Found:
        for series in dict.fromkeys(one.series for one in self._samples.values()):
            alone = MemoryStorage()
            alone._samples = {
                key: one for key, one in self._samples.items() if one.series == series
            }
            yield from alone.streams(query, effort)


class OneStreamForAll(MemoryStorage):
    """Takes a resource's readings for one stream, whatever they are of."""

    def streams(self, query: StreamQuery, effort: Effort | None = None) -> Found:
        found = [one for stream in super().streams(query, effort) for one in stream]
        if found:
            yield sorted(found, key=lambda one: one.summary.first)


FAULTS: dict[str, list[type[MemoryStorage]]] = {
    "record": [
        SharedIds,
        Overwriting,
        OverwritingInConflict,
        ComparesOmitted,
        ComparesKeysOnly,
        VerdictsByOutcome,
        VerdictsOfTheSender,
        StoresAPart,
        StoresUntilTheConflict,
        AlwaysAtomic,
        LastOfABatch,
        BlindToItsBatch,
        IdsInLowerCase,
    ],
    "samples": [
        EndInclusiveSamples,
        StartExclusiveSamples,
        UnscopedSamples,
        RoundedToHundredths,
        WholeSeconds,
        FloatMilliseconds,
        RecordedInSeconds,
        FloatVolumes,
        EmptyProjectIsNone,
        OldestFirst,
        AsTheyCame,
        TiesAsTheyCame,
        TiesById,
        SeriesAfterSeries,
        RepeatsTies,
        SkipsTies,
        RepeatsTheLast,
        LooksForTheMark,
        EagerSamples,
    ],
    "extents": [
        EndInclusiveExtents,
        UnscopedExtents,
        MetadataAsText,
        ForgetsAsOf,
        ExtentsOfAllTime,
        ExtentsAsTheyCame,
        FirstForLast,
        ExtentsOfEveryone,
        EagerExtents,
        IgnoresFilterOfExtents,
    ],
    "oldest": [OldestOfEveryone, OldestAsTheyCame, OldestOfNewestSeries, OldestOfLast],
    "summaries": [
        EndInclusiveSummaries,
        UnscopedSummaries,
        IgnoresRangeOfSummaries,
        EagerSummaries,
        FloatSum,
        Decimal128Sum,
        FloatSquares,
        TextExtremes,
        FloatExtremes,
        FloatIntegral,
        TiesDownward,
        StreamsNotSeries,
        WindowsClosedAtTheEnd,
        WindowsOfTheEpoch,
        CreditsAcrossWindows,
        FillsGaps,
        SummaryOfEachSample,
        FiltersSeriesOnly,
    ],
    "totals": [
        UnscopedTotals,
        TotalsAtTheEndToo,
        IgnoresRangeOfTotals,
        IgnoresFilterOfTotals,
        TotalsOfSeries,
        TotalsOfMeters,
        TotalsOfNobodyAreEverybodys,
        CreditsIntervals,
        FloatTotals,
        FirstOfAnySeries,
        ForgetsToStrikeRollups,
        ForgetsMembers,
    ],
    "streams": [
        UnscopedStreams,
        TellsTheNextOwnersReading,
        NothingOfOthers,
        StreamsOfWhatMatches,
        NothingCarriedIn,
        NothingAfterTheRange,
        EveryRangeOpens,
        LastOfItsDescription,
        EndInclusiveStreams,
        SeriesNotStreams,
        OneStreamForAll,
        StreamsOfTracksForSeries,
        StreamsOfSeriesForTracks,
    ],
    "expiry": [
        TakesWhatExpired,
        HorizonsMoveBack,
        HorizonsMoveBackForMeters,
        OneHorizonForAll,
        ForgetsSpentKeys,
        SpentBySomebody,
        ClosedHorizon,
        DeletesWhenRetired,
        DeletesOnce,
        StoresTheRest,
        KeptIsDuplicate,
        PurgesForOthers,
        ForgetsWhatIsLeft,
    ],
    "sealing": [
        ForgetsToStrike,
        IgnoresStrikes,
        BlocksAnHourTooLong,
        BlocksWholeDays,
        KeepsOldHours,
        ForgetsToUnseal,
    ],
    "tracks": [
        SeriesForTracks,
        TracksForSeries,
        ExtentsOfSeriesForTracks,
        ExtentsOfTracksForSeries,
        OneDescriptionADay,
        PartsOfOthers,
        BlocksOfAnyTime,
    ],
    "filters": [
        NotEqualDropsAbsentSamples,
        NotEqualDropsAbsentExtents,
        NotEqualDropsAbsentSummaries,
        BooleansAreNumbers,
        TopLevelMetadata,
        FirstPartOnly,
    ],
    "life": [Unlocked, ForgetsWhenPrepared, OneForAll, NeverInAHurry, CountsTheCaller],
}
