"""Sessions as minutes in Markdown: who was there, and what each said when."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, tzinfo

from chatlog.domain.code_blocks import fenced
from chatlog.domain.models import Message, MessageKind, Session
from chatlog.services.formats.plain import clean, one_line, title_of

# An underscore inside a word is none of Markdown's signs.
_SPECIAL = re.compile(r"([\\`*{}\[\]<>#|~&!]|(?<!\w)_|_(?!\w))")
_CODE_KINDS = {MessageKind.TOOL_CALL, MessageKind.TOOL_RESULT}
_KIND_WORDS: dict[str, str] = {MessageKind.TOOL_CALL: "tool call", MessageKind.TOOL_RESULT: "tool result"}
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}(#{1,6})(?=[ \t]|$)")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_NO_PARAGRAPH = re.compile(r" {0,3}([#>|]|[-+*] |\d+[.)] )|\s*$| {4}")
# Below the headings of the minutes themselves.
_LOWER_BY = 2


class MarkdownWriter:
    """See `chatlog.services.exporting.Writer`.

    A remark is a quotation: whatever it leaves open, a code block or a comment, ends where the quotation does.

    Args:
        zone: the zone of the times, which the minutes name.
    """

    def __init__(self, *, zone: tzinfo = UTC) -> None:
        self._zone = zone

    def begin(self) -> str:
        """Nothing."""
        return ""

    def session(self, session: Session, *, count: int) -> str:
        """Title and particulars."""
        began, ended = (moment.astimezone(self._zone) for moment in (session.created_at, session.last_activity_at))
        lines = [
            f"# {escape(title_of(session))}",
            "",
            f"- Date: {began:%Y-%m-%d %H:%M} – {_later(ended, began)} ({began.tzname()})",
            f"- Participants: {', '.join(escape(name) for name in session.participants) or 'nobody'}",
            f"- Status: {session.status.value}, {count} {'remark' if count == 1 else 'remarks'}",
            *([f"- Tags: {', '.join(escape(tag) for tag in session.tags)}"] if session.tags else []),
            f"- Session: {escape(session.session_id)}",
            "",
            *(["## Task", "", quote(session.task), ""] if one_line(session.task) != title_of(session) else []),
            "## Discussion",
        ]
        return "\n".join(lines) + "\n\n"

    def messages(self, session: Session, messages: Sequence[Message]) -> str:
        """Speaker and time, then the remark as a quotation."""
        return "".join(self._remark(message, session) for message in messages)

    def end(self, *, sessions: int, messages: int) -> str:
        """How much this was: without this line, the file was cut off."""
        return f"---\n\nSessions: {sessions}, remarks: {messages}.\n"

    def _remark(self, message: Message, session: Session) -> str:
        moment = message.timestamp.astimezone(self._zone)
        kind = "" if message.kind == MessageKind.TEXT else f", {escape(_KIND_WORDS.get(message.kind, message.kind))}"
        head = f"**{escape(message.source)}** ({_later(moment, session.created_at.astimezone(self._zone), '%H:%M:%S')}{kind})"
        body = fenced(message.content) if message.kind in _CODE_KINDS else message.content
        return f"{head}\n\n{quote(body)}\n\n"


def escape(text: str) -> str:
    """A short text on one line that Markdown shows as it is."""
    return _SPECIAL.sub(r"\\\1", one_line(text))


def quote(text: str) -> str:
    """Markdown as a quotation, its headings below those around it."""
    return "\n".join(f"> {line}".rstrip() for line in _lower_headings(clean(text).split("\n")))


def _lower_headings(lines: list[str]) -> Iterator[str]:
    """`# A` and `A` underlined as lower headings; code stays as it is."""
    open_fence = ""
    held: str | None = None  # a line whose underline may follow
    for line in lines:
        underline = _UNDERLINE.match(line)
        if held is not None:
            if underline and not open_fence and not _NO_PARAGRAPH.match(held):
                level = 1 if underline[1].startswith("=") else 2
                yield f"{'#' * (level + _LOWER_BY)} {held.strip()}"
                held = None
                continue
            yield held
        held = line if open_fence else _HEADING.sub(_lower, line)
        open_fence = _follow_fence(open_fence, line)
    if held is not None:
        yield held


def _lower(heading: re.Match[str]) -> str:
    return "#" * min(6, len(heading[1]) + _LOWER_BY)


def _follow_fence(open_fence: str, line: str) -> str:
    """The fence that is open after this line, or nothing."""
    found = _FENCE.match(line)
    if found is None:
        return open_fence
    if not open_fence:
        return found[1]
    closes = found[1].startswith(open_fence) and not line[found.end() :].strip()
    return "" if closes else open_fence


def _later(moment: datetime, start: datetime, form: str = "%H:%M") -> str:
    """The time of day, with its date if that is another than at the start."""
    return f"{moment:{form}}" if moment.date() == start.date() else f"{moment:%Y-%m-%d {form}}"
