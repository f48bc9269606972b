"""Every text that is sent to SQLite as a query: constants, and so a finite set. Values only ever travel as parameters.

A list travels as one parameter, in JSON; a condition that is not wanted has the parameter NULL.
"""

from __future__ import annotations

_SESSION_COLUMNS = (
    "session_id, task, title, status, created_at, updated_at, message_count, last_message_at, participants, tags, metadata, "
    "activity"
)
_MESSAGE_COLUMNS = "messages.id & 16777215, message_id, source, content, timestamp, kind, models_usage, metadata"

BEGIN_READING = "BEGIN"
BEGIN_WRITING = "BEGIN IMMEDIATE"
COMMIT = "COMMIT"
ROLLBACK = "ROLLBACK"
BEGIN_JOB = "SAVEPOINT job"
UNDO_JOB = "ROLLBACK TO job"
END_JOB = "RELEASE job"
WAIT_FOR_DISK = "PRAGMA synchronous = FULL"
TRUST_DISK = "PRAGMA synchronous = NORMAL"

# --- sessions

IS_ID_TAKEN = "SELECT 1 FROM sessions WHERE id = ?"
INSERT_SESSION = f"INSERT INTO sessions (id, headline, {_SESSION_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
SELECT_SESSION = f"SELECT {_SESSION_COLUMNS}, deleted_at FROM sessions WHERE session_id = ?"
SELECT_SESSION_BY_ROWID = f"SELECT {_SESSION_COLUMNS} FROM sessions WHERE id = ? AND deleted_at IS NULL"
SELECT_SESSIONS_BY_ID = (
    f"SELECT {_SESSION_COLUMNS} FROM sessions WHERE session_id IN (SELECT value FROM json_each(?)) AND deleted_at IS NULL"
)
SELECT_PLACE = "SELECT id, message_count, deleted_at FROM sessions WHERE session_id = ?"
UPDATE_SESSION = (
    "UPDATE sessions SET status = ?, title = ?, tags = ?, updated_at = ?, headline = ? WHERE session_id = ? "
    "RETURNING id, indexed"
)
SELECT_HEAD = "SELECT id, created_at, message_count, last_message_at, participants, activity FROM sessions WHERE session_id = ?"
UPDATE_HEAD = (
    "UPDATE sessions SET message_count = ?, last_message_at = ?, participants = ?, activity = ?, updated_at = ? WHERE id = ?"
)
DESCRIBE_SESSION = (
    "UPDATE sessions SET task = ?, title = ?, status = ?, created_at = ?, updated_at = ?, participants = ?, tags = ?, "
    "metadata = ?, headline = ?, deleted_at = ? WHERE id = ?"
)
SELECT_DESCRIBED = f"SELECT id, indexed, {_SESSION_COLUMNS} FROM sessions WHERE session_id = ?"
SELECT_MARKED_SILENT = (
    "SELECT session_id FROM sessions WHERE status = 'active' AND deleted_at IS NULL AND last_message_at < ? "
    "AND metadata ->> ? IS NOT NULL"
)
SET_DELETED_AT = "UPDATE sessions SET deleted_at = ? WHERE session_id = ?"
PING = "SELECT 1 FROM sessions LIMIT 1"

# --- lists of sessions

_LAST_ACTIVITY = "max(sessions.created_at, coalesce(sessions.last_message_at, ''))"
_IN_STATES = (
    "(:states IS NULL OR CASE WHEN sessions.status <> 'active' THEN sessions.status "
    f"WHEN {_LAST_ACTIVITY} < :stalled_before THEN 'stalled' ELSE 'running' END IN (SELECT value FROM json_each(:states)))"
)
_HAS_TAGS = (
    "(:tags IS NULL OR NOT EXISTS (SELECT 1 FROM json_each(:tags) AS wanted "
    "WHERE wanted.value NOT IN (SELECT value FROM json_each(sessions.tags))))"
)
_HAS_AGENTS = (
    "(:agents IS NULL OR NOT EXISTS (SELECT 1 FROM json_each(:agents) AS wanted "
    "WHERE wanted.value NOT IN (SELECT value FROM json_each(sessions.participants))))"
)
_IS_LISTED = (
    # Without OR, as the bound of an index: what began lately is found without a look at the rest.
    "sessions.deleted_at IS NULL AND sessions.created_at >= :begins_since "
    f"AND (:since IS NULL OR {_LAST_ACTIVITY} >= :since) AND (:until IS NULL OR sessions.created_at < :until) "
    f"AND {_IN_STATES} AND {_HAS_TAGS} AND {_HAS_AGENTS} "
    # Asking for one of the terms as it stands, first, saves most of the calls of the rule itself.
    "AND (:terms IS NULL OR (instr(sessions.headline, :needle) AND matches_terms(:terms, sessions.headline)))"
)
# Said once more where it follows from the states asked for: then a small index serves.
_IS_ACTIVE = "sessions.status = 'active'"
_OLDER = "(sessions.created_at, sessions.session_id) < (:created_at, :session_id)"
_NEWER = "(sessions.created_at, sessions.session_id) > (:created_at, :session_id)"
_NEWEST_FIRST = "ORDER BY sessions.created_at DESC, sessions.session_id DESC LIMIT :limit"
_OLDEST_FIRST = "ORDER BY sessions.created_at, sessions.session_id LIMIT :limit"

