"""Figures by name and parameter."""

import pytest

from metering.api.reading.aggregates import read_aggregate
from metering.errors import InvalidQuery


@pytest.mark.parametrize(
    ("function", "param", "name"),
    [
        ("sum", None, "sum"),
        ("max", "", "max"),
        ("cardinality", "source", "cardinality/source"),
    ],
)
def test_aggregates_by_name(function: str, param: str | None, name: str) -> None:
    """An aggregate is named by function and parameter."""
    assert name == read_aggregate(function, param).name


@pytest.mark.parametrize(
    ("function", "param", "field"),
    [
        (None, None, "aggregate.func"),
        ("", None, "aggregate.func"),
        ("Sum", None, "aggregate.func"),
        ("cardinality", None, "aggregate.param"),
        ("cardinality", "unit", "aggregate.param"),
        ("sum", "x", "aggregate.param"),
    ],
)
def test_aggregates_that_are_none(function: str | None, param: str | None, field: str) -> None:
    """What is wrong with an aggregate is named."""
    with pytest.raises(InvalidQuery) as caught:
        read_aggregate(function, param)

    assert field == caught.value.field
