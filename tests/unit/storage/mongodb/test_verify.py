"""What verify finds in a database that something else has written to."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from builders import LATER, after_noon, sample
from contract.asking import keep

from metering.metadata import Metadata
from metering.storage.mongodb import MongoStorage
from metering.storage.mongodb.connection import Connection
from metering.storage.mongodb.names import DESCRIPTION, ID

Change = Callable[[Connection], Any]


def another_key(connection: Connection) -> None:
    """A sample that is stored under a key that is not its own."""
    document = connection.samples.find_one_and_delete({ID: "s-2"})
    assert document
    connection.samples.insert_many([document | {"_id": bytes(16)}])


DAMAGE: dict[str, tuple[Change, str]] = {
    "a key": (another_key, "meter cpu of resource vm-1: 1 samples are not found under their key"),
    "an id": (
        lambda db: db.samples.update_many({ID: "s-2"}, {"$set": {ID: "other"}}),
        "meter cpu of resource vm-1: 1 samples are not found under their key",
    ),
    "a track that went": (
        lambda db: db.tracks.delete_many({"resource_id": "vm-2"}),
        (
            f"samples are of track {sample(resource_id='vm-2').series.track.digest.hex()}, "
            "which does not exist"
        ),
    ),
    "a track": (
        lambda db: db.tracks.update_many({"resource_id": "vm-2"}, {"$set": {"unit": "other"}}),
        (
            f"track {sample(resource_id='vm-2', unit='other').series.track.digest.hex()} "
            "has the key of another"
        ),
    ),
    "a description": (
        lambda db: db.descriptions.update_many(
            {"_id": Metadata.of({"a": 1}).digest}, {"$set": {"metadata": "{}"}}
        ),
        f"description {Metadata.of({'a': 1}).digest.hex()} has the key of another",
    ),
    "a description of another": (
        lambda db: db.samples.update_many(
            {ID: "s-3"}, {"$set": {DESCRIPTION: sample().series.metadata.digest}}
        ),
        "meter cpu of resource vm-2: what was sealed of 2015-06-01 is not in its samples",
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
    keep(storage, sample(id="s-3", resource_id="vm-2", metadata={"a": 1}))
    list(storage.seal(LATER))
    assert contradictions(storage) == []
    change(connection)

    assert sentence in contradictions(storage)


def test_a_description_that_went_is_found(url: str, storage: MongoStorage) -> None:
    """By whoever does not know it."""
    keep(storage, sample(metadata={"a": 1}), sample(id="s-2", metadata={"a": 2}))
    storage.tables._connection.descriptions.delete_many({"_id": Metadata.of({"a": 2}).digest})
    with closing(MongoStorage.open(url, timeout_seconds=20)) as other:
        assert contradictions(other) == [
            "meter cpu of resource vm-1: 1 descriptions of its samples do not exist"
        ]
