"""MongoDB answers each question from the index meant for it, and reads nothing in vain."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from builders import NOON, after_noon, sample
from pymongo import ASCENDING, DESCENDING

from metering.model import Submission
from metering.storage.mongodb import MongoStorage, mapping, questions
from metering.storage.mongodb.connection import Connection
from metering.storage.mongodb.names import RANK, TRACK
from metering.storage.mongodb.questions import Ends
from metering.storage.mongodb.ranks import ranks_in
from metering.summary import Reading
from metering.times import EVER, Range

TRACKS = 210
SAMPLES_EACH = 10
RANGE = Range(after_noon(0), after_noon(8))


@pytest.fixture
def handles(storage: MongoStorage) -> list[bytes]:
    """The tracks of a store that has a sample a second of each for ten seconds."""
    samples = [
        sample(id=f"{number}/{second}", resource_id=f"vm-{number}", timestamp=after_noon(second))
        for number in range(TRACKS)
        for second in range(SAMPLES_EACH)
    ]
    storage.record([Submission(one) for one in samples], atomic=False)
    return sorted({one.series.track.digest for one in samples})


def explained_find(connection: Connection, find: dict[str, Any]) -> dict[str, Any]:
    """The plan of a find and what it did."""
    return connection.samples.find(**find).explain()


def explained_aggregate(
    connection: Connection, collection: str, stages: list[dict[str, Any]]
) -> dict[str, Any]:
    """The plan of an aggregation and what it did."""
    command = {"aggregate": collection, "pipeline": stages, "cursor": {}}
    return connection.database.command("explain", command, verbosity="executionStats")


def stages_of(node: Any) -> Iterator[str]:
    """The names of all stages below a winning plan."""
    if isinstance(node, dict):
        if "stage" in node:
            yield node["stage"]
        for part in node.values():
            yield from stages_of(part)
    elif isinstance(node, list):
        for part in node:
            yield from stages_of(part)


def winning(plan: dict[str, Any]) -> set[str]:
    """The stages of the plan that MongoDB chose."""
    return set(stages_of(plan["queryPlanner"]["winningPlan"]))


def examined(plan: dict[str, Any]) -> tuple[int, int]:
    """How many keys and documents were looked at."""
    statistics = plan["executionStats"]
    return statistics["totalKeysExamined"], statistics["totalDocsExamined"]


def test_readings_come_from_the_index_alone(connection: Connection, handles: list[bytes]) -> None:
    """No document is fetched, nothing is sorted."""
    plan = explained_find(connection, questions.readings(handles, RANGE))

    assert {"PROJECTION_COVERED", "IXSCAN"} == winning(plan)
    assert 0 == examined(plan)[1]


def test_what_comes_needs_no_decoder(
    storage: MongoStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readings, and samples whose ids are UUIDs, lie as they are cut, as the server sends them."""
    kept = sample(id="01234567-89ab-cdef-0123-456789abcdef", volume="0.5")
    storage.record([Submission(kept)], atomic=False)
    handle = kept.series.track.digest
    monkeypatch.setattr(mapping, "decode_iter", None)

    (reading,) = storage.tables.readings([handle], EVER)
    (row,) = storage.tables.samples_of([handle], EVER)

    assert (handle, Reading(NOON, Decimal("0.5"))) == reading
    assert kept == row.sample(kept.series)


def test_rows_come_by_track_and_time(connection: Connection, handles: list[bytes]) -> None:
    """Nothing is sorted, and no sample of another track or time is fetched."""
    find = questions.rows_of(handles[::2], RANGE)
    plan = explained_find(connection, find)
    found = [(one[TRACK], one[RANK]) for one in connection.samples.find(**find)]

    assert "SORT" not in winning(plan)
    assert TRACKS / 2 * 8 == examined(plan)[1] == len(found)
    assert sorted(found) == found


@pytest.mark.parametrize(("apart", "each"), [(timedelta(0), 1), (timedelta(seconds=1), 2)])
def test_samples_at_moments_are_found_by_their_keys(
    connection: Connection,
    handles: list[bytes],
    monkeypatch: pytest.MonkeyPatch,
    apart: timedelta,
    each: int,
) -> None:
    """Of each moment its samples are fetched, and those of the moments that are one with it."""
    monkeypatch.setattr(questions, "_POLLED_TOGETHER", apart)
    moments = [(handle, after_noon(number % 8)) for number, handle in enumerate(handles[:200])]
    plan = explained_find(connection, questions.samples_at(moments))

    assert "COLLSCAN" not in winning(plan)
    keys, documents = examined(plan)
    assert documents == each * len(moments)
    assert keys <= 4 * len(moments)


