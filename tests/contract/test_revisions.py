"""Revisions of a resource, as every driver's store gives them, sealed or not."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import strategies
from builders import MILLISECOND, NOON, after_noon, sample
from contract.asking import EVERYONE, keep, samples
from contract.stores import Driver
from contract.test_against_memory import try_hard
from hypothesis import given
from hypothesis import strategies as st

from metering.catalogue.revisions import RevisionQuery, first_samples, revisions
from metering.deadline import Deadline
from metering.metadata import Metadata
from metering.model import AllProjects, Project, Sample, Scope, is_visible
from metering.query import FIELDS, Comparison, Operator
from metering.storage.base import Storage
from metering.times import EVER, LAST, Range

DAY = timedelta(days=1)
PATIENT = 60
SMALL, LARGE = {"metadata": {"flavor": "small"}}, {"metadata": {"flavor": "large"}}

# From, to, the description, what changed, and the first sample.
Told = tuple[datetime, datetime | None, Any, tuple[str, ...], str]


def history(*told: tuple[float, dict[str, Any]]) -> list[Sample]:
    """Samples s0, s1... from (seconds after NOON, what is not as usual)."""
    return [
        sample(id=f"s{place}", timestamp=after_noon(seconds), **changes)
        for place, (seconds, changes) in enumerate(told)
    ]


def ask(
    storage: Storage, scope: Scope = EVERYONE, range_: Range = EVER, resource_id: str = "vm-1"
) -> list[Told]:
    """The revisions of a resource."""
    query = RevisionQuery(scope=scope, resource_id=resource_id, range=range_)
    found = list(revisions(storage, query, Deadline(PATIENT)))
    firsts = first_samples(storage, found)
    return [
        (one.start, one.end, description(one.series), one.changed, firsts[one.place].id)
        for one in found
    ]


def short(found: list[Told]) -> list[tuple[float, float | None, str]]:
    """Of revisions the flavors, and when they are in force, in seconds after NOON."""
    return [
        (seconds(start), None if end is None else seconds(end), whose[2].tree["flavor"])
        for start, end, whose, _, _ in found
    ]


def seconds(instant: datetime) -> float:
    """How long after NOON it is."""
    return (instant - NOON).total_seconds()


def description(series: Any) -> tuple[str | None, str | None, Metadata]:
    """What is in force, or is not."""
    return series.project_id, series.user_id, series.metadata


@pytest.fixture(params=["unsealed", "sealed"])
def seal(request: pytest.FixtureRequest) -> Any:
    """Seals a store, or does not."""
    if request.param == "sealed":
        return lambda storage: list(storage.seal(NOON + 400 * DAY))
    return lambda _: None


def test_an_unknown_resource(storage: Storage) -> None:
    """It has no revisions."""
    keep(storage, *history((0, SMALL)))

    assert ask(storage, resource_id="vm-2") == []


def test_there_and_back_are_three(storage: Storage, seal: Any) -> None:
    """A, B, A; what changed is named, and the first sample of each."""
    day = 86_400
    told = [(hour * 3600, LARGE if day <= hour * 3600 < 2 * day else SMALL) for hour in range(96)]
    keep(storage, *history(*told))
    seal(storage)

    small, large = (("p-1", "u-1", Metadata.of(one["metadata"])) for one in (SMALL, LARGE))
    assert ask(storage) == [
        (NOON, NOON + DAY, small, (), "s0"),
        (NOON + DAY, NOON + 2 * DAY, large, ("metadata.flavor",), "s24"),
        (NOON + 2 * DAY, None, small, ("metadata.flavor",), "s48"),
    ]


def test_a_late_sample_splits(storage: Storage, seal: Any) -> None:
    """One revision is three, and the last is what it was."""
    keep(storage, *history((0, LARGE), (20, LARGE), (30, SMALL)))
    seal(storage)
    assert short(ask(storage)) == [(0, 30, "large"), (30, None, "small")]

    keep(storage, sample(id="late", timestamp=after_noon(10), **SMALL))
    assert short(ask(storage)) == [
        (0, 10, "large"),
        (10, 20, "small"),
        (20, 30, "large"),
        (30, None, "small"),
    ]


def test_a_late_sample_merges(storage: Storage, seal: Any) -> None:
    """A revision begins earlier when its earlier sample arrives, also with the one before."""
    keep(storage, *history((0, SMALL), (20, LARGE)))
    seal(storage)
    keep(storage, sample(id="late", timestamp=after_noon(10), **LARGE))
    assert short(ask(storage)) == [(0, 10, "small"), (10, None, "large")]

    keep(storage, sample(id="later", timestamp=after_noon(0) - MILLISECOND, **LARGE))
    keep(storage, sample(id="latest", timestamp=after_noon(-9), **SMALL))
    assert short(ask(storage))[0] == (-9, -0.001, "small")
    assert short(ask(storage))[1:3] == [(-0.001, 0, "large"), (0, 10, "small")]


def test_late_samples_never_change_the_owner_of_today(storage: Storage) -> None:
    """Whatever arrives late, the last revision is that of the newest sample."""
    keep(storage, *history((0, {"project_id": "p-1"}), (100, {"project_id": "p-2"})))
    for late in range(1, 100, 7):
        owner = "p-1" if late % 2 else "p-3"
        keep(storage, sample(id=f"late{late}", timestamp=after_noon(late), project_id=owner))

    assert ask(storage)[-1][1:3] == (None, ("p-2", "u-1", Metadata.of({})))


def test_an_owner_changes(storage: Storage, seal: Any) -> None:
    """Project and user are named where they change, beside the metadata."""
    mine, theirs = {"project_id": "p-1"}, {"project_id": "p-2", "user_id": None, **LARGE}
    keep(storage, *history((0, mine), (10, theirs)))
    seal(storage)

    assert [one[3] for one in ask(storage)] == [(), ("metadata.flavor", "project_id", "user_id")]


def test_meters_and_sources_describe_together(storage: Storage, seal: Any) -> None:
    """The same description at different instants is one revision, from its very first sample."""
    disk = {"meter": "disk", "source": "p-1:agent"}
    told = [(0, SMALL), (3, SMALL | disk), (60, LARGE | disk), (63, LARGE), (120, LARGE | disk)]
    keep(storage, *history(*told))
    seal(storage)

    assert short(ask(storage)) == [(0, 60, "small"), (60, None, "large")]


def test_meters_that_disagree(storage: Storage, seal: Any) -> None:
    """They take turns, over any time and as often as there are samples."""
    disk = {"meter": "disk", **LARGE}
    told = [(5000 * n, SMALL if n % 2 else disk) for n in range(60)]
    keep(storage, *history(*told))
    seal(storage)

    found = short(ask(storage))
    assert [start for start, _, _ in found] == [5000 * n for n in range(60)]
    assert [name for _, _, name in found] == ["large", "small"] * 30


def test_of_one_instant_the_greatest_digest_counts(storage: Storage, seal: Any) -> None:
    """The others were in force for no time."""
    several = [sample(id=f"s{n}", metadata={"flavor": str(n)}) for n in range(9)]
    keep(storage, *several, sample(id="old", timestamp=after_noon(-5), **SMALL))
    seal(storage)
    greatest = max(several, key=lambda one: one.series.digest)

    assert [one[2] for one in ask(storage)][1:] == [description(greatest.series)]
    assert [one[4] for one in ask(storage)] == ["old", greatest.id]


def test_the_first_sample_of_several(storage: Storage) -> None:
    """Of the samples of a series at the revision's begin, that with the least key."""
    alike = [sample(id=f"s{n}", volume=9 - n) for n in range(9)]
    keep(storage, *alike)

    assert ask(storage)[0][4] == min(alike, key=lambda one: one.key).id


