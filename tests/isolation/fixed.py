"""The same answers again: a clock that stands still, and server-made ids that can be foretold."""

import itertools
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace

import pytest
from builders import LATER

from metering import times
from metering.recording.recorder import Recorder


class Ids:
    """Makes ids in the place of `uuid4`, the same after each beginning."""

    def __init__(self) -> None:
        self.begin(0)

    def begin(self, number: int) -> None:
        """Make the ids of that number from now on."""
        self._numbers = itertools.count((number + 1) << 32)

    def uuid4(self) -> uuid.UUID:
        """The next id."""
        return uuid.UUID(int=next(self._numbers))


IDS = Ids()


@contextmanager
def fixed() -> Iterator[None]:
    """While this lasts, two applications over the same samples answer the same, to the letter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(times, "now", lambda: LATER)
        patch.setattr("metering.api.app.Recorder", partial(Recorder, clock=times.now))
        # Only there: the driver of MongoDB needs ids that are its own.
        names = SimpleNamespace(uuid4=IDS.uuid4, UUID=uuid.UUID)
        patch.setattr("metering.recording.checking.uuid", names)
        yield
