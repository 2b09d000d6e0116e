"""What filters match, asked of samples; the same table for every driver."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from builders import LATER, NOON, after_noon, sample
from contract.asking import ids, keep, resources, summaries
from contract.stores import Driver

from metering.model import MeterType, Project
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
    metadata_field,
)
from metering.storage.base import Storage

HISTORY = {
    "a": sample(metadata={"n": 1, "size": "5", "tags": ["x", "y"], "net": {"ip": "10.0.0.1"}}),
    "b": sample(
        meter="disk",
        type=MeterType.DELTA,
        unit="",
        volume=10,
        timestamp=after_noon(0.001),
        metadata={"n": "1", "size": 5, "tags": [], "net": [{"ip": "10.0.0.2"}, {"ip": "x"}]},
    ),
    "c": sample(
        project_id=None,
        user_id=None,
        volume="9.5",
        timestamp=after_noon(1),
        recorded_at=after_noon(2),
        metadata={"n": True, "net.ip": "10.0.0.3", "$set": {"$inc": 1}, "": {"": "empty"}},
    ),
    "d": sample(
        source="p-2:s",
        resource_id="VM-1",
        project_id="",
        volume=-1,
        timestamp=after_noon(1.001),
        metadata={"n": None, "size": Decimal("5.0"), "tags": "x", "net": {"ip": None}},
    ),
    "e": sample(
        source="p-2:s",
        resource_id="é",
        project_id="p-2",
        volume=0,
        timestamp=after_noon(2),
        metadata={"size": 10, "tags": [["x"], 5, {"k": "v"}], "deep": {"a": {"b.c": {"d": 0}}}},
    ),
}

EQ, NE, LT, LE, GT, GE, MATCHES = (
    Operator.EQ,
    Operator.NE,
    Operator.LT,
    Operator.LE,
    Operator.GT,
    Operator.GE,
    Operator.MATCHES,
)


def field(name: str, operator: Operator, value: Any) -> Comparison:
    """A comparison of a field, or of metadata if the name has that prefix."""
    path = name.removeprefix("metadata.")
    return Comparison(metadata_field(path) if path != name else FIELDS[name], operator, value)


def row(name: str, operator: Operator, value: Any, expected: str) -> Any:
    """A row of the table, named after what it asks."""
    text = value.strftime("%S.%f") if isinstance(value, datetime) else repr(value)
    return pytest.param(field(name, operator, value), expected, id=f"{name}-{operator}-{text}")


COMPARISONS = [
    row("source", EQ, "p-2:s", "de"),
    row("source", NE, "p-2:s", "abc"),
    row("meter", EQ, "disk", "b"),
    row("meter", EQ, "Disk", ""),
    row("meter", LT, "d", "acde"),
    row("meter", GE, "cpu", "abcde"),
    row("meter", GT, "cpu", "b"),
    row("type", EQ, "delta", "b"),
    row("type", NE, "gauge", "b"),
    row("unit", EQ, "", "b"),
    row("unit", GT, "", "acde"),
    row("unit", LE, "", "b"),
    row("resource_id", EQ, "VM-1", "d"),
    row("resource_id", EQ, "é", "e"),
    row("resource_id", EQ, "e\u0301", ""),
    row("resource_id", GT, "vm", "abce"),
    row("resource_id", EQ, 1, ""),
    row("resource_id", NE, 1, "abcde"),
    row("project_id", EQ, "p-1", "ab"),
    row("project_id", NE, "p-1", "cde"),
    row("project_id", EQ, None, "c"),
    row("project_id", NE, None, "abde"),
    row("project_id", EQ, "", "d"),
    row("project_id", GE, "", "abde"),
    row("project_id", LT, "p-2", "abd"),
    row("project_id", EQ, "None", ""),
    row("user_id", NE, "u-1", "c"),
    row("id", EQ, "a", "a"),
    row("id", NE, "a", "bcde"),
    row("id", EQ, "A", ""),
    row("id", EQ, None, ""),
    row("id", NE, None, "abcde"),
    row("id", GT, "c", "de"),
    row("volume", EQ, 10, "b"),
    row("volume", EQ, Decimal("10.00"), "b"),
    row("volume", NE, Decimal("9.5"), "abde"),
    row("volume", EQ, "10", ""),
    row("volume", NE, "10", "abcde"),
    row("volume", EQ, True, ""),
    row("volume", LT, 10, "acde"),
    row("volume", LE, Decimal("9.5"), "acde"),
    row("volume", GT, 0, "abc"),
    row("volume", GE, 0, "abce"),
    row("volume", GT, Decimal("9.499999999999999999999999999"), "bc"),
    row("volume", GT, "0", ""),
    row("timestamp", EQ, NOON, "a"),
    row("timestamp", NE, NOON, "bcde"),
    row("timestamp", LT, after_noon(1), "ab"),
    row("timestamp", LE, after_noon(1), "abc"),
    row("timestamp", GT, after_noon(1), "de"),
    row("timestamp", GE, after_noon(1), "cde"),
    row("timestamp", GT, after_noon(0.999), "cde"),
    row("timestamp", EQ, after_noon(0.002), ""),
    row("recorded_at", EQ, LATER, "abde"),
    row("recorded_at", LT, LATER, "c"),
    row("metadata.n", EQ, 1, "a"),
    row("metadata.n", EQ, Decimal("1.0"), "a"),
    row("metadata.n", EQ, "1", "b"),
    row("metadata.n", EQ, True, "c"),
    row("metadata.n", EQ, False, ""),
    row("metadata.n", EQ, None, "de"),
    row("metadata.n", NE, None, "abc"),
    row("metadata.n", NE, 1, "bcde"),
    row("metadata.n", GE, 0, "a"),
    row("metadata.n", GE, "", "b"),
    row("metadata.n", GE, False, "c"),
    row("metadata.n", GT, True, ""),
    row("metadata.size", EQ, 5, "bd"),
    row("metadata.size", EQ, "5", "a"),
    row("metadata.size", GT, 5, "e"),
    row("metadata.size", LE, 10, "bde"),
    row("metadata.size", LT, "6", "a"),
    row("metadata.size", EQ, None, "c"),
    row("metadata.size", NE, 5, "ace"),
    row("metadata.tags", EQ, "x", "ad"),
    row("metadata.tags", NE, "x", "bce"),
    row("metadata.tags", EQ, ["x", "y"], "a"),
    row("metadata.tags", EQ, ["y", "x"], ""),
    row("metadata.tags", EQ, [], "b"),
    row("metadata.tags", EQ, ["x"], "e"),
    row("metadata.tags", EQ, {"k": "v"}, "e"),
    row("metadata.tags", GT, 4, "e"),
    row("metadata.tags", EQ, None, "c"),
    row("metadata.tags.0", EQ, "x", "ae"),
    row("metadata.tags.1", EQ, 5, "e"),
    row("metadata.tags.7", EQ, None, "abcde"),
    row("metadata.tags.k", EQ, "v", "e"),
    row("metadata.net.ip", EQ, "10.0.0.1", "a"),
    row("metadata.net.ip", EQ, "10.0.0.2", "b"),
    row("metadata.net.ip", EQ, "10.0.0.3", "c"),
    row("metadata.net.ip", EQ, None, "de"),
    row("metadata.net.ip", NE, "10.0.0.1", "bcde"),
    row("metadata.net.0.ip", EQ, "10.0.0.2", "b"),
    row("metadata.net", EQ, {"ip": "10.0.0.1"}, "a"),
    row("metadata.$set.$inc", EQ, 1, "c"),
    row("metadata.$set", EQ, {"$inc": 1}, "c"),
    row("metadata..", EQ, "empty", "c"),
    row("metadata.deep.a.b.c.d", EQ, 0, "e"),
    row("metadata.deep.a.b.c.d", NE, 0, "abcd"),
    row("metadata.deep.a.b.c.d", EQ, False, ""),
    row("metadata.nowhere", EQ, None, "abcde"),
    row("metadata.nowhere", NE, 1, "abcde"),
    row("metadata.nowhere", LT, 1, ""),
    row("meter", MATCHES, "p", "acde"),
    row("meter", MATCHES, "^(cpu|disk)$", "abcde"),
    row("meter", MATCHES, "CPU", ""),
    row("resource_id", MATCHES, "(?i)^vm", "abcd"),
    row("resource_id", MATCHES, "^.$", "e"),
    row("user_id", MATCHES, "", "abde"),
    row("id", MATCHES, "[bd]", "bd"),
    row("volume", MATCHES, "1", ""),
    row("metadata.n", MATCHES, "1", "b"),
    row("metadata.tags", MATCHES, "^x", "ad"),
    row("metadata.net.ip", MATCHES, r"\.\d$", "abc"),
]

OURS, ABSENT, LARGE = field("meter", EQ, "cpu"), field("user_id", EQ, "x"), field("volume", GT, 9)

ONE, TRUE = field("volume", EQ, 1), field("volume", EQ, True)
TREES = [
    pytest.param(EVERYTHING, "abcde", id="everything"),
    pytest.param(NOTHING, "", id="nothing"),
    pytest.param(Not(NOTHING), "abcde", id="not-nothing"),
    pytest.param(Not(EVERYTHING), "", id="not-everything"),
    pytest.param(AllOf((OURS, LARGE)), "c", id="all-of"),
    pytest.param(AnyOf((OURS, LARGE)), "abcde", id="any-of"),
    pytest.param(AllOf((OURS, Not(LARGE))), "ade", id="and-not"),
    pytest.param(Not(AllOf((OURS, LARGE))), "abde", id="not-all"),
    pytest.param(Not(AnyOf((Not(OURS), LARGE))), "ade", id="not-any"),
    pytest.param(Not(Not(Not(LARGE))), "ade", id="three-nots"),
    pytest.param(Not(field("user_id", EQ, "u-1")), "c", id="not-where-absent"),
    pytest.param(Not(field("metadata.n", EQ, 1)), "bcde", id="not-where-key-is-absent"),
    pytest.param(Not(field("metadata.size", GT, 5)), "abcd", id="not-greater"),
    pytest.param(AnyOf((field("id", EQ, "a"), field("id", EQ, "e"))), "ae", id="either-id"),
    pytest.param(AllOf((field("id", EQ, "a"), field("id", EQ, "e"))), "", id="both-ids"),
    pytest.param(AllOf((field("id", EQ, "b"), OURS)), "", id="id-of-another-meter"),
    pytest.param(AllOf((field("id", EQ, "c"), LARGE)), "c", id="id-and-volume"),
    pytest.param(Not(field("id", EQ, "a")), "bcde", id="not-an-id"),
    pytest.param(AnyOf((AllOf((OURS, ONE)), AllOf((Not(OURS), TRUE)))), "a", id="one-or-true"),
    pytest.param(AnyOf((AllOf((OURS, TRUE)), AllOf((Not(OURS), ONE)))), "", id="true-or-one"),
    pytest.param(Not(field("volume", EQ, [1])), "abcde", id="not-a-list"),
    pytest.param(
        AllOf((field("timestamp", GE, after_noon(0.001)), field("timestamp", LT, after_noon(2)))),
        "bcd",
        id="between",
    ),
    pytest.param(
        AnyOf((field("timestamp", LT, after_noon(0.001)), field("timestamp", GE, after_noon(2)))),
        "ae",
        id="outside",
    ),
    pytest.param(Not(field("timestamp", LT, after_noon(1))), "cde", id="not-before"),
    pytest.param(
        AllOf((field("project_id", EQ, "p-1"), field("project_id", EQ, "p-2"))), "", id="two-owners"
    ),
    pytest.param(AnyOf((AllOf((OURS, LARGE)), AllOf((Not(OURS), Not(ABSENT))))), "bc", id="nested"),
    pytest.param(AllOf((AnyOf((OURS, LARGE)), AllOf(()), Not(ABSENT))), "abcde", id="padded"),
]


@pytest.fixture(scope="module")
def kept(driver: Driver) -> Iterator[Storage]:
    """A store with the history, which the tests below only read."""
    with driver.fresh() as storage:
        keep(storage, *(_renamed(name) for name in HISTORY))
        yield storage


def _renamed(name: str) -> Any:
    one = HISTORY[name]
    return type(one)(
        series=one.series,
        id=name,
        timestamp=one.timestamp,
        volume=one.volume,
        recorded_at=one.recorded_at,
    )


@pytest.mark.parametrize(("asked", "expected"), COMPARISONS)
def test_comparison(kept: Storage, asked: Filter, expected: str) -> None:
    """One condition finds exactly the samples that it says."""
    assert expected == "".join(sorted(ids(kept, filter=asked)))


@pytest.mark.parametrize(("asked", "expected"), TREES)
def test_tree(kept: Storage, asked: Filter, expected: str) -> None:
    """Conditions are joined by and, or and not, as deep as one likes."""
    assert expected == "".join(sorted(ids(kept, filter=asked)))


@pytest.mark.parametrize(("asked", "expected"), COMPARISONS + TREES)
def test_negation(kept: Storage, asked: Filter, expected: str) -> None:
    """Not is the exact opposite: what one finds the other does not, and nothing is lost."""
    assert "".join(sorted(HISTORY.keys() - set(expected))) == "".join(
        sorted(ids(kept, filter=Not(asked)))
    )


@pytest.mark.parametrize(("asked", "expected"), COMPARISONS + TREES)
def test_scope_comes_first(kept: Storage, asked: Filter, expected: str) -> None:
    """The same filter in the scope of a project finds the same, without foreign samples."""
    ours = "".join(name for name in expected if HISTORY[name].series.project_id == "p-1")

    assert ours == "".join(sorted(ids(kept, filter=asked, scope=Project("p-1"))))


@pytest.mark.parametrize(("asked", "expected"), COMPARISONS + TREES)
def test_summaries_are_of_the_same_samples(kept: Storage, asked: Filter, expected: str) -> None:
    """Summaries are made of exactly the samples that the filter finds."""
    found = summaries(kept, filter=asked)

    assert {HISTORY[name].series: HISTORY[name].volume for name in expected} == {
        series: one.sum for (series, _), one in found.items()
    }


def _is_of_series(asked: Filter) -> bool:
    match asked:
        case Comparison(about):
            return about.of_series
        case Not(part):
            return _is_of_series(part)
    return all(map(_is_of_series, asked.parts))


SERIES_ONLY = [case for case in COMPARISONS + TREES if _is_of_series(case.values[0])]


@pytest.mark.parametrize(("asked", "expected"), SERIES_ONLY)
def test_extents_are_of_the_same_series(kept: Storage, asked: Filter, expected: str) -> None:
    """A filter on series finds the series of the samples that it finds."""
    assert sorted(HISTORY[name].series.resource_id for name in expected) == resources(
        kept, filter=asked
    )


def test_newest_first_whatever_the_filter(kept: Storage) -> None:
    """A filter takes samples away and leaves the order."""
    assert ids(kept, filter=OURS) == ["e", "d", "c", "a"]
    assert ids(kept, filter=LARGE) == ["c", "b"]
