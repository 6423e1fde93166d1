//! The tables of the index.

/// The version of the tables, as `PRAGMA user_version`: raised whenever they, or what is put into them, change.
pub(super) const VERSION: i32 = 3;

/// What tells an index from the database of somebody else, as `PRAGMA application_id`: "RgTn".
pub(super) const APPLICATION: i32 = 0x5267_546e;

/// All of it is derived from run directories, and goes with them. Texts that return in every run stand once: `document`, `subject` and `question`.
pub(super) const TABLES: &str = "
CREATE TABLE run (
    run INTEGER PRIMARY KEY,
    directory BLOB NOT NULL UNIQUE, -- the bytes of its path
    state TEXT NOT NULL,            -- size, times and inode of its files
    id TEXT NOT NULL,
    rig TEXT NOT NULL,
    kind TEXT NOT NULL,             -- hardware, virtual, simulated, unknown
    unix_s INTEGER NOT NULL,
    rigtone TEXT NOT NULL,
    interrupted TEXT,
    exit_code INTEGER NOT NULL,
    parts TEXT NOT NULL             -- JSON: ids of the runs that it was merged of
);
CREATE TABLE document (
    document INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE       -- JSON: a scenario as a plan holds it
);
CREATE TABLE scenario (
    run INTEGER NOT NULL,
    scenario TEXT NOT NULL,
    document INTEGER NOT NULL,
    PRIMARY KEY (run, scenario)
) WITHOUT ROWID;
CREATE TABLE subject (
    subject INTEGER PRIMARY KEY,
    planned TEXT NOT NULL UNIQUE    -- JSON: id, scenario, axes with devices and firmware, condition
);
CREATE TABLE question (
    question INTEGER PRIMARY KEY,
    expected TEXT NOT NULL,
    unit TEXT NOT NULL,
    UNIQUE (expected, unit)
);
CREATE TABLE verdict (
    subject INTEGER NOT NULL,
    run INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    reason TEXT,
    lost INTEGER NOT NULL,
    quarantined TEXT,               -- the reason of the entry
    PRIMARY KEY (subject, run)
) WITHOUT ROWID;
CREATE TABLE answer (
    subject INTEGER NOT NULL,
    run INTEGER NOT NULL,
    place INTEGER NOT NULL,
    question INTEGER NOT NULL,
    part INTEGER NOT NULL,          -- whether it is a part of the expectation before it
    gating INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    n INTEGER NOT NULL,
    held INTEGER NOT NULL,
    ambiguous INTEGER NOT NULL,
    estimate REAL,
    low REAL,
    high REAL,
    confidence REAL,
    PRIMARY KEY (subject, run, place)
) WITHOUT ROWID;
CREATE INDEX verdict_of_run ON verdict (run);
";
