from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chatlog.domain.models import Message, MessageKind, Session, SessionStatus
from chatlog.services.browsing import FrontPage
from dashboard import fragments
from dashboard.fragments import messages_frame, render_rows, session_frame
from dashboard.rendering import LONG_CHARACTERS
from dashboard.session_rows import session_list_frame, session_row, session_rows_frame
from tests.factories import AGENTS, make_message, make_session
from tests.hostile import PAYLOADS

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch) -> fragments._RowCache:
    empty = fragments._RowCache(max_bytes=1_000_000)
    monkeypatch.setattr(fragments, "_rows", empty)
    return empty


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sequences that were rendered, and not taken from the cache."""
    done: list[int] = []
    really = fragments._message_context

    def note(message: Message, before: Message | None) -> dict[str, Any]:
        done.append(message.sequence)
        return really(message, before)

    monkeypatch.setattr(fragments, "_message_context", note)
    return done


def say(*sources: str, gap: float = 1, **values: Any) -> list[Message]:
    return [
        make_message(sequence=number, source=source, timestamp=NOON + timedelta(seconds=gap * number), **values)
        for number, source in enumerate(sources, start=1)
    ]


async def render_one(message: Message, *, before: Message | None = None) -> str:
    [row] = await render_rows([message], previous=before)
    return row


# -- rows ---------------------------------------------------------------------------------------------------------------


async def test_a_row_is_one_element_that_says_what_it_is() -> None:
    row = await render_one(make_message(sequence=7, source="ann", content="**Hi**", message_id='a"<b>', timestamp=NOON))
    assert row.startswith('<li id="message-7" ')
    assert row.endswith("</li>")
    assert 'data-sequence="7" data-message-id="a&quot;&lt;b&gt;" data-source="ann" data-letters="6"' in row
    assert "<strong>Hi</strong>" in row
    assert 'href="?at=7#message-7"' in row
    assert 'datetime="2026-11-23T12:00:00+00:00"' in row


async def test_a_row_is_rendered_once(rendered: list[int]) -> None:
    messages = say("ann", "bob", "ann")
    first = await render_rows(messages, previous=None)
    assert await render_rows(messages, previous=None) == first
    assert await render_rows(messages[1:], previous=messages[0]) == first[1:]
    assert rendered == [1, 2, 3]


async def test_another_message_of_the_same_number_is_not_confused_with_it(rendered: list[int]) -> None:
    one, other = (make_message(sequence=5, content=text, source="ann") for text in ("before the reset", "after the reset"))
    assert "before the reset" in await render_one(one)
    assert "after the reset" in await render_one(other)
    assert rendered == [5, 5]


async def test_what_came_before_is_part_of_what_a_row_is() -> None:
    ann, bob, again = say("ann", "bob", "ann")
    assert "joined" in await render_one(again, before=ann)
    assert "joined" not in await render_one(again, before=bob)


async def test_the_same_number_of_another_session_is_another_row() -> None:
    rows = [await render_one(make_message(session_id=name, message_id="same", content=name)) for name in ("one", "two")]
    assert rows[0] != rows[1]


async def test_the_cache_is_bounded_in_bytes(cache: fragments._RowCache, rendered: list[int]) -> None:
    messages = [make_message(sequence=number, content="空" * 1000) for number in range(1, 1001)]
    for message in messages:
        await render_one(message)
        assert cache.bytes == sum(len(row.encode()) for row in cache._rows.values()) <= 1_000_000
    rendered.clear()
    await render_one(messages[-1])
    assert rendered == []
    await render_one(messages[0])  # the least recently used had to go
    assert rendered == [1]


async def test_what_is_used_stays_in_the_cache(cache: fragments._RowCache, rendered: list[int]) -> None:
    favourite, *others = [make_message(sequence=number, content="x" * 50_000) for number in range(1, 41)]
    for message in others:
        await render_one(favourite)
        await render_one(message)
    assert rendered.count(1) == 1


async def test_a_row_larger_than_the_cache_is_shown_all_the_same(cache: fragments._RowCache) -> None:
    row = await render_one(make_message(content="x" * 1_500_000))
    assert len(row) > 1_500_000
    assert cache.bytes == 0


@pytest.mark.parametrize(("length", "in_a_thread"), [(10, False), (LONG_CHARACTERS, False), (LONG_CHARACTERS + 1, True)])
async def test_long_text_is_rendered_in_a_thread(length: int, *, in_a_thread: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []
    really = fragments.render_markdown

    def note(text: str) -> str:
        threads.append(threading.get_ident())
        return really(text)

    monkeypatch.setattr(fragments, "render_markdown", note)
    message = make_message(content="x" * length)
    await render_one(message)
    await render_one(message)  # from the cache
    assert len(threads) == 1
    assert (threads != [threading.get_ident()]) is in_a_thread


async def test_many_short_texts_are_long_together(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: set[int] = set()
    really = fragments.render_markdown
    monkeypatch.setattr(fragments, "render_markdown", lambda text: (threads.add(threading.get_ident()), really(text))[1])
    await render_rows(say(*("ann",) * 100, content="x" * 50), previous=None)
    assert threading.get_ident() not in threads


# -- what a row says ----------------------------------------------------------------------------------------------------


async def test_remarks_of_one_speaker_in_a_row_are_joined() -> None:
    rows = await render_rows(say("ann", "ann", "bob", "ann"), previous=None)
    assert ["joined" in row for row in rows] == [False, True, False, False]


@pytest.mark.parametrize(("gap", "said"), [(119, ""), (120, "2 min"), (240, "4 min"), (7200, "2 h"), (-600, "")])
async def test_a_silence_is_said_and_parts_remarks(gap: int, said: str) -> None:
    _, row = await render_rows(say("ann", "ann", gap=gap), previous=None)
    assert re.findall(r"<span>([^<]*) later</span>", row) == ([said] if said else [])
    assert ("joined" in row) is not bool(said)


@pytest.mark.parametrize(
    ("kind", "word", "is_folded", "is_joined"),
    [
        (MessageKind.TEXT, "", False, True),
        (MessageKind.THOUGHT, "thought", True, True),
        (MessageKind.TOOL_CALL, "tool call", True, True),
        (MessageKind.TOOL_RESULT, "tool result", True, True),
        (MessageKind.EVENT, "event", True, True),
        (MessageKind.HANDOFF, "hand-over", False, False),
        (MessageKind.ERROR, "error", False, False),
        ("memory\u202e", "memory⟨U+202E⟩", False, False),
    ],
)
async def test_each_kind_has_its_form(kind: str, word: str, *, is_folded: bool, is_joined: bool) -> None:
    ann = make_message(source="ann", timestamp=NOON)
    row = await render_one(make_message(sequence=2, source="ann", kind=kind, content="*a*\nb", timestamp=NOON), before=ann)
    assert re.findall(r'class="kind">([^<]*)<', row) == ([word] if word else [])
    assert ("<details" in row) is is_folded
    assert ("joined" in row) is is_joined
    assert ("failed" in row) is (kind == MessageKind.ERROR)
    assert ("<em>a</em>" in row) is not (kind in {MessageKind.TOOL_CALL, MessageKind.TOOL_RESULT})


async def test_a_folded_call_shows_its_beginning_in_one_line() -> None:
    row = await render_one(make_message(kind=MessageKind.TOOL_CALL, content=f"\n{'f(' * 100}\nsecond <b>"))
    summary = re.search(r"<summary>.*?<code[^>]*>(.*?)</code>", row, re.DOTALL)[1]
    assert summary == ("f(" * 100)[:119] + "…"
    assert "second &lt;b&gt;" in row
    row = await render_one(make_message(kind=MessageKind.TOOL_RESULT, content='{\n  "price": 3,\n  "in": "stock"\n}'))
    assert "{ &quot;price&quot;: 3, &quot;in&quot;: &quot;stock&quot; }</code>" in row


@pytest.mark.parametrize(
    ("content", "is_long"), [("a\n" * 40, False), ("a\n" * 41 + "b", True), ("x" * 6000, False), ("x" * 6001, True)]
)
async def test_long_remarks_are_folded_and_whole(content: str, *, is_long: bool) -> None:
    row = await render_one(make_message(content=content))
    assert ('class="unfold"' in row) is is_long
    assert row.count("x") >= content.count("x")


@pytest.mark.parametrize(
    ("usage", "said"),
    [
        ({"prompt_tokens": 1200, "completion_tokens": 34}, "1,234 tokens"),
        ({"completion_tokens": 5}, "5 tokens"),
        ({"prompt_tokens": "many"}, ""),
        ({"prompt_tokens": None, "completion_tokens": [1]}, ""),
        ({}, ""),
        (None, ""),
    ],
)
async def test_tokens_are_said_if_they_were_counted(usage: dict[str, Any] | None, said: str) -> None:
    row = await render_one(make_message(models_usage=usage))
    assert re.findall(r'class="tokens">([^<]*)<', row) == ([said] if said else [])


async def test_hostile_fields_stay_text_in_a_row() -> None:
    for payload in PAYLOADS:
        row = await render_one(
            make_message(source=payload[:255], kind=payload[:64], content="x", models_usage={"prompt_tokens": payload})
        )
        tags = set(re.findall(r"<(\w+)", row))
        assert tags <= {"li", "span", "div", "p", "b", "bdi", "time", "a"}
        assert row.count("<") == row.count(">")


# -- frames -------------------------------------------------------------------------------------------------------------


async def test_a_frame_holds_the_very_rows_of_the_page() -> None:
    rows = await render_rows(say("ann", "bob"), previous=None)
    frame = messages_frame(rows, first=1, last=2)
    assert frame == f'<ol hx-swap-oob="beforeend:#messages" data-first="1" data-last="2">{rows[0]}{rows[1]}</ol>'
    assert fragments.as_html(rows) == rows


def make_busy_session(**values: Any) -> Session:
    return make_session(participants=AGENTS, tags=["料金", "<b>"], created_at=NOON, **values)


def outermost(html: str) -> list[str]:
    """The opening tags that stand by themselves, in a frame whose elements are closed."""
    depth, found = 0, []
    for tag in re.findall(r"</?(?:p|aside|li|div|ol|ul|section)\b[^>]*>", html):
        if tag.startswith("</"):
            depth -= 1
        else:
            if depth == 0:
                found.append(tag)
            depth += 1
    assert depth == 0
    return found


FRAMES: dict[str, Callable[[Session], str]] = {
    "session": lambda session: session_frame(session, last_sequence=3, now=NOON),
    "trouble": lambda _: fragments.trouble_frame("<b>"),
    "rows": lambda session: session_rows_frame([session, session], now=NOON),
    "list": lambda session: session_list_frame(FrontPage((session,), (session,), None), now=NOON, is_filtered=False),
}


@pytest.mark.parametrize("name", FRAMES)
def test_each_outermost_element_of_a_frame_says_where_it_goes(name: str) -> None:
    tags = outermost(FRAMES[name](make_busy_session()))
    assert tags
    for tag in tags:
        assert 'hx-swap-oob="true"' in tag
        assert ' id="' in tag


def test_rows_within_a_whole_list_are_no_frames_of_their_own() -> None:
    html = FRAMES["list"](make_busy_session())
    assert html.count("hx-swap-oob") == 1


def test_a_row_of_the_list_is_the_same_in_page_and_frame() -> None:
    session = make_busy_session()
    row = session_row(session, now=NOON)
    assert row in session_list_frame(FrontPage((), (session,), None), now=NOON, is_filtered=False)
    assert session_rows_frame([session], now=NOON) == row.replace('class="session"', 'class="session" hx-swap-oob="true"', 1)


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({}, "running"),
        ({"status": SessionStatus.COMPLETED}, "completed"),
        ({"status": SessionStatus.FAILED}, "failed"),
        ({"status": SessionStatus.CANCELLED}, "cancelled"),
        ({"last_message_at": NOON - timedelta(minutes=7), "created_at": NOON - timedelta(hours=1)}, "stalled 7 min"),
    ],
)
def test_the_state_is_said_in_words(values: dict[str, Any], state: str) -> None:
    session = Session(**{"session_id": "s", "task": "t", "created_at": NOON, "updated_at": NOON} | values)
    html = session_frame(session, last_sequence=0, now=NOON)
    assert f'<span class="pill {state.split(maxsplit=1)[0]}">{state}</span>' in html


def test_the_newest_remark_counts_if_the_stored_count_lags_behind() -> None:
    assert 'data-count="9"' in session_frame(make_busy_session(), last_sequence=9, now=NOON)


def test_a_crowd_is_counted() -> None:
    session = make_session(participants=[f"agent {number}" for number in range(20)])
    assert "+14" in session_row(session, now=NOON)


@pytest.mark.parametrize(
    ("title", "task", "shown"),
    [
        ("A title", "The task", "A title"),
        (None, "The task\nwith more", "The task"),
        (None, "空" * 121, "空" * 119 + "…"),
        ("x" * 500, "t", "x" * 119 + "…"),
        ("", "  \n", "s"),
    ],
)
def test_a_title_is_one_line(title: str | None, task: str, shown: str) -> None:
    session = Session(session_id="s", task=task, title=title, created_at=NOON, updated_at=NOON)
    assert fragments.short_title(session) == shown
    assert f"<bdi>{shown}</bdi>" in session_row(session, now=NOON)


def test_hidden_characters_are_seen_in_every_short_text() -> None:
    session = make_session(title="a\u202eb", tags=["c\u200bd"], participants=["e\u2066f"], session_id="g\u202eh")
    html = session_row(session, now=NOON) + session_frame(session, last_sequence=0, now=NOON)
    text = re.sub(r'data-(only|session)="[^"]*"|href="[^"]*"', "", html)
    assert not re.search("[\u202e\u200b\u2066]", text)
    for sign in ("a⟨U+202E⟩b", "c⟨U+200B⟩d", "e⟨U+2066⟩f", "g⟨U+202E⟩h"):
        assert sign in text
