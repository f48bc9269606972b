"""How much of anything fits. One owner for each number, the same on every store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chatlog.errors import InvalidNumber

# Cosmos DB takes items of 2 MB of UTF-8 JSON and adds five fields of its own (_rid, _self, _etag, _attachments, _ts), for
# which 1 kB is kept free. Source: https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits
MAX_ITEM_BYTES = 2 * 1024 * 1024 - 1024
MAX_SOURCE_CHARACTERS = 255
MAX_KIND_CHARACTERS = 64
MAX_TAG_CHARACTERS = 100
MAX_TAGS = 50
MAX_TITLE_CHARACTERS = 500
MAX_TASK_CHARACTERS = 100_000
MAX_PARTICIPANTS = 1_000
# JSON numbers are IEEE 754 doubles in Cosmos DB; above 2**53 - 1 two integers could become one (RFC 8259, section 6).
MAX_INTEGER = 2**53 - 1
MAX_LIST_LIMIT = 1_000

# A clock that is wrong by more than this would put remarks onto days that they do not belong to. What was said long ago and
# is sent late is fine: only nothing can have been said before there were agents.
MAX_CLOCK_LEAD = timedelta(days=1)
EARLIEST_TIMESTAMP = datetime(1990, 1, 1, tzinfo=UTC)

# An active session that says nothing for this long is shown as stalled.
STALLED_AFTER = timedelta(minutes=5)

# How long a deleted session can be restored.
UNDO_PERIOD = timedelta(days=7)

# Figures of use can be asked for over ten years and the day or two around them that other time zones need.
MAX_USAGE_DAYS = 3_660
# What was charged is kept for thirteen months; more cannot be asked for at once.
MAX_LEDGER_DAYS = 400


def check_number(value: object, *, field: str, minimum: int, maximum: int) -> int:
    """Return `value` if it is a whole number from `minimum` to `maximum`.

    Raises:
        InvalidNumber: it is not.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidNumber(field, f"{value!r} is not a whole number.")
    if not minimum <= value <= maximum:
        raise InvalidNumber(field, f"{value} is out of range; it goes from {minimum} to {maximum}.")
    return value


def check_sequence(value: object, *, field: str = "after") -> int:
    """Return `value` if it can be a cursor: 0 ("nothing yet") to 2**53 - 1."""
    return check_number(value, field=field, minimum=0, maximum=MAX_INTEGER)


def check_limit(value: object, *, field: str = "limit") -> int:
    """Return `value` if that many items may be asked for at once: 1 to 1,000."""
    return check_number(value, field=field, minimum=1, maximum=MAX_LIST_LIMIT)
