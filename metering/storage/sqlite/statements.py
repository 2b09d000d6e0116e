"""Every SQL text of the driver; parameters are named, and nothing is put into a text from outside.

Sets are one parameter: handles a JSON array, keys laid end to end in one blob (`unhex`, which would
let JSON carry keys, is SQLite 3.41's).
"""

import json
from collections.abc import Collection, Iterable

_EQUAL = {
    "source": "source IS :source",
    "meter": "meter IS :meter",
    "type": "type IS :type",
    "unit": "unit IS :unit",
    "resource_id": "resource_id IS :resource_id",
    "project_id": "project_id IS :project_id",
    "user_id": "user_id IS :user_id",
}
_ROLLUPS = "SELECT handle, meter, type, unit, project_id FROM rollups WHERE TRUE"
_SERIES_OF_RESOURCES = """
    SELECT handle, digest
    FROM series
    WHERE resource_id IN (SELECT value FROM json_each(:resource_ids))
"""


def find_series(names: Iterable[str], *, by_resource: bool = False) -> str:
    """Handle and digest of the series whose named fields equal those parameters, NULL to NULL."""
    where = [_EQUAL[name] for name in names]
    found = " AND ".join(["SELECT handle, digest FROM series WHERE TRUE", *where])
    return f"{found} ORDER BY resource_id" if by_resource else found


def series_of_resources(names: Iterable[str]) -> str:
    """Handle and digest of the series of resources whose named fields equal those parameters.

    The plus keeps SQLite from other indexes than that by resource.
    """
    where = [f"+{_EQUAL[name]}" for name in names]
    return " AND ".join([_SERIES_OF_RESOURCES, *where])


def find_rollups(names: Iterable[str]) -> str:
    """The rollups whose named fields equal those parameters, NULL to NULL."""
    where = [_EQUAL[name] for name in names]
    return " AND ".join([_ROLLUPS, *where])


def find_sources(names: Iterable[str]) -> str:
    """The sources of the same series, each once."""
    where = [_EQUAL[name] for name in names]
    return " AND ".join(["SELECT DISTINCT source FROM series WHERE TRUE", *where])


SERIES_BY_HANDLE = """
    SELECT handle, source, meter, type, unit, resource_id, project_id, user_id, metadata
    FROM series
    WHERE handle IN (SELECT value FROM json_each(:handles))
"""

HANDLES_BY_DIGEST = """
    WITH RECURSIVE place (at) AS (
        SELECT 1 UNION ALL SELECT at + 16 FROM place WHERE at + 16 <= length(:keys)
    )
    SELECT digest, handle
    FROM place CROSS JOIN series ON digest = substr(:keys, at, 16)
"""

INSERT_ROLLUP = """
    INSERT INTO rollups (handle, digest, meter, type, unit, project_id)
    SELECT coalesce(min(handle), 0) - 1, ?, ?, ?, ?, ? FROM rollups WHERE TRUE
    ON CONFLICT (digest) DO NOTHING
"""

INSERT_SERIES = """
    INSERT INTO series
        (digest, source, meter, type, unit, resource_id, project_id, user_id, metadata, rollup)
    SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, handle FROM rollups WHERE digest = ?
"""

MEMBERS = "SELECT handle, rollup, type FROM series"

MEMBERS_OF = """
    SELECT handle, rollup, type
    FROM series
    WHERE rollup IN (SELECT value FROM json_each(:rollups))
"""

ROLLUPS_OF = """
    SELECT handle, rollup
    FROM series
    WHERE handle IN (SELECT value FROM json_each(:handles))
"""

INSERT_SAMPLE = """
    INSERT INTO samples (series, timestamp, key, id, volume, recorded_at)
    VALUES (?, ?, ?, ?, ?, ?)
"""

SAMPLES_BY_KEY = """
    WITH RECURSIVE place (at) AS (
        SELECT 1 UNION ALL SELECT at + 16 FROM place WHERE at + 16 <= length(:keys)
    )
    SELECT series, timestamp, key, id, volume, recorded_at
    FROM place CROSS JOIN samples ON key = substr(:keys, at, 16)
"""

SAMPLES_AT = """
    SELECT digest, series, timestamp, samples.key, samples.id, volume, recorded_at
    FROM json_each(:instants)
        CROSS JOIN series ON digest = substr(:keys, 16 * json_each.key + 1, 16)
        CROSS JOIN samples ON series = handle AND timestamp = json_each.value
"""

SAMPLES_OF_SERIES = """
    SELECT series, timestamp, key, id, volume, recorded_at
    FROM samples
    WHERE series = :handle AND timestamp >= :start AND (timestamp, key) < (:at, :key)
    ORDER BY timestamp DESC, key DESC
    LIMIT :limit
"""

SAMPLES_BY_TIME = """
    SELECT series, timestamp, key, id, volume, recorded_at
    FROM samples
    WHERE timestamp >= :start AND (timestamp, key) < (:at, :key)
    ORDER BY timestamp DESC, key DESC
    LIMIT :limit
"""

READINGS = """
    SELECT series, timestamp, key, volume
    FROM samples
    WHERE series IN (SELECT value FROM json_each(:handles))
        AND timestamp >= :start AND timestamp < :end
    ORDER BY series, timestamp, key
    LIMIT :limit
"""

