"""The index may propose too much, never too little."""

from __future__ import annotations

import apsw
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatlog.domain.search import matches, parse_terms
from chatlog.domain.text import search_form
from chatlog.storage.sqlite.tokens import index_text, match_expression

# Few letters of many kinds, so that they meet: three widths of kana, dots apart, Han, Hangul, Thai, Cyrillic, accents, marks,
# emoji.
LETTERS = [
    *"空間の会あがｱｶﾞ한ไทдabé1_ \n-.\"'%*:^(){}🎉❤ⅷß",
    "か\u3099",
    "e\u0301",
    "ａ",
    "❤\ufe0f",
    "👩\u200d🚀",
    "ab",
    "空間",
    "y" * 70,
]
texts = st.lists(st.sampled_from(LETTERS), min_size=1, max_size=14).map("".join)


def proposes(query: str, text: str) -> bool:
    connection = apsw.Connection(":memory:")
    connection.execute(
        "CREATE VIRTUAL TABLE t USING fts5(tokens, content = '', contentless_delete = 1, tokenize = 'ascii', detail = full)"
    )
    connection.execute("INSERT INTO t (rowid, tokens) VALUES (1, ?)", (index_text(text),))
    expression = match_expression(parse_terms(query))
    found = expression is None or connection.execute("SELECT rowid FROM t WHERE t MATCH ?", (expression,)).fetchall() == [(1,)]
    connection.close()
    return found


@settings(max_examples=1500, deadline=None)
@given(whole=texts, data=st.data())
def test_whatever_the_rule_accepts_is_proposed(whole: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(whole) - 1))
    piece = whole[start : start + data.draw(st.integers(1, 8))]
    query = data.draw(st.sampled_from([piece, f'"{piece}"', f"{piece} {whole[:2]}"]))
    if matches(parse_terms(query), search_form(whole)):
        assert proposes(query, whole)


@settings(max_examples=500, deadline=None)
@given(st.text(st.characters(), max_size=40), st.text(st.characters(codec="utf-8"), max_size=40))
@example("\ud800", "x")
@example("空" * 5_000, "x")
@example("🎉 " * 3_000, "x")
@example('a" OR tokens:b NEAR(c d, 2) ^e* -f {g h}: (', "x")
def test_no_text_makes_an_expression_that_is_not_understood(query: str, text: str) -> None:
    assert proposes(query, text) in {True, False}


@pytest.mark.parametrize("text", ["y" * 70, "дом" * 30, "空" * 70, "y" * 64 + "д1"])
def test_a_word_of_any_length_is_found_as_it_stands(text: str) -> None:
    assert proposes(f'"{text}"', f"before {text} after")
    assert proposes(f"{text} after", f"before {text} after")


@pytest.mark.parametrize(("query", "text"), [('"tech"', "техtech"), ('"д"', "д1"), ('"1"', "д1")])
def test_letters_of_two_scripts_are_one_word_as_the_rule_says(query: str, text: str) -> None:
    assert not matches(parse_terms(query), search_form(text))
    assert not proposes(query, text)
    assert proposes(text, text)


@pytest.mark.parametrize(
    ("query", "text"),
    [("空間", "空"), ("間空", "空間"), ("plan", "airplane"), ('"plan"', "planner"), ("🎉", "🎊"), ("か", "が")],
)
def test_most_of_what_does_not_match_is_not_proposed(query: str, text: str) -> None:
    assert not proposes(query, text)


def test_punctuation_alone_proposes_everything() -> None:
    assert match_expression(parse_terms("% _ ...")) is None
    assert match_expression(parse_terms("% plan")) == '"plan"*'


@given(st.sampled_from(["空" * 200_000, "word " * 50_000, "x" * 200_000]))
@settings(max_examples=3, deadline=None)
def test_a_text_of_any_length_is_indexed(text: str) -> None:
    assert proposes(text[:50], text)
