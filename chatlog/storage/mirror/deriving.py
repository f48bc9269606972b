"""A session that no document tells of, made from what is said in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from chatlog.domain.models import Session, SessionStatus
from chatlog.storage.mirror.found import FoundRemark

# A history of chats has no word for "it is over". After this much silence a derived session is called completed, and active
# again when somebody speaks: a past full of alarms, all "stalled", would say something that nobody knows.
OVER_AFTER = timedelta(hours=1)
# Metadata of a derived session: whose words the task is made of. Sessions that a document tells of do not have it.
DERIVED_FROM = "derived_from"
_MOST_CHARACTERS = 300


def derive_session(remarks: Sequence[FoundRemark], *, now: datetime) -> Session:
    """The session of its first remarks: the task is what the first person in it asked for, else what was said first."""
    asked = find_question(remarks)
    first = asked or remarks[0]
    times = [draft.timestamp for remark in remarks for draft in remark.drafts]
    return Session(
        session_id=first.session_id,
        task=task_of(first),
        created_at=min(times),
        updated_at=min(times),
        status=status_at(max(times), now=now),
        metadata={**remarks[0].about, DERIVED_FROM: "user" if asked else "other"},
    )


def find_question(remarks: Sequence[FoundRemark]) -> FoundRemark | None:
    """The first of the remarks that a person made."""
    return next((remark for remark in remarks if remark.role == "user"), None)


def task_of(remark: FoundRemark) -> str:
    """The first words of a remark."""
    text = remark.drafts[0].content.strip()
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1].rstrip() + "…"


def status_at(last_said: datetime, *, now: datetime) -> SessionStatus:
    """What to call a derived session in which something was said last at that time."""
    return SessionStatus.COMPLETED if last_said < now - OVER_AFTER else SessionStatus.ACTIVE
