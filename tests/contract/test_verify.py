"""A store that is whole verifies, whatever it holds."""

from builders import NOON, after_noon, sample
from contract.asking import keep, samples

from metering.retention import Horizons
from metering.storage.base import Storage


def contradictions(storage: Storage) -> list[str]:
    """All that verify finds."""
    return [one for inspection in storage.verify() for one in inspection.contradictions]


def test_an_empty_store_is_whole(storage: Storage) -> None:
    """Nothing contradicts nothing."""
    assert contradictions(storage) == []


def test_a_full_store_is_whole(storage: Storage) -> None:
    """Equal times, many series, odd names, far volumes: nothing contradicts."""
    keep(
        storage,
        *(sample(id=f"a{n}", timestamp=after_noon(n % 3), volume=f"{n}E-27") for n in range(50)),
        *(sample(id=f"a{n}", source="other", resource_id="ü/$x") for n in range(5)),
        *(sample(id=f"m{n}", metadata={"n": n}, project_id=None) for n in range(20)),
    )
    before = samples(storage)

    assert contradictions(storage) == []
    assert before == samples(storage)


def test_every_sample_is_read(storage: Storage) -> None:
    """The inspections count all samples, or none where there is but one way to read them."""
    keep(storage, *(sample(id=f"a{n}", resource_id=f"r{n % 7}") for n in range(100)))

    assert sum(inspection.samples for inspection in storage.verify()) in (0, 100)


def test_what_is_left_is_whole(storage: Storage) -> None:
    """Samples that expired leave nothing behind that contradicts."""
    keep(storage, sample(), sample(id="later", timestamp=after_noon(1)))
    storage.retire(Horizons(after_noon(1)))
    assert contradictions(storage) == []
    assert sum(storage.purge(storage.horizons())) == 1
    assert contradictions(storage) == []
    assert NOON not in [one.timestamp for one in samples(storage)]
