"""Meters and resources, as they follow from the extents of series."""

from collections.abc import Collection, Iterator
from typing import Any

import pytest
from builders import LATER, MILLISECOND, NOON, after_noon, submission

from metering.catalogue.resources import (
    CatalogueQuery,
    described,
    meter_order,
    meters,
    newest,
    resources,
    seen,
)
from metering.model import (
    AllProjects,
    Extent,
    MeterType,
    Place,
    Project,
    Sample,
    Subject,
)
from metering.query import FIELDS, AllOf, AnyOf, Comparison, Filter, Not, Operator, metadata_field
from metering.storage.memory import MemoryStorage
from metering.times import Range


class Counting(MemoryStorage):
    """Notes at which places it is asked for samples, which takes the metadata of the newest."""

    places: list[Place]

    def samples_at(self, places: Collection[Place]) -> Iterator[Sample]:
        """The same."""
        self.places += places
        return super().samples_at(places)


def stored(*samples: dict[str, Any]) -> Counting:
    """A store of such samples."""
    storage = Counting()
    storage.places = []
    made = [submission(**{"id": f"s-{place}"} | one) for place, one in enumerate(samples)]
    storage.record(made, atomic=False)
    return storage


def asking(filter_: Filter = AllOf(()), **query: Any) -> CatalogueQuery:  # noqa: B008 - immutable
    """A question of everyone, unless another scope is given."""
    return CatalogueQuery(**{"scope": AllProjects(), "filter": filter_} | query)


def equal(name: str, value: Any) -> Filter:
    """A comparison of a field, or of metadata."""
    field = FIELDS.get(name) or metadata_field(name)
    return Comparison(field, Operator.EQ, value)


MOVED = (
    {"project_id": "p-1", "metadata": {"a": 1}},
    {"project_id": "p-2", "metadata": {"a": 2}, "timestamp": after_noon(10), "meter": "disk"},
)


def test_resource_is_described_by_its_newest_sample() -> None:
    """Owner and metadata are the newest, the bounds those of all samples, the meters all."""
    (resource,) = resources(stored(*MOVED), asking())

    assert ("p-2", {"a": 2}, NOON, after_noon(10), ("cpu", "disk")) == (
        resource.project_id,
        resource.metadata.tree,
        resource.first_sample_at,
        resource.last_sample_at,
        resource.meters,
    )


@pytest.mark.parametrize(
    ("filter_", "found"),
    [
        (equal("project_id", "p-2"), 1),
        (equal("project_id", "p-1"), 0),
        (equal("a", 2), 1),
        (equal("a", 1), 0),
        (Not(equal("a", 1)), 1),
        (AnyOf((equal("project_id", "p-1"), equal("a", 2))), 1),
        (AllOf((equal("resource_id", "vm-1"), equal("project_id", "p-1"))), 0),
        (AllOf((equal("resource_id", "vm-1"), equal("resource_id", "vm-2"))), 0),
        (equal("resource_id", "VM-1"), 0),
    ],
)
def test_filter_without_a_window(filter_: Filter, found: int) -> None:
    """Without a window a filter asks about the newest sample only."""
    assert found == len(resources(stored(*MOVED), asking(filter_)))


@pytest.mark.parametrize(
    ("filter_", "projects"),
    [
        (AllOf(()), ["p-2"]),
        (equal("project_id", "p-1"), ["p-1"]),
        (equal("a", 1), ["p-1"]),
        (equal("a", 3), []),
    ],
)
def test_filter_with_a_window(filter_: Filter, projects: list[str]) -> None:
    """With a window a filter asks about each sample in it."""
    window = Range(NOON, after_noon(11))

    found = resources(stored(*MOVED), asking(filter_, range=window))

    assert projects == [resource.project_id for resource in found]


def test_window_ends_before_its_end() -> None:
    """A sample at the end of a window is outside."""
    (resource,) = resources(stored(*MOVED), asking(range=Range(None, after_noon(10))))

    assert ("p-1", ("cpu", "disk")) == (resource.project_id, resource.meters)


def test_only_what_is_in_scope_exists() -> None:
    """To a project a resource that moved away ends there."""
    (resource,) = resources(stored(*MOVED), asking(scope=Project("p-1")))

    assert ("p-1", NOON, ("cpu",)) == (
        resource.project_id,
        resource.last_sample_at,
        resource.meters,
    )


def test_samples_recorded_later_are_left_out() -> None:
    """`as_of` answers as if what was recorded later had not been."""
    storage = stored(MOVED[0], MOVED[1] | {"recorded_at": LATER + MILLISECOND})

    assert ["p-1", "p-2"] == [
        resources(storage, asking(as_of=as_of))[0].project_id for as_of in (LATER, None)
    ]


def test_resources_of_nobody_come_last() -> None:
    """Sorting is by user, project, last sample and id, descending, null after everything."""
    storage = stored(
        {"resource_id": "a", "user_id": None},
        {"resource_id": "b", "user_id": ""},
        {"resource_id": "c", "project_id": None},
        {"resource_id": "d"},
        {"resource_id": "e"},
        {"resource_id": "f", "timestamp": after_noon(1)},
    )

    assert ["f", "e", "d", "c", "b", "a"] == [one.id for one in resources(storage, asking())]


