"""Revisions: the descriptions that a resource had, one after the other.

All samples of a resource, of every meter and source, say what it was. A description is in force
from its first sample until the first sample under another one. So late samples split and merge
revisions, and never change who owns a resource today.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from metering.catalogue.history import History, Part
from metering.deadline import Deadline
from metering.model import Place, Sample, Scope, Series
from metering.storage.base import Storage
from metering.times import EVER, Range


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionQuery:
    """The revisions of a resource that are in force at some instant of the half-open range."""

    scope: Scope
    resource_id: str
    range: Range = EVER


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One description of a resource, in force at `start` <= t < `end`; without an end, still.

    `series` is that of its first sample. `changed` names what differs from the revision before,
    in the range or not: `project_id`, `user_id` and paths like `metadata.a.b`, sorted; nothing
    for the first of all.
    """

    start: datetime
    end: datetime | None
    series: Series
    changed: tuple[str, ...]

    @property
    def place(self) -> Place:
        """Where its first sample is."""
        return Place(self.series, self.start)


def revisions(storage: Storage, query: RevisionQuery, deadline: Deadline) -> Iterator[Revision]:
    """The revisions, by time.

    To a caller confined to a project only the own samples exist; the last revision ends where
    somebody else's reading follows in a stream, if no own sample is as late.

    Raises:
        QueryTooExpensive: it takes longer than that.
    """
    if query.range.is_empty:
        return
    history = History(storage, query.scope, query.resource_id, deadline)
    start, end = query.range.start, query.range.end
    before = None
    for current, successor in _with_next(history.changes(start)):
        if end is not None and current.first_sample_at >= end:
            return
        until = successor.first_sample_at if successor else history.handed_over(current)
        if start is None or until is None or until > start:
            yield Revision(
                start=current.first_sample_at,
                end=until,
                series=current.series,
                changed=_changed(before, current.series),
            )
        before = current.series


def first_samples(storage: Storage, found: Collection[Revision]) -> Mapping[Place, Sample]:
    """The first sample of each of the revisions: of those at its start the one with least key."""
    firsts: dict[Place, Sample] = {}
    for sample in storage.samples_at([one.place for one in found]):
        place = Place(sample.series, sample.timestamp)
        firsts[place] = min(sample, firsts.get(place, sample), key=lambda one: one.key)
    return firsts


def _with_next(changes: Iterable[Part]) -> Iterator[tuple[Part, Part | None]]:
    before = None
    for one in changes:
        if before:
            yield before, one
        before = one
    if before:
        yield before, None


def _changed(before: Series | None, after: Series) -> tuple[str, ...]:
    if before is None:
        return ()
    fields = [
        name for name in ("project_id", "user_id") if getattr(before, name) != getattr(after, name)
    ]
    paths = before.metadata.changed_paths(after.metadata)
    return tuple(sorted([*fields, *(f"metadata.{path}" for path in paths)]))
