-- The embedded store, version 2. Times are fixed-width UTC text, so that text order is time order; lists and objects are JSON.

CREATE TABLE sessions (
    id              INTEGER PRIMARY KEY,  -- hundredths of a second since 1970: the order of ids is the order of time
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
    metadata        TEXT    NOT NULL,
    activity        TEXT    NOT NULL,  -- {"width": seconds, "counts": [...]}
    headline        TEXT    NOT NULL,  -- title and task in their search form
    deleted_at      TEXT,              -- '' while what was deleted is being removed for good
    indexed         INTEGER NOT NULL DEFAULT -1  -- the last sequence in the search index; the headline is 0
) STRICT;

CREATE INDEX sessions_newest ON sessions (created_at, session_id) WHERE deleted_at IS NULL;
CREATE INDEX sessions_active ON sessions (created_at, session_id) WHERE deleted_at IS NULL AND status = 'active';
CREATE INDEX sessions_deleted ON sessions (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX sessions_unindexed ON sessions (id) WHERE message_count > indexed;

CREATE TABLE messages (
    id           INTEGER PRIMARY KEY,  -- its session's id * 2^24 + its sequence: a session's rows lie together
    session      INTEGER NOT NULL REFERENCES sessions (id) CHECK (session = id >> 24),
    message_id   TEXT    NOT NULL,
    source       TEXT    NOT NULL,
    content      TEXT    NOT NULL,
    timestamp    TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    models_usage TEXT,
    metadata     TEXT    NOT NULL,
    UNIQUE (session, message_id)
) STRICT;

-- rowid = messages.id; a session's headline is its message 0. The tokens are made in tokens.py and not kept; to the
-- tokenizer 'ascii' every character beyond ASCII is part of a token, so that they stay as they are made.
CREATE VIRTUAL TABLE search_index USING fts5 (tokens, content = '', contentless_delete = 1, tokenize = 'ascii');

PRAGMA user_version = 2;
