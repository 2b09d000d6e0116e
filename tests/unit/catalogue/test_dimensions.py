"""Dimensions, their values, and who was seen when, as they follow from the extents of series."""

from typing import Any

import pytest
import strategies
from builders import NOON, after_noon, field_of, submission
from hypothesis import given
from hypothesis import strategies as st

from metering.catalogue.dimensions import dimensions, presences, values
from metering.grouping import group_of
from metering.metadata import MAX_KEY_LENGTH
from metering.model import AllProjects, Project, Sample, Submission
from metering.query import (
    FIELDS,
    MAX_PATH_LENGTH,
    Comparison,
    ExtentQuery,
    Operator,
    SampleQuery,
)
from metering.storage.memory import MemoryStorage
from metering.times import Range

OF_SERIES = ["meter", "project_id", "resource_id", "source", "type", "unit", "user_id"]


def stored(*samples: dict[str, Any]) -> MemoryStorage:
    """A store of such samples."""
    storage = MemoryStorage()
    made = [submission(**{"id": f"s-{place}"} | one) for place, one in enumerate(samples)]
    storage.record(made, atomic=False)
    return storage


def asking(**query: Any) -> ExtentQuery:
    """A question of everyone, unless another scope is given."""
    return ExtentQuery(**{"scope": AllProjects()} | query)


def found(storage: MemoryStorage, name: str, **query: Any) -> list[str | None]:
    """The values of the dimension of that name."""
    return values(storage, asking(**query), field_of(name))


DEEP = {
    "a": {"b": {"c": 1}, "d": {}},
    "x.y": {"z": 2},
    "l": [{"m": 1}],
    "n": None,
    "": 3,
    "e": {"": 4},
}


def test_dimensions_are_fields_and_paths() -> None:
    """Every path that leads to a value, and none that leads to an object or nowhere."""
    names = dimensions(stored({"metadata": DEEP}, {"metadata": {"b": 1, "n": 2}}), asking())

    paths = ["a.b.c", "b", "e.", "l", "n", "x.y.z"]
    assert sorted([*OF_SERIES, *(f"metadata.{one}" for one in paths)]) == names


def test_each_dimension_has_values() -> None:
    """What is listed can be asked for, and gives what is there."""
    storage = stored({"metadata": DEEP})

    listed = dimensions(storage, asking())

    assert {
        "metadata.n": [None],
        "metadata.l": ["[{'m': 1}]"],
        "metadata.x.y.z": ["2"],
    }.items() <= {name: found(storage, name) for name in listed}.items()
    assert ["metadata.n"] == [name for name in listed if None in found(storage, name)]


def test_fields_are_there_without_samples() -> None:
    """They are known before there are any."""
    assert OF_SERIES == dimensions(stored(), asking())


def test_path_that_cannot_be_asked_for_is_none() -> None:
    """A question for it would be refused."""
    key = "k" * MAX_KEY_LENGTH
    longest = {key: {key: {key: {"k" * (MAX_PATH_LENGTH - 3 * MAX_KEY_LENGTH - 3): 1, key: 2}}}}
    storage = stored({"metadata": longest})

    (name,) = set(dimensions(storage, asking())) - set(OF_SERIES)

    assert MAX_PATH_LENGTH == len(name.removeprefix("metadata."))
    assert ["1"] == found(storage, name)


def test_values_are_texts_each_once_null_first() -> None:
    """As the groups of statistics, by code point."""
    storage = stored(
        *({"metadata": {"a": one}} for one in ("b", "B", "ü", "", 1, True, None, "1", 1.5, "b")),
        {"user_id": None},
    )

    assert [None, "", "1", "1.5", "B", "True", "b", "ü"] == found(storage, "metadata.a")
    assert [None, "u-1"] == found(storage, "user_id")
    assert ["gauge"] == found(storage, "type")
    assert [None] == found(storage, "metadata.z")


@given(
    samples=st.lists(strategies.samples(), max_size=5),
    path=st.sampled_from([one for one in strategies.PATHS if one]),
)
def test_values_are_those_of_groups(samples: list[Sample], path: str) -> None:
    """In the same order: whatever stands in the metadata."""
    storage = MemoryStorage()
    storage.record([Submission(one) for one in samples], atomic=False)
    field = field_of(f"metadata.{path}")

    kept = storage.samples(SampleQuery(scope=AllProjects()))
    groups = {group_of(one.series, (field,)) for one in kept}
    null_first = sorted(groups, key=lambda group: (group != (None,), group))
    assert [text for group in null_first for text in group] == values(storage, asking(), field)


def test_values_are_those_in_range_and_scope_that_match() -> None:
    """The end is not in the range; of others there is nothing."""
    storage = stored(
        {"user_id": "a"},
        {"user_id": "b", "timestamp": after_noon(10)},
        {"user_id": "c", "timestamp": after_noon(20), "meter": "disk"},
        {"user_id": "d", "project_id": "p-2"},
    )
    meter = Comparison(FIELDS["meter"], Operator.EQ, "disk")

    assert ["a", "b", "c"] == found(storage, "user_id", scope=Project("p-1"))
    assert ["a", "d"] == found(storage, "user_id", range=Range(NOON, after_noon(10)))
    assert ["b", "c"] == found(storage, "user_id", range=Range(after_noon(10)))
    assert ["c"] == found(storage, "user_id", filter=meter)
    assert [] == found(storage, "user_id", filter=meter, scope=Project("p-2"))


@pytest.mark.parametrize("name", ["project_id", "user_id", "source"])
def test_presences_have_first_and_last_sample(name: str) -> None:
    """Over all series of each, by id; null is nobody."""
    storage = stored(
        {name: "b", "timestamp": after_noon(5)},
        {name: "b", "resource_id": "vm-2", "timestamp": after_noon(9)},
        {name: "b", "resource_id": "vm-3", "timestamp": after_noon(1)},
        {name: "a", "timestamp": after_noon(7)},
        *([] if name == "source" else [{name: None}]),
    )

    seen = presences(storage, asking(), FIELDS[name])

    assert [("a", after_noon(7), after_noon(7)), ("b", after_noon(1), after_noon(9))] == [
        (one.id, one.first_sample_at, one.last_sample_at) for one in seen
    ]


def test_presences_are_of_what_was_asked_for() -> None:
    """Their samples too."""
    storage = stored({}, {"timestamp": after_noon(5)}, {"project_id": "p-2"})

    (one,) = presences(storage, asking(range=Range(after_noon(1))), FIELDS["project_id"])

    assert ("p-1", after_noon(5), after_noon(5)) == (
        one.id,
        one.first_sample_at,
        one.last_sample_at,
    )


def test_a_filter_may_ask_for_metadata() -> None:
    """Only samples under a description that matches count, whatever is listed."""
    storage = stored(
        {"project_id": "p-1", "metadata": {"a": 1}},
        {"project_id": "p-1", "metadata": {"a": 2}, "timestamp": after_noon(1)},
        {"project_id": "p-2", "metadata": {"a": 2}, "timestamp": after_noon(2)},
    )
    asked = asking(filter=Comparison(field_of("metadata.a"), Operator.EQ, 1))
    (only,) = presences(storage, asked, FIELDS["project_id"])

    assert ("p-1", NOON, NOON) == (only.id, only.first_sample_at, only.last_sample_at)
    assert ["p-1"] == values(storage, asked, FIELDS["project_id"])
    assert ["1"] == values(storage, asked, field_of("metadata.a"))
