-- The figures of finished days, each kept until something that it tells of changes. The database itself throws them away, so
-- that it does not matter which program writes, or in which version.

CREATE INDEX messages_by_time ON messages (timestamp);

CREATE TABLE usage_days (
    day      TEXT    NOT NULL UNIQUE,            -- of UTC, as times begin
    claim    INTEGER NOT NULL DEFAULT (random()), -- as long as it stands, nothing of that day has changed
    document TEXT                                 -- JSON; NULL while the day is being counted
) STRICT;

CREATE TRIGGER usage_message_added AFTER INSERT ON messages BEGIN
    DELETE FROM usage_days WHERE day = substr(NEW.timestamp, 1, 10);
END;

CREATE TRIGGER usage_message_changed AFTER UPDATE ON messages BEGIN
    DELETE FROM usage_days WHERE day IN (substr(OLD.timestamp, 1, 10), substr(NEW.timestamp, 1, 10));
END;

-- The messages of a deleted session have left the figures already; removing them for good must not cost a count.
CREATE TRIGGER usage_message_removed AFTER DELETE ON messages
WHEN (SELECT deleted_at FROM sessions WHERE id = OLD.session) IS NULL BEGIN
    DELETE FROM usage_days WHERE day = substr(OLD.timestamp, 1, 10);
END;

CREATE TRIGGER usage_session_added AFTER INSERT ON sessions BEGIN
    DELETE FROM usage_days WHERE day = substr(NEW.created_at, 1, 10);
END;

-- Every save writes the participants, mostly as they were.
CREATE TRIGGER usage_session_changed AFTER UPDATE OF created_at, status, participants ON sessions
WHEN NEW.participants <> OLD.participants OR NEW.status <> OLD.status OR NEW.created_at <> OLD.created_at BEGIN
    DELETE FROM usage_days WHERE day IN (substr(OLD.created_at, 1, 10), substr(NEW.created_at, 1, 10));
END;

CREATE TRIGGER usage_session_hidden AFTER UPDATE OF deleted_at ON sessions
WHEN (NEW.deleted_at IS NULL) <> (OLD.deleted_at IS NULL) BEGIN
    DELETE FROM usage_days WHERE day = substr(NEW.created_at, 1, 10) OR day IN (
        SELECT substr(timestamp, 1, 10) FROM messages WHERE id >= (NEW.id << 24) AND id < ((NEW.id + 1) << 24)
    );
END;

CREATE TRIGGER usage_session_removed AFTER DELETE ON sessions WHEN OLD.deleted_at IS NULL BEGIN
    DELETE FROM usage_days WHERE day = substr(OLD.created_at, 1, 10);
END;
