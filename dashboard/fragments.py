"""Messages and the state of their session as pieces of HTML, for pages and for live frames alike.

A message is rendered once per process. Frames are out-of-band swaps for htmx: each outermost element says where it goes.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from chatlog.domain.hidden import show_hidden
from chatlog.domain.models import FOLDED_KINDS, Message, MessageKind, Session, SessionState
from dashboard.rendering import LONG_CHARACTERS, render_markdown, render_preformatted
from dashboard.speakers import get_speaker, list_speakers
from dashboard.wording import say_duration, say_roughly, state_words

# A silence of this length is said; a remark after it stands by itself.
SILENCE = timedelta(minutes=2)
# A remark of more lines is folded.
FOLDED_LINES = 40
FOLDED_CHARACTERS = 6_000
CACHE_BYTES = 32 * 1024 * 1024
TITLE_CHARACTERS = 120

CODE_KINDS = {MessageKind.TOOL_CALL, MessageKind.TOOL_RESULT}
# A kind that is not here is shown as its writer called it.
KIND_WORDS: dict[str, Any] = {
    MessageKind.TEXT: "",
    MessageKind.TOOL_CALL: _("tool call"),
    MessageKind.TOOL_RESULT: _("tool result"),
    MessageKind.HANDOFF: _("hand-over"),
    MessageKind.THOUGHT: _("thought"),
    MessageKind.EVENT: _("event"),
    MessageKind.ERROR: _("error"),
}


class _RowCache:
    """Rendered rows, the least recently used dropped first. Threads render, so it is locked."""

    def __init__(self, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._rows: OrderedDict[tuple[str, ...], str] = OrderedDict()
        self._lock = threading.Lock()
        self.bytes = 0

    def find(self, key: tuple[str, ...]) -> str | None:
        with self._lock:
            row = self._rows.get(key)
            if row is not None:
                self._rows.move_to_end(key)
            return row

    def keep(self, key: tuple[str, ...], row: str) -> None:
        with self._lock:
            if key in self._rows:
                return
            self._rows[key] = row
            self.bytes += _size(row)
            while self.bytes > self._max_bytes:
                _, dropped = self._rows.popitem(last=False)
                self.bytes -= _size(dropped)


_rows = _RowCache(max_bytes=CACHE_BYTES)


async def render_rows(messages: Sequence[Message], *, previous: Message | None) -> list[str]:
    """One `<li id="message-<sequence>">` for each message. `previous` is the message before the first.

    Whatever is not in the cache and long is rendered in a thread.
    """
    pairs = list(zip([previous, *messages], messages, strict=False))
    cached = [_rows.find(_key(message, before)) for before, message in pairs]
    to_do = sum(len(message.content) for (_, message), row in zip(pairs, cached, strict=True) if row is None)
    if to_do > LONG_CHARACTERS:
        return await asyncio.to_thread(_render_all, pairs)
    return _render_all(pairs)


def as_html(rows: Sequence[str]) -> list[SafeString]:
    """Rows that `render_rows` made, for a template to take over as they are."""
    return [mark_safe(row) for row in rows]  # noqa: S308  # a template of ours made them, with everything in it escaped


def introduce_speakers(session: Session) -> None:
    """Give the session's participants their colours in their order, which is the same in every process."""
    list_speakers(session.session_id, session.participants)


def messages_frame(rows: Sequence[str], *, first: int, last: int) -> str:
    """Rows `first` to `last`, to be put behind those that are there."""
    return f'<ol hx-swap-oob="beforeend:#messages" data-first="{first}" data-last="{last}">{"".join(rows)}</ol>'


def session_frame(session: Session, *, last_sequence: int, now: datetime) -> str:
    """What the session's page says about it besides its messages."""
    return render_to_string(
        "dashboard/partials/session_state.html", session_context(session, last_sequence=last_sequence, now=now)
    )


