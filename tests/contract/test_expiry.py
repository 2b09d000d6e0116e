"""What has expired is refused for ever, before and after it is deleted; the rest is untouched."""

from collections.abc import Mapping
from datetime import datetime

import pytest
from builders import LATER, MILLISECOND, NOON, after_noon, sample, submission
from contract.asking import extents, ids, keep, record, samples, summaries
from contract.stores import Driver

from metering.model import Outcome
from metering.retention import Horizons
from metering.storage.base import Storage
from metering.times import FIRST

S, D, C, E = Outcome.STORED, Outcome.DUPLICATE, Outcome.CONFLICT, Outcome.EXPIRED


def expire(storage: Storage, default: datetime = FIRST, **meters: datetime) -> int:
    """Let samples before the horizons expire, and delete them; how many went."""
    return sum(storage.purge(storage.retire(Horizons(default, meters))))


def horizons(storage: Storage) -> tuple[datetime, Mapping[str, datetime]]:
    """The horizons, as values that compare."""
    found = storage.horizons()
    return found.default, found.meters


def test_nothing_expires_by_itself(storage: Storage) -> None:
    """A fresh store has no horizon, and takes a sample of any age."""
    assert horizons(storage) == (FIRST, {})
    keep(storage, sample(timestamp=FIRST))
    assert sum(storage.purge(storage.horizons())) == 0
    assert ids(storage) == ["s-1"]


def test_the_horizon_is_half_open(storage: Storage) -> None:
    """What lies before the horizon goes, what lies on it stays."""
    keep(storage, sample(id="before", timestamp=NOON - MILLISECOND), sample(id="on"))

    assert expire(storage, NOON) == 1
    assert ids(storage) == ["on"]


def test_retiring_deletes_nothing(storage: Storage) -> None:
    """Samples go with purge only, which may be called again."""
    keep(storage, sample())
    storage.retire(Horizons(LATER))

    assert ids(storage) == ["s-1"]
    assert sum(storage.purge(storage.horizons())) == 1
    assert sum(storage.purge(storage.horizons())) == 0


def test_what_somebody_else_retires_stays(storage: Storage) -> None:
    """Who retires may be about to remember the keys: only who has done so deletes."""
    keep(storage, sample(id="old"), sample(id="new", timestamp=LATER))
    mine = storage.retire(Horizons(LATER))
    both = storage.retire(Horizons(LATER + MILLISECOND))

    assert sum(storage.purge(mine)) == 1
    assert ids(storage) == ["new"]
    assert sum(storage.purge(both)) == 1


def test_what_went_is_nowhere(storage: Storage) -> None:
    """Extents and Summaries are those of what is left; a series without samples is nowhere."""
    keep(storage, sample(id="a"), sample(id="b", timestamp=LATER), sample(id="c", meter="disk"))
    expire(storage, LATER)

    assert [LATER] == [one.first_sample_at for one in extents(storage)]
    assert [1] == [one.count for one in summaries(storage).values()]


@pytest.mark.parametrize("is_purged", [False, True])
@pytest.mark.parametrize("atomic", [False, True])
def test_what_expired_is_refused(storage: Storage, atomic: bool, is_purged: bool) -> None:
    """The same again, another under the key, and a new one before the horizon: all refused."""
    keep(storage, sample())
    storage.retire(Horizons(LATER))
    if is_purged:
        assert sum(storage.purge(storage.horizons())) == 1
    left = ids(storage)

    for one in (submission(), submission(volume=2), submission(id="new")):
        assert record(storage, one, atomic=atomic) == [E]
    assert ids(storage) == left


def test_what_is_on_the_horizon_is_taken(storage: Storage) -> None:
    """A sample at the horizon is stored, and again a duplicate."""
    storage.retire(Horizons(NOON))

    assert record(storage, submission()) == [S]
    assert record(storage, submission(), submission(volume=2)) == [D, C]


def test_each_has_its_verdict(storage: Storage) -> None:
    """In a batch that is not atomic the others are recorded."""
    storage.retire(Horizons(NOON))
    old = submission(id="old", timestamp=NOON - MILLISECOND)

    assert record(storage, submission(), old, submission(), submission(volume=2)) == [S, E, D, C]
    assert ids(storage) == ["s-1"]


def test_all_or_nothing(storage: Storage) -> None:
    """In an atomic batch nothing is stored when one has expired."""
    storage.retire(Horizons(NOON))
    old = submission(id="old", timestamp=NOON - MILLISECOND)

    assert record(storage, submission(), old, atomic=True) == [S, E]
    assert ids(storage) == []


def test_a_meter_may_have_its_own(storage: Storage) -> None:
    """The horizon of a meter counts instead of the default, be it earlier or later."""
    for meter in ("a.b", "$a", "other"):
        keep(storage, sample(id=meter, meter=meter))
    mine = {"a.b": LATER, "$a": FIRST}

    assert expire(storage, NOON, **mine) == 1
    assert sorted(ids(storage)) == ["$a", "other"]
    assert expire(storage, LATER, **mine) == 1
    assert ids(storage) == ["$a"]
    assert record(storage, submission(id="n", meter="a.b")) == [E]
    assert record(storage, submission(id="n", meter="$a")) == [S]


