"""Sessions as one HTML file that needs nothing else: its style inside, no script, nothing fetched from anywhere."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from functools import cache
from pathlib import Path

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.safestring import SafeString, mark_safe

from chatlog.domain.clock import utc_now
from chatlog.domain.models import Message, Session
from chatlog.services.formats.plain import title_of
from dashboard.fragments import CODE_KINDS, KIND_WORDS
from dashboard.rendering import render_markdown, render_preformatted
from dashboard.speakers import get_speaker, list_speakers
from dashboard.wording import state_words

SHEETS = ("css/tokens.css", "css/discussion.css", "css/export.css")
_DARK = re.compile(r':root\[data-theme="dark"\] (\{[^}]*\})')
_PLACE = "<!-- sessions -->"


class HtmlWriter:
    """See `chatlog.services.exporting.Writer`. Agent text passes through `dashboard.rendering`, as on the pages."""

    def __init__(self, *, zone: tzinfo, language: str) -> None:
        self._zone = zone
        self._language = language
        style = load_style()
        context = {"style": style, "style_hash": _hash(style), "language": language, "place": mark_safe(_PLACE)}  # noqa: S308  # ours
        self._before, self._after = self._render("page", context).split(_PLACE)

    def begin(self) -> str:
        return self._before

    def session(self, session: Session, *, count: int) -> str:
        speakers = list_speakers(session.session_id, session.participants)
        with translation.override(self._language):
            state = state_words()[session.state(utc_now())]
        context = {"session": session, "title": title_of(session), "state": state, "speakers": speakers, "count": count}
        return self._render("session", context)

    def messages(self, session: Session, messages: Sequence[Message]) -> str:
        return self._render("messages", {"rows": [_row(message) for message in messages]})

    def end(self, *, sessions: int, messages: int) -> str:
        return self._render("end", {"sessions": sessions, "messages": messages}) + self._after

    def _render(self, name: str, context: Mapping[str, object]) -> str:
        # It is called in threads that know nothing of the request.
        with timezone.override(self._zone), translation.override(self._language):
            return render_to_string(f"dashboard/export/{name}.html", dict(context))


@cache
def load_style() -> SafeString:
    """The style sheets in one; without a script, the reader's system says whether it is dark."""
    texts = []
    for sheet in SHEETS:
        path = finders.find(sheet)
        assert isinstance(path, str), f"{sheet} is part of this site"
        texts.append(Path(path).read_text(encoding="utf-8"))
    return mark_safe(_DARK.sub(r"@media (prefers-color-scheme: dark) { :root \1 }", "\n".join(texts)))  # noqa: S308  # ours


def _hash(style: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def _row(message: Message) -> dict[str, object]:
    render = render_preformatted if message.kind in CODE_KINDS else render_markdown
    return {
        "message": message,
        "speaker": get_speaker(message.session_id, message.source),
        "kind": KIND_WORDS.get(message.kind, message.kind),
        "body": render(message.content),
    }
