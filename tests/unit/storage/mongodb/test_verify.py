"""What verify finds in a database that something else has written to."""

from collections.abc import Callable
from typing import Any

import pytest
from builders import after_noon, sample
from contract.asking import keep

from metering.storage.mongodb import MongoStorage
from metering.storage.mongodb.connection import Connection

Change = Callable[[Connection], Any]


def another_key(connection: Connection) -> None:
    """A sample that is stored under a key that is not its own."""
    document = connection.samples.find_one_and_delete({"id": "s-2"})
    assert document
    connection.samples.insert_many([document | {"_id": bytes(16)}])


DAMAGE: dict[str, tuple[Change, str]] = {
    "a key": (another_key, "meter cpu of resource vm-1: 1 samples are not found under their key"),
    "an id": (
        lambda db: db.samples.update_many({"id": "s-2"}, {"$set": {"id": "other"}}),
        "meter cpu of resource vm-1: 1 samples are not found under their key",
    ),
    "a series that went": (
        lambda db: db.series.delete_many({"resource_id": "vm-2"}),
        (
            f"samples are of series {sample(resource_id='vm-2').series.digest.hex()}, "
            "which does not exist"
        ),
    ),
    "a description": (
        lambda db: db.series.update_many({"resource_id": "vm-2"}, {"$set": {"unit": "other"}}),
        (
            f"series {sample(resource_id='vm-2', unit='other').series.digest.hex()} "
            "has the key of another"
        ),
    ),
}


def contradictions(storage: MongoStorage) -> list[str]:
    """What verify finds."""
    return [found for inspection in storage.verify() for found in inspection.contradictions]


@pytest.mark.parametrize(("change", "sentence"), DAMAGE.values(), ids=DAMAGE)
def test_damage_is_found(
    storage: MongoStorage, connection: Connection, change: Change, sentence: str
) -> None:
    """Each kind of damage is named, and nothing before it."""
    keep(storage, sample(), sample(id="s-2", timestamp=after_noon(1), volume=2))
    keep(storage, sample(id="s-3", resource_id="vm-2"))
    assert contradictions(storage) == []
    change(connection)

    assert sentence in contradictions(storage)
