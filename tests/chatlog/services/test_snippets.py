"""What is shown of a text that a search found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatlog.domain.search import find_marks, matches, parse_terms
from chatlog.domain.text import search_form
from chatlog.services import snippets
from chatlog.services.snippets import LEAD_CHARACTERS, SNIPPET_CHARACTERS, Snippet, make_snippet

FILLER = "The committee met again and spoke of other things. "
KANA = "会議は続き、別の話題が出ました。"


def cut(words: str, text: str) -> Snippet:
    return make_snippet(parse_terms(words), text)


def marked(snippet: Snippet) -> list[str]:
    return [text for text, is_match in snippet.pieces if is_match]


def test_a_short_text_is_shown_whole_in_one_line_with_every_match_marked() -> None:
    snippet = cut("price", "The price\n\n  of a Price,\tand ＰＲＩＣＥ")
    assert snippet.text == "The price of a Price, and ＰＲＩＣＥ"
    assert marked(snippet) == ["price", "Price", "ＰＲＩＣＥ"]


@pytest.mark.parametrize(
    ("words", "text", "found"),
    [
        ("空間", "共有空間を作る", ["空間"]),
        ("間", "空間", ["間"]),
        ("ガイド", "ｶﾞｲﾄﾞを読む", ["ｶﾞｲﾄﾞ"]),
        ("cafe", "the Cafe\u0301", ["Cafe\u0301"]),
        ("ai", "私はＡＩです", ["ＡＩ"]),
        ('"two words"', "of two\nwords", ["two words"]),
        ("plan", "airplane planner", ["plan"]),
        ("会議 budget", "budget の会議", ["budget", "会議"]),
        ("🎉", "done 🎉", ["🎉"]),
        ("\u0e01", "\u0e01\u0e34", ["\u0e01\u0e34"]),
        ("e", "e\u0301ß", ["e\u0301"]),
    ],
)
def test_what_matched_is_marked_as_it_was_written(words: str, text: str, found: list[str]) -> None:
    assert marked(cut(words, text)) == found
    long = cut(words, f"{FILLER * 40}{text} {FILLER * 40}")
    assert marked(long) == found


@pytest.mark.parametrize("filler", [FILLER, KANA, KANA + FILLER])
def test_a_long_text_is_cut_around_its_first_match(filler: str) -> None:
    snippet = cut("zebra", f"{filler * 30}zebra {filler * 30}zebra")
    assert marked(snippet) == ["zebra"]
    assert snippet.text.startswith("…")
    assert snippet.text.endswith("…")
    assert 100 < len(snippet.text) <= SNIPPET_CHARACTERS + 2
    assert 10 < snippet.text.index("zebra") <= LEAD_CHARACTERS + 1


def test_it_is_cut_between_words() -> None:
    text = f"{FILLER * 30}zebra {FILLER * 30}"
    shown = cut("zebra", text).text.strip("…").split()
    assert set(shown) <= set(text.split())


def test_letters_keep_their_marks_where_it_is_cut() -> None:
    snippet = cut("zebra", "か\u3099" * 500 + " zebra " + "か\u3099" * 500)
    inner = snippet.text.strip("…")
    assert inner.count("か") == inner.count("\u3099")
    assert inner.startswith("か")


def test_a_match_at_the_end_leaves_room_before_it() -> None:
    snippet = cut("zebra", f"{FILLER * 30}zebra")
    assert snippet.text.endswith(" zebra")
    assert len(snippet.text) > SNIPPET_CHARACTERS - 30


@pytest.mark.parametrize("position", [0, 255, 256, 300, 4_000, 8_190, 8_192, 8_200, 60_000, 399_990])
@pytest.mark.parametrize("letter", ["a", "ア", "ｱ", "\n"])
def test_a_match_is_found_wherever_it_stands_in_a_long_text(position: int, letter: str) -> None:
    text = letter * (position - 1) + " zebra " + letter * (400_000 - position)
    assert marked(cut("zebra", text)) == ["zebra"]


@pytest.mark.parametrize("offset", range(9))
def test_the_inside_of_a_word_that_a_window_cut_in_two_is_no_match(offset: int) -> None:
    # A window begins some thousand characters in; with one of these offsets it begins between "air" and "plane".
    snippet = cut("plan", "-" * offset + " airplane" * 5_000 + " a plan")
    assert marked(snippet) == ["plan"]
    assert snippet.text.endswith(" a plan")


@pytest.mark.parametrize("text", ["", "nothing of it", FILLER * 100, "two" + " " * 5_000 + "words"])
def test_without_a_match_that_can_be_pointed_at_the_beginning_is_shown(text: str) -> None:
    snippet = cut('"two words zebra"', text)
    assert marked(snippet) == []
    assert len(snippet.text) <= SNIPPET_CHARACTERS + 1
    assert snippet.text.strip("…") == " ".join(text.split())[: len(snippet.text.strip("…"))]


def test_a_match_longer_than_the_snippet_is_shown_as_far_as_it_fits() -> None:
    phrase = "word " * 100
    snippet = cut(f'"{phrase}"', f"{FILLER}{phrase}{FILLER}")
    assert len(snippet.text) <= SNIPPET_CHARACTERS + 2
    assert marked(snippet)[0].startswith("word word")


def test_marking_looks_at_no_more_than_some_hundred_characters_of_a_long_text(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def count(terms: object, text: str) -> list[tuple[int, int]]:
        seen.append(len(text))
        return find_marks(terms, text)

    monkeypatch.setattr(snippets, "find_marks", count)
    cut("zebra", f"{KANA * 20_000}zebra{KANA * 20_000}")
    assert len(seen) == 1
    assert seen[0] < 1_000


pieces = st.sampled_from([*"空間アがｱｶﾞé1 -\n🎉", "e\u0301", "か\u3099", "plan", "airplane", "Ａ", "\u0e01\u0e34"])
texts = st.lists(pieces, min_size=1, max_size=12).map("".join)


@given(text=texts, before=st.integers(0, 700), after=st.integers(0, 700), data=st.data())
def test_whatever_a_text_contains_is_marked_in_its_snippet(text: str, before: int, after: int, data: st.DataObject) -> None:
    whole = "間 " * before + text + " x" * after
    start = data.draw(st.integers(0, len(text) - 1))
    terms = parse_terms(text[start : start + data.draw(st.integers(1, 4))].replace('"', ""))
    if not terms or not matches(terms, search_form(whole)):
        return
    snippet = make_snippet(terms, whole)
    found = [piece for piece, is_match in snippet.pieces if is_match]
    assert found
    assert all(any(term.text in search_form(mark) for term in terms) for mark in found)
    assert snippet.text.strip("…") in " ".join(whole.split())
    assert len(snippet.text) <= SNIPPET_CHARACTERS + 2
