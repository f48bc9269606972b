from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatlog import Message, MessageKind, Session, SessionNotFound, SessionStatus, SessionStore
from chatlog.services.exporting import PAGE_MESSAGES, export_sessions, list_one
from chatlog.services.formats.jsonl import JsonlWriter
from chatlog.services.formats.markdown import MarkdownWriter
from chatlog.services.formats.spreadsheet import COLUMNS, SpreadsheetWriter
from tests.chatlog.services.taking import bring_in, export, keep, open_sqlite
from tests.cosmos.fixtures import open_double_store
from tests.factories import make_draft, make_drafts, make_message, make_session


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SessionStore]:
    async with open_sqlite(tmp_path / "a.sqlite3") as opened:
        yield opened


storable = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)
visible = storable.filter(lambda text: text.strip() != "")
numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | storable,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(storable, inner, max_size=3),
    max_leaves=8,
)
json_objects = st.dictionaries(storable, json_values, max_size=3)
moments = st.integers(-(10**15), 10**15).map(lambda ticks: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks))
drafts = st.builds(
    make_draft, source=visible, content=visible, timestamp=moments, kind=st.sampled_from([*MessageKind, "a word of mine"]),
    models_usage=st.none() | json_objects, metadata=json_objects,
)  # fmt: skip
discussions = st.tuples(
    st.lists(drafts, max_size=4),
    st.fixed_dictionaries(
        {"task": visible, "title": st.none() | visible, "tags": st.lists(visible, max_size=3), "created_at": moments,
         "participants": st.lists(visible, max_size=3), "metadata": json_objects, "status": st.sampled_from([*SessionStatus])}
    ),
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(kept=st.lists(discussions, max_size=4))
async def test_an_import_of_an_export_exports_the_same_bytes(
    kept: list[tuple[list[Any], dict[str, Any]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("stores")
    async with open_sqlite(folder / "a.sqlite3") as before, open_sqlite(folder / "b.sqlite3") as after:
        for said, session in kept:
            await keep(before, said, **session)
        first = await export(before)
        (folder / "first.jsonl").write_bytes(first)
        count = await bring_in(after, folder / "first.jsonl")
        assert count.stored == len(kept)
        assert await export(after) == first


async def test_an_export_moves_between_the_stores_and_keeps_fields_that_nobody_knows(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "a.sqlite3") as embedded, open_double_store() as distributed:
        foreign = replace(make_session(metadata={"b": 1, "a": {"z": 1, "y": 2}}), extra={"made_by": "another program"})
        await distributed.create_session(foreign)
        await distributed.append_messages(foreign.session_id, make_drafts(3, models_usage={"prompt_tokens": 7}))
        await distributed.update_session(foreign.session_id, status=SessionStatus.COMPLETED)  # its figures are up to date then
        first = await export(distributed)
        (tmp_path / "first.jsonl").write_bytes(first)
        await bring_in(embedded, tmp_path / "first.jsonl")
        assert await export(embedded) == first
        stored = await embedded.get_session(foreign.session_id)
        assert stored.metadata == {"a": {"y": 2, "z": 1}, "b": 1, "extra": {"made_by": "another program"}}


async def test_what_the_embedded_store_kept_can_be_brought_to_cosmos_db(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "a.sqlite3") as embedded, open_double_store() as distributed:
        for number in range(3):
            await keep(embedded, make_drafts(120, models_usage={"b": 1, "a": 2.5}), tags=["kept"], title=f"Number {number}")
        first = await export(embedded)
        (tmp_path / "first.jsonl").write_bytes(first)
        await bring_in(distributed, tmp_path / "first.jsonl")
        assert await export(distributed) == first
        assert (await bring_in(distributed, tmp_path / "first.jsonl")).there == 3


async def test_the_lines_of_an_export_name_their_format_first_and_their_number_last(store: SessionStore) -> None:
    await keep(store, make_drafts(2))
    await keep(store, [])
    lines = (await export(store)).decode().split("\n")
    assert lines[0] == '{"chatlog":"export","version":1}'
    assert lines[-2:] == ['{"chatlog":"end","sessions":2,"messages":2}', ""]
    assert [json.loads(line)["chatlog"] for line in lines[1:-2]] == ["session", "session", "message", "message"]


def test_names_inside_an_object_are_in_order_whatever_a_store_does_with_them() -> None:
    writer = JsonlWriter()
    one = make_message(
        metadata={"a": {"x": 1, "y": 2}, "b": 3},
        models_usage={"c": 1, "d": 2},
        message_id="m",
        content="t",
        timestamp=datetime(2026, 1, 1, tzinfo=UTC),
        source="s",
    )
    other = replace(one, metadata={"b": 3, "a": {"y": 2, "x": 1}}, models_usage={"d": 2, "c": 1})
    assert writer.messages(make_session(), [one]) == writer.messages(make_session(), [other])


async def test_a_session_is_exported_as_far_as_it_had_come(store: SessionStore) -> None:
    session = await keep(store, make_drafts(PAGE_MESSAGES + 5), status="active")
    pieces = export_sessions(store, list_one(store, session.session_id), writer=JsonlWriter())
    text = await anext(pieces) + await anext(pieces)
    await store.append_messages(session.session_id, make_drafts(5))
    text += b"".join([piece async for piece in pieces])
    records = [json.loads(line) for line in text.decode().split("\n")[:-1]]
    assert records[1]["messages"] == PAGE_MESSAGES + 5
    assert [record["sequence"] for record in records[2:-1]] == list(range(1, PAGE_MESSAGES + 6))


async def test_a_session_that_is_deleted_in_mid_export_breaks_it_off(store: SessionStore) -> None:
    session = await keep(store, make_drafts(PAGE_MESSAGES + 1))
    pieces = export_sessions(store, list_one(store, session.session_id), writer=JsonlWriter())
    await anext(pieces), await anext(pieces)
    await store.delete_session(session.session_id)
    with pytest.raises(SessionNotFound):
        await anext(pieces)


class EndlessStore:
    """One session of as many messages as wanted, made as they are read."""

    def __init__(self, messages: int) -> None:
        self._messages = messages

    async def list_messages(self, session_id: str, *, after: int = 0, limit: int = 200) -> list[Message]:
        last = min(after + limit, self._messages)
        return [
            make_message(session_id=session_id, sequence=number, content="空間 " * 100) for number in range(after + 1, last + 1)
        ]

    async def get_last_sequence(self, session_id: str) -> int:
        return self._messages


@pytest.mark.parametrize("writer", [JsonlWriter(), MarkdownWriter(), SpreadsheetWriter()], ids=["jsonl", "md", "csv"])
async def test_memory_of_an_export_does_not_grow_with_its_length(writer: Any) -> None:
    async def peak(messages: int) -> int:
        async def one() -> AsyncIterator[Session]:
            yield make_session()

        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        async for _ in export_sessions(EndlessStore(messages), one(), writer=writer):  # type: ignore[arg-type]
            pass
        return tracemalloc.get_traced_memory()[1] - before

    tracemalloc.start()
    try:
        await peak(400)  # whatever is loaded once
        short, long = await peak(1_000), await peak(20_000)
    finally:
        tracemalloc.stop()
    assert long < 1.5 * short, f"{short:,} bytes for 1,000 messages, {long:,} for 20,000"


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", " =1", "\u200b=1", "\n=1", "-- a list"]
)
async def test_no_cell_of_a_spreadsheet_is_a_formula(cell: str, store: SessionStore) -> None:
    # A source and a title with a tab in front are stored as they come, too.
    await keep(store, [make_draft(source=cell, content=cell)], title=cell, task="a task")
    rows = read_rows(await export(store, writer=SpreadsheetWriter()))
    assert rows[0]["content"].startswith("'")
    assert rows[0]["source"].startswith("'")
    assert all(value[:1] not in "=+-@\t\r＝" for row in rows for value in row.values() if value)


async def test_a_spreadsheet_has_a_row_for_each_message_and_says_that_it_is_utf8(store: SessionStore) -> None:
    said = 'He said "no", then\nleft; 空間を共有'
    await keep(store, [make_draft(content=said, models_usage={"prompt_tokens": 3, "completion_tokens": 4}), make_draft()])
    text = await export(store, writer=SpreadsheetWriter())
    assert text.startswith(b"\xef\xbb\xbf")
    assert text.count(b"\r\n") == 3
    rows = read_rows(text)
    assert rows[0]["content"] == said
    assert (rows[0]["sequence"], rows[0]["prompt_tokens"], rows[1]["prompt_tokens"]) == ("1", "3", "")
    assert tuple(rows[0]) == COLUMNS


def read_rows(text: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"), newline="")))


async def test_minutes_tell_who_said_what_when_in_their_zone(store: SessionStore) -> None:
    at = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)
    await keep(
        store,
        [make_draft(source="market_analyst", content="Short names are taken.", timestamp=at)],
        created_at=at, task="A name", title="Naming *it*", tags=["a_tag"], participants=["market_analyst", "the <b>critic</b>"],
    )  # fmt: skip
    text = (await export(store, writer=MarkdownWriter(zone=ZoneInfo("Asia/Tokyo")))).decode()
    assert text.startswith("# Naming \\*it\\*\n\n- Date: 2026-11-24 00:30 – 00:30 (JST)\n")
    assert "- Participants: market_analyst, the \\<b\\>critic\\</b\\>\n" in text
    assert "## Task\n\n> A name\n" in text
    assert "**market_analyst** (00:30:00)\n\n> Short names are taken.\n" in text
    assert text.endswith("---\n\nSessions: 1, remarks: 1.\n")


HOSTILE = [
    "```python\nan open fence", "<!-- an open comment", "<script>", "# heading", "heading\n===", "two\nlines\n---", "> quote",
    "~~~\n# code\n", "- list\n\n      code", "[x]: http://a.example", "| a |\n|---|", "    # indented code", "a\r\n# b",
    "\x1b[31m red",
]  # fmt: skip


@pytest.mark.parametrize("said", HOSTILE)
async def test_no_remark_breaks_the_structure_of_the_minutes(said: str, store: SessionStore) -> None:
    from markdown_it import MarkdownIt

    await keep(store, [make_draft(content=said), make_draft(content="the last remark")], title="One", task="A task")
    text = (await export(store, writer=MarkdownWriter())).decode()
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    headings = [number for number, token in enumerate(tokens) if token.type == "heading_open" and token.level == 0]
    outer = [tokens[number + 1].content for number in headings]
    assert outer == ["One", "Task", "Discussion"]
    inner = [int(token.tag[1]) for token in tokens if token.type == "heading_open" and token.level > 0]
    assert all(level >= 3 for level in inner), "a remark's heading ranks as high as the minutes' own"
    quotes = [number for number, token in enumerate(tokens) if token.type == "blockquote_open" and token.level == 0]
    assert len(quotes) == 3
    assert tokens[quotes[-1] + 2].content == "the last remark"
    assert "\x1b" not in text


def test_code_in_a_remark_keeps_its_hash_signs() -> None:
    from chatlog.services.formats.markdown import quote

    assert quote("# a\n```\n# b\n```\n## c") == "> ### a\n> ```\n> # b\n> ```\n> #### c"


async def test_calls_of_tools_are_code_in_the_minutes(store: SessionStore) -> None:
    await keep(store, [make_draft(kind="tool_call", content="search\n```json\n{}\n```")])
    text = (await export(store, writer=MarkdownWriter())).decode()
    assert ", tool call)\n\n> ````\n> search\n> ```json\n> {}\n> ```\n> ````\n" in text
