"""What comparisons mean, by operator and kind; what of a filter can be decided on a series."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
import strategies
from builders import LATER, MILLISECOND, NOON, after_noon, sample, series
from hypothesis import assume, given
from hypothesis import strategies as st

from metering.errors import InvalidQuery
from metering.matching import (
    bounds,
    matches,
    matches_subject,
    range_of,
    reduced,
    required,
    without,
)
from metering.metadata import Metadata
from metering.model import Sample, Series, Track
from metering.query import (
    EVERYTHING,
    FIELDS,
    NOTHING,
    AllOf,
    AnyOf,
    Comparison,
    Filter,
    Not,
    Operator,
    asks_metadata,
    fields_of,
    metadata_field,
)
from metering.times import EVER, LAST, Range

EQ, NE, LT, LE = Operator.EQ, Operator.NE, Operator.LT, Operator.LE
GT, GE, IN, MATCHES = Operator.GT, Operator.GE, Operator.IN, Operator.MATCHES


def holds(kept: Any, operator: Operator, asked: Any) -> bool:
    """Whether a value in metadata compares so with what is asked; `...` means an absent key."""
    tree = {} if kept is ... else {"k": kept}
    return matches(Comparison(metadata_field("k"), operator, asked), sample(metadata=tree))


EQUAL = [
    (1, 1),
    (1, Decimal("1.0")),
    (Decimal("1.0"), 1),
    (2**80, 2**80),
    ("", ""),
    ("a", "a"),
    (True, True),
    (None, None),
    (..., None),
    ([], []),
    ([1, "a"], [1, "a"]),
    ([1, "a"], "a"),
    ([1, "a"], Decimal("1.0")),
    ([None], None),
    ([[1]], [1]),
    ([{"a": 1}], {"a": 1}),
    ({"a": 1}, {"a": Decimal("1.0")}),
    ({"a": {"b": [None]}}, {"a": {"b": [None]}}),
    ({}, {}),
]

UNEQUAL = [
    (1, 2),
    (1, "1"),
    ("1", 1),
    (1, True),
    (True, 1),
    (False, 0),
    (0, None),
    ("", None),
    ("None", None),
    (None, "None"),
    (False, None),
    (..., ""),
    (..., False),
    ("a", "A"),
    ("é", "e\u0301"),
    ([], None),
    ({}, None),
    ([1, 2], [2, 1]),
    ([1, 2], [1]),
    ([1, True], [1, 1]),
    ([[1]], 1),
    ([[1, 2]], [1]),
    ({"a": 1}, {"a": True}),
    ({"a": 1}, {"a": 1, "b": None}),
    ({"a": None}, {}),
    ([], {}),
    (2**80, 2**80 + 1),
    (Decimal("0.1"), Decimal("0.1000000000000000055511151231257827")),
]


@pytest.mark.parametrize(("kept", "asked"), EQUAL, ids=repr)
def test_equal(kept: Any, asked: Any) -> None:
    """Numbers are equal by value, a list also by element, null also where absent."""
    assert holds(kept, EQ, asked)
    assert not holds(kept, NE, asked)


@pytest.mark.parametrize(("kept", "asked"), UNEQUAL, ids=repr)
def test_unequal(kept: Any, asked: Any) -> None:
    """Values of different kinds are never equal, and NE is the exact opposite of EQ."""
    assert not holds(kept, EQ, asked)
    assert holds(kept, NE, asked)


@pytest.mark.parametrize("kept", [kept for kept, _ in EQUAL + UNEQUAL], ids=repr)
def test_equal_to_one_of_several(kept: Any) -> None:
    """What is chosen from is compared as by itself; a boolean is none of the numbers."""
    for one, two in pairwise([0, 1, Decimal("1.0"), "", "1", "a", "None", 2**80, Decimal("0.1")]):
        either = holds(kept, EQ, one) or holds(kept, EQ, two)
        assert either == holds(kept, IN, frozenset([one, two]))


@given(strategies.samples(), st.data())
def test_in_is_any_of_equals(one: Sample, data: st.DataObject) -> None:
    """On every field and path."""
    field = metadata_field(data.draw(st.sampled_from(strategies.PATHS)))
    chosen = data.draw(st.frozensets(strategies.CHOSEN))
    equals = AnyOf(tuple(Comparison(field, EQ, value) for value in chosen))

    assert matches(equals, one) == matches(Comparison(field, IN, chosen), one)


ORDERED = [
    (1, 2),
    (Decimal("9.5"), 10),
    (9, Decimal("9.000000000000000000000000001")),
    (-10, -9),
    ("10", "9"),
    ("A", "a"),
    ("", "a"),
    ("z", "é"),
    (False, True),
]


@pytest.mark.parametrize(("less", "greater"), ORDERED, ids=repr)
def test_order_of_unequal_values(less: Any, greater: Any) -> None:
    """Numbers are ordered by value and texts by code point."""
    assert [True, True, False, False] == [holds(less, each, greater) for each in (LT, LE, GT, GE)]
    assert [False, False, True, True] == [holds(greater, each, less) for each in (LT, LE, GT, GE)]


@pytest.mark.parametrize("value", [1, Decimal("1.5"), "a", "", True])
def test_order_of_equal_values(value: Any) -> None:
    """LE and GE hold for equal values, LT and GT do not."""
    assert [False, True, False, True] == [holds(value, each, value) for each in (LT, LE, GT, GE)]


OF_OTHER_KINDS = [
    (1, "2"),
    ("1", 2),
    (False, 2),
    (1, True),
    (None, 1),
    (..., 1),
    (1, None),
    (..., None),
    (None, None),
    ({"a": 1}, 2),
    ([], 1),
    ([[1]], 2),
    (1, [2]),
    ([1], [2]),
    ({}, {"a": 1}),
]


@pytest.mark.parametrize("operator", [LT, LE, GT, GE])
@pytest.mark.parametrize(("kept", "asked"), OF_OTHER_KINDS, ids=repr)
def test_no_order_between_kinds(kept: Any, asked: Any, operator: Operator) -> None:
    """Values of different kinds, containers and null are in no order."""
    assert not holds(kept, operator, asked)


def test_order_of_elements() -> None:
    """A list compares if one of its elements of that kind does."""
    assert holds([1, "x", 9], GT, 5)
    assert holds([1, "x", 9], LT, 5)
    assert not holds([1, "x", 9], GT, 9)
    assert holds([1, "x", 9], GE, "x")


@pytest.mark.parametrize(
    ("kept", "pattern", "expected"),
    [
        ("m1.tiny", "tiny", True),
        ("m1.tiny", "^tiny", False),
        ("m1.tiny", r"^m\d\.", True),
        ("m1.tiny", "TINY", False),
        ("m1.tiny", "(?i)TINY", True),
        ("", "^$", True),
        ("é", "^.$", True),
        (1, "1", False),
        (None, "", False),
        (..., "", False),
        (["a", "b"], "^b", True),
        ([["b"]], "b", False),
    ],
)
def test_search(kept: Any, pattern: str, *, expected: bool) -> None:
    """A pattern is searched in texts, anywhere in them; nothing else has one."""
    assert expected == holds(kept, MATCHES, pattern)


@pytest.mark.parametrize("pattern", ["(", "[", "*", r"(a)\1", "(?=a)"])
def test_pattern_that_cannot_be_searched(pattern: str) -> None:
    """A pattern that RE2 does not take is an invalid query."""
    with pytest.raises(InvalidQuery):
        holds("a", MATCHES, pattern)


def test_pattern_that_backtracks() -> None:
    """A pattern that takes other engines for ever is answered at once."""
    assert not holds("a" * 5000, MATCHES, "(a*)*b")


OF_SAMPLE = [
    ("id", EQ, "s-1", True),
    ("id", GT, "s", True),
    ("id", EQ, None, False),
    ("volume", EQ, 1, True),
    ("volume", EQ, Decimal("1.0"), True),
    ("volume", EQ, "1", False),
    ("volume", EQ, True, False),
    ("volume", LT, Decimal("1.000000000000000000000000001"), True),
    ("timestamp", EQ, NOON, True),
    ("timestamp", LT, NOON, False),
    ("timestamp", LE, NOON, True),
    ("timestamp", LT, after_noon(0.001), True),
    ("timestamp", EQ, "2015-06-01T12:00:00", False),
    ("recorded_at", GE, LATER, True),
    ("type", EQ, "gauge", True),
    ("project_id", EQ, "p-1", True),
    ("project_id", EQ, None, False),
    ("user_id", NE, None, True),
]


@pytest.mark.parametrize(("name", "operator", "value", "expected"), OF_SAMPLE)
def test_fields(name: str, operator: Operator, value: Any, *, expected: bool) -> None:
    """Every field is compared with a value of its kind."""
    asked = Comparison(FIELDS[name], operator, value)

    assert expected == matches(asked, sample())
    assert expected != matches(Not(asked), sample())


@pytest.mark.parametrize("name", ["project_id", "user_id"])
def test_absent_fields(name: str) -> None:
    """An absent field is null, unequal to everything else, and in no order."""
    found = [
        operator
        for operator in (EQ, NE, LT, LE, GT, GE, MATCHES)
        if matches(Comparison(FIELDS[name], operator, ""), sample(**{name: None}))
    ]

    assert [NE] == found
    assert matches(Comparison(FIELDS[name], EQ, None), sample(**{name: None}))


YES, NO = Comparison(FIELDS["id"], EQ, "s-1"), Comparison(FIELDS["id"], EQ, "x")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (EVERYTHING, True),
        (NOTHING, False),
        (AllOf((YES, YES)), True),
        (AllOf((YES, NO)), False),
        (AnyOf((NO, YES)), True),
        (AnyOf((NO, NO)), False),
        (Not(NO), True),
        (Not(Not(Not(YES))), False),
        (Not(AllOf((YES, NO))), True),
    ],
)
def test_trees(asked: Filter, *, expected: bool) -> None:
    """And, or and not."""
    assert expected == matches(asked, sample())


@given(strategies.filters, strategies.samples())
def test_not_is_the_opposite(asked: Filter, one: Sample) -> None:
    """A filter or its negation matches, never both."""
    assert matches(asked, one) != matches(Not(asked), one)


@given(strategies.filters, strategies.samples())
def test_reduced_filter_agrees(asked: Filter, one: Sample) -> None:
    """What is left of a filter after its series was looked at matches the same samples."""
    assert matches(asked, one) == matches(reduced(asked, one.series), one)


@given(strategies.filters, strategies.samples())
def test_filter_reduced_to_a_track_agrees(asked: Filter, one: Sample) -> None:
    """After its track was looked at too; what is left asks nothing more of the track."""
    left = reduced(asked, one.series.track)

    assert matches(asked, one) == matches(left, one)
    assert not any(field.of_track for field in fields_of(left))


@given(strategies.filters, strategies.samples())
def test_filter_is_reduced_in_steps(asked: Filter, one: Sample) -> None:
    """To look at the track first and then at the series leaves what the series alone does."""
    assert reduced(asked, one.series) == reduced(reduced(asked, one.series.track), one.series)


@given(strategies.series_filters, strategies.samples())
def test_filter_of_series_is_decided(asked: Filter, one: Sample) -> None:
    """A filter that has only fields of series is decided on the series, once for all samples."""
    assert reduced(asked, one.series) in (EVERYTHING, NOTHING)
    assert matches(asked, one) == matches_subject(asked, one.series)


LARGE = Comparison(FIELDS["volume"], GT, 1)
OURS, THEIRS = Comparison(FIELDS["meter"], EQ, "cpu"), Comparison(FIELDS["meter"], NE, "cpu")


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        (OURS, EVERYTHING),
        (THEIRS, NOTHING),
        (LARGE, LARGE),
        (AllOf((OURS, LARGE)), LARGE),
        (AllOf((THEIRS, LARGE)), NOTHING),
        (AnyOf((OURS, LARGE)), EVERYTHING),
        (AnyOf((THEIRS, LARGE)), LARGE),
        (AllOf((LARGE, YES, OURS)), AllOf((LARGE, YES))),
        (Not(AllOf((OURS, LARGE))), Not(LARGE)),
        (Not(THEIRS), EVERYTHING),
        (Not(OURS), NOTHING),
    ],
)
def test_what_is_left_is_small(asked: Filter, left: Filter) -> None:
    """Conditions on the series, or on the track, vanish from what is asked of samples."""
    assert left == reduced(asked, series())
    assert left == reduced(asked, series().track)


SMALL = Comparison(metadata_field("flavor"), EQ, "small")


@pytest.mark.parametrize(
    ("asked", "of_track", "of_series"),
    [
        (SMALL, SMALL, EVERYTHING),
        (Not(SMALL), Not(SMALL), NOTHING),
        (AllOf((OURS, SMALL)), SMALL, EVERYTHING),
        (AllOf((SMALL, THEIRS)), NOTHING, NOTHING),
        (AnyOf((THEIRS, SMALL)), SMALL, EVERYTHING),
        (AnyOf((SMALL, OURS)), EVERYTHING, EVERYTHING),
        (AllOf((OURS, SMALL, LARGE)), AllOf((SMALL, LARGE)), LARGE),
        (AllOf((LARGE, Not(SMALL))), AllOf((LARGE, Not(SMALL))), NOTHING),
    ],
)
def test_a_track_leaves_metadata(asked: Filter, of_track: Filter, of_series: Filter) -> None:
    """Conditions on metadata are left to ask of a track's series, which decide them."""
    known = series(metadata={"flavor": "small"})

    assert of_track == reduced(asked, known.track)
    assert of_series == reduced(asked, known)


