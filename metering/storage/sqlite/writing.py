"""Recording in one transaction, which alone may write: look, judge, insert, strike."""

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from metering.model import Sample, Series, Submission, Verdict
from metering.retention import Expiry, is_completed
from metering.storage.base import has_refusal, verdicts_in_order
from metering.storage.blocks import DAY_MS
from metering.storage.sqlite import access, statements
from metering.storage.sqlite.mapping import (
    Columns,
    horizons_from_rows,
    rollup_to_columns,
    row_from_columns,
    sample_to_columns,
    series_from_columns,
    series_to_columns,
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

    For each the series and its rollup.
    """
    day = dict(connection.execute(statements.SEALING).fetchall()).get(statements.OPEN)
    if day is None:
        return
    late = {(row[0], row[1] // DAY_MS) for row in rows if row[1] < day * DAY_MS}
    parameters = {"handles": statements.numbers_parameter({handle for handle, _ in late})}
    rollup_of = dict(connection.execute(statements.ROLLUPS_OF, parameters).fetchall())
    access.strike(connection, late | {(rollup_of[handle], day) for handle, day in late})


def _kept(connection: sqlite3.Connection, keys: Collection[bytes]) -> dict[bytes, Sample]:
    """What is stored under the keys."""
    parameters: dict[str, Any] = {"keys": statements.keys_parameter(keys)}
    found = connection.execute(statements.SAMPLES_BY_KEY, parameters).fetchall()
    parameters = {"handles": statements.numbers_parameter({columns[0] for columns in found})}
    rows = connection.execute(statements.SERIES_BY_HANDLE, parameters).fetchall()
    series = dict(map(series_from_columns, rows))
    return {columns[2]: row_from_columns(columns).sample(series[columns[0]]) for columns in found}


def _expiry(connection: sqlite3.Connection, submissions: Sequence[Submission]) -> Expiry:
    """What is refused now, as far as it concerns the submissions."""
    horizons = horizons_from_rows(connection.execute(statements.HORIZONS).fetchall())
    keys = [one.sample.key for one in submissions if is_completed(one)]
    parameters: dict[str, Any] = {"keys": statements.keys_parameter(keys)}
    spent = connection.execute(statements.SPENT_AMONG, parameters).fetchall()
    return Expiry(horizons, {key for (key,) in spent})


def _insert(connection: sqlite3.Connection, fresh: Mapping[bytes, Sample]) -> list[Columns]:
    """Insert what is new, and give the rows."""
    by_series: dict[Series, list[tuple[bytes, Sample]]] = defaultdict(list)
    for key, sample in fresh.items():
        by_series[sample.series].append((key, sample))
    handles = _handles(connection, {series.digest: series for series in by_series})
    rows = [
        sample_to_columns(handles[series.digest], key, sample)
        for series, members in by_series.items()
        for key, sample in members
    ]
    connection.executemany(statements.INSERT_SAMPLE, rows)
    return rows


def _handles(connection: sqlite3.Connection, series: Mapping[bytes, Series]) -> dict[bytes, int]:
    """The handles of the series, all by digest; series that are new are kept from now on.

    Asked for in every transaction: a handle that was remembered would be another's after the file
    was restored from a backup.
    """
    parameters = {"keys": statements.keys_parameter(series.keys())}
    known = dict(connection.execute(statements.HANDLES_BY_DIGEST, parameters).fetchall())
    new = [series_to_columns(one) for digest, one in series.items() if digest not in known]
    if new:
        rollups = {one.rollup for digest, one in series.items() if digest not in known}
        connection.executemany(statements.INSERT_ROLLUP, map(rollup_to_columns, rollups))
        connection.executemany(statements.INSERT_SERIES, new)
        known = dict(connection.execute(statements.HANDLES_BY_DIGEST, parameters).fetchall())
    return known
