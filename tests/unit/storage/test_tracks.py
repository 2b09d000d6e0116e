"""What the shared engine reads, and what it finds when two ways to read a track disagree."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from builders import after_noon, sample
from contract.asking import keep
from tables import stored_in

from metering.catalogue.resources import CatalogueQuery, meters
from metering.cuts import Cuts
from metering.metadata import Metadata
from metering.model import AllProjects, Project, Track
from metering.query import EVERYTHING, FIELDS, Comparison, Operator, Position, StreamQuery
from metering.storage.handles import Handle
from metering.storage.sqlite import SqliteStorage
from metering.storage.sqlite.tables import SqliteTables
from metering.storage.stored_sample import StoredSample
from metering.summary import Reading
from metering.times import EVER, Range, WholeRange


@stored_in
class Late(SqliteTables):
    """Lets another sample arrive between two looks, the first time."""

    has_come = False

    def readings(
        self, handles: Collection[Handle], range_: Range
    ) -> Iterator[tuple[Handle, Reading]]:
        """See `Tables.readings`."""
        yield from list(super().readings(handles, range_))
        if not self.has_come:
            self.has_come = True
            keep(self, sample(id="late", timestamp=after_noon(9)))


@stored_in
class Lossy(SqliteTables):
    """Reads one sample less than there are."""

    def readings(
        self, handles: Collection[Handle], range_: Range
    ) -> Iterator[tuple[Handle, Reading]]:
        """See `Tables.readings`."""
        yield from list(super().readings(handles, range_))[1:]


@stored_in
class LossyRows(SqliteTables):
    """Finds one sample less of its tracks than there are."""

    def samples_of(self, handles: Collection[Handle], range_: Range) -> Iterator[StoredSample]:
        """See `Tables.samples_of`."""
        yield from list(super().samples_of(handles, range_))[1:]


@stored_in
class Forgetful(SqliteTables):
    """Has lost a description."""

    def descriptions(self, handles: Collection[Handle]) -> Iterator[tuple[Handle, Metadata]]:
        """See `Tables.descriptions`."""
        yield from list(super().descriptions(handles))[1:]


@stored_in
class Doubling(SqliteTables):
    """Meets each sample twice."""

    def scan(
        self, handles: Collection[Handle], range_: Range, after: Position | None
    ) -> Iterator[StoredSample]:
        """See `Tables.scan`."""
        for row in super().scan(handles, range_, after):
            yield from (row, row)


@stored_in
class Counting(SqliteTables):
    """Notes of how many tracks the ends were looked up."""

    looked_up = 0

    def extents(
        self, handles: Collection[Handle], range_: Range, as_of: datetime | None
    ) -> Iterator[tuple[Handle, datetime, datetime]]:
        """See `Tables.extents`."""
        self.looked_up += len(handles)
        return super().extents(handles, range_, as_of)


@stored_in
class Siblings(SqliteTables):
    """Notes whose tracks are read beside those that were asked for, at each question."""

    beside: list[list[str | None]]

    def tracks_of_resources(
        self, resource_ids: Collection[str], equal: Mapping[str, Any], besides: Collection[Handle]
    ) -> Iterator[tuple[Handle, Track]]:
        """See `Tables.tracks_of_resources`."""
        found = list(super().tracks_of_resources(resource_ids, equal, besides))
        self.beside.append([one.project_id for _, one in found])
        return iter(found)


def test_tracks_are_looked_for_once(tmp_path: Path) -> None:
    """Of the streams of a project only other owners' tracks are missing; of all streams none."""
    with closing(Siblings.open(f"sqlite:///{tmp_path}/metering.db", timeout_seconds=60)) as store:
        store.prepare()
        store.tables.beside = []
        keep(
            store,
            sample(project_id="p-1"),
            sample(id="s-2", timestamp=after_noon(1), project_id="p-2"),
            sample(id="s-3", meter="disk", project_id="p-3"),
        )
        cuts = Cuts(windows=WholeRange(EVER))
        cpu = Comparison(FIELDS["meter"], Operator.EQ, "cpu")
        for scope, filter_ in (
            (AllProjects(), EVERYTHING),
            (AllProjects(), cpu),
            (Project("p-1"), EVERYTHING),
            (Project("p-1"), cpu),
        ):
            list(store.streams(StreamQuery(scope=scope, cuts=cuts, filter=filter_)))

        assert [sorted(map(str, some)) for some in store.tables.beside] == [["p-2", "p-3"], ["p-2"]]


def test_who_reads_a_page_pays_for_a_page(tmp_path: Path) -> None:
    """The ends of tracks are looked up as they are asked for, some at a time."""
    with closing(Counting.open(f"sqlite:///{tmp_path}/metering.db", timeout_seconds=60)) as store:
        store.prepare()
        keep(store, *(sample(id=f"s-{n}", resource_id=f"vm-{n:04}") for n in range(1_000)))

        page = list(islice(meters(store, CatalogueQuery(scope=AllProjects())), 100))

        assert [f"vm-{n:04}" for n in range(100)] == [one.resource_id for one in page]
        assert store.tables.looked_up < 200


def contradictions(kind: type[SqliteStorage], folder: Path) -> list[str]:
    """What verify finds in a file of two samples through such a driver."""
    url = f"sqlite:///{folder}/metering.db"
    with closing(kind.open(url, timeout_seconds=60)) as storage:
        storage.prepare()
        keep(storage, sample(volume=2), sample(id="s-2", timestamp=after_noon(1), volume="0.5"))
        return [found for one in storage.verify() for found in one.contradictions]


def test_a_sample_that_comes_meanwhile_is_no_contradiction(tmp_path: Path) -> None:
    """The track is looked at again."""
    assert contradictions(Late, tmp_path) == []


def test_a_reading_that_is_missing(tmp_path: Path) -> None:
    """Counts and sums are named."""
    assert contradictions(Lossy, tmp_path) == [
        (
            "meter cpu of resource vm-1: count 2 and sum 2.5 in its samples, "
            "count 1 and sum 0.5 in its readings from 2015-06-01 12:00 on"
        )
    ]


def test_a_sample_that_is_missing_of_its_track(tmp_path: Path) -> None:
    """Blocks would be made without it."""
    assert contradictions(LossyRows, tmp_path) == [
        "meter cpu of resource vm-1: 1 samples are not found under their track"
    ]


def test_a_description_that_is_missing(tmp_path: Path) -> None:
    """It is said of which track's samples."""
    assert contradictions(Forgetful, tmp_path) == [
        "meter cpu of resource vm-1: 1 descriptions of its samples do not exist"
    ]


def test_a_sample_that_is_there_twice(tmp_path: Path) -> None:
    """It is said, and so are the figures."""
    found = contradictions(Doubling, tmp_path)

    assert found[0] == "meter cpu of resource vm-1: 2 samples are there twice"
    assert "count 4 and sum 5" in found[1]
