"""Text: which of it can be stored, and the form in which it is searched."""

from __future__ import annotations

import re
import unicodedata

from chatlog.errors import InvalidText

# A lone surrogate has no UTF-8 form; a NUL ends a text early in too many tools that read what we store.
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")

# What is not one plain space already: leaving those alone takes half the time, and beginning with one class of characters,
# which is searched for as such, half of the rest.
_WHITE_SPACE = re.compile(r"\s(?:(?<! )|\s)\s*")
# ASCII, kana, Han and their usual punctuation: of these only capital letters have another search form. Most Japanese and
# English text is made of nothing else, and so spared the decomposing, which takes five times as long.
_PLAIN = re.compile("[\x00-\x7f\u3001-\u301b\u3041-\u3096\u30a1-\u30fe\u4e00-\u9fff]*")
# The blocks of combining marks for Latin, Greek and Cyrillic letters and for symbols, and the variation selectors.
# Source: https://www.unicode.org/Public/UCD/latest/ucd/Blocks.txt
_MARKS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\U000e0100-\U000e01ef]")


def check_text(value: object, *, field: str, max_characters: int | None = None, allow_empty: bool = False) -> str:
    """Return `value` if it is text that every store keeps unchanged.

    Raises:
        InvalidText: not a text, empty or only white space, longer than `max_characters`, with a NUL or a lone surrogate.
    """
    if not isinstance(value, str):
        raise InvalidText(field, f"{value!r} must be text, not {type(value).__name__}.")
    if not allow_empty and not value.strip():
        raise InvalidText(field, f"{value[:40]!r} is empty; at least one visible character is needed.")
    if max_characters is not None and len(value) > max_characters:
        raise InvalidText(field, f"{value[:40]!r}… has {len(value)} characters; the limit is {max_characters}.")
    found = None if _is_storable(value) else _UNSTORABLE.search(value)
    if found:
        raise InvalidText(
            field,
            f"has {found[0]!r} at position {found.start()}, which no store can keep. "
            "Take it out, or replace it with chatlog.replace_unstorable(text).",
        )
    return value


def _is_storable(text: str) -> bool:
    """What `_UNSTORABLE` says, a quarter as long."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text


def replace_unstorable(text: str) -> str:
    """`text` with every NUL and lone surrogate as U+FFFD, the sign for "something was here that cannot be shown"."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def search_form(text: str) -> str:
    """The form in which text is searched: 半角/全角, case, accents and the kind of white space do not matter.

    Compatibility decomposed, case folded, without the marks of Latin letters and without variation selectors, composed again,
    each run of white space one space. The dots that make か into が are no such marks: they make another letter.
    Forming a form again changes nothing.
    """
    return _WHITE_SPACE.sub(" ", fold(text))


def fold(text: str) -> str:
    """The search form but for its white space, which is as it came."""
    if _PLAIN.fullmatch(text):
        return text.lower()
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFC", _MARKS.sub("", folded))
