"""Tracks, samples and readings as columns of a row, and back; pure, and exact both ways.

The order of columns is that of `statements.py`.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from metering.metadata import Metadata
from metering.model import MeterType, Rollup, Sample, Track
from metering.retention import Horizons
from metering.storage.stored_sample import StoredSample
from metering.storage.totals import Member
from metering.summary import Reading
from metering.times import FIRST, from_milliseconds, to_milliseconds

Columns = tuple[Any, ...]

# Meters have names.
_DEFAULT = ""


def track_to_columns(track: Track) -> Columns:
    """The digest first, then what the track is, and the digest of its rollup."""
    return (
        track.digest,
        track.source,
        track.meter,
        track.type.value,
        track.unit,
        track.resource_id,
        track.project_id,
        track.user_id,
        track.rollup.digest,
    )


def track_from_columns(columns: Columns) -> tuple[int, Track]:
    """The handle, which is the first column, and the track."""
    handle, source, meter, type_, unit, resource_id, project_id, user_id = columns
    return handle, Track(
        source=source,
        meter=meter,
        type=MeterType(type_),
        unit=unit,
        resource_id=resource_id,
        project_id=project_id,
        user_id=user_id,
    )


def description_to_columns(metadata: Metadata) -> Columns:
    """The digest, and the text."""
    return metadata.digest, metadata.text


def description_from_columns(columns: Columns) -> tuple[int, Metadata]:
    """The handle, and the description."""
    handle, text = columns
    return handle, Metadata(text)


def rollup_to_columns(rollup: Rollup) -> Columns:
    """The digest first, then what the rollup is."""
    return rollup.digest, rollup.meter, rollup.type.value, rollup.unit, rollup.project_id


def rollup_from_columns(columns: Columns) -> tuple[int, Rollup]:
    """The handle, which is the first column, and the rollup."""
    handle, meter, type_, unit, project_id = columns
    return handle, Rollup(meter, MeterType(type_), unit, project_id)


def member_from_columns(columns: Columns) -> Member:
    """The member in (handle, rollup, type)."""
    handle, rollup, type_ = columns
    return Member(handle, rollup, MeterType(type_))


def sample_to_columns(track: int, description: int, key: bytes, sample: Sample) -> Columns:
    """A row of `samples`; the volume in plain digits, whatever its exponent."""
    return (
        track,
        to_milliseconds(sample.timestamp),
        key,
        description,
        sample.id,
        format(sample.volume, "f"),
        to_milliseconds(sample.recorded_at),
    )


def row_from_columns(columns: Columns) -> StoredSample:
    """What the engine knows of a sample; the key follows from source and id."""
    track, timestamp, _, description, sample_id, volume, recorded_at = columns
    return StoredSample(
        track=track,
        description=description,
        id=sample_id,
        timestamp=from_milliseconds(timestamp),
        volume=Decimal(volume),
        recorded_at=from_milliseconds(recorded_at),
    )


def reading_from_columns(columns: Columns) -> Reading:
    """The reading in (track, timestamp, key, volume)."""
    return Reading(from_milliseconds(columns[1]), Decimal(columns[3]))


def horizons_to_rows(horizons: Horizons) -> list[tuple[str, int]]:
    """(meter, milliseconds), the default under no name."""
    rows = {_DEFAULT: horizons.default, **horizons.meters}
    return [(meter, to_milliseconds(before)) for meter, before in rows.items()]


def horizons_from_rows(rows: Iterable[Columns]) -> Horizons:
    """The horizons of (meter, milliseconds)."""
    meters = {meter: from_milliseconds(before) for meter, before in rows}
    return Horizons(meters.pop(_DEFAULT, FIRST), meters)
