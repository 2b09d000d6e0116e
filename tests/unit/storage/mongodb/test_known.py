"""Tracks and descriptions that a process knows, and a database that is not as it was."""

from builders import after_noon, sample
from contract.asking import keep

from metering.model import AllProjects
from metering.query import ExtentQuery, SampleQuery
from metering.storage.mongodb import MongoStorage
from metering.storage.mongodb.connection import Connection

EXTENTS, SAMPLES = ExtentQuery(scope=AllProjects()), SampleQuery(scope=AllProjects())


def resources_of(storage: MongoStorage) -> list[list[str]]:
    """Of which resources there are extents, and samples."""
    extents = [one.subject.resource_id for one in storage.extents(EXTENTS)]
    return [extents, [one.series.resource_id for one in storage.samples(SAMPLES)]]


def test_database_that_was_dropped(storage: MongoStorage, connection: Connection) -> None:
    """What was known of its tracks is in no answer."""
    keep(storage, sample(resource_id="vm-old"))
    assert [["vm-old"], ["vm-old"]] == resources_of(storage)
    connection.client.drop_database(connection.database.name)
    storage.prepare()

    assert [[], []] == resources_of(storage)
    keep(storage, sample(id="s-2", resource_id="vm-new"))
    assert [["vm-new"], ["vm-new"]] == resources_of(storage)


def test_tracks_are_read_once(storage: MongoStorage, connection: Connection) -> None:
    """A question reads the documents of those tracks that are new to the process."""
    keep(storage, sample())
    resources_of(storage)
    connection.tracks.update_many({}, {"$set": {"unit": "not to be read"}})
    keep(storage, sample(id="s-2", resource_id="vm-2"))

    assert [one.subject for one in storage.extents(EXTENTS)].count(sample().series) == 1
    assert sorted(resources_of(storage)[0]) == ["vm-1", "vm-2"]


def test_descriptions_are_read_once(storage: MongoStorage, connection: Connection) -> None:
    """And of those descriptions."""
    keep(storage, sample(metadata={"a": 1}))
    resources_of(storage)
    connection.descriptions.update_many({}, {"$set": {"metadata": "not to be read"}})
    keep(storage, sample(id="s-2", timestamp=after_noon(1), metadata={"a": 2}))

    trees = [one.series.metadata.tree for one in storage.samples(SAMPLES)]
    assert trees == [{"a": 2}, {"a": 1}]