RANGES = {
    "all": (EVER, [0, 10, 20]),
    "from the begin of one": (Range(after_noon(10), None), [10, 20]),
    "inside of one": (Range(after_noon(10.001), None), [10, 20]),
    "just before one": (Range(after_noon(9.999), None), [0, 10, 20]),
    "up to the begin of one": (Range(None, after_noon(20)), [0, 10]),
    "just beyond": (Range(None, after_noon(20.001)), [0, 10, 20]),
    "inside": (Range(after_noon(12), after_noon(13)), [10]),
    "after all": (Range(after_noon(9999), None), [20]),
    "the last instant": (Range(LAST, None), [20]),
    "before all": (Range(None, NOON), []),
    "nothing": (Range(after_noon(12), after_noon(12)), []),
}


@pytest.mark.parametrize(("range_", "starts"), RANGES.values(), ids=RANGES)
def test_ranges(storage: Storage, range_: Range, starts: list[float]) -> None:
    """Revisions in force in a range come whole, and say what changed before it."""
    keep(storage, *history((0, SMALL), (10, LARGE), (11, LARGE), (20, {}), (30, {})))
    whole = {seconds(one[0]): one for one in ask(storage)}

    assert ask(storage, range_=range_) == [whole[start] for start in starts]


def test_what_changes_in_metadata(storage: Storage) -> None:
    """Leaves are named as `q` names them; types and empty objects count, numbers by their text."""
    trees: list[dict[str, Any]] = [
        {"a": {"b": 1, "c": {"d": [1, 2]}}, "z": None},
        {"a": {"b": True, "c": {"d": [2, 1]}}, "z": None},
        {"a": {"b": True, "c": {}}, "z": None},
        {"a.b": True},
        {"a": {"b": True}},
        {},
        {"": {"": 0}},
    ]
    keep(storage, *history(*((n, {"metadata": tree}) for n, tree in enumerate(trees))))

    assert [one[3] for one in ask(storage)] == [
        (),
        ("metadata.a.b", "metadata.a.c.d"),
        ("metadata.a.c", "metadata.a.c.d"),
        ("metadata.a.b", "metadata.a.c", "metadata.z"),
        ("metadata.a.b",),
        ("metadata.a.b",),
        ("metadata..",),
    ]


