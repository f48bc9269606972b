"""Sessions as rows of a list, for pages and for live frames alike.

A live frame is one for everybody who looks through the same filter. What belongs to one person, the star and what is new to
them, is in the rows of a page only; `static/js/list.js` puts it onto the rows that come in later.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.template.loader import render_to_string

from chatlog.domain.activity import Activity
from chatlog.domain.models import Session
from chatlog.services.browsing import FrontPage
from dashboard.fragments import short_title, state_context
from dashboard.speakers import list_speakers
from dashboard.watching import is_only_watching
from dashboard.wording import say_ago, say_roughly

MOST_INITIALS = 6
# Of the line that shows when a session was busy, in units of its picture.
_HEIGHT = 16


@dataclass(frozen=True, slots=True)
class PersonalView:
    """What one person has to do with sessions.

    Attributes:
        starred: the ids of those they starred.
        read: how far they have read each session that they opened, as a sequence.
    """

    starred: frozenset[str] = frozenset()
    read: Mapping[str, int] = field(default_factory=dict)

    def count_new(self, session: Session) -> int:
        """How many messages came since they left; 0 for a session they never opened."""
        return max(0, session.message_count - self.read.get(session.session_id, session.message_count))


NOBODY = PersonalView()


def session_row(session: Session, *, now: datetime, view: PersonalView = NOBODY) -> str:
    """One `<li>` of the list."""
    return render_to_string("dashboard/partials/session_row.html", {"row": row_context(session, now=now, view=view)})


def session_rows_frame(changed: Sequence[Session], *, now: datetime) -> str:
    """Rows to be put in the place of those that are there."""
    rows = [{"row": row_context(session, now=now), "oob": True} for session in changed]
    return "".join(render_to_string("dashboard/partials/session_row.html", row) for row in rows)


def session_list_frame(page: FrontPage, *, now: datetime, is_filtered: bool) -> str:
    """The whole first page of the list."""
    context = list_context(page, now=now) | {"oob": True, "is_filtered": is_filtered}
    return render_to_string("dashboard/partials/session_list.html", context)


def list_context(
    page: FrontPage, *, now: datetime, starred: Sequence[Session] = (), view: PersonalView = NOBODY
) -> dict[str, Any]:
    """What `partials/session_list.html` shows. Starred sessions are shown in a group of their own, and not again."""
    on_top = {session.session_id for session in starred}
    return {
        "starred": [row_context(session, now=now, view=view) for session in starred],
        "running": [row_context(one, now=now, view=view) for one in page.running if one.session_id not in on_top],
        "rows": [row_context(one, now=now, view=view) for one in page.sessions if one.session_id not in on_top],
        "is_only_watching": is_only_watching(),
    }


def row_context(session: Session, *, now: datetime, view: PersonalView = NOBODY) -> dict[str, Any]:
    """What `partials/session_row.html` shows."""
    speakers = list_speakers(session.session_id, session.participants)
    return {
        "session": session,
        "title": short_title(session),
        "element_id": row_id(session),
        "state": state_context(session, now),
        "speakers": speakers[:MOST_INITIALS],
        "more_speakers": speakers[MOST_INITIALS:],
        "length": say_roughly(session.last_activity_at - session.created_at),
        "started": say_ago(now - session.created_at),
        "activity": activity_path(session.activity),
        "activity_width": len(session.activity.counts),
        "is_starred": session.session_id in view.starred,
        "read": view.read.get(session.session_id),
        "new": view.count_new(session),
        "may_edit": not is_only_watching(),
    }


def row_id(session: Session) -> str:
    """The id of a session's row: its own may hold anything."""
    return "session-" + hashlib.sha256(session.session_id.encode()).hexdigest()[:16]


def activity_path(activity: Activity) -> str:
    """Bars for the stretches of a session, one unit wide, as the path of an SVG of 16 units' height; empty for silence."""
    highest = max(activity.counts, default=0)
    bars = ((place, max(1, round(_HEIGHT * count / highest))) for place, count in enumerate(activity.counts) if count)
    return "".join(f"M{place} {_HEIGHT}v-{height}h.8v{height}z" for place, height in bars)
