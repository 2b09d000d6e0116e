"""`Storage.oldest`: when the first of all samples that a caller may see was taken."""

from builders import NOON, after_noon, sample
from contract.asking import EVERYONE, keep

from metering.model import Project
from metering.storage.base import Storage


def test_empty_store(storage: Storage) -> None:
    """There is none."""
    assert storage.oldest(EVERYONE) is None
    assert storage.oldest(Project("p")) is None


def test_of_all_meters_and_resources(storage: Storage) -> None:
    """Whatever came first, and whatever has the newest sample."""
    keep(storage, sample(id="1", timestamp=after_noon(3)))
    keep(storage, sample(id="2", timestamp=after_noon(2.001), meter="disk", resource_id="vm-9"))
    keep(storage, sample(id="3", timestamp=after_noon(9), meter="disk"))

    assert after_noon(2.001) == storage.oldest(EVERYONE)


def test_what_comes_late(storage: Storage) -> None:
    """It is the oldest from then on, in one project and of all."""
    keep(storage, sample(id="1", timestamp=after_noon(3), project_id="mine"))
    keep(storage, sample(id="2", timestamp=NOON, project_id="mine"))

    assert NOON == storage.oldest(EVERYONE) == storage.oldest(Project("mine"))


def test_of_a_project(storage: Storage) -> None:
    """Nothing of others counts, nor what belongs to nobody."""
    keep(storage, sample(id="1", timestamp=NOON, project_id="theirs"))
    keep(storage, sample(id="2", timestamp=after_noon(1), project_id=None))
    keep(storage, sample(id="3", timestamp=after_noon(5), project_id="mine"))
    keep(storage, sample(id="4", timestamp=after_noon(4), project_id="mine", resource_id="vm-9"))

    assert after_noon(4) == storage.oldest(Project("mine"))
    assert NOON == storage.oldest(EVERYONE)
    assert storage.oldest(Project("")) is None
