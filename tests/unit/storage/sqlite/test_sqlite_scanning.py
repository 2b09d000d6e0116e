"""Walks give every row once and in order, however they are cut into chunks."""

from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from builders import after_noon, submission

from metering.model import Submission
from metering.query import Position
from metering.storage.sqlite import SqliteStorage, scanning
from metering.times import EVER, Range

HANDLES = [1, 2, 3]
VOLUMES = ("10", "9", "-1", "1.5")


def at(number: int) -> int:
    """Seconds after noon: four samples share each instant."""
    return number // 4


def one(number: int) -> Submission:
    """A sample of one of three tracks, the first of which has most."""
    resource = "vm-1" if number % 5 else f"vm-{number % 3 + 1}"
    return submission(
        id=f"s-{number}",
        timestamp=after_noon(at(number)),
        volume=VOLUMES[number % 4],
        resource_id=resource,
    )


HISTORY = [one(number) for number in range(90)]


@pytest.fixture(params=[(1, 1, 64, 1), (2, 3, 1, 2), (32, 4096, 64, 1000)])
def storage(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SqliteStorage]:
    """A store of the history, read in chunks of various sizes, merged or walked."""
    names = ("_FIRST_CHUNK", "_LAST_CHUNK", "_FEW_TRACKS", "HANDLES_AT_ONCE")
    for name, value in zip(names, request.param, strict=True):
        monkeypatch.setattr(scanning, name, value)
    with closing(SqliteStorage.open(f"sqlite:///{tmp_path}/m.db", timeout_seconds=60)) as store:
        store.prepare()
        store.record(HISTORY, atomic=True)
        yield store


def newest_first(history: list[Submission]) -> list[str]:
    """The ids in the order of the contract."""
    samples = [one.sample for one in history]
    samples.sort(key=lambda sample: (sample.timestamp, sample.key), reverse=True)
    return [sample.id for sample in samples]


def test_all_rows_newest_first(storage: SqliteStorage) -> None:
    """Rows come by (timestamp, key) descending, each once."""
    assert newest_first(HISTORY) == [row.id for row in storage.tables.scan(HANDLES, EVER, None)]


def test_rows_of_some_tracks(storage: SqliteStorage) -> None:
    """Rows of other tracks are left out."""
    tracks = dict(storage.tables.find_tracks({}))
    wanted = [one for one in HISTORY if one.sample.series.track in (tracks[1], tracks[3])]

    assert newest_first(wanted) == [row.id for row in storage.tables.scan([1, 3], EVER, None)]
    assert [] == list(storage.tables.scan([], EVER, None))


def test_rows_after_a_position_in_range(storage: SqliteStorage) -> None:
    """A walk begins just after the position, or at the end of the range if that is earlier."""
    expected = newest_first(HISTORY[16:48])
    range_ = Range(after_noon(4), after_noon(12))
    page = list(islice(storage.tables.scan(HANDLES, range_, None), 10))
    kept = next(one.sample for one in HISTORY if one.sample.id == page[-1].id)
    late = Position(after_noon(1000), b"")

    assert expected[:10] == [row.id for row in page]
    position = Position(kept.timestamp, kept.key)
    assert expected[10:] == [row.id for row in storage.tables.scan(HANDLES, range_, position)]
    assert expected == [row.id for row in storage.tables.scan(HANDLES, range_, late)]


def test_readings_in_order(storage: SqliteStorage) -> None:
    """Readings come track by track; those of one instant by number, not by text."""
    tracks = dict(storage.tables.find_tracks({}))
    expected: list[tuple[Any, ...]] = sorted(
        (handle, one.sample.timestamp, one.sample.volume)
        for handle in HANDLES
        for one in HISTORY
        if one.sample.series.track == tracks[handle] and one.sample.timestamp < after_noon(20)
    )
    found = storage.tables.readings(HANDLES, Range(None, after_noon(20)))

    assert expected == [(handle, *reading) for handle, reading in found]
    assert Decimal(-1) in {volume for _, _, volume in expected}


def test_extents_of_tracks(storage: SqliteStorage) -> None:
    """Each track with samples in range has its first and last one there."""
    found = storage.tables.extents([*HANDLES, 99], Range(after_noon(5), after_noon(15)), None)
    tracks = dict(storage.tables.find_tracks({}))
    instants = {
        handle: [
            one.sample.timestamp
            for one in HISTORY[20:60]
            if one.sample.series.track == tracks[handle]
        ]
        for handle in HANDLES
    }

    assert {handle: (min(times), max(times)) for handle, times in instants.items()} == {
        handle: (first, last) for handle, first, last in found
    }


def test_page_costs_a_page(storage: SqliteStorage) -> None:
    """The first rows are fetched without the others."""
    fetched: list[int] = []
    fetch = storage.tables._question()

    def counting(sql: str, parameters: Any) -> list[Any]:
        rows = fetch(sql, parameters)
        fetched.append(len(rows))
        return rows

    bounds = scanning.Bounds.of(EVER)
    assert 1 == len(list(islice(scanning.newest_first(counting, HANDLES, bounds, None), 1)))
    assert sum(fetched) <= scanning._FIRST_CHUNK * len(HANDLES)
