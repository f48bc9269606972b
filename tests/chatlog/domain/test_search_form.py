"""The search form has a short way for plain text; both ways lead to the same."""

from __future__ import annotations

import sys
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from chatlog.domain.text import _MARKS, _PLAIN, search_form


def the_long_way(text: str) -> str:
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    composed = unicodedata.normalize("NFC", _MARKS.sub("", folded))
    words = "".join(" " if letter.isspace() else letter for letter in composed)
    while "  " in words:
        words = words.replace("  ", " ")
    return words


def test_every_plain_letter_keeps_its_form() -> None:
    plain = [letter for letter in map(chr, range(sys.maxunicode + 1)) if _PLAIN.fullmatch(letter)]
    assert len(plain) > 20_000
    assert [letter for letter in plain if search_form(letter) != the_long_way(letter)] == []


@given(st.text(st.one_of(st.sampled_from("aA1 \n\t\u3000かがカガ空間ー・。『』、"), st.characters(codec="utf-8"))))
def test_text_of_any_letters_has_the_same_form_either_way(text: str) -> None:
    assert search_form(text) == the_long_way(text)
    assert search_form(search_form(text)) == search_form(text)