def test_members_see_the_own_samples(storage: Storage, seal: Any) -> None:
    """Others neither split a revision nor name what changed, but the last ends at the next owner's.

    That is all that one learns of them.
    """
    mine, theirs = {"project_id": "p-1"}, {"project_id": "p-2"}
    told = [(0, mine), (10, theirs), (20, mine), (30, mine | LARGE), (40, theirs), (50, theirs)]
    keep(storage, *history(*told))
    seal(storage)

    found = ask(storage, Project("p-1"))
    assert [(seconds(one[0]), one[1] and seconds(one[1]), one[3]) for one in found] == [
        (0, 30, ()),
        (30, 40, ("metadata.flavor",)),
    ]
    assert [one[:2] for one in ask(storage, Project("p-2"))] == [(after_noon(10), None)]
    assert ask(storage, Project("p-3")) == []
    assert ask(storage, Project("p-1"), Range(after_noon(40), None)) == []


def test_members_whose_meters_disagree(storage: Storage) -> None:
    """What others say at the same time, and in between, is not among it."""
    disk = {"meter": "disk", **LARGE}
    told = [(10 * n, SMALL if n % 2 else disk) for n in range(9)]
    theirs = [(5 * n, {"project_id": "p-2", "metadata": {"flavor": "huge"}}) for n in range(17)]
    keep(storage, *history(*told, *theirs))

    assert [name for _, _, name in short(ask(storage, Project("p-1")))] == [
        "large",
        "small",
    ] * 4 + ["large"]


def test_an_own_stream_that_goes_on_keeps_the_resource(storage: Storage) -> None:
    """Nothing of another owner is told while an own sample is as late, or of other streams."""
    mine, theirs = {"project_id": "p-1"}, {"project_id": "p-2"}
    disk = {"meter": "disk"}
    keep(storage, *history((0, mine), (10, theirs), (20, mine | disk), (30, theirs)))
    assert [one[1] for one in ask(storage, Project("p-1"))] == [None]

    keep(storage, sample(id="same", timestamp=after_noon(20), **theirs, **disk))
    assert [one[1] for one in ask(storage, Project("p-1"))] == [None]

    keep(storage, sample(id="next", timestamp=after_noon(50), **mine))
    assert [one[1] for one in ask(storage, Project("p-1"))] == [None]

    keep(storage, sample(id="taken", timestamp=after_noon(60), **theirs))
    assert [one[1] for one in ask(storage, Project("p-1"))] == [after_noon(60)]


