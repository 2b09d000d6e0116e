"""A store that is away at first is prepared as soon as it is there."""

import logging
import threading

import pytest

from metering.cmd import preparing
from metering.errors import Misconfigured, StorageUnavailable
from metering.storage.memory import MemoryStorage


class Away(MemoryStorage):
    """A store that answers `prepare` with these errors first."""

    def __init__(self, *errors: Exception) -> None:
        super().__init__()
        self.errors = list(errors)
        self.is_prepared = threading.Event()

    def prepare(self) -> None:
        """Fail, as long as there are errors left."""
        if self.errors:
            raise self.errors.pop(0)
        self.is_prepared.set()


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparing, "_SECONDS_BETWEEN_TRIES", 0.001)


def test_a_store_that_is_there_is_prepared_at_once() -> None:
    """It is prepared when the function returns."""
    store = Away()
    preparing.prepare_when_there(store)

    assert store.is_prepared.is_set()


def test_a_store_that_is_away_is_tried_again() -> None:
    """The third time it works, behind the scenes."""
    store = Away(StorageUnavailable("away"), StorageUnavailable("away"))
    preparing.prepare_when_there(store)

    assert store.is_prepared.wait(10)


def test_a_store_that_cannot_be_used_stops_the_start() -> None:
    """What is wrong with the store is told to whoever starts the service."""
    with pytest.raises(Misconfigured, match="a newer release"):
        preparing.prepare_when_there(Away(Misconfigured("a newer release made it")))


def test_a_store_that_cannot_be_used_later_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """There is nobody left to tell; it is not tried again."""
    store = Away(StorageUnavailable("away"), Misconfigured("a newer release made it"))
    before = set(threading.enumerate())
    with caplog.at_level(logging.WARNING):
        preparing.prepare_when_there(store)
        for thread in set(threading.enumerate()) - before:
            thread.join(10)

    assert [record.getMessage() for record in caplog.records] == [
        "starting without the store: away",
        "the store cannot be used: a newer release made it",
    ]
    assert not store.is_prepared.is_set()