@given(strategies.series_filters, strategies.tracks)
def test_filter_without_metadata_is_decided_on_a_track(asked: Filter, track: Track) -> None:
    """As it is on a series of the track, whatever its metadata."""
    assume(not asks_metadata(asked))

    assert (reduced(asked, track) == EVERYTHING) == matches_subject(asked, track)
    assert reduced(asked, track) in (EVERYTHING, NOTHING)
    assert matches_subject(asked, track) == matches_subject(asked, Series(track, Metadata.of({})))


@given(strategies.filters, strategies.samples())
def test_nothing_matches_out_of_bounds(asked: Filter, one: Sample) -> None:
    """A sample that matches lies within the bounds of the filter."""
    assert not matches(asked, one) or one.timestamp in bounds(asked)


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        (EQ, Range(NOON, after_noon(0.001))),
        (NE, EVER),
        (LT, Range(None, NOON)),
        (LE, Range(None, after_noon(0.001))),
        (GT, Range(after_noon(0.001), None)),
        (GE, Range(NOON, None)),
    ],
)
def test_range_of(operator: Operator, expected: Range) -> None:
    """Each comparison with an instant is a half-open range."""
    asked = Comparison(FIELDS["timestamp"], operator, NOON)

    assert expected == range_of(operator, NOON) == bounds(asked)
    for instant in (NOON - MILLISECOND, NOON, NOON + MILLISECOND):
        inside = instant in expected
        assert operator is NE or inside == matches(asked, sample(timestamp=instant))


