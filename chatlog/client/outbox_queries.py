"""Every text that is sent to SQLite for the queue: constants, and so a finite set. Values only ever travel as parameters.

A list travels as one parameter, in JSON. The tables are in `outbox.sql`.
"""

from __future__ import annotations

BEGIN_WRITING = "BEGIN IMMEDIATE"
COMMIT = "COMMIT"
ROLLBACK = "ROLLBACK"
VACUUM = "VACUUM"
EMPTY_LOG = "PRAGMA wal_checkpoint(TRUNCATE)"

SELECT_TOTALS = "SELECT waiting, waiting_bytes, refused, refused_bytes FROM totals"
INSERT_ENTRY = "INSERT INTO waiting (session_id, kind, message_id, body, size) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
SELECT_MESSAGE = "SELECT body FROM waiting WHERE session_id = ? AND message_id = ?"
SELECT_OLDEST = "SELECT number, session_id, kind FROM waiting ORDER BY number LIMIT 1"
# From session to session by the index: one that is passed over may have a hundred thousand entries.
SELECT_OLDEST_BUT = """
WITH RECURSIVE sessions (session_id) AS (
    SELECT min(session_id) FROM waiting
    UNION ALL
    SELECT (SELECT min(session_id) FROM waiting WHERE session_id > sessions.session_id)
    FROM sessions WHERE session_id IS NOT NULL
)
SELECT number, session_id, kind FROM waiting WHERE number = (
    SELECT min((SELECT min(number) FROM waiting WHERE session_id = sessions.session_id))
    FROM sessions WHERE session_id NOT IN (SELECT value FROM json_each(?))
)
"""
SELECT_OF_SESSION = "SELECT number, kind, message_id, body, size FROM waiting WHERE session_id = ? ORDER BY number LIMIT ?"
SELECT_NUMBERS = "SELECT number FROM waiting WHERE session_id = ? ORDER BY number"
IS_BEGIN_WAITING = "SELECT EXISTS (SELECT 1 FROM waiting WHERE session_id = ? AND kind = 'begin')"
IS_BEGIN_REFUSED = "SELECT EXISTS (SELECT 1 FROM refused WHERE session_id = ? AND kind = 'begin')"
DELETE_WAITING = "DELETE FROM waiting WHERE number IN (SELECT value FROM json_each(?))"

REFUSE = """
INSERT INTO refused (number, session_id, kind, message_id, body, size, reason, refused_at)
SELECT number, session_id, kind, message_id, body, size, ?2, ?3
FROM waiting WHERE number IN (SELECT value FROM json_each(?1))
"""
SELECT_REFUSED = """
SELECT number, session_id, kind, body, reason, refused_at FROM refused WHERE number > ? ORDER BY number LIMIT ?
"""
RESEND = """
INSERT INTO waiting (session_id, kind, message_id, body, size)
SELECT session_id, kind, message_id, body, size
FROM refused WHERE number IN (SELECT value FROM json_each(?)) ORDER BY number ON CONFLICT DO NOTHING
"""
# A remark whose id waits with other words was not put back, and would be lost.
DELETE_RESENT = """
DELETE FROM refused WHERE number IN (SELECT value FROM json_each(?)) AND NOT EXISTS (
    SELECT 1 FROM waiting
    WHERE waiting.session_id = refused.session_id AND waiting.message_id = refused.message_id
    AND (waiting.body ->> 'source', waiting.body ->> 'content') <> (refused.body ->> 'source', refused.body ->> 'content')
)
"""
DELETE_REFUSED = "DELETE FROM refused WHERE number IN (SELECT value FROM json_each(?))"

INSERT_VIEW = "INSERT INTO views VALUES (?, ?) ON CONFLICT DO NOTHING"
REPLACE_VIEW = "INSERT OR REPLACE INTO views VALUES (?, ?)"
SELECT_VIEW = "SELECT document FROM views WHERE session_id = ?"
DELETE_VIEW = """
DELETE FROM views WHERE session_id = ?1 AND NOT EXISTS (SELECT 1 FROM waiting WHERE waiting.session_id = ?1)
"""
