-- The embedded store, version 1. Times are fixed-width UTC text, so that text order is time order; lists and objects are JSON.

CREATE TABLE sessions (
    id              INTEGER PRIMARY KEY,
    session_id      TEXT    NOT NULL UNIQUE,
    task            TEXT    NOT NULL,
    title           TEXT,
    status          TEXT    NOT NULL,
    created_at      TEXT    NOT NULL,
    updated_at      TEXT    NOT NULL,
    message_count   INTEGER NOT NULL DEFAULT 0,  -- also the last sequence: numbers have no gaps
    last_message_at TEXT,
    participants    TEXT    NOT NULL,
    tags            TEXT    NOT NULL,
    metadata        TEXT    NOT NULL
) STRICT;

CREATE INDEX sessions_newest ON sessions (created_at, session_id);
CREATE INDEX sessions_active ON sessions (created_at, session_id) WHERE status = 'active';

CREATE TABLE messages (
    id           INTEGER PRIMARY KEY,
    session      INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    sequence     INTEGER NOT NULL CHECK (sequence >= 1),
    message_id   TEXT    NOT NULL,
    source       TEXT    NOT NULL,
    content      TEXT    NOT NULL,
    timestamp    TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    models_usage TEXT,
    metadata     TEXT    NOT NULL,
    UNIQUE (session, sequence),
    UNIQUE (session, message_id)
) STRICT;

PRAGMA user_version = 1;
