"""`Storage.extents`: which series there are, and where they begin and end."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from builders import LATER, NOON, after_noon, sample, series, submission
from contract.asking import EVERYONE, bounds, extents, keep, record, resources

from metering.model import Extent, MeterType, Project
from metering.query import FIELDS, NOTHING, Comparison, ExtentQuery, Operator, metadata_field
from metering.storage.base import Storage
from metering.times import Range

ONE_DIFFERENCE = [
    pytest.param({"source": "other"}, id="source"),
    pytest.param({"meter": "CPU"}, id="meter"),
    pytest.param({"type": MeterType.DELTA}, id="type"),
    pytest.param({"unit": ""}, id="unit"),
    pytest.param({"resource_id": "vm-1 "}, id="resource_id"),
    pytest.param({"project_id": None}, id="project_id"),
    pytest.param({"user_id": ""}, id="user_id"),
    pytest.param({"metadata": {"a": None}}, id="metadata"),
]

TREES_THAT_LOOK_ALIKE = [
    {"a": 1},
    {"a": "1"},
    {"a": True},
    {"a": 1.0},
    {"a": [1]},
    {"a": "true"},
    {"a": None},
    {"a": "None"},
    {"a": {"b": 1}},
    {"a.b": 1},
    {"a": {}},
    {},
]


def test_empty_store(storage: Storage) -> None:
    """Without samples there are no series."""
    assert extents(storage) == []


def test_series_of_one_sample(storage: Storage) -> None:
    """A single sample is the first and the last of its series."""
    keep(storage, sample(timestamp=after_noon(0.001)))

    assert [Extent(series(), after_noon(0.001), after_noon(0.001))] == extents(storage)


def test_first_and_last(storage: Storage) -> None:
    """A series extends from its oldest sample to its newest, in whatever order they came."""
    for seconds in (5, 0.999, 7.001, 3):
        keep(storage, sample(id=f"s-{seconds}", timestamp=after_noon(seconds)))

    assert {series(): (after_noon(0.999), after_noon(7.001))} == bounds(storage)


def test_extent_grows(storage: Storage) -> None:
    """A sample recorded later, older or newer than all others, moves an end."""
    keep(storage, sample(id="a", timestamp=after_noon(5)))
    keep(storage, sample(id="b", timestamp=after_noon(9)))
    keep(storage, sample(id="c", timestamp=after_noon(1)))

    assert {series(): (after_noon(1), after_noon(9))} == bounds(storage)


@pytest.mark.parametrize("lazily", [False, True])
def test_extents_come_by_resource(storage: Storage, lazily: bool) -> None:
    """In the order of ids, all of one resource together, however many there are."""
    names = [f"vm-{number}" for number in range(200)] + ["VM", "é", "vm", "\U0001f5a5"]
    of_disk = [sample(id=f"d-{one}", meter="disk", resource_id=one) for one in names]
    of_cpu = [sample(id=f"c-{one}", meter="cpu", resource_id=one) for one in reversed(names)]
    keep(storage, *of_disk, *of_cpu)

    asked = ExtentQuery(scope=EVERYONE, lazily=lazily)
    found = [one.subject for one in storage.extents(asked)]

    assert sorted(2 * names) == [one.resource_id for one in found]
    assert len(set(found)) == 2 * len(names)


@pytest.mark.parametrize("change", ONE_DIFFERENCE)
def test_one_difference_makes_two_series(storage: Storage, change: dict) -> None:
    """Series that differ in one field are two, each with its own extent."""
    keep(storage, sample(id="a"), sample(id="b", timestamp=after_noon(1), **change))

    assert {
        series(): (NOON, NOON),
        series(**change): (after_noon(1), after_noon(1)),
    } == bounds(storage)


def test_metadata_of_other_types_make_other_series(storage: Storage) -> None:
    """1, "1", true, 1.0 and so on are different values, so the series are different."""
    keep(
        storage,
        *(sample(id=f"s-{n}", metadata=tree) for n, tree in enumerate(TREES_THAT_LOOK_ALIKE)),
    )

    assert {series(metadata=tree) for tree in TREES_THAT_LOOK_ALIKE} == bounds(storage).keys()


def test_duplicates_and_conflicts_make_no_series(storage: Storage) -> None:
    """Only what is stored counts; a conflict leaves no trace, nor does a refused batch."""
    keep(storage, sample())
    record(storage, submission(resource_id="vm-2", timestamp=after_noon(1)))
    record(storage, submission(completed=["metadata"], metadata={"a": 1}))
    record(storage, submission(id="s-2", resource_id="vm-3"), submission(volume=2), atomic=True)

    assert {series(): (NOON, NOON)} == bounds(storage)


@pytest.mark.parametrize(
    ("range_", "expected"),
    [
        pytest.param(Range(), (0, 3), id="ever"),
        pytest.param(Range(after_noon(1), None), (1, 3), id="start-is-inside"),
        pytest.param(Range(None, after_noon(3)), (0, 2), id="end-is-outside"),
        pytest.param(Range(after_noon(0.001), after_noon(3.001)), (1, 3), id="millisecond-later"),
        pytest.param(Range(after_noon(1), after_noon(1.001)), (1, 1), id="one-millisecond"),
        pytest.param(Range(after_noon(-5), after_noon(99)), (0, 3), id="wider-than-all"),
    ],
)
def test_ends_are_those_in_range(storage: Storage, range_: Range, expected: tuple) -> None:
    """First and last are the timestamps of samples in the half-open range, not its bounds."""
    keep(storage, *(sample(id=str(n), timestamp=after_noon(n)) for n in range(4)))

    first, last = map(after_noon, expected)
    assert {series(): (first, last)} == bounds(storage, range=range_)


@pytest.mark.parametrize(
    "narrowed",
    [
        pytest.param({}, id="ever"),
        pytest.param({"range": Range(None, after_noon(3))}, id="range"),
        pytest.param({"as_of": after_noon(10.001)}, id="as-of"),
        pytest.param({"range": Range(after_noon(1), None), "as_of": after_noon(10.002)}, id="both"),
    ],
)
@pytest.mark.parametrize("lazily", [False, True])
def test_last_only(storage: Storage, narrowed: dict, lazily: bool) -> None:
    """Who asks for the last samples only is told of the same series, in order, and their ends."""
    for number, resource in enumerate(("vm-3", "vm-1", "vm-2")):
        for n in range(4):
            keep(
                storage,
                sample(
                    id=f"{resource}-{n}",
                    resource_id=resource,
                    timestamp=after_noon(n + number / 10),
                    recorded_at=after_noon(10 + n / 1000),
                ),
            )

    asked = ExtentQuery(scope=EVERYONE, lazily=lazily, **narrowed)
    expected = [
        Extent(one.subject, one.last_sample_at, one.last_sample_at)
        for one in storage.extents(asked)
    ]
    assert expected == list(storage.extents(replace(asked, last_only=True)))


@pytest.mark.parametrize(
    "range_",
    [
        pytest.param(Range(after_noon(1.001), after_noon(2)), id="between-samples"),
        pytest.param(Range(after_noon(2.001), None), id="after-all"),
        pytest.param(Range(None, NOON), id="up-to-the-first"),
        pytest.param(Range(after_noon(1), after_noon(1)), id="empty"),
        pytest.param(Range(after_noon(2), NOON), id="backwards"),
    ],
)
def test_series_without_samples_in_range(storage: Storage, range_: Range) -> None:
    """A series that has no sample in range is left out."""
    keep(storage, *(sample(id=str(n), timestamp=after_noon(n)) for n in range(3)))

    assert extents(storage, range=range_) == []


def test_ends_of_time(storage: Storage) -> None:
    """Extents reach from the year 1 to 9999."""
    first = datetime(1, 1, 1, tzinfo=UTC)
    last = datetime(9999, 12, 31, 23, 59, 59, 998000, tzinfo=UTC)
    keep(storage, sample(id="a", timestamp=first), sample(id="b", timestamp=last))

    assert {series(): (first, last)} == bounds(storage)


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        pytest.param(Project("p-1"), ["vm-1"], id="own"),
        pytest.param(Project("None"), [], id="the-word-none"),
        pytest.param(Project(""), ["vm-3"], id="empty"),
        pytest.param(EVERYONE, ["vm-1", "vm-2", "vm-3", "vm-4"], id="all"),
    ],
)
def test_scope(storage: Storage, scope: Project, expected: list) -> None:
    """A project sees its own series only."""
    for number, project in enumerate(("p-1", "p-2", "", None), 1):
        keep(storage, sample(id=f"s-{number}", resource_id=f"vm-{number}", project_id=project))

    assert expected == resources(storage, scope=scope)


def test_ends_do_not_depend_on_foreign_samples(storage: Storage) -> None:
    """A resource that changed hands begins and ends for each owner with the owner's samples."""
    for seconds, project in ((0, "p-1"), (1, "p-2"), (2, "p-1"), (3, "p-2")):
        keep(storage, sample(id=f"{seconds}", timestamp=after_noon(seconds), project_id=project))

    ours = {series(): (NOON, after_noon(2))}
    assert ours == bounds(storage, scope=Project("p-1"))


