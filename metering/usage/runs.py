"""Runs: successive stretches of a stream that match, and whose values are equal."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from metering.grouping import Group, group_of
from metering.matching import matches_subject
from metering.model import Subject
from metering.query import Field, Filter, Kind
from metering.streams import Stretch


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """By which fields stretches are told apart, and which match at all.

    With `carries`, metadata that a description lacks have the last value that they had.
    """

    by: tuple[Field, ...]
    filter: Filter
    carries: bool


def carry(earlier: Group, subject: Subject, by: tuple[Field, ...]) -> Group:
    """The values that a description has; of metadata, where it has none, the earlier ones.

    A description that leaves a key out says nothing of it; a sample without an owner has none.
    """
    return tuple(
        before if value is None and field.kind is Kind.METADATA else value
        for field, before, value in zip(by, earlier, group_of(subject, by), strict=True)
    )


def lacks(subject: Subject, by: tuple[Field, ...]) -> bool:
    """Whether a description lacks what could be carried."""
    of_metadata = tuple(field for field in by if field.kind is Kind.METADATA)
    return None in group_of(subject, of_metadata)


def runs(
    stretches: Sequence[Stretch], carried: Group, conditions: Conditions
) -> Iterator[tuple[Group, Sequence[Stretch]]]:
    """The longest runs of a stream, with their values; `carried` are those before the first."""
    run: list[Stretch] = []
    of_run = carried
    for stretch in stretches:
        values = carry(carried, stretch.subject, conditions.by)
        matches = matches_subject(conditions.filter, stretch.subject)
        # What the caller may not see has no reading that is next.
        goes_on = run and values == of_run and run[-1].next == stretch.summary.first
        if run and not (matches and goes_on):
            yield of_run, run
            run = []
        if matches:
            run.append(stretch)
            of_run = values
        if conditions.carries:
            carried = values
    if run:
        yield of_run, run
