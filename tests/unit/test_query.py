"""What questions are made of."""

from typing import Any

import pytest
from builders import sample, series

from metering.cuts import Cuts
from metering.model import AllProjects
from metering.query import (
    EVERYTHING,
    FIELDS,
    NOTHING,
    AllOf,
    AnyOf,
    Comparison,
    ExtentQuery,
    Filter,
    Kind,
    Not,
    Operator,
    SampleQuery,
    StreamQuery,
    SummaryQuery,
    all_of,
    asks_metadata,
    metadata_field,
)
from metering.times import EVER, WholeRange


@pytest.mark.parametrize("name", FIELDS)
def test_fields_are_attributes(name: str) -> None:
    """A field is named after an attribute of a series or else of a sample."""
    assert name == FIELDS[name].name
    assert hasattr(series() if FIELDS[name].of_series else sample(), name)


def test_fields_of_samples() -> None:
    """All but four fields can be decided once for a series."""
    assert {"id", "volume", "timestamp", "recorded_at"} == {
        name for name, field in FIELDS.items() if not field.of_series
    }


def test_metadata_field() -> None:
    """A path in the metadata is a field of the series, whatever is in it."""
    field = metadata_field("a.$b..c")

    assert ("metadata.a.$b..c", "a.$b..c") == (field.name, field.path)
    assert (Kind.METADATA, True) == (field.kind, field.of_series)
    assert field != metadata_field("a.$b.c")


def test_fields_of_tracks() -> None:
    """All fields of series but metadata can be decided once for a track."""
    assert not metadata_field("a").of_track
    assert all(field.of_track == field.of_series for field in FIELDS.values())
    assert all(hasattr(series().track, name) for name, one in FIELDS.items() if one.of_track)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (EVERYTHING, False),
        (Comparison(FIELDS["meter"], Operator.EQ, "cpu"), False),
        (Comparison(metadata_field("a"), Operator.EQ, "cpu"), True),
        (AllOf((EVERYTHING, AnyOf((Not(Comparison(metadata_field("a"), Operator.EQ, 1)),)))), True),
    ],
)
def test_whether_a_filter_asks_for_metadata(asked: Filter, *, expected: bool) -> None:
    """Anywhere in it; or one of the fields beside it does."""
    assert expected == asks_metadata(asked)
    assert expected == asks_metadata(asked, [FIELDS["unit"], FIELDS["volume"]])
    assert asks_metadata(asked, [FIELDS["unit"], metadata_field("b")])


def test_questions_ask_for_everything_at_first() -> None:
    """Without a filter or range, a question is for all samples of all time."""
    everyone = AllProjects()
    for query in (
        SampleQuery(scope=everyone),
        ExtentQuery(scope=everyone),
        SummaryQuery(scope=everyone, windows=WholeRange(EVER)),
    ):
        assert (EVERYTHING, EVER) == (query.filter, query.range)


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (ExtentQuery, {}),
        (SummaryQuery, {"windows": WholeRange(EVER)}),
        (StreamQuery, {"cuts": Cuts(windows=WholeRange(EVER))}),
    ],
)
def test_who_asks_for_metadata_tells_series_apart(kind: type[Any], more: dict[str, Any]) -> None:
    """Of tracks nothing is asked that only some of their series match."""
    flavor = Not(Comparison(metadata_field("flavor"), Operator.EQ, "small"))
    asked = {"scope": AllProjects(), "filter": flavor, **more}

    assert kind(**asked).by_series
    with pytest.raises(ValueError, match="metadata"):
        kind(**asked, by_series=False)


def test_everything_and_nothing() -> None:
    """All of no conditions is everything, any of none is nothing; they are not the same."""
    assert AllOf(()) == EVERYTHING
    assert AnyOf(()) == NOTHING
    assert EVERYTHING != NOTHING


def test_filters_together() -> None:
    """As one list of comparisons: what matches everything adds nothing, and one alone is itself."""
    one, other = (Comparison(FIELDS[name], Operator.EQ, "a") for name in ("meter", "unit"))

    assert all_of() == all_of(EVERYTHING, AllOf(())) == EVERYTHING
    assert all_of(EVERYTHING, one) is one
    assert all_of(one, AllOf((other,))) == all_of(AllOf((one, other))) == AllOf((one, other))
