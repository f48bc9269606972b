"""The rule that decides what matches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatlog.domain.search import Term, find_marks, matches, parse_terms
from chatlog.domain.text import search_form

any_text = st.text(
    alphabet=st.one_of(
        st.characters(exclude_categories=["Cs"], exclude_characters="\x00"),
        st.sampled_from("ｶﾞﾊﾟカが\u3099\u309aéE\u0301İßﬁ①㍿각\u1100\u1161\u11a8 \n🎉❤\ufe0f"),
    ),
    max_size=20,
)


@given(any_text)
def test_forming_a_form_again_changes_nothing(text: str) -> None:
    assert search_form(search_form(text)) == search_form(text)


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("ＡＩ", "ai"),
        ("ｶﾞｲﾄﾞ", "ガイド"),
        ("か\u3099", "が"),
        ("Café", "cafe"),
        ("e\u0301", "e"),
        ("Straße", "strasse"),
        ("❤\ufe0f", "❤"),
        ("a \n\t b", "a b"),
        ("A\n B", "a b"),
        ("한글", "한글"),
        ("हिन्दी", "हिन्दी"),
    ],
)
def test_a_form_leaves_out_what_does_not_matter(written: str, form: str) -> None:
    assert search_form(written) == form


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ('"" \u3000', ()),
        ("two  words", (Term("two"), Term("words"))),
        ("空間　会議", (Term("空間"), Term("会議"))),
        ('"Two  Words" x', (Term("two words", is_quoted=True), Term("x"))),
        ("“curly quotes”", (Term("curly quotes", is_quoted=True),)),
        ('un"closed', (Term("un"), Term("closed"))),
        ("same SAME ＳＡＭＥ", (Term("same"),)),
    ],
)
def test_terms_are_words_and_quoted_texts(text: str, expected: tuple[Term, ...]) -> None:
    assert parse_terms(text) == expected


@pytest.mark.parametrize(
    ("query", "text", "is_found"),
    [
        ("空間", "共有空間を", True),
        ("plan", "planner", True),
        ("plan", "airplane plan", True),
        ("lane", "airplane", False),
        ("ai", "私はAIが", True),
        ("bar", "foo_bar foo-bar", True),
        ("foo-bar", "foo-bars", True),
        ("foo-bar", "foo bar", False),
        ('"foo bar"', "a foo  bar.", True),
        ('"foo bar"', "a foo bars", False),
        ('"空間"', "共有空間を", True),
        ("++", "c++", True),
        ("a b", "b a", True),
        ("a b", "a", False),
    ],
)
def test_the_rule(query: str, text: str, is_found: object) -> None:
    assert matches(parse_terms(query), search_form(text)) is is_found


@pytest.mark.parametrize(
    ("query", "text", "marked"),
    [
        ("ガイド", "ｶﾞｲﾄﾞの話", ["ｶﾞｲﾄﾞ"]),
        ("cafe", "Cafe\u0301 CAFÉ", ["Cafe\u0301", "CAFÉ"]),
        ("が", "か\u3099", ["か\u3099"]),
        ("two", "two\n\ntwofold", ["two", "two"]),
        ('"a b"', "a \n b", ["a \n b"]),
        ("aba", "abaaba xx", ["aba"]),
        ("空 空間", "空間", ["空間"]),
        ("x", "none", []),
    ],
)
def test_marks_stand_where_it_was_written(query: str, text: str, marked: list[str]) -> None:
    assert [text[start:end] for start, end in find_marks(parse_terms(query), text)] == marked


@given(any_text, st.data())
def test_whatever_a_text_contains_is_marked_in_it(text: str, data: st.DataObject) -> None:
    form = search_form(text)
    start = data.draw(st.integers(0, len(form)))
    piece = form[start : start + data.draw(st.integers(1, 5))].strip()
    terms = parse_terms(piece.replace('"', ""))
    found = [text[start:end] for start, end in find_marks(terms, text)]
    if terms and matches(terms, form):
        assert found
        assert all(any(term.text in search_form(mark) for term in terms) for mark in found)
