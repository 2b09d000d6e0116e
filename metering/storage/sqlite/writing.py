"""Recording in one transaction, which alone may write: look, judge, insert, strike."""

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from metering.metadata import Metadata
from metering.model import Sample, Series, Submission, Track, Verdict
from metering.retention import Expiry, is_completed
from metering.storage.base import has_refusal, verdicts_in_order
from metering.storage.handles import Handle
from metering.storage.spans import DAY_MS
from metering.storage.sqlite import sealing, statements
from metering.storage.sqlite.mapping import (
    Columns,
    description_from_columns,
    description_to_columns,
    horizons_from_rows,
    rollup_to_columns,
    row_from_columns,
    sample_to_columns,
    track_from_columns,
    track_to_columns,
)


def record(
    connection: sqlite3.Connection, submissions: Sequence[Submission], *, atomic: bool
) -> list[Verdict]:
    """See `Storage.record`."""
    keys = {submission.sample.key for submission in submissions}
    expiry = _expiry(connection, submissions)
    verdicts, fresh = verdicts_in_order(submissions, _kept(connection, keys), expiry)
    if not (atomic and has_refusal(verdicts)):
        strike_late(connection, _insert(connection, fresh))
    return verdicts


def strike_late(connection: sqlite3.Connection, rows: Iterable[Columns]) -> None:
    """Strike the days of rows that begin with (handle, timestamp), as far as they may be sealed.

    For each the track and its rollup.
    """
    before_ms = dict(connection.execute(statements.SEALING).fetchall()).get(statements.OPEN)
    if before_ms is None:
        return
    late = {(row[0], row[1] // DAY_MS) for row in rows if row[1] < before_ms}
    parameters = {"handles": statements.numbers_parameter({handle for handle, _ in late})}
    rollup_of = dict(connection.execute(statements.ROLLUPS_OF, parameters).fetchall())
    sealing.strike(connection, late | {(rollup_of[handle], day) for handle, day in late})


def _kept(connection: sqlite3.Connection, keys: Collection[bytes]) -> dict[bytes, Sample]:
    """What is stored under the keys."""
    parameters: dict[str, Any] = {"keys": statements.keys_parameter(keys)}
    found = connection.execute(statements.SAMPLES_BY_KEY, parameters).fetchall()
    rows = {columns[2]: row_from_columns(columns) for columns in found}
    parameters = {"handles": statements.numbers_parameter({columns[0] for columns in found})}
    named = connection.execute(statements.TRACKS_BY_HANDLE, parameters).fetchall()
    tracks: dict[Handle, Track] = dict(map(track_from_columns, named))
    parameters = {"handles": statements.numbers_parameter({columns[3] for columns in found})}
    named = connection.execute(statements.DESCRIPTIONS_BY_HANDLE, parameters).fetchall()
    descriptions: dict[Handle, Metadata] = dict(map(description_from_columns, named))
    return {
        key: row.sample(Series(tracks[row.track], descriptions[row.description]))
        for key, row in rows.items()
    }


def _expiry(connection: sqlite3.Connection, submissions: Sequence[Submission]) -> Expiry:
    """What is refused now, as far as it concerns the submissions."""
    horizons = horizons_from_rows(connection.execute(statements.HORIZONS).fetchall())
    keys = [one.sample.key for one in submissions if is_completed(one)]
    parameters: dict[str, Any] = {"keys": statements.keys_parameter(keys)}
    spent = connection.execute(statements.SPENT_AMONG, parameters).fetchall()
    return Expiry(horizons, {key for (key,) in spent})


def _insert(connection: sqlite3.Connection, fresh: Mapping[bytes, Sample]) -> list[Columns]:
    """Insert what is new, and give the rows."""
    tracks: dict[bytes, Track] = {}
    descriptions: dict[bytes, Metadata] = {}
    for sample in fresh.values():
        tracks[sample.series.track.digest] = sample.series.track
        descriptions[sample.series.metadata.digest] = sample.series.metadata
    track_of = _tracks(connection, tracks)
    description_of = _descriptions(connection, descriptions)
    rows = [
        sample_to_columns(
            track_of[sample.series.track.digest],
            description_of[sample.series.metadata.digest],
            key,
            sample,
        )
        for key, sample in fresh.items()
    ]
    # As they are clustered.
    rows.sort()
    connection.executemany(statements.INSERT_SAMPLE, rows)
    return rows


def _tracks(connection: sqlite3.Connection, tracks: Mapping[bytes, Track]) -> dict[bytes, int]:
    """The handles of the tracks, all by digest; tracks that are new are kept from now on.

    Asked for in every transaction: a handle that was remembered would be another's after the file
    was restored from a backup.
    """
    parameters = {"keys": statements.keys_parameter(tracks.keys())}
    known = dict(connection.execute(statements.TRACKS_BY_DIGEST, parameters).fetchall())
    new = [track for digest, track in tracks.items() if digest not in known]
    if new:
        rollups = {track.rollup for track in new}
        connection.executemany(statements.INSERT_ROLLUP, map(rollup_to_columns, rollups))
        connection.executemany(statements.INSERT_TRACK, map(track_to_columns, new))
        known = dict(connection.execute(statements.TRACKS_BY_DIGEST, parameters).fetchall())
    return known


def _descriptions(
    connection: sqlite3.Connection, descriptions: Mapping[bytes, Metadata]
) -> dict[bytes, int]:
    """The same of descriptions."""
    parameters = {"keys": statements.keys_parameter(descriptions.keys())}
    known = dict(connection.execute(statements.DESCRIPTIONS_BY_DIGEST, parameters).fetchall())
    new = [one for digest, one in descriptions.items() if digest not in known]
    if new:
        connection.executemany(statements.INSERT_DESCRIPTION, map(description_to_columns, new))
        known = dict(connection.execute(statements.DESCRIPTIONS_BY_DIGEST, parameters).fetchall())
    return known