def test_name_comes_once_for_each_type_and_unit() -> None:
    """Meters that share a name are all listed with a resource, as v2 linked them."""
    storage = stored({}, {"unit": "B"}, {"type": MeterType.DELTA}, {"meter": "a"})

    assert ("a", "cpu", "cpu", "cpu") == resources(storage, asking())[0].meters


def test_meters_are_described_by_the_resource() -> None:
    """Each meter has the owner of the newest sample of its resource."""
    found = list(meters(stored(*MOVED), asking()))

    assert [("cpu", "p-2"), ("disk", "p-2")] == [(meter.name, meter.project_id) for meter in found]


@pytest.mark.parametrize(
    ("filter_", "names"),
    [
        (equal("meter", "cpu"), ["cpu"]),
        (equal("type", "gauge"), ["cpu", "disk"]),
        (equal("unit", "B"), []),
        (equal("project_id", "p-1"), []),
        (equal("a", 2), ["cpu", "disk"]),
        (AllOf((equal("project_id", "p-2"), equal("meter", "cpu"))), ["cpu"]),
    ],
)
def test_filter_on_meters(filter_: Filter, names: list[str]) -> None:
    """A filter asks about the meter, with the description of its resource."""
    assert names == [meter.name for meter in meters(stored(*MOVED), asking(filter_))]


def test_meters_are_sorted() -> None:
    """Meters come by resource, name, type and unit, ascending."""
    storage = stored({"resource_id": "b"}, {"unit": "B"}, {"unit": "A"}, {"meter": "a"})
    found = [meter_order(meter) for meter in meters(storage, asking())]

    assert sorted(found) == found


@pytest.mark.parametrize("turn", [1, -1])
@pytest.mark.parametrize("by_series", [False, True])
def test_equally_new_samples(turn: int, *, by_series: bool) -> None:
    """Of two owners at one instant the same is always taken."""
    series = [submission(user_id=name).sample.series for name in ("a", "b")]
    made: list[Subject] = [one if by_series else one.track for one in series]
    extents = [Extent(one, NOON, NOON) for one in made][::turn]

    assert max(made, key=lambda one: one.digest) == newest(extents)


@pytest.mark.parametrize("turn", [1, -1])
def test_equally_new_descriptions(turn: int) -> None:
    """Of two descriptions of one track at one instant the same is always taken, and shown."""
    batch = [{"metadata": {"a": number}} for number in range(6)][::turn]
    made = [submission(**one).sample.series for one in batch]
    (resource,) = resources(stored(*batch), asking())

    assert max(made, key=lambda one: one.digest).metadata == resource.metadata


def test_who_is_seen_is_not_described() -> None:
    """Without a question about metadata only those who are shown have theirs looked up."""
    storage = stored(*({"resource_id": f"vm-{n}", "metadata": {"n": n}} for n in range(9)))
    found = seen(storage, asking(equal("project_id", "p-1")))
    page = [found[0], found[4]]

    assert ([f"vm-{n}" for n in range(8, -1, -1)], []) == (
        [one.id for one in found],
        storage.places,
    )
    assert [{"n": 8}, {"n": 4}] == [one.metadata.tree for one in described(storage, asking(), page)]
    assert {"vm-8", "vm-4"} == {place.subject.resource_id for place in storage.places}
    assert 2 == len(storage.places)


def test_what_is_described_is_what_was_seen() -> None:
    """In the same order, with the same bounds and meters."""
    storage = stored(*MOVED, {"resource_id": "vm-2", "user_id": None}, {"resource_id": "vm-3"})
    found = seen(storage, asking())

    assert [
        (one.id, one.project_id, one.user_id, one.first_sample_at, one.last_sample_at, one.meters)
        for one in found
    ] == [
        (one.id, one.project_id, one.user_id, one.first_sample_at, one.last_sample_at, one.meters)
        for one in described(storage, asking(), found)
    ]


def test_what_is_gone_is_not_described() -> None:
    """A resource whose samples were deleted since it was seen is left out."""
    storage = stored({}, {"resource_id": "vm-2"})
    found = seen(storage, asking())
    storage._samples = {
        key: one for key, one in storage._samples.items() if one.series.resource_id == "vm-2"
    }

    assert ["vm-2"] == [one.id for one in described(storage, asking(), found)]


def test_a_description_that_was_recorded_later_is_left_out() -> None:
    """Although it is of the same instant."""
    late = {"metadata": {"a": 2}, "recorded_at": LATER + MILLISECOND}
    storage = stored({"metadata": {"a": 1}}, late)
    (resource,) = resources(storage, asking(as_of=LATER))

    assert {"a": 1} == resource.metadata.tree


def test_empty_store() -> None:
    """Without samples there is nothing."""
    assert ([], []) == (
        resources(MemoryStorage(), asking()),
        list(meters(MemoryStorage(), asking())),
    )


@pytest.mark.parametrize("number", range(4))
def test_of_equally_new_descriptions_one_that_matches_is_shown(number: int) -> None:
    """Where a range is asked for, whatever else there is at that instant."""
    storage = stored(*({"metadata": {"a": place}} for place in range(4)))
    range_ = Range(NOON, NOON + MILLISECOND)
    (resource,) = resources(storage, asking(equal("a", number), range=range_))

    assert {"a": number} == resource.metadata.tree
