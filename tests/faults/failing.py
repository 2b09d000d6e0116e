"""A store, and an SQLite, that fail once: at the n-th call, before it was done or after."""

import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, Self, TypeVar

from metering.errors import StorageUnavailable
from metering.model import Extent, Place, Sample, Scope, Submission, Verdict
from metering.query import ExtentQuery, SampleQuery, StreamQuery, SummaryQuery
from metering.retention import Horizons
from metering.storage.base import Effort, Inspection, Storage, WindowSummary, WindowTotal
from metering.streams import Stretch

T = TypeVar("T")


class Fault:
    """Happens at the n-th call, and not again."""

    def __init__(
        self, at: int, *, is_after: bool, error: Callable[[], Exception] | None = None
    ) -> None:
        """Take the number of the call, whether it is done nevertheless, and what is raised."""
        self._at = at
        self._is_after = is_after
        self._error = error or (lambda: StorageUnavailable("a planted fault"))
        self._calls = 0

    @property
    def has_happened(self) -> bool:
        """Whether there were that many calls."""
        return self._calls >= self._at

    def around(self, call: Callable[[], T]) -> T:
        """Call, unless this is the one that fails."""
        self._calls += 1
        fails = self._calls == self._at
        if fails and not self._is_after:
            raise self._error()
        result = call()
        if fails:
            raise self._error()
        return result


class FailingStorage(Storage):
    """A store whose calls fail as the fault says; to get a row of an answer is a call as well."""

    def __init__(self, inner: Storage, fault: Fault) -> None:
        """Stand before the inner store."""
        self._inner = inner
        self._fault = fault

    @classmethod
    def open(cls, url: str, *, timeout_seconds: float) -> Self:
        """Not opened by URL."""
        raise NotImplementedError

    def prepare(self) -> None:
        """See `Storage.prepare`."""
        self._fault.around(self._inner.prepare)

    def check(self) -> list[str]:
        """See `Storage.check`."""
        return self._fault.around(self._inner.check)

    def ping(self) -> None:
        """See `Storage.ping`."""
        self._fault.around(self._inner.ping)

    def close(self) -> None:
        """See `Storage.close`."""
        self._inner.close()

    def record(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Verdict]:
        """See `Storage.record`."""
        return self._fault.around(lambda: self._inner.record(submissions, atomic=atomic))

    def samples(self, query: SampleQuery) -> Iterator[Sample]:
        """See `Storage.samples`."""
        return self._rows(lambda: self._inner.samples(query))

    def samples_at(self, places: Collection[Place]) -> Iterator[Sample]:
        """See `Storage.samples_at`."""
        return self._rows(lambda: self._inner.samples_at(places))

    def extents(self, query: ExtentQuery) -> Iterator[Extent]:
        """See `Storage.extents`."""
        return self._rows(lambda: self._inner.extents(query))

    def oldest(self, scope: Scope) -> datetime | None:
        """See `Storage.oldest`."""
        return self._fault.around(lambda: self._inner.oldest(scope))

    def summaries(
        self, query: SummaryQuery, effort: Effort | None = None
    ) -> Iterator[WindowSummary]:
        """See `Storage.summaries`."""
        return self._rows(lambda: self._inner.summaries(query, effort))

    def totals(self, query: SummaryQuery, effort: Effort | None = None) -> Iterator[WindowTotal]:
        """See `Storage.totals`."""
        return self._rows(lambda: self._inner.totals(query, effort))

    def streams(
        self, query: StreamQuery, effort: Effort | None = None
    ) -> Iterator[Sequence[Stretch]]:
        """See `Storage.streams`."""
        return self._rows(lambda: self._inner.streams(query, effort))

    def seal(self, until: datetime, *, settle_seconds: float = 0) -> Iterator[int]:
        """See `Storage.seal`."""
        return self._rows(lambda: self._inner.seal(until, settle_seconds=settle_seconds))

    def unseal(self) -> None:
        """See `Storage.unseal`."""
        self._fault.around(self._inner.unseal)

    def horizons(self) -> Horizons:
        """See `Storage.horizons`."""
        return self._fault.around(self._inner.horizons)

    def retire(self, horizons: Horizons) -> Horizons:
        """See `Storage.retire`."""
        return self._fault.around(lambda: self._inner.retire(horizons))

    def purge(self, retired: Horizons) -> Iterator[int]:
        """See `Storage.purge`."""
        return self._rows(lambda: self._inner.purge(retired))

    def verify(self) -> Iterator[Inspection]:
        """See `Storage.verify`."""
        return self._rows(self._inner.verify)

    def _rows(self, ask: Callable[[], Iterator[T]]) -> Iterator[T]:
        rows = self._fault.around(ask)
        end = object()
        while (row := self._fault.around(lambda: next(rows, end))) is not end:
            yield row  # type: ignore[misc]


def failing_connections(fault: Fault) -> type[sqlite3.Connection]:
    """A class of SQLite connections whose statements, COMMIT included, fail as the fault says."""

    class FailingConnection(sqlite3.Connection):
        def execute(self, *arguments: Any) -> sqlite3.Cursor:
            run = super().execute
            return fault.around(lambda: run(*arguments))

        def executemany(self, *arguments: Any) -> sqlite3.Cursor:
            run = super().executemany
            return fault.around(lambda: run(*arguments))

    return FailingConnection


def input_output_error() -> sqlite3.OperationalError:
    """What SQLite raises when a disk fails."""
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    return error