def test_bounds_of_trees() -> None:
    """Conditions that all must hold narrow the bounds; others say nothing."""
    start = Comparison(FIELDS["timestamp"], GE, NOON)
    end = Comparison(FIELDS["timestamp"], LT, after_noon(9))

    assert Range(NOON, after_noon(9)) == bounds(AllOf((start, AllOf((end, OURS)))))
    assert EVER == bounds(AnyOf((start, end)))
    assert EVER == bounds(Not(start))
    assert EVER == bounds(Comparison(FIELDS["recorded_at"], GE, NOON))
    assert EVER == bounds(EVERYTHING)


@given(strategies.filters, strategies.samples())
def test_required_values(asked: Filter, one: Sample) -> None:
    """A sample that matches has every value that the filter plainly requires."""
    for name in ("source", "meter", "resource_id", "project_id", "id"):
        for value in required(asked, FIELDS[name]):
            exact = Comparison(FIELDS[name], EQ, value)

            assert not matches(asked, one) or matches(exact, one)


def test_required_is_what_is_plain_to_see() -> None:
    """Values under `and` are required; under `or` and `not` nothing is known."""
    assert ["cpu"] == required(AllOf((LARGE, AllOf((OURS,)))), FIELDS["meter"])
    assert [] == required(AnyOf((OURS, OURS)), FIELDS["meter"])
    assert [] == required(Not(OURS), FIELDS["meter"])
    assert [] == required(THEIRS, FIELDS["meter"])
    assert [] == required(OURS, FIELDS["source"])


