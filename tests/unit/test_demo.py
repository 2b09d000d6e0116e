"""The demo's month: always the same for a seed, and with everything that makes usage hard."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from metering import demo
from metering.model import MeterType, Sample

UNTIL = datetime(2026, 11, 1, 0, 30, tzinfo=UTC)
END = datetime(2026, 11, 1, tzinfo=UTC)
BEGIN = END - timedelta(days=demo.DAYS)
HOURS = demo.DAYS * 24


@pytest.fixture(autouse=True, scope="module")
def _one_project() -> Iterator[None]:
    """A third of the demo, which takes a third of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "PROJECTS", demo.PROJECTS[:1])
        yield


def month(seed: int, until: datetime = UNTIL) -> list[Sample]:
    """The samples of a seed."""
    return [submission.sample for submission in demo.usage(seed, until)]


@pytest.fixture(scope="module")
def samples(_one_project: None) -> list[Sample]:
    """The samples of seed 1."""
    return month(1)


@pytest.fixture(scope="module")
def streams(samples: Sequence[Sample]) -> dict[tuple[str, str], list[Sample]]:
    """The samples of each resource and meter, in order of time."""
    found = defaultdict(list)
    for sample in samples:
        found[sample.series.resource_id, sample.series.meter].append(sample)
    return {key: sorted(some, key=lambda one: one.timestamp) for key, some in found.items()}


def test_the_same_seed_and_end_give_the_same_samples(samples: list[Sample]) -> None:
    """Every field of every sample, in the same order."""
    assert samples == month(1)


def test_the_end_counts_to_the_hour(samples: list[Sample]) -> None:
    """Another minute changes nothing but when the samples were recorded."""
    later = month(1, UNTIL + timedelta(minutes=20))

    assert [(one.key, one.timestamp, one.volume, one.series) for one in samples] == [
        (one.key, one.timestamp, one.volume, one.series) for one in later
    ]


def test_another_seed_gives_other_samples(samples: list[Sample]) -> None:
    """Other ids throughout, so that both can be in one store, and other volumes."""
    other = month(2)

    assert {one.id for one in samples} & {one.id for one in other} == set()
    assert [one.volume for one in samples] != [one.volume for one in other]


def test_no_id_is_used_twice(samples: list[Sample]) -> None:
    """Each sample has a key of its own."""
    assert len({one.key for one in samples}) == len(samples)


def test_there_are_some_hundred_thousand_samples(samples: list[Sample]) -> None:
    """About as many as the progress bar expects, of which this third has a third."""
    assert 90_000 < 3 * len(samples) <= demo.EXPECTED_SAMPLES
    assert 90_000 < demo.EXPECTED_SAMPLES < 110_000


def test_the_month_ends_at_the_hour(samples: list[Sample]) -> None:
    """Thirty days, half-open: nothing at the end itself, something in the last ten minutes."""
    instants = {one.timestamp for one in samples}

    assert min(instants) == BEGIN
    assert max(instants) == END - timedelta(minutes=10)


def test_all_types_of_meters_occur(samples: list[Sample]) -> None:
    """Gauges, deltas and counters."""
    assert {one.series.type for one in samples} == set(MeterType)


def test_some_instances_are_resized(streams: dict[tuple[str, str], list[Sample]]) -> None:
    """The flavor in the metadata and the volume change at the same sample, once."""
    changes = {}
    for (resource, meter), some in streams.items():
        if meter == "vcpus":
            volumes = [later.volume for one, later in pairwise(some) if one.volume != later.volume]
            flavors = [
                later.volume
                for one, later in pairwise(some)
                if one.series.metadata != later.series.metadata
            ]
            changes[resource] = (volumes, flavors)

    assert all(volumes == flavors for volumes, flavors in changes.values())
    assert {len(volumes) for volumes, _ in changes.values()} == {0, 1}


def test_some_counters_are_reset(streams: dict[tuple[str, str], list[Sample]]) -> None:
    """Some fall back now and then; most of the time all rise."""
    falls = {
        key: sum(later.volume < one.volume for one, later in pairwise(some))
        for key, some in streams.items()
        if some[0].series.type is MeterType.CUMULATIVE
    }

    assert 0 < sum(falls.values())
    assert max(falls.values()) < HOURS / 20


def test_some_instances_are_born_late(streams: dict[tuple[str, str], list[Sample]]) -> None:
    """Not all begin with the month, but then they have a sample every hour until its end."""
    births = set()
    for (_, meter), some in streams.items():
        if meter == "vcpus":
            births.add(some[0].timestamp)
            assert len(some) == (END - some[0].timestamp) // timedelta(hours=1)

    assert BEGIN in births
    assert len(births) > 1