# --- any history, against a reading of all samples


def read_all(storage: Storage, scope: Scope, range_: Range) -> list[Told]:
    """The revisions, from every sample of the resource."""
    resource = Comparison(FIELDS["resource_id"], Operator.EQ, "vm-1")
    everything = samples(storage, filter=resource)[::-1]
    own = [one for one in everything if is_visible(one.series, scope)]
    winners = {}
    for one in sorted(own, key=lambda one: (one.timestamp, one.series.digest)):
        winners[one.timestamp] = one.series
    found: list[Any] = []
    for at, series in winners.items():
        if not found or description(found[-1][1]) != description(series):
            found.append((at, series))
    told = []
    for place, (at, series) in enumerate(found):
        end = found[place + 1][0] if found[place + 1 :] else taken(everything, scope)
        first = next(one for one in own if (one.timestamp, one.series) == (at, series))
        changed = named(found[place - 1][1], series) if place else ()
        if not range_.is_empty and (
            (range_.end is None or at < range_.end)
            and (range_.start is None or end is None or end > range_.start)
        ):
            told.append((at, end, description(series), changed, first.id))
    return told


def named(one: Any, other: Any) -> tuple[str, ...]:
    """What differs, by the flat form of v2, in which no path of these histories is ambiguous."""
    flat = [
        {f"metadata.{path}": value for path, value in each.metadata.flat.items()}
        for each in (one, other)
    ]
    paths = [path for path in {**flat[0], **flat[1]} if flat[0].get(path) != flat[1].get(path)]
    owner = [
        name for name in ("project_id", "user_id") if getattr(one, name) != getattr(other, name)
    ]
    return tuple(sorted([*owner, *paths]))


def taken(everything: list[Sample], scope: Scope) -> datetime | None:
    """The first reading of others in a stream after all own ones, where the own came last."""
    last = max(one.timestamp for one in everything if is_visible(one.series, scope))
    streams: dict[Any, list[Sample]] = {}
    for one in sorted(everything, key=lambda one: (one.timestamp, one.volume, one.series.digest)):
        streams.setdefault(one.series.stream, []).append(one)
    nexts = []
    for stream in streams.values():
        until = [one for one in stream if one.timestamp <= last]
        after = [one for one in stream if one.timestamp > last]
        if until and after and is_visible(until[-1].series, scope):
            nexts.append(after[0].timestamp)
    return min(nexts, default=None)


_moments = st.one_of(
    st.integers(0, 12).map(after_noon),
    st.integers(0, 12).map(lambda n: after_noon(n * 1800)),
    st.integers(-40, 40).map(lambda n: after_noon(n * 40_000)),
    strategies.instants,
)
_described = st.builds(
    lambda **changes: changes,
    metadata=st.sampled_from([{}, {"a": 1}, {"a": 2, "b": {"c": "x"}}]),
    project_id=st.sampled_from(["p-1", "p-1", "p-1", "p-2"]),
    user_id=st.sampled_from(["u-1", "u-1", None]),
    meter=st.sampled_from(["cpu", "disk"]),
    volume=st.integers(0, 2),
    resource_id=st.sampled_from([*["vm-1"] * 9, "vm-2"]),
)


def test_same_as_a_reading_of_all_samples(driver: Driver) -> None:
    """Whatever was recorded, sealed before or after, and of any range."""

    @try_hard(driver)
    @given(
        st.lists(st.tuples(_moments, _described), max_size=40),
        st.lists(
            st.tuples(
                st.sampled_from([AllProjects(), Project("p-1"), Project("p-2")]),
                st.builds(Range, st.none() | _moments, st.none() | _moments),
            ),
            min_size=3,
            max_size=6,
        ),
        st.integers(0, 40),
        _moments,
    )
    def check(told: Any, asked: Any, sealed_after: int, until: datetime) -> None:
        made = [sample(id=f"s{n}", timestamp=at, **one) for n, (at, one) in enumerate(told)]
        with driver.fresh() as storage:
            keep(storage, *made[:sealed_after])
            list(storage.seal(until))
            keep(storage, *made[sealed_after:])
            for scope, range_ in asked:
                assert ask(storage, scope, range_) == read_all(storage, scope, range_)

    check()
