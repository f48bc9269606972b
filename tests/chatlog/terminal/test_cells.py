"""How wide text is and where it breaks, compared with a table that others keep."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from chatlog.terminal.cells import cut, pad, width_of, wrap

JAPANESE = "リモートワーク時代の新しいコミュニケーションツールを考えます。まず「空間」を共有する、という案です。"
SIGNS = [*"ab c-　、。「」あいカーッ漢字ｱｲ🙂é…\t", "か\u3099", "e\u0301", "👩‍💻"]
text = st.lists(st.sampled_from(SIGNS), max_size=60).map("".join)


def test_letters_kana_han_and_emoji_are_as_wide_as_others_say() -> None:
    blocks = [(0x20, 0x7E), (0xA1, 0x24F), (0x370, 0x3FF), (0x3000, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3)]
    blocks += [(0xFF01, 0xFFEE), (0x1F300, 0x1F64F), (0x20000, 0x2A6DF)]
    known = [chr(code) for first, last in blocks for code in range(first, last + 1)]
    known = [character for character in known if unicodedata.category(character) not in {"Cn", "Cf"}]
    # Tone marks of Hangul, a filler that is shown as a sign, skin tones: counted wider, so that a line is never too long.
    differ = {"\u302e", "\u302f", "\uffa0", *"🏻🏼🏽🏾🏿"}
    assert {character for character in known if width_of(character) != cell_len(character)} == differ
    assert all(width_of(character) > cell_len(character) for character in differ)


def test_japanese_breaks_anywhere_but_before_what_ends_and_after_what_begins() -> None:
    for width in range(8, 60):
        lines = wrap(JAPANESE, width)
        assert "".join(lines) == JAPANESE
        assert all(width_of(line) <= width for line in lines)
        assert not any(line[0] in "、。」ーョ" or line[-1] == "「" for line in lines)
        assert all(width - width_of(line) <= 7 for line in lines[:-1])


def test_words_stay_whole_where_they_fit() -> None:
    assert wrap("short English words here", 13) == ["short English", "words here"]
    assert wrap("案です。short words", 14) == ["案です。short", "words"]
    assert wrap("averyverylongword", 6) == ["averyv", "erylon", "gword"]


def test_items_and_indented_lines_go_on_where_they_began() -> None:
    assert wrap("- one two three\n  10. four five six\n    code(a, bc)", 14) == [
        *("- one two", "  three"),
        *("  10. four", "      five six"),
        *("    code(a,", "    bc)"),
    ]


@settings(deadline=None)
@given(text, st.integers(2, 30))
def test_wrapping_loses_nothing_but_spaces_and_is_never_too_wide(line: str, width: int) -> None:
    pieces = wrap(line, width)
    assert "".join("".join(pieces).split()) == "".join(line.split())
    assert all(width_of(piece) <= width for piece in pieces)
    assert not any(unicodedata.combining(piece[0]) for piece in pieces[1:] if piece)


@settings(deadline=None)
@given(text.map(lambda line: line.replace("\t", " ")), st.integers(1, 30))
def test_cutting_says_that_it_cut_and_padding_fills(line: str, width: int) -> None:
    assert width_of(cut(line, width)) <= width
    assert cut(line, width) == line or cut(line, width).endswith("…")
    assert width_of(pad(line, width)) == width


@pytest.mark.parametrize("line", ["", "   ", "\n\n", "a\n"])
def test_empty_lines_stay(line: str) -> None:
    assert len(wrap(line, 10)) == line.count("\n") + 1
