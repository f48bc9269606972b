"""Characters that nobody would see, or that would do something to whoever looks: made visible, or escaped."""

from __future__ import annotations

import re

# Characters that would hide or reorder what stands beside them: C0 and C1 controls (but tab and newline), soft hyphens and
# zero-width signs, fillers that look like a space, directional embeddings, overrides and isolates, separators of lines, and the
# tags of plane 14, in which whole sentences travel unseen. What scripts and emoji need stays: joiners (U+200C, U+200D),
# directional marks (U+200E, U+200F, U+061C) and variation selectors.
_CHARACTERS = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e007f"
)
_HIDDEN = re.compile(f"[{_CHARACTERS}]")
# Documents that chatlog did not write may hold a lone surrogate, which has no UTF-8 form.
_HIDDEN_IN_JSON = re.compile(f"[{_CHARACTERS}\ud800-\udfff]")


def show_hidden(text: str) -> str:
    """`text` with characters that nobody would see as signs that everybody sees."""
    return _HIDDEN.sub(_visible, text.replace("\r\n", "\n"))


def show_in_one_line(text: str) -> str:
    """The same on one line, each run of white space one space."""
    return " ".join(show_hidden(text).split())


def escape_hidden(json_text: str) -> str:
    r"""A JSON text with the same characters written as `\u001b`: it means the same, and does nothing when shown."""
    return _HIDDEN_IN_JSON.sub(_escaped, json_text)


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)  # ␀ … ␟, Unicode's pictures of the controls
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"


def _escaped(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))
