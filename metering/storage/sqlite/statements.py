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
_TRACKS_OF_RESOURCES = """
    SELECT handle, digest
    FROM tracks
    WHERE resource_id IN (SELECT value FROM json_each(:resource_ids))
"""


def find_tracks(names: Iterable[str], *, by_resource: bool = False) -> str:
    """Handle and digest of the tracks whose named fields equal those parameters, NULL to NULL."""
    where = [_EQUAL[name] for name in names]
    found = " AND ".join(["SELECT handle, digest FROM tracks WHERE TRUE", *where])
    return f"{found} ORDER BY resource_id" if by_resource else found


def tracks_of_resources(names: Iterable[str]) -> str:
    """Handle and digest of the tracks of resources whose named fields equal those parameters.

    The plus keeps SQLite from other indexes than that by resource.
    """
    where = [f"+{_EQUAL[name]}" for name in names]
    return " AND ".join([_TRACKS_OF_RESOURCES, *where])


def find_rollups(names: Iterable[str]) -> str:
    """The rollups whose named fields equal those parameters, NULL to NULL."""
    where = [_EQUAL[name] for name in names]
    return " AND ".join([_ROLLUPS, *where])


def find_sources(names: Iterable[str]) -> str:
    """The sources of the same tracks, each once."""
    where = [_EQUAL[name] for name in names]
    return " AND ".join(["SELECT DISTINCT source FROM tracks WHERE TRUE", *where])


TRACKS_BY_HANDLE = """
    SELECT handle, source, meter, type, unit, resource_id, project_id, user_id
    FROM tracks
    WHERE handle IN (SELECT value FROM json_each(:handles))
"""

DESCRIPTION_DIGESTS = """
    SELECT handle, digest
    FROM descriptions
    WHERE handle IN (SELECT value FROM json_each(:handles))
"""

DESCRIPTIONS_BY_HANDLE = """
    SELECT handle, metadata
    FROM descriptions
    WHERE handle IN (SELECT value FROM json_each(:handles))
"""

TRACKS_BY_DIGEST = """
    WITH RECURSIVE place (at) AS (
        SELECT 1 UNION ALL SELECT at + 16 FROM place WHERE at + 16 <= length(:keys)
    )
    SELECT digest, handle
    FROM place CROSS JOIN tracks ON digest = substr(:keys, at, 16)
"""

DESCRIPTIONS_BY_DIGEST = """
    WITH RECURSIVE place (at) AS (
        SELECT 1 UNION ALL SELECT at + 16 FROM place WHERE at + 16 <= length(:keys)
    )
    SELECT digest, handle
    FROM place CROSS JOIN descriptions ON digest = substr(:keys, at, 16)
"""

INSERT_ROLLUP = """
    INSERT INTO rollups (handle, digest, meter, type, unit, project_id)
    SELECT coalesce(min(handle), 0) - 1, ?, ?, ?, ?, ? FROM rollups WHERE TRUE
    ON CONFLICT (digest) DO NOTHING
"""

INSERT_TRACK = """
    INSERT INTO tracks
        (digest, source, meter, type, unit, resource_id, project_id, user_id, rollup)
    SELECT ?, ?, ?, ?, ?, ?, ?, ?, handle FROM rollups WHERE digest = ?
"""

DESCRIPTIONS_AFTER = """
    SELECT handle, digest, metadata
    FROM descriptions
    WHERE handle > :handle
    ORDER BY handle
    LIMIT 1000
"""

INSERT_DESCRIPTION = "INSERT INTO descriptions (digest, metadata) VALUES (?, ?)"

MEMBERS = "SELECT handle, rollup, type FROM tracks"

MEMBERS_OF = """
    SELECT handle, rollup, type
    FROM tracks
    WHERE rollup IN (SELECT value FROM json_each(:rollups))
"""

ROLLUPS_OF = """
    SELECT handle, rollup
    FROM tracks
    WHERE handle IN (SELECT value FROM json_each(:handles))
"""

INSERT_SAMPLE = """
    INSERT INTO samples (track, timestamp, key, description, id, volume, recorded_at)
    VALUES (?, ?, ?, ?, ?, ?, ?)
"""

SAMPLES_BY_KEY = """
    WITH RECURSIVE place (at) AS (
        SELECT 1 UNION ALL SELECT at + 16 FROM place WHERE at + 16 <= length(:keys)
    )
    SELECT track, timestamp, key, description, id, volume, recorded_at
    FROM place CROSS JOIN samples ON key = substr(:keys, at, 16)
"""

SAMPLES_AT = """
    SELECT digest, track, timestamp, samples.key, description, samples.id, volume, recorded_at
    FROM json_each(:instants)
        CROSS JOIN tracks ON digest = substr(:keys, 16 * json_each.key + 1, 16)
        CROSS JOIN samples ON track = handle AND timestamp = json_each.value
"""

SAMPLES_OF_TRACK = """
    SELECT track, timestamp, key, description, id, volume, recorded_at
    FROM samples
    WHERE track = :handle AND timestamp >= :start AND (timestamp, key) < (:at, :key)
    ORDER BY timestamp DESC, key DESC
    LIMIT :limit
"""

SAMPLES_BY_TIME = """
    SELECT track, timestamp, key, description, id, volume, recorded_at
    FROM samples
    WHERE timestamp >= :start AND (timestamp, key) < (:at, :key)
    ORDER BY timestamp DESC, key DESC
    LIMIT :limit
"""

_READING = "SELECT track, timestamp, key, volume"
_ROW = "SELECT track, timestamp, key, description, id, volume, recorded_at"