@pytest.mark.parametrize("count", [1, 2, questions.MOST_TRACKS_MERGED])
@pytest.mark.parametrize("range_", [RANGE, EVER, Range(None, after_noon(5))])
def test_samples_of_some_tracks_are_merged(
    connection: Connection,
    handles: list[bytes],
    count: int,
    range_: Range,
) -> None:
    """A page of samples reads a page, without sorting."""
    find = questions.samples_of_few(handles[:count], ranks_in(range_))

    plan = explained_find(connection, {**find, "limit": 5})

    keys, documents = examined(plan)
    assert "SORT" not in winning(plan)
    assert documents <= 5 + 2 * count
    assert keys <= 5 + 3 * count


def test_samples_of_many_tracks_come_in_order(connection: Connection, handles: list[bytes]) -> None:
    """The index by time gives the order."""
    find = questions.samples_of_many(handles, ranks_in(RANGE))

    plan = explained_find(connection, {**find, "limit": 5})

    assert "SORT" not in winning(plan)
    assert examined(plan)[0] <= 7


def test_one_seek_says_whether_anything_follows(
    connection: Connection, handles: list[bytes]
) -> None:
    """Of all tracks at once."""
    plan = explained_find(connection, questions.any_in(Range(after_noon(8), None)))

    assert len(handles) == TRACKS
    assert {"LIMIT", "PROJECTION_COVERED", "IXSCAN"} == winning(plan)
    assert (1, 0) == examined(plan)


def test_tracks_of_resources_are_sought(connection: Connection, handles: list[bytes]) -> None:
    """No track of another resource is looked at, whatever else is asked."""
    of_one = next(connection.tracks.find({"_id": handles[0]}))
    find = questions.handles_of_resources([of_one["resource_id"]], {"meter": of_one["meter"]})
    plan = connection.tracks.find(**find).explain()

    assert plan["executionStats"]["totalDocsExamined"] == 1


@pytest.mark.parametrize("direction", [ASCENDING, DESCENDING])
@pytest.mark.parametrize("range_", [RANGE, EVER, Range(None, after_noon(8))])
def test_ends_are_sought(
    connection: Connection, handles: list[bytes], direction: int, range_: Range
) -> None:
    """One seek for each track, none for each sample."""
    stages = questions.ends(Ends(handles, range_, None), direction)

    plan = explained_aggregate(connection, "samples", stages)["stages"][0]["$cursor"]

    assert {"PROJECTION_COVERED", "DISTINCT_SCAN"} == winning(plan)
    assert examined(plan)[0] <= 2 * TRACKS


def test_ends_with_recorded_at_are_sought(connection: Connection, handles: list[bytes]) -> None:
    """One document for each track."""
    stages = questions.ends(Ends(handles, RANGE, NOON), ASCENDING)

    plan = explained_aggregate(connection, "samples", stages)["stages"][0]["$cursor"]

    assert {"FETCH", "DISTINCT_SCAN"} == winning(plan)
    assert TRACKS == examined(plan)[1]


@pytest.mark.parametrize("direction", [ASCENDING, DESCENDING])
def test_ends_recorded_in_time_are_walked_to(
    connection: Connection, handles: list[bytes], direction: int
) -> None:
    """Only the samples between the end and the answer are read."""
    as_of = NOON + timedelta(days=1)
    stages = questions.ends_in_time(Ends(handles, EVER, as_of), direction)

    plan = explained_aggregate(connection, "tracks", stages)["stages"]
    (look_up,) = [stage for stage in plan if "$lookup" in stage]

    assert look_up["totalDocsExamined"] <= TRACKS
    assert TRACKS == len(list(connection.tracks.aggregate(stages)))


@pytest.mark.parametrize("field", ["meter", "resource_id", "project_id"])
def test_tracks_are_found_by_index(
    connection: Connection, handles: list[bytes], field: str
) -> None:
    """The fields that select few tracks have an index."""
    find = questions.handles_with({field: "x"})

    plan = connection.tracks.find(**find).explain()

    assert {"PROJECTION_SIMPLE", "FETCH", "IXSCAN"} == winning(plan)


def test_all_handles_come_from_the_index_alone(
    connection: Connection, handles: list[bytes]
) -> None:
    """No document is read."""
    plan = connection.tracks.find(**questions.handles_with({})).explain()

    assert (len(handles), 0) == examined(plan)


def test_first_resources_are_read_first(connection: Connection, handles: list[bytes]) -> None:
    """Nothing is sorted, so whoever stops early has read little."""
    find = questions.handles_with({}, by_resource=True)

    plan = connection.tracks.find(**find, limit=5).explain()

    assert 5 < len(handles)
    assert (5, 5) == examined(plan)
