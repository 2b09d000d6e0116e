"""The order of samples when a client chooses one."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cmp_to_key
from typing import Any

from metering.model import Sample
from metering.query import Field, Kind


@dataclass(frozen=True, slots=True)
class OrderBy:
    """Sort by a field, ascending or descending; where samples have none, null is the smallest.

    Metadata are sorted as a whole, by their canonical text.
    """

    field: Field
    descending: bool


def first(samples: Iterable[Sample], order: tuple[OrderBy, ...], limit: int) -> list[Sample]:
    """The first samples in that order, equal ones as they were recorded; keeps only so many."""

    def compare(one: Sample, two: Sample) -> int:
        for by in order:
            left, right = _sortable(by.field, one), _sortable(by.field, two)
            if left != right:
                return -1 if (left < right) is not by.descending else 1
        return -1 if (one.recorded_at, one.key) < (two.recorded_at, two.key) else 1

    return heapq.nsmallest(limit, samples, key=cmp_to_key(compare))


def _sortable(field: Field, sample: Sample) -> tuple[bool, Any]:
    if field.kind is Kind.METADATA:
        return True, sample.series.metadata.text
    value = getattr(sample.series if field.of_series else sample, field.name)
    return value is not None, "" if value is None else value
