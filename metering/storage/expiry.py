"""Samples that expire: their keys are remembered, then they are deleted."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime

from metering.chunks import chunks
from metering.model import Track, sample_key
from metering.retention import Horizons, becomes_spent
from metering.storage.handles import Handle, Tracks
from metering.storage.tables import Tables
from metering.times import FIRST, Range

_ROWS_AT_ONCE = 2_000


def retire(tables: Tables, horizons: Horizons) -> Horizons:
    """See `Storage.retire`."""
    published = tables.publish(horizons)
    for handles, range_, tracks in _expired(tables, published):
        for some in chunks(tables.scan(handles, range_, None), _ROWS_AT_ONCE):
            spent = (row for row in some if becomes_spent(row.timestamp, row.recorded_at))
            tables.spend([sample_key(tracks[row.track].source, row.id) for row in spent])
    return published


def purge(tables: Tables, retired: Horizons) -> Iterator[int]:
    """See `Storage.purge`."""
    for handles, range_, _ in _expired(tables, retired):
        yield from tables.delete(handles, range_)


def _expired(
    tables: Tables, horizons: Horizons
) -> Iterator[tuple[Collection[Handle], Range, Tracks]]:
    """The handles of tracks of which the same range has expired, that range, and the tracks."""
    by_horizon: dict[datetime, dict[Handle, Track]] = defaultdict(dict)
    for handle, track in tables.find_tracks({}):
        by_horizon[horizons.of(track.meter)][handle] = track
    by_horizon.pop(FIRST, None)
    for before, members in by_horizon.items():
        yield members.keys(), Range(None, before), members