@pytest.mark.parametrize("operator", [Operator.EQ, Operator.LE, Operator.GE])
def test_end_of_time_is_within_bounds(operator: Operator) -> None:
    """The last instant that there is can be asked for."""
    asked = Comparison(FIELDS["timestamp"], operator, LAST)

    assert LAST in bounds(asked)


def test_nothing_is_after_the_end_of_time() -> None:
    """No instant is later than the last."""
    assert bounds(Comparison(FIELDS["timestamp"], Operator.GT, LAST)).is_empty


@given(strategies.filters, strategies.samples())
def test_what_is_known_is_not_asked_again(asked: Filter, one: Sample) -> None:
    """Of a sample whose fields are as is known, the rest of the filter says the same."""
    known = {name: getattr(one.series, name) for name in ("meter", "resource_id", "project_id")}

    assert matches(asked, one) == matches(without(asked, known), one)


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        (OURS, EVERYTHING),
        (AllOf((OURS, AllOf((OURS, LARGE)))), LARGE),
        (AllOf((OURS, OURS)), EVERYTHING),
        (THEIRS, THEIRS),
        (AnyOf((OURS, LARGE)), AnyOf((OURS, LARGE))),
        (Comparison(FIELDS["meter"], EQ, "memory"), Comparison(FIELDS["meter"], EQ, "memory")),
        (Comparison(FIELDS["unit"], EQ, "cpu"), Comparison(FIELDS["unit"], EQ, "cpu")),
    ],
)
def test_what_is_not_known_is_left(asked: Filter, left: Filter) -> None:
    """Equalities that are known vanish where all parts must hold."""
    assert left == without(asked, {"meter": "cpu"})
