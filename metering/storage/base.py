"""What every store promises, in prose; `tests/contract` checks each sentence on every driver.

A driver keeps samples and answers questions: which samples, tracks or series, Summaries, streams.
It does no calendars, reads neither the configuration nor the clock, and knows no HTTP. A question
that reaches it has been checked. The memory driver is the definition of right.
"""

import abc
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

import msgspec

from metering.model import (
    Extent,
    Outcome,
    Place,
    Rollup,
    Sample,
    Scope,
    Subject,
    Submission,
    Verdict,
)
from metering.query import ExtentQuery, SampleQuery, StreamQuery, SummaryQuery
from metering.retention import Expiry, Horizons
from metering.streams import Stretch
from metering.summary import Summary
from metering.times import Range


@dataclass(slots=True)
class Effort:
    """What it took to answer, counted while the answer is read.

    `tracks` counts tracks that were read one by one, `pieces` the Summaries of months, days or
    hours that `seal` kept, of tracks or rollups, and `samples` the samples that were read besides.
    """

    tracks: int = 0
    pieces: int = 0
    samples: int = 0


@dataclass(frozen=True, slots=True)
class Inspection:
    """What `verify` found when it read the samples of one track again."""

    samples: int
    contradictions: tuple[str, ...]


class WindowTotal(msgspec.Struct, frozen=True):
    """The `tally` of those samples of one rollup that lie in one window."""

    rollup: Rollup
    window: Range
    summary: Summary


class WindowSummary(msgspec.Struct, frozen=True):
    """The Summary of those samples of one series, or track, that lie in one window."""

    subject: Subject
    window: Range
    summary: Summary