def test_no_filter_widens_the_scope(storage: Storage) -> None:
    """Foreign series are not found by naming their project."""
    keep(storage, sample(project_id="p-2"))
    asked = Comparison(FIELDS["project_id"], Operator.EQ, "p-2")

    assert extents(storage, scope=Project("p-1"), filter=asked) == []


def test_as_of_leaves_out_what_was_recorded_later(storage: Storage) -> None:
    """Samples recorded at the instant or before count, later ones do not."""
    for n in range(3):
        at = after_noon(10 + n / 1000)
        keep(storage, sample(id=f"s-{n}", timestamp=after_noon(n), recorded_at=at))
        keep(storage, sample(id=f"t-{n}", timestamp=after_noon(-n), recorded_at=at))

    assert {series(): (after_noon(-1), after_noon(1))} == bounds(storage, as_of=after_noon(10.001))
    assert {series(): (after_noon(-2), after_noon(2))} == bounds(storage, as_of=after_noon(10.002))
    assert extents(storage, as_of=after_noon(9.999)) == []


def test_as_of_within_a_range(storage: Storage) -> None:
    """A series needs a sample that is in range and was recorded by then, both at once."""
    keep(storage, sample(id="old", timestamp=NOON, recorded_at=LATER))
    keep(storage, sample(id="new", timestamp=after_noon(1), recorded_at=after_noon(10**6)))

    assert extents(storage, range=Range(after_noon(1), None), as_of=LATER) == []
    assert {series(): (NOON, NOON)} == bounds(storage, range=Range(NOON, None), as_of=LATER)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param(Comparison(FIELDS["meter"], Operator.EQ, "disk"), ["vm-2"], id="meter"),
        pytest.param(Comparison(FIELDS["meter"], Operator.NE, "disk"), ["vm-1"], id="not-meter"),
        pytest.param(Comparison(FIELDS["user_id"], Operator.NE, "u-1"), ["vm-2"], id="absent"),
        pytest.param(Comparison(metadata_field("a.b"), Operator.GT, 1), ["vm-2"], id="metadata"),
        pytest.param(Comparison(metadata_field("a"), Operator.EQ, None), ["vm-1"], id="null"),
        pytest.param(NOTHING, [], id="nothing"),
    ],
)
def test_filter(storage: Storage, asked: Comparison, expected: list) -> None:
    """Series that the filter does not match are left out."""
    keep(storage, sample())
    keep(
        storage,
        sample(id="2", meter="disk", resource_id="vm-2", user_id=None, metadata={"a": {"b": 2}}),
    )

    assert expected == resources(storage, filter=asked)


def test_many_series(storage: Storage) -> None:
    """Two thousand series are each found once, with their own ends."""
    keep(
        storage,
        *(
            sample(id=f"{n}-{end}", resource_id=f"vm-{n}", timestamp=after_noon(n + end))
            for n in range(2000)
            for end in (0, 0.5)
        ),
    )

    assert {
        series(resource_id=f"vm-{n}"): (after_noon(n), after_noon(n + 0.5)) for n in range(2000)
    } == bounds(storage)


def test_nothing_is_read_before_it_is_asked_for(storage: Storage) -> None:
    """Iterators are lazy: an answer is made when its first item is taken, not before."""
    found = storage.extents(ExtentQuery(scope=EVERYONE))
    keep(storage, sample())

    assert Extent(series(), NOON, NOON) == next(found)


def test_closed_iterator_gives_nothing(storage: Storage) -> None:
    """An iterator may be closed early, and is then at its end."""
    keep(storage, *(sample(id=f"s-{n}", resource_id=f"vm-{n}") for n in range(3)))
    found = storage.extents(ExtentQuery(scope=EVERYONE))
    next(found)
    found.close()

    assert list(found) == []
    keep(storage, sample(id="new"))
