-- The queue of what waits for a site, version 1.

CREATE TABLE waiting (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used again: what is being sent is not taken for what came after it
    session_id TEXT    NOT NULL,
    kind       TEXT    NOT NULL,  -- begin, message, change
    message_id TEXT,              -- of a message
    body       TEXT    NOT NULL,  -- JSON, as it is sent
    size       INTEGER NOT NULL   -- of the body, in bytes
) STRICT;

CREATE INDEX waiting_of_session ON waiting (session_id, number);
CREATE UNIQUE INDEX waiting_once ON waiting (session_id, message_id) WHERE message_id IS NOT NULL;

CREATE TABLE refused (
    number     INTEGER PRIMARY KEY,  -- the one it had while it waited
    session_id TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    message_id TEXT,
    body       TEXT    NOT NULL,
    size       INTEGER NOT NULL,
    reason     TEXT    NOT NULL,
    refused_at TEXT    NOT NULL
) STRICT;

CREATE INDEX refused_begins ON refused (session_id) WHERE kind = 'begin';

-- How a session looks to the programs here while something waits for it: a document, as stores keep it.
CREATE TABLE views (session_id TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- Kept by triggers, so that a look at them costs nothing, whoever writes.
CREATE TABLE totals (
    waiting       INTEGER NOT NULL,
    waiting_bytes INTEGER NOT NULL,
    refused       INTEGER NOT NULL,
    refused_bytes INTEGER NOT NULL
) STRICT;

INSERT INTO totals VALUES (0, 0, 0, 0);

CREATE TRIGGER waiting_more AFTER INSERT ON waiting BEGIN
    UPDATE totals SET waiting = waiting + 1, waiting_bytes = waiting_bytes + new.size;
END;

CREATE TRIGGER waiting_less AFTER DELETE ON waiting BEGIN
    UPDATE totals SET waiting = waiting - 1, waiting_bytes = waiting_bytes - old.size;
END;

CREATE TRIGGER refused_more AFTER INSERT ON refused BEGIN
    UPDATE totals SET refused = refused + 1, refused_bytes = refused_bytes + new.size;
END;

CREATE TRIGGER refused_less AFTER DELETE ON refused BEGIN
    UPDATE totals SET refused = refused - 1, refused_bytes = refused_bytes - old.size;
END;

PRAGMA user_version = 1;
