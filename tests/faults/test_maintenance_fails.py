"""Sealing and expiry that fail at every n-th statement: nothing is wrong, and again does it."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from builders import LATER, NOON, sample
from contract.asking import keep, samples, summaries
from faults.failing import Fault, failing_connections, input_output_error

from metering.errors import StorageUnavailable
from metering.model import Sample
from metering.retention import Horizons
from metering.storage.base import Storage
from metering.storage.sqlite import SqliteStorage
from metering.summary import Summary

DAY = timedelta(days=1)
MOST_CALLS = 200


def opened(file: Path) -> SqliteStorage:
    """The store in the file."""
    return SqliteStorage.open(f"sqlite:///{file}", timeout_seconds=30)


def failing_at_each(
    folder: Path, monkeypatch: pytest.MonkeyPatch, work: Callable[[Storage], None], is_after: bool
) -> Iterator[Path]:
    """A file for each statement of the work, in which this one failed; then the work is done."""
    for number in count(1):
        assert number < MOST_CALLS
        file = folder / f"{number}.db"
        with closing(opened(file)) as storage:
            storage.prepare()
            keep(storage, *SAMPLES)
            list(storage.seal(NOON + DAY))
            keep(storage, sample(id="late", timestamp=NOON + timedelta(hours=1)))
        fault = Fault(number, is_after=is_after, error=input_output_error)
        with monkeypatch.context() as patch:
            connect = partial(sqlite3.connect, factory=failing_connections(fault))
            patch.setattr(sqlite3, "connect", connect)
            with closing(opened(file)) as storage, suppress(StorageUnavailable):
                work(storage)
        if not fault.has_happened:
            assert number > 5
            return
        yield file


SAMPLES = [sample(id=f"s{n}", timestamp=NOON + n * DAY / 3, volume=n) for n in range(9)]


def whole(storage: Storage) -> Summary:
    """The one Summary of the store, which must be that of its samples."""
    (found,) = summaries(storage).values()
    contradictions = [one for each in storage.verify() for one in each.contradictions]

    assert contradictions == []
    assert found.count == len(samples(storage))
    return found


@pytest.mark.parametrize("is_after", [False, True])
def test_sealing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_after: bool) -> None:
    """Answers are the same after each failure, and after it was sealed once more."""

    def seal(storage: Storage) -> None:
        list(storage.seal(NOON + 5 * DAY))

    answers = []
    for file in failing_at_each(tmp_path, monkeypatch, seal, is_after):
        with closing(opened(file)) as storage:
            answers.append(whole(storage))
            seal(storage)
            answers.append(whole(storage))

    assert {answers[0].count} == {len(SAMPLES) + 1} == {one.count for one in answers}
    assert all(one == answers[0] for one in answers)


@pytest.mark.parametrize("is_after", [False, True])
def test_expiry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_after: bool) -> None:
    """Nothing contradicts after each failure; and done once more, what is old is gone."""

    def expire(storage: Storage) -> None:
        storage.retire(Horizons(LATER))
        list(storage.purge(storage.horizons()))

    left: list[list[Sample]] = []
    for file in failing_at_each(tmp_path, monkeypatch, expire, is_after):
        with closing(opened(file)) as storage:
            whole(storage)
            expire(storage)
            whole(storage)
            left.append(samples(storage))

    expected = [one for one in reversed(SAMPLES) if one.timestamp >= LATER]
    assert all(one == expected for one in left)