READINGS_OF_SERIES = """
    SELECT series, timestamp, key, volume
    FROM samples
    WHERE series = :handle AND (timestamp, key) > (:at, :key) AND timestamp < :end
    ORDER BY timestamp, key
    LIMIT :limit
"""

LAST_BEFORE = """
    SELECT series, timestamp, samples.key, volume
    FROM json_each(:handles) CROSS JOIN samples
        ON series = json_each.value AND timestamp = (
            SELECT timestamp FROM samples
            WHERE series = json_each.value AND timestamp < :at
            ORDER BY timestamp DESC LIMIT 1
        )
"""

FIRST_FROM = """
    SELECT series, timestamp, samples.key, volume
    FROM json_each(:handles) CROSS JOIN samples
        ON series = json_each.value AND timestamp = (
            SELECT timestamp FROM samples
            WHERE series = json_each.value AND timestamp >= :at
            ORDER BY timestamp LIMIT 1
        )
"""

_FIRST = """(
    SELECT timestamp FROM samples
    WHERE series = value AND timestamp >= :start AND timestamp < :end AND recorded_at <= :as_of
    ORDER BY timestamp LIMIT 1
)"""

_LAST = """(
    SELECT timestamp FROM samples
    WHERE series = value AND timestamp >= :start AND timestamp < :end AND recorded_at <= :as_of
    ORDER BY timestamp DESC LIMIT 1
)"""

_OF_EACH = "FROM json_each(:handles)"

# (series, first, last timestamp), and the last alone; of a series without samples NULL.
EXTENTS = f"SELECT value, {_FIRST}, {_LAST} {_OF_EACH}"

LASTS = f"SELECT value, {_LAST} {_OF_EACH}"


# Both from an index, a seek for each.
OLDEST = "SELECT min(timestamp) FROM samples"

FIRSTS = """
    SELECT (SELECT timestamp FROM samples WHERE series = value ORDER BY timestamp LIMIT 1)
    FROM json_each(:handles)
"""

HORIZONS = "SELECT meter, before FROM horizons"

PUBLISH = "REPLACE INTO horizons (meter, before) VALUES (?, ?)"

SPENT_AMONG = """
    WITH RECURSIVE place (at) AS (
        SELECT 1 UNION ALL SELECT at + 16 FROM place WHERE at + 16 <= length(:keys)
    )
    SELECT key
    FROM place CROSS JOIN spent ON key = substr(:keys, at, 16)
"""

SPEND = "INSERT OR IGNORE INTO spent (key) VALUES (?)"

SOME_SAMPLES = """
    SELECT series, timestamp, key
    FROM samples
    WHERE series IN (SELECT value FROM json_each(:handles))
        AND timestamp >= :start AND timestamp < :end
    LIMIT :limit
"""

DELETE_SAMPLE = "DELETE FROM samples WHERE series = ? AND timestamp = ? AND key = ?"

BLOCKS = """
    SELECT of, month, days, iif(:hours, hours, NULL), struck
    FROM blocks
    WHERE of IN (SELECT value FROM json_each(:handles)) AND month >= :begin AND month < :end
"""

KEEP_BLOCK = "REPLACE INTO blocks (of, month, days, hours, struck) VALUES (?, ?, ?, ?, ?)"

STRIKE = """
    INSERT INTO blocks (of, month, struck) VALUES (?, ?, json_array(?))
    ON CONFLICT (of, month) DO UPDATE
    SET struck = json_insert(struck, '$[#]', json_extract(excluded.struck, '$[0]'))
    WHERE json_extract(excluded.struck, '$[0]') NOT IN (SELECT value FROM json_each(struck))
"""

STRUCK = "SELECT month, of FROM blocks WHERE struck <> '[]' ORDER BY month, of"

SEALING = "SELECT state, day FROM sealing"

# The states: from before which day samples are struck, before which all was sealed; how many runs.
OPEN, CLOSED, RUN = "open", "closed", "run"

SET_SEALING = "REPLACE INTO sealing (state, day) VALUES (?, ?)"

CLOSE_SEAL = """
    REPLACE INTO sealing (state, day)
    SELECT 'closed', :day FROM sealing WHERE state = 'run' AND day = :run
"""

UNSEAL = (
    "DELETE FROM sealing WHERE state = 'closed'",
    "UPDATE sealing SET day = day + 1 WHERE state = 'run'",
    "DELETE FROM blocks",
)

# A series without a rollup has NULL.
SERIES_AND_DIGESTS = """
    SELECT
        series.digest, rollups.digest,
        series.handle, source, series.meter, series.type, series.unit, resource_id,
        series.project_id, user_id, metadata
    FROM series LEFT JOIN rollups ON series.rollup = rollups.handle
"""

DAMAGES = "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'"

SAMPLES_OF_NO_SERIES = """
    SELECT series, count(*)
    FROM samples
    WHERE series NOT IN (SELECT handle FROM series)
    GROUP BY series
"""


def numbers_parameter(numbers: Iterable[int]) -> str:
    """Whole numbers, such as handles and instants, as a JSON array."""
    return f"[{','.join(map(str, numbers))}]"


def texts_parameter(texts: Iterable[str]) -> str:
    """Texts as a JSON array."""
    return json.dumps(list(texts))


def keys_parameter(keys: Collection[bytes]) -> bytes:
    """The keys, or digests, end to end: each has 16 bytes."""
    return b"".join(keys)