LIST_OLDER = f"SELECT {_SESSION_COLUMNS} FROM sessions WHERE {_OLDER} AND {_IS_LISTED} {_NEWEST_FIRST}"
LIST_NEWER = f"SELECT {_SESSION_COLUMNS} FROM sessions WHERE {_NEWER} AND {_IS_LISTED} {_OLDEST_FIRST}"
LIST_OLDER_ACTIVE = f"SELECT {_SESSION_COLUMNS} FROM sessions WHERE {_OLDER} AND {_IS_ACTIVE} AND {_IS_LISTED} {_NEWEST_FIRST}"
LIST_NEWER_ACTIVE = f"SELECT {_SESSION_COLUMNS} FROM sessions WHERE {_NEWER} AND {_IS_ACTIVE} AND {_IS_LISTED} {_OLDEST_FIRST}"
COUNT_ALL = "SELECT count(*) FROM sessions WHERE deleted_at IS NULL"
COUNT_LISTED = f"SELECT count(*) FROM sessions WHERE {_IS_LISTED}"
COUNT_LISTED_ACTIVE = f"SELECT count(*) FROM sessions WHERE {_IS_ACTIVE} AND {_IS_LISTED}"

# --- messages

INSERT_MESSAGE = (
    "INSERT INTO messages (id, session, message_id, source, content, timestamp, kind, models_usage, metadata) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
SELECT_BY_MESSAGE_IDS = (
    f"SELECT {_MESSAGE_COLUMNS} FROM messages WHERE session = ? AND message_id IN (SELECT value FROM json_each(?))"
)
SELECT_MESSAGES_AFTER = f"SELECT {_MESSAGE_COLUMNS} FROM messages WHERE id > ? AND id <= ? ORDER BY id LIMIT ?"
SELECT_MESSAGES_BEFORE = f"SELECT {_MESSAGE_COLUMNS} FROM messages WHERE id > ? AND id < ? ORDER BY id DESC LIMIT ?"
SELECT_MESSAGES_AT = f"SELECT {_MESSAGE_COLUMNS} FROM messages WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id"

# --- notes of a mirror

CREATE_NOTES = "CREATE TABLE IF NOT EXISTS mirror_notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT"
SELECT_NOTES = "SELECT name, value FROM mirror_notes"
KEEP_NOTE = "INSERT INTO mirror_notes (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"

# --- searching: places are message ids, newest first; a place at 0 is a headline

PROPOSE = (
    "SELECT search_index.rowid FROM search_index CROSS JOIN sessions ON sessions.id = search_index.rowid >> 24 "
    "LEFT JOIN messages ON messages.id = search_index.rowid "
    "WHERE search_index MATCH :expression AND search_index.rowid <= :last AND sessions.deleted_at IS NULL "
    f"AND {_IN_STATES} AND {_HAS_TAGS} "
    "AND (:agents IS NULL OR messages.source IN (SELECT value FROM json_each(:agents))) "
    "AND (:since IS NULL OR coalesce(messages.timestamp, sessions.created_at) >= :since) "
    "AND (:until IS NULL OR coalesce(messages.timestamp, sessions.created_at) < :until) "
    "ORDER BY search_index.rowid DESC"
)
LIST_UNINDEXED = (
    "SELECT id, indexed, message_count FROM sessions WHERE message_count > indexed AND id <= :newest ORDER BY id DESC"
)
LIST_EVERYTHING = (
    f"SELECT id, -1, message_count FROM sessions WHERE deleted_at IS NULL AND id <= :newest AND {_IN_STATES} AND {_HAS_TAGS} "
    "ORDER BY id DESC"
)
PROPOSE_IN_SESSION = "SELECT rowid FROM search_index WHERE search_index MATCH ? AND rowid > ? AND rowid <= ? ORDER BY rowid"
SELECT_INDEXED = "SELECT indexed FROM sessions WHERE id = ?"
SELECT_CONTENTS_AT = "SELECT id, content FROM messages WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id"

# --- the search index

MOST_UNINDEXED = 512

SELECT_UNINDEXED = (
    "SELECT id, indexed, message_count, headline FROM sessions WHERE message_count > indexed ORDER BY id "
    f"LIMIT {MOST_UNINDEXED}"
)
SELECT_CONTENTS = "SELECT id, content FROM messages WHERE id > ? AND id <= ? ORDER BY id LIMIT ?"
INSERT_INTO_INDEX = "INSERT INTO search_index (rowid, tokens) VALUES (?, ?)"
DELETE_FROM_INDEX = "DELETE FROM search_index WHERE rowid = ?"
SET_INDEXED = "UPDATE sessions SET indexed = ? WHERE id = ?"

# --- figures of use: times are compared with dates, which text order puts before everything of their day

SELECT_SPAN = (
    "SELECT (SELECT min(timestamp) FROM messages), (SELECT max(timestamp) FROM messages), "
    "(SELECT min(created_at) FROM sessions WHERE deleted_at IS NULL), "
    "(SELECT max(created_at) FROM sessions WHERE deleted_at IS NULL)"
)
# Lengths in characters; asking for less of what was said spares reading it out.
SELECT_SAID = (
    "SELECT timestamp, source, length(content), models_usage FROM messages WHERE timestamp >= ? AND timestamp < ? "
    "AND session NOT IN (SELECT id FROM sessions WHERE deleted_at IS NOT NULL)"
)
SELECT_BEGUN = (
    "SELECT created_at, status, participants FROM sessions WHERE deleted_at IS NULL AND created_at >= ? AND created_at < ?"
)
SELECT_BUSIEST = (
    f"SELECT {_SESSION_COLUMNS} FROM sessions WHERE deleted_at IS NULL AND created_at >= ? AND created_at < ? "
    "ORDER BY message_count DESC, created_at DESC, session_id DESC LIMIT ?"
)
SELECT_CLAIMS = "SELECT day, claim FROM usage_days WHERE day >= ? AND day < ?"
SELECT_USAGE_DOCUMENT = "SELECT document FROM usage_days WHERE day = ?"
CLAIM_DAY = "INSERT INTO usage_days (day) VALUES (?) ON CONFLICT DO NOTHING"
KEEP_DAY = "UPDATE usage_days SET document = ? WHERE day = ? AND claim = ?"

# --- removing for good

# The id is free again at once: no valid one has a question mark.
MARK_FOR_PURGE = (
    "UPDATE sessions SET deleted_at = '', session_id = session_id || '?' || id, indexed = message_count "
    "WHERE deleted_at > '' AND deleted_at < ?"
)
SELECT_MARKED = "SELECT id, message_count FROM sessions WHERE deleted_at = ''"
PURGE_INDEX = "DELETE FROM search_index WHERE rowid >= ? AND rowid <= ?"
PURGE_MESSAGES = "DELETE FROM messages WHERE id >= ? AND id <= ?"
PURGE_SESSION = "DELETE FROM sessions WHERE id = ?"

# --- a database of version 1

SET_VERSION_1_ASIDE = (
    "DROP INDEX sessions_newest; DROP INDEX sessions_active; "
    "ALTER TABLE sessions RENAME TO old_sessions; ALTER TABLE messages RENAME TO old_messages"
)
SELECT_VERSION_1_SESSIONS = (
    "SELECT id, session_id, task, title, status, created_at, updated_at, message_count, last_message_at, participants, tags, "
    "metadata FROM old_sessions ORDER BY created_at, session_id"
)
SELECT_VERSION_1_TIMES = "SELECT timestamp FROM old_messages WHERE session = ? ORDER BY sequence"
COPY_VERSION_1_MESSAGES = (
    "INSERT INTO messages (id, session, message_id, source, content, timestamp, kind, models_usage, metadata) "
    "SELECT (? << 24) + sequence, ?, message_id, source, content, timestamp, kind, models_usage, metadata "
    "FROM old_messages WHERE session = ? ORDER BY sequence"
)
DROP_VERSION_1 = "DROP TABLE old_messages; DROP TABLE old_sessions"

# All of the above; the names that begin with an underscore are parts of them.
TEXTS = frozenset(text for name, text in list(globals().items()) if name[0] != "_" and name.isupper() and isinstance(text, str))
