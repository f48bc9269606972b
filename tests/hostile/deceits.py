"""What runs nothing and deceives whoever reads it: hidden, reordering and overwriting characters."""

from __future__ import annotations

HIDDEN_CHARACTERS = (
    *("\x01", "\x07", "\x08", "\x0b", "\x0c", "\x1b", "\x1f", "\x7f", "\x80", "\x85", "\x9b", "\xad", "\u034f", "\u115f"),
    *("\u180e", "\u200b", "\u2028", "\u2029", "\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2060", "\u2063", "\u2066"),
    *("\u2067", "\u2068", "\u2069", "\u206a", "\u3164", "\ufeff", "\uffa0", "\ufff9", "\U000e0041", "\U0001d173"),
)
DECEITS = (
    *(f"pay {character}ton{character} Bob" for character in HIDDEN_CHARACTERS),
    *(f"entity &#x{ord(character):x}; in it" for character in HIDDEN_CHARACTERS if ord(character) > 0x9F),
    "\u202egnp.exe",
    "\u2066admin\u2069\u202e",
    "admin\u200b",
    "\x1b]8;;https://evil.example\x07link\x1b]8;;\x07",
    "\x1b[2J\x1b[31mcleared",
    "\x1b]0;title\x07",
    "a\rb overwritten",
    "\uff1cscript\uff1etop.pwned=1\uff1c/script\uff1e",
    "Z" + "\u0300\u0301\u0302" * 40 + "algo",
    "\u061c\u200e\u200f marks",
    "ad" + "\U000e0069\U000e0067\U000e006e\U000e006f\U000e0072\U000e0065" + "min",
    "\ufdfd" * 20,
    "аdmin in Cyrillic",
)