class Storage(abc.ABC):
    """A store of samples.

    Only `StorageUnavailable`, `QueryTooExpensive`, `Abandoned` and `Misconfigured` leave a driver;
    what the database raised is their cause. (And OverflowError, if the windows of a question lead
    out of the calendar.) Scope is applied before everything else: no answer depends on a sample
    that is out of scope. Iterators are lazy, and closing one early frees its cursor.
    All methods may be called from several threads at once. `is_for_production` is for
    /v2/capabilities: whether what is recorded outlives the process. After `settle_seconds` no
    writer is left that does not know of a new horizon, or of days that are being sealed: live ones
    correct what they wrote, killed ones cannot.
    """

    is_for_production: ClassVar[bool] = True
    settle_seconds: ClassVar[float] = 0

    @classmethod
    @abc.abstractmethod
    def open(cls, url: str, *, timeout_seconds: float) -> Self:
        """A store for the URL. Connects when first used, so a fork may follow.

        No question takes much longer than the timeout: it raises `QueryTooExpensive`. When samples
        are read, the limit is that of each next one: a caller may read slowly, or very many. Nor
        does one go on for an asker that has gone (`metering.asker`): it raises `Abandoned`. (The
        memory driver has no limit, and goes on.)
        """

    @abc.abstractmethod
    def prepare(self) -> None:
        """Create what is missing (tables, indexes). A second call changes nothing."""

    @abc.abstractmethod
    def check(self) -> list[str]:
        """What is wrong with the deployment, a sentence each: a missing index, say.

        Raises:
            StorageUnavailable: the store cannot be reached.
        """

    @abc.abstractmethod
    def ping(self) -> None:
        """Return if the store answers, and within seconds.

        Raises:
            StorageUnavailable: it does not; NotPrepared: it was never prepared.
            Misconfigured: it is a newer release's.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Free all connections; the store is not used again."""

    @abc.abstractmethod
    def record(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Verdict]:
        """Keep samples under (source, id) until they expire; say what became of each, in order.

        A key that is free is STORED. A key that is taken by the same sample
        (`Submission.repeats`) is a DUPLICATE, by another a CONFLICT: nothing changes. The
        verdicts are those of recording one submission after the other. What a horizon covers
        (`Expiry`) is EXPIRED, whether or not it is still there, and is not stored. When `atomic`
        is set and any verdict is CONFLICT or EXPIRED, nothing is stored (the other verdicts stay
        as they would be). When it returns, all that is STORED or DUPLICATE survives a crash.

        Raises:
            StorageUnavailable: unknown whether stored; the same again is safe.
        """

    @abc.abstractmethod
    def samples(self, query: SampleQuery) -> Iterator[Sample]:
        """The samples that match, by (timestamp, key) descending.

        `query.after` continues just after a position, also when samples arrived meanwhile. The
        time limit is that of each next sample, and what the caller does in between does not
        count; meanwhile nothing is held in the store, neither a cursor nor a lock.
        """

    @abc.abstractmethod
    def samples_at(self, places: Collection[Place]) -> Iterator[Sample]:
        """The samples of these series or tracks at these instants, each once, in no defined order.

        Several of a track, or series, may share an instant. There is no scope: callers ask for what
        an answer with a scope has named.
        """

    @abc.abstractmethod
    def extents(self, query: ExtentQuery) -> Iterator[Extent]:
        """Each series (or track) that matches and has samples in range: where they begin and end.

        By `resource_id`, ascending. The timestamps are those of samples in range; both that of the
        last, if the query asks for the last only.
        """

    @abc.abstractmethod
    def oldest(self, scope: Scope) -> datetime | None:
        """The timestamp of the oldest sample of all in scope; None if there is none."""

    @abc.abstractmethod
    def summaries(
        self, query: SummaryQuery, effort: Effort | None = None
    ) -> Iterator[WindowSummary]:
        """A Summary for each series (or track) and window that has samples; no two for one pair.

        In no defined order. All figures are exact. Intervals are credited between successive
        matching samples of a series (or track) within a window. The effort, if given, is added to.
        """

    @abc.abstractmethod
    def totals(self, query: SummaryQuery, effort: Effort | None = None) -> Iterator[WindowTotal]:
        """A Summary for each rollup and window that has samples; no two for the same pair.

        In no defined order. The filter may use fields of a rollup only. All figures of readings
        are exact; those of intervals are 0. The effort, if given, is added to.
        """

    @abc.abstractmethod
    def streams(
        self, query: StreamQuery, effort: Effort | None = None
    ) -> Iterator[Sequence[Stretch]]:
        """The stretches of each stream that match, by time; no stream twice, none empty.

        In range, and the last reading before the range, as far as the query asks for it. The whole
        stream counts for what follows a stretch, and whether it opens the stream: what does
        not match, or is out of scope, too. So a caller learns two things of readings that are out
        of scope: when the one came that ended the caller's own last interval, and that there was
        one before the caller's first.
        Stretches are cut as the query says, and it makes no difference how far: the intervals
        between their readings are the same.
        """

    @abc.abstractmethod
    def seal(self, until: datetime, *, settle_seconds: float = 0) -> Iterator[int]:
        """Keep Summaries of the whole hours (UTC) before an instant; no answer depends on it.

        From now on it costs a little more to record a sample of these hours, even after `unseal`:
        so seal only what is over.
        Yields from time to time how many samples were read. May be stopped anywhere: the next call
        does what is left, and once more the days for which samples came late, or of which only a
        part was sealed. Samples may be recorded meanwhile. `settle_seconds` is for writers that are
        killed while they record, and never retry: with a minute, their samples count too.

        Raises:
            Misconfigured: the database cannot do it.
        """

    @abc.abstractmethod
    def unseal(self) -> None:
        """Forget all that `seal` kept."""

    @abc.abstractmethod
    def horizons(self) -> Horizons:
        """Before which instants samples have expired, by meter."""

    @abc.abstractmethod
    def retire(self, horizons: Horizons) -> Horizons:
        """Let samples before the horizons expire, and return what `purge` may delete.

        Horizons never move back: for each meter the later of the old and the new one counts.
        Nothing is deleted. When it returns, whatever is recorded anywhere heeds them, also after
        the samples are gone: keys that become spent are remembered.
        """

    @abc.abstractmethod
    def purge(self, retired: Horizons) -> Iterator[int]:
        """Delete the samples before horizons that `retire` returned.

        No others: another process may be about to remember the keys of those before its own.
        Yields from time to time how many went.
        May be stopped anywhere, and called again. Everything else stays, tracks and descriptions
        included.
        """

    @abc.abstractmethod
    def verify(self) -> Iterator[Inspection]:
        """Read every sample of each track again, by every way there is, and compare.

        Samples may arrive meanwhile; what they change is no contradiction.
        """


def verdicts_in_order(
    submissions: Sequence[Submission], kept: Mapping[bytes, Sample], expiry: Expiry
) -> tuple[list[Verdict], dict[bytes, Sample]]:
    """The verdicts of recording one after the other over what is kept, and what is new, by key."""
    fresh: dict[bytes, Sample] = {}
    verdicts = []
    has_expired = expiry != Expiry()
    for submission in submissions:
        sample = submission.sample
        key = sample.key
        existing = kept.get(key) or fresh.get(key)
        if has_expired and expiry.covers(submission):
            verdicts.append(Verdict(Outcome.EXPIRED, sample))
        elif existing is None:
            fresh[key] = sample
            verdicts.append(Verdict(Outcome.STORED, sample))
        elif submission.repeats(existing):
            verdicts.append(Verdict(Outcome.DUPLICATE, existing))
        else:
            verdicts.append(Verdict(Outcome.CONFLICT, existing))
    return verdicts, fresh


def has_refusal(verdicts: Sequence[Verdict]) -> bool:
    """Whether any of the verdicts is CONFLICT or EXPIRED."""
    return any(verdict.outcome in (Outcome.CONFLICT, Outcome.EXPIRED) for verdict in verdicts)