_OF_TRACKS = """
    FROM samples
    WHERE track IN (SELECT value FROM json_each(:handles))
        AND timestamp >= :start AND timestamp < :end
    ORDER BY track, timestamp, key
    LIMIT :limit
"""

_OF_TRACK = """
    FROM samples
    WHERE track = :handle AND (timestamp, key) > (:at, :key) AND timestamp < :end
    ORDER BY timestamp, key
    LIMIT :limit
"""

# Of several tracks, and of one after a sample.
READINGS = f"{_READING} {_OF_TRACKS}", f"{_READING} {_OF_TRACK}"

ROWS = f"{_ROW} {_OF_TRACKS}", f"{_ROW} {_OF_TRACK}"

READINGS_AT = """
    SELECT track, timestamp, samples.key, volume
    FROM json_each(:moments) AS asked CROSS JOIN samples
        ON track = json_extract(asked.value, '$[0]')
        AND timestamp = json_extract(asked.value, '$[1]')
"""

_FIRST = """(
    SELECT timestamp FROM samples
    WHERE track = value AND timestamp >= :start AND timestamp < :end AND recorded_at <= :as_of
    ORDER BY timestamp LIMIT 1
)"""

_LAST = """(
    SELECT timestamp FROM samples
    WHERE track = value AND timestamp >= :start AND timestamp < :end AND recorded_at <= :as_of
    ORDER BY timestamp DESC LIMIT 1
)"""

_OF_EACH = "FROM json_each(:handles)"

# (track, first, last timestamp), and the last alone; of a track without samples NULL.
EXTENTS = f"SELECT value, {_FIRST}, {_LAST} {_OF_EACH}"

FIRSTS = f"SELECT value, {_FIRST} {_OF_EACH}"

LASTS = f"SELECT value, {_LAST} {_OF_EACH}"

OLDEST = "SELECT min(timestamp) FROM samples"

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
    SELECT track, timestamp, key
    FROM samples
    WHERE track IN (SELECT value FROM json_each(:handles))
        AND timestamp >= :start AND timestamp < :end
    LIMIT :limit
"""

DELETE_SAMPLE = "DELETE FROM samples WHERE track = ? AND timestamp = ? AND key = ?"

BLOCKS = """
    SELECT of, month, days, iif(:described, described, NULL), struck
    FROM blocks
    WHERE of IN (SELECT value FROM json_each(:handles)) AND month >= :begin AND month < :end
"""

KEEP_BLOCK = """
    REPLACE INTO blocks (of, month, days, described, struck) VALUES (?, ?, ?, ?, ?)
"""

HOURS = """
    SELECT of, day, hours
    FROM json_each(:days) AS asked CROSS JOIN hours
        ON of = json_extract(asked.value, '$[0]') AND day = json_extract(asked.value, '$[1]')
"""

KEEP_HOURS = "REPLACE INTO hours (of, day, hours) VALUES (?, ?, ?)"

FORGET_HOURS = "DELETE FROM hours WHERE of = ? AND day = ?"

STRIKE = """
    INSERT INTO blocks (of, month, struck) VALUES (?, ?, json_array(?))
    ON CONFLICT (of, month) DO UPDATE
    SET struck = json_insert(struck, '$[#]', json_extract(excluded.struck, '$[0]'))
    WHERE json_extract(excluded.struck, '$[0]') NOT IN (SELECT value FROM json_each(struck))
"""

STRUCK = "SELECT month, of FROM blocks WHERE struck <> '[]' ORDER BY month, of"

SEALING = "SELECT state, value FROM sealing"

# Before which instant samples strike, before which all was sealed; how many runs.
OPEN, CLOSED, RUN = "open", "closed", "run"

SET_SEALING = "REPLACE INTO sealing (state, value) VALUES (?, ?)"

CLOSE_SEAL = """
    REPLACE INTO sealing (state, value)
    SELECT 'closed', :before_ms FROM sealing WHERE state = 'run' AND value = :run
"""

UNSEAL = (
    "DELETE FROM sealing WHERE state = 'closed'",
    "UPDATE sealing SET value = value + 1 WHERE state = 'run'",
    "DELETE FROM hours",
    "DELETE FROM blocks",
)

# A track without a rollup has NULL.
TRACKS_AND_DIGESTS = """
    SELECT
        tracks.digest, rollups.digest,
        tracks.handle, source, tracks.meter, tracks.type, tracks.unit, resource_id,
        tracks.project_id, user_id
    FROM tracks LEFT JOIN rollups ON tracks.rollup = rollups.handle
"""

DAMAGES = "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'"

SAMPLES_OF_NO_TRACK = """
    SELECT track, count(*)
    FROM samples
    WHERE track NOT IN (SELECT handle FROM tracks)
    GROUP BY track
"""


def numbers_parameter(numbers: Iterable[int]) -> str:
    """Whole numbers, such as handles and instants, as a JSON array."""
    return f"[{','.join(map(str, numbers))}]"


def pairs_parameter(pairs: Iterable[tuple[int, int]]) -> str:
    """Pairs of whole numbers as a JSON array of arrays."""
    return f"[{','.join(f'[{one},{other}]' for one, other in pairs)}]"


def texts_parameter(texts: Iterable[str]) -> str:
    """Texts as a JSON array."""
    return json.dumps(list(texts))


def keys_parameter(keys: Collection[bytes]) -> bytes:
    """The keys, or digests, end to end: each has 16 bytes."""
    return b"".join(keys)
