"""What is asked of moments has no others, although those that are close are looked for as one."""

from datetime import timedelta

import pytest
from builders import NOON, after_noon, sample
from contract.asking import keep

from metering.storage.mongodb import MongoStorage

# Of two tracks: asked for at the first and the last of these seconds, there at all of them.
SECONDS = (0, 20, 40, 90)


@pytest.fixture
def tracks(storage: MongoStorage) -> list[bytes]:
    """Two, each with a sample at every second."""
    samples = [
        sample(id=f"{vm}-{at}", resource_id=vm, timestamp=after_noon(at), volume=at)
        for vm in ("vm-1", "vm-2")
        for at in SECONDS
    ]
    keep(storage, *samples)
    return sorted({one.series.track.digest for one in samples})


def test_readings(storage: MongoStorage, tracks: list[bytes]) -> None:
    """Those of each track at its own moments, wherever the others' are."""
    one, other = tracks
    moments = [(one, NOON), (other, after_noon(40)), (other, after_noon(90))]
    found = storage.tables.readings_at(moments)

    told = sorted((handle, reading.at, reading.volume) for handle, reading in found)
    assert told == [(handle, at, (at - NOON) // timedelta(seconds=1)) for handle, at in moments]


def test_samples(storage: MongoStorage, tracks: list[bytes]) -> None:
    """Likewise."""
    one, other = tracks
    moments = [(one, after_noon(20)), (other, NOON), (other, after_noon(40))]
    found = storage.tables.samples_at(moments)

    assert sorted((handle, row.timestamp) for handle, row in found) == moments
