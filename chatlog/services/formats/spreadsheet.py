"""Sessions as CSV for spreadsheets, one row for each message. For reading: text that would run as a formula is changed."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from chatlog.domain.clock import to_timestamp
from chatlog.domain.models import Message, Session
from chatlog.services.formats.plain import clean, title_of

COLUMNS = (
    *("session_id", "session_title", "session_status", "sequence", "timestamp", "source", "kind", "content"),
    *("prompt_tokens", "completion_tokens", "message_id"),
)
# With it, Excel takes the file for UTF-8 and not for the machine's old code page.
BYTE_ORDER_MARK = "\ufeff"
# What makes a spreadsheet take a cell for a formula.
# Full-width signs count in Japanese versions; what nobody sees may stand before.
# Source: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = re.compile("[\t\r\n]|[\\s\u200b\ufeff]*[=+\\-@＝＋－＠]")


class SpreadsheetWriter:
    """See `chatlog.services.exporting.Writer`. Quoted as RFC 4180 says, lines end in CR LF."""

    def begin(self) -> str:
        """The names of the columns."""
        return BYTE_ORDER_MARK + write_rows([COLUMNS])

    def session(self, session: Session, *, count: int) -> str:
        """Nothing: its messages' rows name it."""
        return ""

    def messages(self, session: Session, messages: Sequence[Message]) -> str:
        """A row for each message."""
        head = (session.session_id, title_of(session), session.status.value)
        return write_rows([(*head, *_cells(message)) for message in messages])

    def end(self, *, sessions: int, messages: int) -> str:
        """Nothing: a sheet has no place for it."""
        return ""


def _cells(message: Message) -> tuple[object, ...]:
    usage = message.models_usage or {}
    tokens = (usage.get("prompt_tokens"), usage.get("completion_tokens"))
    said = (message.sequence, to_timestamp(message.timestamp), message.source, message.kind, message.content)
    return (*said, *tokens, message.message_id)


def write_rows(rows: Sequence[Sequence[object]]) -> str:
    """Cells, what would run as a formula among them made harmless. What is neither text nor a number is an empty cell."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([[_harmless(cell) for cell in row] for row in rows])
    return text.getvalue()


def _harmless(cell: object) -> object:
    if not isinstance(cell, str):
        return cell if isinstance(cell, int | float) else ""
    return f"'{clean(cell)}" if _FORMULA.match(cell) else clean(cell)