def test_horizons_never_move_back(storage: Storage) -> None:
    """An earlier horizon changes nothing, for the default or for a meter of its own."""
    expire(storage, NOON, cpu=LATER)
    expire(storage, NOON - MILLISECOND, cpu=NOON)

    assert horizons(storage) == (NOON, {"cpu": LATER})


def test_a_meter_cannot_leave_the_default_behind(storage: Storage) -> None:
    """A meter that gets a longer time of its own has at least the horizon that it had."""
    expire(storage, NOON)
    expire(storage, NOON, cpu=FIRST)
    expire(storage, LATER)

    assert record(storage, submission(timestamp=NOON - MILLISECOND)) == [E]
    assert horizons(storage)[0] == LATER
    assert horizons(storage)[1]["cpu"] >= NOON


@pytest.mark.parametrize("is_purged", [False, True])
def test_a_retry_without_a_timestamp_is_known(storage: Storage, is_purged: bool) -> None:
    """Where the server chose the timestamp, the key is refused although the time is new."""
    first = submission(id="mine", recorded_at=NOON, completed=["timestamp"])
    assert record(storage, first) == [S]
    storage.retire(Horizons(after_noon(1)))
    if is_purged:
        assert sum(storage.purge(storage.horizons())) == 1
    again = submission(id="mine", timestamp=LATER, recorded_at=LATER, completed=["timestamp"])
    other = submission(id="other", timestamp=LATER, recorded_at=LATER, completed=["timestamp"])

    assert record(storage, again, other) == [E, S]
    assert record(storage, again, other, atomic=True) == [E, D]


def test_a_key_is_spent_under_its_source_only(storage: Storage) -> None:
    """Another source may use the id."""
    keep(storage, sample(id="mine", recorded_at=NOON))
    expire(storage, after_noon(1))
    theirs = submission(id="mine", source="other", timestamp=LATER, completed=["timestamp"])

    assert record(storage, theirs) == [S]


def test_more_than_are_deleted_at_a_time(storage: Storage) -> None:
    """Thousands of samples in many series go, and what purge yields adds up."""
    old = [sample(id=f"o{n}", resource_id=f"r{n % 100}", recorded_at=NOON) for n in range(6_000)]
    new = [sample(id=f"n{n}", resource_id=f"r{n}", timestamp=LATER) for n in range(3)]
    keep(storage, *old, *new)

    assert expire(storage, LATER) == 6_000
    assert sorted(ids(storage)) == ["n0", "n1", "n2"]
    again = [
        submission(id=f"o{n}", timestamp=LATER, completed=["timestamp"]) for n in range(0, 6_000, 7)
    ]
    assert {E} == set(record(storage, *again))


@pytest.mark.durable
def test_other_connections_heed_a_horizon(driver: Driver) -> None:
    """One process retires, another that has been recording all along refuses."""
    with driver.fresh() as one, driver.again(one) as other:
        keep(other, sample(), sample(id="own", recorded_at=NOON))
        expire(one, LATER)

        assert record(other, submission()) == [E]
        assert record(other, submission(), submission(id="n", timestamp=LATER)) == [E, S]
        late = submission(id="own", timestamp=LATER, completed=["timestamp"])
        assert record(other, late, atomic=True) == [E]
        assert ids(other) == ["n"]


@pytest.mark.durable
def test_an_atomic_batch_heeds_a_horizon_of_others(driver: Driver) -> None:
    """The first that another process records after a horizon moved is refused as a whole."""
    with driver.fresh() as one, driver.again(one) as other:
        keep(other, sample(timestamp=LATER))
        one.retire(Horizons(LATER))
        batch = submission(id="a", timestamp=LATER), submission(id="b"), submission(timestamp=LATER)

        assert record(other, *batch, atomic=True) == [S, E, D]
        assert ids(one) == ["s-1"]


@pytest.mark.durable
def test_horizons_outlive_the_connection(driver: Driver) -> None:
    """A store that is opened again has the horizons and spent keys that it had."""
    with driver.fresh() as storage:
        with driver.again(storage) as first:
            keep(first, sample(recorded_at=NOON))
            expire(first, after_noon(1), disk=LATER)

        with driver.again(storage) as second:
            assert horizons(second) == (after_noon(1), {"disk": LATER})
            assert record(second, submission(timestamp=LATER, completed=["timestamp"])) == [E]


def test_what_stays_is_as_it_was(storage: Storage) -> None:
    """Samples after the horizon are the same to the last digit."""
    left = [sample(id=f"s{n}", timestamp=after_noon(n), volume=f"{n}.1") for n in range(5)]
    keep(storage, *left, sample(id="old", timestamp=NOON - MILLISECOND))
    expire(storage, NOON)

    assert list(reversed(left)) == samples(storage)
