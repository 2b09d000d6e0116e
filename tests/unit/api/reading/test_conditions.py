"""`q`, `limit` and `period`: how they become questions."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from builders import MILLISECOND, NOON

from metering.api.framework.declare import Condition
from metering.api.reading.conditions import (
    METER_FIELDS,
    RESOURCE_FIELDS,
    SAMPLE_FIELDS,
    Conditions,
    Fields,
    check_project,
    read_conditions,
)
from metering.api.reading.extents import SERIES_FIELDS
from metering.api.reading.limits import read_limit
from metering.api.reading.statistics import read_period
from metering.config import load
from metering.errors import InvalidQuery, MeteringError, Unauthorized
from metering.model import AllProjects, Project
from metering.query import FIELDS, AllOf, Comparison, Operator
from metering.times import EVER, Range

CONFIG = load().api
TEXT = "2015-06-01T12:00:00"
SAMPLE_NAMES = [
    *("source", "meter", "type", "unit", "resource_id", "project_id", "user_id", "id", "volume"),
    *("timestamp", "recorded_at", "user", "project", "resource", "message_id"),
]


def condition(field: Any, value: Any = "x", op: Any = None, type_: Any = None) -> Condition:
    """A condition as WSME reads one."""
    return Condition(field=field, value=value, op=op, type=type_)


def read(*parts: tuple[Any, ...], fields: Fields = SAMPLE_FIELDS) -> Conditions:
    """What such conditions ask, of everyone."""
    return read_conditions([condition(*one) for one in parts], fields, AllProjects(), CONFIG)


def fault(*parts: tuple[Any, ...], fields: Fields = SAMPLE_FIELDS) -> MeteringError:
    """Why such conditions are refused."""
    with pytest.raises(InvalidQuery) as caught:
        read(*parts, fields=fields)
    return caught.value


def test_nothing_asked() -> None:
    """Without conditions everything matches."""
    assert Conditions(filter=AllOf(())) == read()


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("lt", Range(None, NOON)),
        ("le", Range(None, NOON + MILLISECOND)),
        ("gt", Range(NOON + MILLISECOND, None)),
        ("ge", Range(NOON, None)),
        ("eq", Range(NOON, NOON + MILLISECOND)),
        (None, Range(NOON, NOON + MILLISECOND)),
        ("", Range(NOON, NOON + MILLISECOND)),
    ],
)
def test_time_is_half_open(operator: str | None, expected: Range) -> None:
    """Each operator on the timestamp is a half-open range, and no filter."""
    asked = read(("timestamp", TEXT, operator))

    assert (expected, AllOf(())) == (asked.range, asked.filter)


def test_unequal_time_is_a_filter() -> None:
    """`ne` is no range."""
    asked = read(("timestamp", TEXT, "ne"))

    expected = AllOf((Comparison(FIELDS["timestamp"], Operator.NE, NOON),))
    assert (expected, EVER, None) == (asked.filter, asked.range, asked.lower)


@pytest.mark.parametrize(
    ("parts", "lower", "upper"),
    [
        ([("ge", 0)], 0, None),
        ([("gt", 0)], 0, None),
        ([("le", 0)], None, 0),
        ([("eq", 0)], 0, 0),
        ([("ge", 0), ("gt", 5), ("lt", 9), ("le", 7)], 5, 7),
        ([("ne", 0)], None, None),
    ],
)
def test_tightest_bounds(
    parts: list[tuple[str, int]], lower: int | None, upper: int | None
) -> None:
    """The bounds are those given, the tightest of each side."""

    def at(seconds: int | None) -> datetime | None:
        return None if seconds is None else NOON + timedelta(seconds=seconds)

    asked = read(*(("timestamp", at(seconds).isoformat(), op) for op, seconds in parts))

    assert (at(lower), at(upper)) == (asked.lower, asked.upper)


def test_search_offset_widens() -> None:
    """The range grows on both sides, the anchor moves, the bounds stay."""
    asked = read(("timestamp", TEXT, "ge"), ("timestamp", TEXT, "lt"), ("search_offset", "2"))

    two = timedelta(minutes=2)
    assert (Range(NOON - two, NOON + two), NOON - two, NOON, NOON) == (
        asked.range,
        asked.anchor,
        asked.lower,
        asked.upper,
    )


@pytest.mark.parametrize("name", SAMPLE_NAMES)
def test_fields_of_samples(name: str) -> None:
    """Samples are asked by every field, under v2's names too; an empty value drops it."""
    assert AllOf(()) == read((name, "")).filter


