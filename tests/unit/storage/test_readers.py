"""Each reader of a question stops when the question's time is over."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from builders import NOON, sample
from contract.asking import keep

from metering.cuts import Cuts
from metering.deadline import Deadline
from metering.errors import QueryTooExpensive
from metering.query import FIELDS, Comparison, Operator
from metering.storage.base import Effort
from metering.storage.readers import Readers
from metering.storage.sqlite import SqliteStorage
from metering.times import EVER, WholeRange

WHOLE = WholeRange(EVER)
MATCHING = Comparison(FIELDS["id"], Operator.EQ, "s-1")


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[SqliteStorage]:
    """A store with one sample."""
    url = f"sqlite:///{tmp_path}/metering.db"
    with closing(SqliteStorage.open(url, timeout_seconds=60)) as opened:
        opened.prepare()
        keep(opened, sample())
        yield opened


def tracks(storage: SqliteStorage) -> dict[Any, Any]:
    """The one that there is, by handle."""
    return dict(storage.tables.find_tracks({}))


def pieces_of_tracks(readers: Readers, storage: SqliteStorage) -> object:
    """From blocks, if there are any."""
    return list(readers.of_tracks().pieces(tracks(storage), EVER, Cuts(windows=WHOLE), Effort()))


def pieces_of_series(readers: Readers, storage: SqliteStorage) -> object:
    """From blocks, if there are any."""
    there = tracks(storage)
    return list(readers.of_series(there).pieces(there, EVER, Cuts(windows=WHOLE), Effort()))


def readings_of_tracks(readers: Readers, storage: SqliteStorage) -> object:
    """From an index."""
    return readers.of_tracks().readings(tracks(storage), EVER)


def readings_of_series(readers: Readers, storage: SqliteStorage) -> object:
    """From samples."""
    return readers.of_series(tracks(storage)).readings(tracks(storage), EVER)


def readings_of_samples(readers: Readers, storage: SqliteStorage) -> object:
    """From samples that match."""
    return readers.of_samples(tracks(storage), MATCHING).readings(tracks(storage), EVER)


def totals(readers: Readers, storage: SqliteStorage) -> object:
    """From blocks of rollups, or else their members."""
    rollups = dict(storage.tables.find_rollups({}))
    return [dict(one) for one in readers.of_totals(EVER, WHOLE).totals(rollups, Effort())]


@pytest.mark.parametrize("is_sealed", [False, True])
@pytest.mark.parametrize(
    "read",
    [
        pieces_of_tracks,
        pieces_of_series,
        readings_of_tracks,
        readings_of_series,
        readings_of_samples,
        totals,
    ],
)
def test_time_is_over(
    storage: SqliteStorage, read: Callable[[Readers, SqliteStorage], object], is_sealed: bool
) -> None:
    """Before the first row; with time it has rows."""
    if is_sealed:
        list(storage.seal(NOON + timedelta(days=1)))

    assert read(Readers(storage.tables, Deadline(60)), storage)
    with pytest.raises(QueryTooExpensive):
        read(Readers(storage.tables, Deadline(-1)), storage)
