"""Text: which of it can be stored, and the form in which it is searched."""

from __future__ import annotations

import re
import unicodedata

from chatlog.errors import InvalidText

# A lone surrogate has no UTF-8 form; a NUL ends a text early in too many tools that read what we store.
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")


def check_text(value: object, *, field: str, max_characters: int | None = None, allow_empty: bool = False) -> str:
    """Return `value` if it is text that every store keeps unchanged.

    Raises:
        InvalidText: not a text, empty or only white space, longer than `max_characters`, with a NUL or a lone surrogate.
    """
    if not isinstance(value, str):
        raise InvalidText(field, f"{value!r} is a {type(value).__name__}; it must be text.")
    if not allow_empty and not value.strip():
        raise InvalidText(field, f"{value[:40]!r} is empty; at least one visible character is needed.")
    if max_characters is not None and len(value) > max_characters:
        raise InvalidText(field, f"{value[:40]!r}… has {len(value)} characters; the limit is {max_characters}.")
    if found := _UNSTORABLE.search(value):
        raise InvalidText(
            field,
            f"has {found[0]!r} at position {found.start()}, which no store can keep. "
            "Take it out, or replace it with chatlog.replace_unstorable(text).",
        )
    return value


def replace_unstorable(text: str) -> str:
    """`text` with every NUL and lone surrogate as U+FFFD, the sign for "something was here that cannot be shown"."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def search_form(text: str) -> str:
    """The form in which text is searched: NFKC and case folded, so that 半角/全角 and case do not matter."""
    return unicodedata.normalize("NFKC", text).casefold()