@pytest.mark.parametrize("name", ["source", "meter", "unit", "project_id", "user", "metadata.a"])
def test_empty_text_is_a_value_where_v2_was_not(name: str) -> None:
    """On endpoints that v2 did not have an empty value is compared like any other text."""
    (leaf,) = read((name, ""), fields=SERIES_FIELDS).filter.parts

    assert (Operator.EQ, "") == (leaf.operator, leaf.value)


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("timestamp", "", "q.value"),
        ("recorded_at", "", "q.value"),
        ("volume", "", "q.value"),
        ("search_offset", "", "q.value"),
        ("project", None, "q[0].value"),
        ("timestamp", None, "q[0].value"),
        ("metadata.a", None, "q[0].value"),
    ],
)
def test_no_condition_is_lost_where_v2_was_not(name: str, value: str | None, field: str) -> None:
    """There what can be no value of the field is refused, null always."""
    every = replace(SAMPLE_FIELDS, empty_drops=False, drops_nothing=True)

    assert field == fault((name, value), fields=every).field


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        *[(name, RESOURCE_FIELDS) for name in ("meter", "type", "unit", "id", "volume")],
        *[(name, METER_FIELDS) for name in ("id", "volume", "timestamp", "recorded_at")],
        *[("search_offset", METER_FIELDS), ("search_offset ", SAMPLE_FIELDS)],
        *[(name, SAMPLE_FIELDS) for name in ("", "metadata", "User", "resource_id ")],
    ],
)
def test_fields_that_are_none(name: str, fields: Fields) -> None:
    """A field of another list is unknown, and the valid ones are named."""
    refused = fault((name, "1"), fields=fields)

    assert "q.field" == refused.field
    assert f'Unknown argument: "{name}"' in refused.message


@pytest.mark.parametrize("fields", [SAMPLE_FIELDS, RESOURCE_FIELDS, METER_FIELDS])
@pytest.mark.parametrize("prefix", ["metadata", "resource_metadata"])
def test_metadata_everywhere(prefix: str, fields: Fields) -> None:
    """Metadata are asked for under both prefixes, empty values included."""
    (leaf,) = read((f"{prefix}.a..b", ""), fields=fields).filter.parts

    assert ("a..b", "") == (leaf.field.path, leaf.value)


@pytest.mark.parametrize(
    ("part", "field"),
    [
        ((None, "x"), "q[0].field"),
        (("user", "x", "like"), "q[0].op"),
        (("volume", "x"), "q.value"),
        (("timestamp", "x"), "q.value"),
        (("metadata.a", "x", None, "blob"), "q.type"),
        (("metadata.a", "x", None, "integer"), "q.value"),
        (("search_offset", "1"), "q.field"),
        (("search_offset", "x"), "q.value"),
        (("search_offset", "1", "lt"), "q.op"),
    ],
)
def test_place_of_a_fault(part: tuple[Any, ...], field: str) -> None:
    """What is wrong in a condition is named."""
    assert field == fault(part).field


def test_most_conditions() -> None:
    """There is a limit to how much can be asked at once."""
    assert 50 == len(read(*[("user", "x")] * 50).filter.parts)
    assert "q" == fault(*[("user", "x")] * 51).field


@pytest.mark.parametrize("asked", ["p-2", "", None, "P-1", 7])
def test_project_of_another(asked: object) -> None:
    """Who is confined to a project may name no other."""
    with pytest.raises(Unauthorized):
        check_project(asked, Project("p-1"))


def test_project_of_the_caller() -> None:
    """The own project may be named, and an administrator may name any."""
    check_project("p-1", Project("p-1"))
    check_project("p-2", AllProjects())


@pytest.mark.parametrize(
    ("limit", "expected"),
    [(None, 50), (1, 1), (200, 200), (201, 200), (10**40, 200)],
)
def test_limit(limit: int | None, expected: int) -> None:
    """The default, or what was asked for up to the most."""
    options = [("api", "default_limit", 50), ("api", "max_limit", 200)]

    assert expected == read_limit(limit, load(overrides=options).api)


@pytest.mark.parametrize("limit", [0, -1, -(10**30)])
def test_limit_is_positive(limit: int) -> None:
    """No row at all cannot be asked for."""
    with pytest.raises(InvalidQuery, match="Limit must be positive"):
        read_limit(limit, CONFIG)


@pytest.mark.parametrize(("period", "expected"), [(None, 0), (0, 0), (1, 1), (86400, 86400)])
def test_period(period: int | None, expected: int) -> None:
    """A period is whole seconds, zero for none."""
    assert expected == read_period(period)


@pytest.mark.parametrize("period", [-1, 10**14, 10**30])
def test_period_in_the_calendar(period: int) -> None:
    """A period is not negative, and fits into the calendar."""
    with pytest.raises(InvalidQuery) as caught:
        read_period(period)

    assert "period" == caught.value.field