def trouble_frame(text: str) -> str:
    """A line about what is wrong; an empty text takes it away."""
    return render_to_string("dashboard/partials/trouble.html", {"text": text, "oob": True})


def session_context(session: Session, *, last_sequence: int, now: datetime) -> dict[str, Any]:
    """What `partials/session_state.html` shows. The newest message known counts, should the stored count lag behind."""
    end = now if session.state(now) is SessionState.RUNNING else session.last_activity_at
    return {
        "session": session,
        "state": state_context(session, now),
        "count": max(session.message_count, last_sequence),
        "length": say_duration(end - session.created_at),
        "length_seconds": int((end - session.created_at).total_seconds()),
        "speakers": list_speakers(session.session_id, session.participants),
    }


def short_title(session: Session) -> str:
    """The first line of the title or, without one, of the task; a document from elsewhere may have neither."""
    line = (session.title or session.task).strip().split("\n", 1)[0] or session.session_id
    return line if len(line) <= TITLE_CHARACTERS else line[: TITLE_CHARACTERS - 1] + "…"


def _render_all(pairs: Sequence[tuple[Message | None, Message]]) -> list[str]:
    return [_render_row(message, before) for before, message in pairs]


def _render_row(message: Message, before: Message | None) -> str:
    key = _key(message, before)
    row = _rows.find(key)
    if row is None:
        row = render_to_string("dashboard/partials/message.html", _message_context(message, before)).strip()
        _rows.keep(key, row)
    return row


def _key(message: Message, before: Message | None) -> tuple[str, ...]:
    """A message never changes, but a store may be reset: the ids tell the old message 5 from the new one."""
    ids = message.session_id, str(message.sequence), message.message_id, before.message_id if before else ""
    colour = str(get_speaker(message.session_id, message.source).colour)
    return *ids, colour, get_language() or "", get_current_timezone_name()


def _message_context(message: Message, before: Message | None) -> dict[str, Any]:
    silence = timedelta(0) if before is None else message.timestamp - before.timestamp
    is_long = message.content.count("\n") > FOLDED_LINES or len(message.content) > FOLDED_CHARACTERS
    return {
        "message": message,
        "speaker": get_speaker(message.session_id, message.source),
        "source": show_hidden(message.source),
        "silence": say_roughly(silence) if silence >= SILENCE else "",
        "is_joined": before is not None and _continues(message, before) and silence < SILENCE,
        "kind": KIND_WORDS.get(message.kind, show_hidden(message.kind)),
        "is_folded": message.kind in FOLDED_KINDS,
        "summary": _in_one_line(message.content),
        "body": _body(message),
        "is_long": is_long and message.kind not in FOLDED_KINDS,
        "tokens": _tokens(message),
    }


def _continues(message: Message, before: Message) -> bool:
    """Whether a remark reads on from the one before: the same speaker, and no word of its own in its head."""
    return message.source == before.source and (message.kind == MessageKind.TEXT or message.kind in FOLDED_KINDS)


def _body(message: Message) -> SafeString:
    return render_preformatted(message.content) if message.kind in CODE_KINDS else render_markdown(message.content)


def _in_one_line(text: str) -> str:
    """Its beginning: of JSON that stands over many lines, the first one says nothing."""
    line = show_hidden(" ".join(text[:1000].split()))
    return line if len(line) <= 120 else line[:119] + "…"


def _tokens(message: Message) -> int:
    usage = message.models_usage or {}
    counts = [usage.get("prompt_tokens"), usage.get("completion_tokens")]
    return sum(count for count in counts if isinstance(count, int))


def state_context(session: Session, now: datetime) -> dict[str, str]:
    """What `partials/state.html` shows."""
    state = session.state(now)
    silence = f" {say_roughly(session.silence(now))}" if state is SessionState.STALLED else ""
    return {"name": state.value, "text": state_words()[state] + silence}


def _size(row: str) -> int:
    return len(row.encode())
