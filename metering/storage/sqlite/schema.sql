-- Samples are clustered by track and time, the order in which they are read. A volume is the
-- plain text of a decimal: SQL does no arithmetic on it. Instants are milliseconds since 1970 UTC.

-- Handles of tracks count upwards from 1, those of rollups downwards: a block may be of either.
CREATE TABLE IF NOT EXISTS rollups (
    handle INTEGER PRIMARY KEY CHECK (handle < 0),
    digest BLOB NOT NULL UNIQUE,
    meter TEXT NOT NULL,
    type TEXT NOT NULL,
    unit TEXT NOT NULL,
    project_id TEXT
) STRICT;

CREATE INDEX IF NOT EXISTS rollups_by_meter ON rollups (meter, project_id);

CREATE TABLE IF NOT EXISTS tracks (
    handle INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    source TEXT NOT NULL,
    meter TEXT NOT NULL,
    type TEXT NOT NULL,
    unit TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    project_id TEXT,
    user_id TEXT,
    rollup INTEGER NOT NULL REFERENCES rollups
) STRICT;

CREATE TABLE IF NOT EXISTS descriptions (
    handle INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    metadata TEXT NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS tracks_by_rollup ON tracks (rollup);

CREATE INDEX IF NOT EXISTS tracks_by_meter ON tracks (meter, project_id);

CREATE INDEX IF NOT EXISTS tracks_by_resource ON tracks (resource_id);

CREATE INDEX IF NOT EXISTS tracks_by_project ON tracks (project_id);

CREATE TABLE IF NOT EXISTS samples (
    track INTEGER NOT NULL REFERENCES tracks,
    timestamp INTEGER NOT NULL,
    key BLOB NOT NULL,
    description INTEGER NOT NULL REFERENCES descriptions,
    id TEXT NOT NULL,
    volume TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    PRIMARY KEY (track, timestamp, key)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX IF NOT EXISTS samples_by_key ON samples (key);

CREATE INDEX IF NOT EXISTS samples_by_time ON samples (timestamp, key);

-- The empty meter stands for all that have no row of their own.
CREATE TABLE IF NOT EXISTS horizons (
    meter TEXT PRIMARY KEY,
    before INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS spent (
    key BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- Months are counted from the year 0, days from 1970. What is struck is a JSON array of days.
CREATE TABLE IF NOT EXISTS blocks (
    of INTEGER NOT NULL,
    month INTEGER NOT NULL,
    days BLOB,
    described BLOB,
    struck TEXT NOT NULL,
    PRIMARY KEY (of, month)
) STRICT, WITHOUT ROWID;

-- Of busy days, which are counted from 1970.
CREATE TABLE IF NOT EXISTS hours (
    of INTEGER NOT NULL,
    day INTEGER NOT NULL,
    hours BLOB NOT NULL,
    PRIMARY KEY (of, day)
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS blocks_struck ON blocks (month) WHERE struck <> '[]';

-- Samples from before `open` strike blocks, all before `closed` was sealed once, both in milliseconds
-- since 1970. `run` counts.
CREATE TABLE IF NOT EXISTS sealing (
    state TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
