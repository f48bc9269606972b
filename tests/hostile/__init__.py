"""Text that wants to be more than text: what a hostile agent, or a page it read, might put into any field.

Each payload tries to set `top.pwned`, to open a dialog, to ask another origin for something, or to deceive whoever reads it.
"""

from __future__ import annotations

from chatlog.domain.ids import check_id
from chatlog.errors import InvalidId
from tests.hostile import documents, elements, markdown
from tests.hostile.deceits import DECEITS, HIDDEN_CHARACTERS
from tests.hostile.deed import ELSEWHERE
from tests.hostile.documents import REFRESHES

__all__ = ["ELSEWHERE", "HIDDEN_CHARACTERS", "PAYLOADS", "REFRESHES", "is_id"]

PAYLOADS = tuple(
    dict.fromkeys(
        (
            *elements.HANDLERS,
            *elements.SPELLINGS,
            *elements.SCRIPTS,
            *markdown.LINKS,
            *markdown.MARKDOWN,
            *markdown.FENCES,
            *documents.HTMX,
            *documents.VECTORS,
            *documents.FRAMES,
            *REFRESHES,
            *documents.METAS,
            *documents.STYLES,
            *elements.BREAKOUTS,
            *elements.POLYGLOTS,
            *DECEITS,
        )
    )
)


def is_id(text: str) -> bool:
    try:
        check_id(text, field="message_id")
    except InvalidId:
        return False
    return True
