"""Stores and applications that tell of others in one thing each: the search must find them all."""
# ruff: noqa: D102 - signatures and meaning are those of the contract

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any, ClassVar

from api.client import kept
from msgspec import structs

from metering.errors import InvalidQuery
from metering.matching import required
from metering.model import AllProjects, Extent, Sample, Scope, Submission, Verdict, is_visible
from metering.query import (
    FIELDS,
    ExtentQuery,
    SampleQuery,
    StreamQuery,
    SummaryQuery,
)
from metering.storage.base import Effort, WindowSummary, WindowTotal
from metering.storage.memory import MemoryStorage
from metering.streams import Stretch
from metering.times import FixedWindows, ListedWindows

_EVERYONE = AllProjects()


class UnscopedById(MemoryStorage):
    """Forgets the scope where one sample is asked for by its id."""

    def samples(self, query: SampleQuery) -> Iterator[Sample]:
        if required(query.filter, FIELDS["id"]):
            query = replace(query, scope=_EVERYONE)
        return super().samples(query)


class UnscopedPages(MemoryStorage):
    """Forgets the scope on the second page."""

    def samples(self, query: SampleQuery) -> Iterator[Sample]:
        if query.after is not None:
            query = replace(query, scope=_EVERYONE)
        return super().samples(query)


class CountsOthers(MemoryStorage):
    """Cuts what it looks at before it leaves out what others have."""

    def samples(self, query: SampleQuery) -> Iterator[Sample]:
        looked_at = islice(super().samples(replace(query, scope=_EVERYONE)), 12)
        return (one for one in looked_at if is_visible(one.series, query.scope))


class TellsWhatIsHidden(MemoryStorage):
    """Names in an error what the caller may not see."""

    def samples(self, query: SampleQuery) -> Iterator[Sample]:
        hidden = next(super().samples(replace(query, scope=_EVERYONE)), None)
        if hidden and not is_visible(hidden.series, query.scope):
            raise InvalidQuery(f"sample {hidden.id} is of another project")
        return super().samples(query)


class UnscopedResources(MemoryStorage):
    """Forgets the scope where one resource is asked for by its id."""

    def extents(self, query: ExtentQuery) -> Iterator[Extent]:
        if required(query.filter, FIELDS["resource_id"]):
            query = replace(query, scope=_EVERYONE)
        return super().extents(query)


class UnscopedBeginning(MemoryStorage):
    """Forgets the scope where it is asked for the oldest sample of all."""

    def oldest(self, scope: Scope) -> datetime | None:  # noqa: ARG002
        return super().oldest(_EVERYONE)


class UnscopedPeriods(MemoryStorage):
    """Forgets the scope where figures are of periods."""

    def summaries(
        self, query: SummaryQuery, effort: Effort | None = None
    ) -> Iterator[WindowSummary]:
        if isinstance(query.windows, FixedWindows):
            query = replace(query, scope=_EVERYONE)
        return super().summaries(query, effort)


class UnscopedTotals(MemoryStorage):
    """Forgets the scope where all of a project's series are added up."""

    def totals(self, query: SummaryQuery, effort: Effort | None = None) -> Iterator[WindowTotal]:
        return super().totals(replace(query, scope=_EVERYONE), effort)


class UnscopedCalendar(MemoryStorage):
    """Forgets the scope where figures are of a calendar's windows."""

    def summaries(
        self, query: SummaryQuery, effort: Effort | None = None
    ) -> Iterator[WindowSummary]:
        if isinstance(query.windows, ListedWindows):
            query = replace(query, scope=_EVERYONE)
        return super().summaries(query, effort)


class UnscopedStreams(MemoryStorage):
    """Forgets the scope where something is asked of what lies between samples."""

    def streams(
        self, query: StreamQuery, effort: Effort | None = None
    ) -> Iterator[Sequence[Stretch]]:
        return super().streams(replace(query, scope=_EVERYONE), effort)


class SharedByAll(MemoryStorage):
    """Keeps what all stores of the process have: no two of them differ."""

    _everything: ClassVar[dict[bytes, Sample]] = {}

    def record(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Verdict]:
        verdicts = super().record(submissions, atomic=atomic)
        self._everything |= self._samples
        return verdicts

    def samples(self, query: SampleQuery) -> Iterator[Sample]:
        self._samples = self._everything
        return super().samples(replace(query, scope=_EVERYONE))


class _ChangesOthers(MemoryStorage):
    """Does something to the samples of others when one project writes."""

    def changed(self, of_other: Sample, written: Sample) -> Sample | None:
        raise NotImplementedError

    def record(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Verdict]:
        verdicts = super().record(submissions, atomic=atomic)
        if len({one.sample.series.project_id for one in submissions}) == 1:
            for one in submissions:
                self._change(one.sample)
        return verdicts

    def _change(self, written: Sample) -> None:
        mine = written.series.project_id
        changed = {
            key: one if one.series.project_id == mine else self.changed(one, written)
            for key, one in self._samples.items()
        }
        self._samples = {key: one for key, one in changed.items() if one is not None}


class TakesResourcesOver(_ChangesOthers):
    """Who writes of a resource owns it, with all that was ever measured of it."""

    def changed(self, of_other: Sample, written: Sample) -> Sample:
        if of_other.series.resource_id != written.series.resource_id:
            return of_other
        track = replace(of_other.series.track, project_id=written.series.project_id)
        return structs.replace(of_other, series=structs.replace(of_other.series, track=track))


class ForgetsOthers(_ChangesOthers):
    """Drops what others have under an id that is written."""

    def changed(self, of_other: Sample, written: Sample) -> Sample | None:
        return None if of_other.id == written.id else of_other


class CountsInHeader:
    """Says in a header how many samples the store has."""

    def __init__(self, application: Any, storage: Any) -> None:
        self._application = application
        self._storage = storage

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            total = ("X-Total-Count", str(len(kept(self._storage))))
            return start_response(status, [*headers, total], *rest)

        answer: Iterable[bytes] = self._application(environ, start)
        return answer


class NamesTheCaller:
    """Says in every answer who asked."""

    def __init__(self, application: Any, storage: Any) -> None:
        del storage
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, [*headers, ("X-Scope", "p-a")], *rest)

        answer: Iterable[bytes] = self._application(environ, start)
        return answer
