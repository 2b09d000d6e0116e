"""`Storage.samples_at`: the samples of some series at some instants."""

from collections.abc import Iterable

from builders import MILLISECOND, NOON, after_noon, sample, series
from contract.asking import keep
from contract.stores import Driver
from contract.test_against_memory import History, record_in_both, try_hard
from contract.test_streams import tangled
from hypothesis import given
from hypothesis import strategies as st

from metering.model import Place, Sample
from metering.storage.base import Storage
from metering.storage.memory import MemoryStorage
from metering.times import FIRST, LAST


def found(storage: Storage, places: Iterable[Place]) -> list[Sample]:
    """The samples at the places, by key; none may come twice."""
    samples = sorted(storage.samples_at(list(places)), key=lambda one: one.key)

    assert len({one.key for one in samples}) == len(samples)
    return samples


def test_where_nothing_is(storage: Storage) -> None:
    """No places, a series that is not there, an instant without a sample, one in between."""
    one = sample()
    keep(storage, one)
    elsewhere = [
        Place(series(resource_id="vm-2"), NOON),
        Place(one.series, NOON + MILLISECOND),
        Place(one.series, NOON - MILLISECOND),
        Place(one.series, FIRST),
        Place(one.series, LAST),
    ]

    assert found(storage, []) == []
    assert found(storage, elsewhere) == []


def test_samples_come_back_whole(storage: Storage) -> None:
    """In every field, from the first instant to the last; a place that is named twice is one."""
    sent = [
        sample(id="first", timestamp=FIRST, volume="-1.5", metadata={"a": {"b": [1, None]}}),
        sample(id="now", timestamp=after_noon(0.123), project_id=None, recorded_at=after_noon(9)),
        sample(id="last", timestamp=LAST, source="p-1:other", user_id=None),
    ]
    keep(storage, *sent)
    places = [Place(one.series, one.timestamp) for one in sent] * 2

    assert found(storage, places) == sorted(sent, key=lambda one: one.key)


def test_all_samples_of_an_instant(storage: Storage) -> None:
    """A series may have several; those of other series and other instants are not asked for."""
    twins = [sample(id=name, volume=volume) for name, volume in (("a", 1), ("b", 1), ("c", 2))]
    other = sample(id="d", metadata={"flavor": "large"})
    later = sample(id="e", timestamp=NOON + MILLISECOND)
    keep(storage, *twins, other, later)

    assert [one.id for one in found(storage, [Place(twins[0].series, NOON)])] == sorted(
        "abc", key=lambda name: sample(id=name).key
    )


def test_the_place_is_both(storage: Storage) -> None:
    """A series at one instant and another series at another: not each at both."""
    small = [sample(id=f"s{at}", timestamp=after_noon(at)) for at in (0, 1)]
    large = [
        sample(id=f"l{at}", timestamp=after_noon(at), metadata={"flavor": "large"}) for at in (0, 1)
    ]
    keep(storage, *small, *large)
    places = [Place(small[0].series, NOON), Place(large[0].series, after_noon(1))]

    assert {one.id for one in found(storage, places)} == {"s0", "l1"}


def test_more_places_than_are_asked_for_at_once(storage: Storage) -> None:
    """Of many series, one instant each."""
    sent = [sample(id=f"s{n}", resource_id=f"vm-{n}", timestamp=after_noon(n)) for n in range(1500)]
    keep(storage, *sent)

    places = [Place(one.series, one.timestamp) for one in sent]
    assert found(storage, places) == sorted(sent, key=lambda one: one.key)


def test_same_samples(driver: Driver) -> None:
    """Whatever was recorded, samples at places are those of the memory driver."""

    @try_hard(driver)
    @given(tangled(), st.data())
    def check(batches: History, data: st.DataObject) -> None:
        memory = MemoryStorage()
        kept = [one.sample for submissions, _ in batches for one in submissions]
        with driver.fresh() as storage:
            record_in_both(batches, memory, storage)
            any_series = st.sampled_from([one.series for one in kept])
            any_instant = st.sampled_from([one.timestamp for one in kept])
            places = data.draw(st.lists(st.builds(Place, any_series, any_instant), max_size=20))

            assert found(memory, places) == found(storage, places)

    check()
