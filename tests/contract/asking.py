"""Short ways to record and to ask, so that a test shows the case and nothing else."""

from datetime import datetime
from typing import Any

from metering.model import (
    AllProjects,
    Extent,
    Outcome,
    Rollup,
    Sample,
    Subject,
    Submission,
)
from metering.query import ExtentQuery, SampleQuery, SummaryQuery
from metering.storage.base import Storage
from metering.summary import Summary
from metering.times import EVER, Range, WholeRange

EVERYONE = AllProjects()


def keep(storage: Storage, *samples: Sample) -> None:
    """Record samples that must be new."""
    outcomes = record(storage, *map(Submission, samples))

    assert [Outcome.STORED] * len(samples) == outcomes


def record(storage: Storage, *submissions: Submission, atomic: bool = False) -> list[Outcome]:
    """Record a batch; its outcomes."""
    return [verdict.outcome for verdict in storage.record(submissions, atomic=atomic)]


def samples(storage: Storage, **query: Any) -> list[Sample]:
    """The samples of everyone, unless another scope is given."""
    return list(storage.samples(SampleQuery(**{"scope": EVERYONE} | query)))


def ids(storage: Storage, **query: Any) -> list[str]:
    """The ids of such samples, in the order of the answer."""
    return [sample.id for sample in samples(storage, **query)]


def extents(storage: Storage, **query: Any) -> list[Extent]:
    """The extents, in an order of their own."""
    found = storage.extents(ExtentQuery(**{"scope": EVERYONE} | query))
    return sorted(found, key=lambda extent: extent.subject.digest)


def bounds(storage: Storage, **query: Any) -> dict[Subject, tuple[datetime, datetime]]:
    """First and last timestamp by series; no series may come twice."""
    found = extents(storage, **query)
    by_series = {one.subject: (one.first_sample_at, one.last_sample_at) for one in found}

    assert len(by_series) == len(found)
    return by_series


def resources(storage: Storage, **query: Any) -> list[str]:
    """The resources of the extents, sorted."""
    return sorted(extent.subject.resource_id for extent in extents(storage, **query))


def _question(query: dict[str, Any]) -> SummaryQuery:
    """Of everyone, in one window, unless it says otherwise."""
    whole = WholeRange(query.get("range", EVER))
    return SummaryQuery(**{"scope": EVERYONE, "windows": whole} | query)


def summaries(storage: Storage, **query: Any) -> dict[tuple[Subject, Range], Summary]:
    """The Summaries by series and window; no pair may come twice."""
    effort = query.pop("effort", None)
    found = list(storage.summaries(_question(query), effort))
    by_pair = {(one.subject, one.window): one.summary for one in found}

    assert len(by_pair) == len(found)
    return by_pair


def summary(storage: Storage, **query: Any) -> Summary:
    """The only Summary of an answer."""
    (only,) = summaries(storage, **query).values()
    return only


def windows(storage: Storage, **query: Any) -> list[tuple[datetime | None, int]]:
    """Begin and count of each window, by time; of one series."""
    found = summaries(storage, **query).items()
    return sorted((window.start, summary.count) for (_, window), summary in found)


def totals(storage: Storage, **query: Any) -> dict[tuple[Rollup, Range], Summary]:
    """The totals by rollup and window; no pair may come twice."""
    effort = query.pop("effort", None)
    found = list(storage.totals(_question(query), effort))
    by_pair = {(one.rollup, one.window): one.summary for one in found}

    assert len(by_pair) == len(found)
    return by_pair


def total(storage: Storage, **query: Any) -> Summary:
    """The only total of an answer."""
    (only,) = totals(storage, **query).values()
    return only
