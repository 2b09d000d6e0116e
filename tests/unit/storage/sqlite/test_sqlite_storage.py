"""What only a store that keeps tracks apart, in SQL, can get wrong; the rest is the contract's."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from builders import submission

from metering.model import AllProjects, Outcome
from metering.query import ExtentQuery, SampleQuery
from metering.storage import open_storage
from metering.storage.sqlite import SqliteStorage

EVERYTHING_EVER = SampleQuery(scope=AllProjects())


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[SqliteStorage]:
    """A store, prepared."""
    url = f"sqlite:///{tmp_path}/metering.db"
    with closing(SqliteStorage.open(url, timeout_seconds=60)) as one:
        one.prepare()
        yield one


def test_scheme_opens_the_driver(tmp_path: Path) -> None:
    """The scheme `sqlite` is this driver's, and opening makes no file."""
    storage = open_storage(f"sqlite:///{tmp_path}/metering.db", timeout_seconds=60)

    assert isinstance(storage, SqliteStorage)
    assert [] == list(tmp_path.iterdir())


def test_track_is_kept_once(storage: SqliteStorage) -> None:
    """Samples that differ in id, time and volume only share a track, also over calls."""
    storage.record([submission(id="a"), submission(id="b")], atomic=True)
    storage.record([submission(id="c", volume=2), submission(id="d", unit="B")], atomic=True)

    assert [1, 2] == sorted(handle for handle, _ in storage.tables.find_tracks({}))


def test_description_is_kept_once(storage: SqliteStorage) -> None:
    """Tracks share a description, and a track has several, also over calls."""
    storage.record([submission(id="a"), submission(id="b", unit="B")], atomic=True)
    storage.record(
        [submission(id="c", unit="C"), submission(id="d", metadata={"a": 1})], atomic=True
    )

    assert {1: {}, 2: {"a": 1}} == {
        handle: one.tree for handle, one in storage.tables.descriptions([1, 2, 3])
    }
    assert 3 == len(list(storage.tables.find_tracks({})))


def test_descriptions_of_many_handles(storage: SqliteStorage) -> None:
    """More than one statement asks for; those that are missing are passed over."""
    storage.record([submission(id=f"s-{n}", metadata={"n": n}) for n in range(2_500)], atomic=True)

    for _ in range(2):
        found = dict(storage.tables.descriptions(range(1, 3_000)))

        assert list(range(2_500)) == sorted(one.tree["n"] for one in found.values())


def test_conflict_leaves_no_track(storage: SqliteStorage) -> None:
    """A batch that is refused as a whole leaves no track that has no samples."""
    storage.record([submission(id="a")], atomic=True)
    verdicts = storage.record([submission(id="a", volume=2), submission(unit="B")], atomic=True)

    assert [Outcome.CONFLICT, Outcome.STORED] == [verdict.outcome for verdict in verdicts]
    assert 1 == len(list(storage.tables.find_tracks({})))


def test_conflict_leaves_no_description(storage: SqliteStorage) -> None:
    """Nor does it leave one that no sample has."""
    storage.record([submission(id="a")], atomic=True)
    other = submission(id="b", metadata={"a": 1})
    storage.record([submission(id="a", volume=2), other], atomic=True)

    assert [1] == [handle for handle, _ in storage.tables.descriptions([1, 2])]


def test_absent_project_is_not_an_empty_one(storage: SqliteStorage) -> None:
    """A look-up for no project finds those of none, and the empty text only itself."""
    batch = [submission(id="a", project_id=None), submission(id="b", project_id="")]
    storage.record(batch, atomic=True)

    assert [None] == [one.project_id for _, one in storage.tables.find_tracks({"project_id": None})]
    assert [""] == [one.project_id for _, one in storage.tables.find_tracks({"project_id": ""})]


def test_samples_by_key(storage: SqliteStorage) -> None:
    """Samples are found by their keys alone; keys of none are passed over."""
    storage.record([submission(id=name) for name in "abc"], atomic=True)
    keys = {submission(id=name).sample.key for name in "acx"}

    assert {"a", "c"} == {row.id for row in storage.tables.samples_by_key(keys)}
    assert [] == list(storage.tables.samples_by_key(set()))


def test_batch_larger_than_any_chunk(storage: SqliteStorage) -> None:
    """Thousands of samples of thousands of tracks are one call, and their repetition as well."""
    batch = [submission(id=f"s-{n}", resource_id=f"vm-{n}") for n in range(5000)]

    first, second = (storage.record(batch, atomic=True) for _ in range(2))
    assert {Outcome.STORED} == {verdict.outcome for verdict in first}
    assert {Outcome.DUPLICATE} == {verdict.outcome for verdict in second}
    assert 5000 == len(list(storage.extents(ExtentQuery(scope=AllProjects()))))


def test_file_that_was_replaced(tmp_path: Path, storage: SqliteStorage) -> None:
    """Handles of the file that was there before mean nothing: another track has the number."""
    storage.record([submission(id="a", resource_id="vm-old")], atomic=True)
    assert ["vm-old"] == [one.series.resource_id for one in storage.samples(EVERYTHING_EVER)]
    storage.close()
    for file in tmp_path.glob("metering.db*"):
        file.unlink()
    storage.prepare()
    storage.record([submission(id="b", resource_id="vm-new")], atomic=True)

    assert ["vm-new"] == [one.series.resource_id for one in storage.samples(EVERYTHING_EVER)]
