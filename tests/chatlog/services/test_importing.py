from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tracemalloc
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatlog import Message, Session, SessionStatus, SessionStore, StorageError
from chatlog.services import import_files
from chatlog.services.import_files import Problem, list_files
from chatlog.services.importing import UNFINISHED_TAG, ImportStopped, import_discussions, read_files, stop_at_once
from tests.chatlog.services.taking import bring_in, export, keep, open_sqlite
from tests.factories import make_draft, make_drafts

LOGS = Path(__file__).parent / "logs"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SessionStore]:
    async with open_sqlite(tmp_path / "store.sqlite3") as opened:
        yield opened


async def get_only(store: SessionStore) -> tuple[Session, list[Message]]:
    (session,) = (await store.list_sessions()).items
    return session, await store.list_messages(session.session_id)


async def write_export(path: Path, *, sessions: int, messages: int) -> list[bytes]:
    """The lines of an export of made-up sessions, also in a file."""
    text = await make_export(path, sessions=sessions, messages=messages)
    await asyncio.to_thread(path.write_bytes, text)
    return text.splitlines(keepends=True)


async def make_export(path: Path, *, sessions: int, messages: int) -> bytes:
    async with open_sqlite(path.with_suffix(".sqlite3")) as other:
        for number in range(sessions):
            await keep(other, make_drafts(messages), session_id=f"session-{number}", title=f"Session {number}", tags=["kept"])
        return await export(other)


async def test_a_published_failure_log_becomes_a_session_with_what_stands_beside_it(store: SessionStore) -> None:
    await bring_in(store, LOGS / "failure_log.json")
    session, messages = await get_only(store)
    assert session.task == "How many stations of the northern line opened before the tunnel?"
    assert (session.status, session.tags) == (SessionStatus.COMPLETED, ("imported",))
    assert session.metadata["ground_truth"] == "11"
    assert session.metadata["mistake_step"] == 2
    assert [message.source for message in messages][:4] == [
        "human",
        "Orchestrator (thought)",
        "Timetable_Expert",
        "Computer_terminal",
    ]
    assert messages[4].content == "(no text)"
    assert messages[2].metadata == {"role": "assistant"}
    assert session.created_at == datetime.fromtimestamp((LOGS / "failure_log.json").stat().st_mtime, UTC)


async def test_the_result_of_an_autogen_run_keeps_kinds_figures_ids_and_times(store: SessionStore) -> None:
    await bring_in(store, LOGS / "task_result.json")
    session, messages = await get_only(store)
    assert session.task == "雑談スペースの名前を決めてください。"
    assert session.metadata == {"stop_reason": "Text 'APPROVE' mentioned"}
    assert session.created_at == datetime(2026, 11, 20, 9, 0, 0, 125_000, tzinfo=UTC)
    assert [message.kind for message in messages] == ["text", "tool_call", "tool_result", "thought", "handoff", "text"]
    assert messages[0].message_id == "3f0c7c0e-0001"
    assert messages[1].models_usage == {"prompt_tokens": 81, "completion_tokens": 17}
    assert messages[1].content == 'lookup_name\n```json\n{\n  "name": "ひだまり"\n}\n```'
    assert messages[2].content == "lookup_name\n```\ntaken\n```"
    assert messages[3].metadata == {"mood": "calm", "type": "ThoughtEvent"}
    assert messages[4].metadata["target"] == "critic"


async def test_a_real_autogen_result_is_read_as_the_framework_dumps_it(store: SessionStore, tmp_path: Path) -> None:
    messages = pytest.importorskip("autogen_agentchat.messages", reason="autogen-agentchat is not installed")
    said = [messages.TextMessage(source="user", content="Hello"), messages.StopMessage(source="critic", content="Enough")]
    dump = {"messages": [message.model_dump(mode="json") for message in said], "stop_reason": None}
    (tmp_path / "result.json").write_text(json.dumps(dump))
    await bring_in(store, tmp_path / "result.json")
    _, stored = await get_only(store)
    assert [(message.message_id, message.content) for message in stored] == [(one.id, one.content) for one in said]


async def test_lines_of_messages_are_one_discussion(store: SessionStore) -> None:
    await bring_in(store, LOGS / "chat.jsonl")
    _, messages = await get_only(store)
    assert [message.kind for message in messages] == ["text", "text", "tool_call", "tool_result", "text"]
    assert messages[1].content == "What is in this picture?\n\n(an image, which was not imported)"
    assert messages[2].content == 'describe\n```json\n{\n  "detail": 2\n}\n```'
    assert messages[3].source == "describe"
    assert messages[4].timestamp == datetime.fromtimestamp(1795424400, UTC)


async def test_lines_of_discussions_are_one_session_each(store: SessionStore) -> None:
    assert (await bring_in(store, LOGS / "trajectories.jsonl")).stored == 2
    sessions = (await store.list_sessions()).items
    assert {session.task for session in sessions} == {"Mend the build", "Mend the tests"}
    assert {session.metadata["reward"] for session in sessions} == {1.0, 0.5}


@pytest.mark.parametrize(
    "text",
    [
        '[{"role": "user", "content": "a"}]',
        '[\n  {"author": "user", "text": "a"}\n]',
        '{"chat_history": [{"source": "user", "content": "a"}]}',
        '\ufeff{"messages": [{"name": "user", "content": ["a"]}]}',
        '{"role": "user", "content": "a"}\n',
        '[{"history": [{"role": "user", "content": "a"}]}]',
        'this is not JSON\n{"messages": [{"role": "user", "content": "a"}]}\n',
    ],
)
async def test_shapes_are_recognised_by_what_is_in_them(text: str, store: SessionStore, tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text(text, encoding="utf-8")
    await bring_in(store, tmp_path / "log.txt", problems=[])
    _, messages = await get_only(store)
    assert [(message.source, message.content) for message in messages] == [("user", "a")]


async def test_importing_twice_is_importing_once_also_from_another_place(store: SessionStore, tmp_path: Path) -> None:
    await write_export(tmp_path / "own.jsonl", sessions=3, messages=4)
    copy = tmp_path / "copy of a log.json"
    copy.write_bytes((LOGS / "failure_log.json").read_bytes())
    await bring_in(store, tmp_path / "own.jsonl", LOGS)
    before = await export(store)
    count = await bring_in(store, LOGS / "chat.jsonl", copy, tmp_path / "own.jsonl")
    assert (count.stored, count.there) == (0, 5)
    assert await export(store) == before


async def test_a_message_that_cannot_be_one_is_named_with_its_line_and_left_out(store: SessionStore, tmp_path: Path) -> None:
    lines = ['{"role": "user", "content": "a"}', '{"role": "user"}', "{broken", "", '{"role": "", "content": "b"}', '"text"']
    (tmp_path / "log.jsonl").write_text("\n".join([*lines, '{"role": "user", "content": "z"}']))
    problems: list[Problem] = []
    await bring_in(store, tmp_path / "log.jsonl", problems=problems)
    assert [problem.line for problem in problems] == [2, 3, 5, 6]
    assert str(problems[0]).startswith(f"{tmp_path}/log.jsonl:2: message 2 was left out: content: is missing")
    _, messages = await get_only(store)
    assert [message.content for message in messages] == ["a", "z"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("no JSON at all", "neither JSON nor JSON lines"),
        ('{"messages": []}', "no list of messages"),
        ('{"messages": "a trace"}', "no list of messages"),
        ("[1, 2]", "no list of messages"),
        ("[" * 100_000, "nested too deep"),
        ('{"messages": [{"role": "user"}]}', "none of its messages"),
        ('{"chatlog":"export","version":2}\n', "version 2"),
        ('{"chatlog":"export","version":1}\n', "cut off"),
        ('{"chatlog":"session"}\n', "session_id: is missing"),
    ],
)
async def test_a_file_that_cannot_be_read_says_why(text: str, reason: str, store: SessionStore, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text(text)
    problems: list[Problem] = []
    await bring_in(store, tmp_path / "bad.json", problems=problems)
    assert reason in str(problems[-1])
    assert (await store.list_sessions()).items == ()


def change(lines: list[bytes], number: int, **fields: Any) -> None:
    record = json.loads(lines[number - 1]) | fields
    lines[number - 1] = json.dumps({name: value for name, value in record.items() if value is not ...}).encode() + b"\n"


@pytest.mark.parametrize(
    ("number", "fields", "reason"),
    [
        (9, {"sequence": 7}, "sequence: is 7 where 2 has to come"),
        (9, {"content": ""}, "content"),
        (9, {"content": ...}, "content: is missing"),
        (9, {"message_id": "double"}, "another message's"),
        (9, {"unheard_of": 1}, "would be lost"),
        (9, {"timestamp": "yesterday"}, "timestamp"),
        (9, {"chatlog": "session"}, "message 2"),
        (7, {"status": "asleep"}, "status"),
        (7, {"created_at": "2026-11-23"}, "created_at"),
        (7, {"messages": 9}, "message 5"),
    ],
)
async def test_a_session_of_an_export_with_anything_wrong_is_left_out_whole(
    number: int, fields: dict[str, Any], reason: str, store: SessionStore, tmp_path: Path
) -> None:
    lines = await write_export(tmp_path / "own.jsonl", sessions=3, messages=4)
    change(lines, 8, message_id="double")
    change(lines, number, **fields)
    (tmp_path / "own.jsonl").write_bytes(b"".join(lines))
    problems: list[Problem] = []
    count = await bring_in(store, tmp_path / "own.jsonl", problems=problems)
    assert problems
    assert reason in str(problems[0])
    assert problems[0].line in {number, number + 3, number + 5}
    assert count.stored == 2
    assert {session.message_count for session in (await store.list_sessions()).items} == {4}


@pytest.mark.parametrize("kept", [4, 5, 8])
async def test_an_export_that_was_cut_off_says_so(kept: int, store: SessionStore, tmp_path: Path) -> None:
    lines = await write_export(tmp_path / "own.jsonl", sessions=2, messages=2)
    (tmp_path / "own.jsonl").write_bytes(b"".join(lines[: kept - 1]))
    problems: list[Problem] = []
    await bring_in(store, tmp_path / "own.jsonl", problems=problems)
    assert "cut off" in str(problems[-1])
    assert {session.message_count for session in (await store.list_sessions()).items} <= {2}


async def test_exports_may_stand_one_behind_the_other(store: SessionStore, tmp_path: Path) -> None:
    first = b"".join(await write_export(tmp_path / "own.jsonl", sessions=1, messages=2))
    second = first.replace(b"session-0", b"session-1")
    (tmp_path / "both.jsonl").write_bytes(first + second)
    assert (await bring_in(store, tmp_path / "both.jsonl")).stored == 2


async def test_strict_stops_before_anything_of_a_bad_discussion_is_stored(store: SessionStore, tmp_path: Path) -> None:
    lines = await write_export(tmp_path / "own.jsonl", sessions=3, messages=4)
    change(lines, 10, content="")  # the third message of the second session
    (tmp_path / "own.jsonl").write_bytes(b"".join(lines))
    discussions = read_files([tmp_path / "own.jsonl"], report=stop_at_once, on_progress=lambda path, size: None)
    with pytest.raises(ImportStopped, match=r"own\.jsonl:10: .*message 3"):
        await import_discussions(store, discussions, report=stop_at_once)
    (session,) = (await store.list_sessions()).items
    assert (session.session_id, session.message_count, session.tags) == ("session-2", 4, ("kept",))


async def test_a_session_of_somebody_else_is_left_alone(store: SessionStore, tmp_path: Path) -> None:
    await write_export(tmp_path / "own.jsonl", sessions=2, messages=3)
    await keep(store, [make_draft()], session_id="session-0", task="Something else")
    await keep(store, [make_draft()], session_id="session-1")
    problems: list[Problem] = []
    await bring_in(store, tmp_path / "own.jsonl", problems=problems)
    reasons = " ".join(map(str, problems))
    assert len(problems) == 2
    assert "exists already with another task" in reasons
    assert "with 0 of these 3 messages" in reasons
    assert {session.message_count for session in (await store.list_sessions()).items} == {1}


async def test_a_deleted_session_is_not_brought_back_by_the_way(store: SessionStore, tmp_path: Path) -> None:
    await write_export(tmp_path / "own.jsonl", sessions=1, messages=3)
    await bring_in(store, tmp_path / "own.jsonl")
    await store.delete_session("session-0")
    problems: list[Problem] = []
    await bring_in(store, tmp_path / "own.jsonl", problems=problems)
    assert len(problems) == 1
    assert (await store.list_sessions()).items == ()


async def test_a_discussion_too_long_to_keep_is_read_again_and_is_the_same(
    store: SessionStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_files, "KEPT_BYTES", 100)
    await write_export(tmp_path / "own.jsonl", sessions=2, messages=30)
    await bring_in(store, tmp_path / "own.jsonl", LOGS / "chat.jsonl")
    lengths = sorted(session.message_count for session in (await store.list_sessions()).items)
    assert lengths == [5, 30, 30]


class FailingStore:
    """A store that goes away at the n-th append."""

    def __init__(self, store: SessionStore, *, appends: int) -> None:
        self._store, self._left = store, appends
        self.sent = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def append_messages(self, session_id: str, drafts: Any) -> list[Message]:
        if self._left == 0:
            raise StorageError("The disk is gone.")
        self._left -= 1
        self.sent += len(drafts)
        return await self._store.append_messages(session_id, drafts)


async def test_an_import_that_broke_off_is_seen_as_such_and_completed_by_the_next(
    store: SessionStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatlog.services.batches.BATCH_MESSAGES", 10)
    await write_export(tmp_path / "own.jsonl", sessions=1, messages=35)
    with pytest.raises(StorageError):
        await bring_in(FailingStore(store, appends=2), tmp_path / "own.jsonl")  # type: ignore[arg-type]
    session, messages = await get_only(store)
    assert (session.status, session.tags, len(messages)) == (SessionStatus.ACTIVE, (UNFINISHED_TAG,), 20)
    watched = FailingStore(store, appends=-1)
    assert (await bring_in(watched, tmp_path / "own.jsonl")).stored == 1  # type: ignore[arg-type]
    assert watched.sent == 15, "what was stored already was sent again"
    assert await export(store) == (tmp_path / "own.jsonl").read_bytes()


def test_an_import_that_is_killed_again_and_again_ends_up_whole(tmp_path: Path) -> None:
    asyncio.run(write_export(tmp_path / "own.jsonl", sessions=12, messages=400))
    location = tmp_path / "store.sqlite3"
    program = [sys.executable, "-m", "tests.chatlog.services.import_program", str(location), str(tmp_path / "own.jsonl")]
    stages = []
    for kills in range(6):
        process = subprocess.Popen(program, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.read(1 + 4 * kills)  # it says when it is in the middle of a session
        process.kill()
        process.wait()
        process.stdout.close()
        stages += asyncio.run(list_wholes(location))
    assert asyncio.run(finish(location, tmp_path / "own.jsonl")) == (tmp_path / "own.jsonl").read_bytes()
    print(f"{len(stages)} sessions seen between kills, {stages.count(False)} of them unfinished")
    assert False in stages, "no kill came in the middle of a session"


async def list_wholes(location: Path) -> list[bool]:
    """Whether each session is there as a whole."""
    async with open_sqlite(location) as store:
        sessions = (await store.list_sessions()).items
        wholes = [session.message_count == 400 and session.tags == ("kept",) for session in sessions]
        for session, is_whole in zip(sessions, wholes, strict=True):
            assert is_whole or session.tags == (UNFINISHED_TAG,), "a part of a session looks like the whole"
        return wholes


async def finish(location: Path, file: Path) -> bytes:
    async with open_sqlite(location) as store:
        await bring_in(store, file)
        return await export(store)


def test_a_folder_is_its_files_of_json(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.json", "notes.txt", "deep/c.ndjson"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [path.name for path in list_files([tmp_path, tmp_path / "a.json"])] == ["a.json", "b.jsonl", "c.ndjson"]


async def test_a_document_over_the_limit_is_named_and_not_loaded(
    store: SessionStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_files, "MAX_DOCUMENT_BYTES", 20)
    monkeypatch.setattr("chatlog.services.import_foreign.MAX_DOCUMENT_BYTES", 20)
    (tmp_path / "one_line.json").write_text('{"messages": [{"role": "user", "content": "a"}]}')
    (tmp_path / "many_lines.json").write_text('{"messages":\n [{"role":\n "user",\n "content": "a"}]}')
    problems: list[Problem] = []
    await bring_in(store, tmp_path / "one_line.json", tmp_path / "many_lines.json", problems=problems)
    assert len(problems) == 2
    assert all("JSON lines" in problem.reason for problem in problems)


words = st.sampled_from(
    ["role", "source", "content", "messages", "history", "type", "timestamp", "metadata", "id", "tool_calls"]
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["user", "TextMessage"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words | st.text(max_size=4), inner, max_size=5),
    max_leaves=25,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(anything, max_size=4), indent=st.sampled_from([None, 1]))
def test_no_json_at_all_breaks_an_import(values: list[Any], indent: int | None, tmp_path: Path) -> None:
    texts = ["\n".join(map(json.dumps, values)), json.dumps(values, indent=indent)]
    for text in texts:
        (tmp_path / "any.json").write_text(text)
        problems: list[Problem] = []
        found = list(read_files([tmp_path / "any.json"], report=problems.append, on_progress=lambda path, size: None))
        assert problems or found or text in {"[]", ""}
        for discussion in found:
            assert len(list(discussion.read_drafts())) == discussion.count > 0


async def test_a_time_that_nobody_can_read_is_kept_as_it_is(store: SessionStore, tmp_path: Path) -> None:
    said = [{"role": "user", "content": "a", "time": 10**9}, {"role": "user", "content": "b", "time": "just after"}]
    (tmp_path / "log.json").write_text(json.dumps({"history": said, "date": "last Tuesday"}))
    await bring_in(store, tmp_path / "log.json")
    session, messages = await get_only(store)
    assert session.metadata == {"date": "last Tuesday"}
    assert messages[1].metadata == {"time": "just after"}
    assert messages[1].timestamp == messages[0].timestamp == session.created_at


def test_memory_of_an_import_does_not_grow_with_the_length_of_a_discussion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_files, "KEPT_BYTES", 100_000)

    def peak(messages: int) -> int:
        line = json.dumps({"role": "user", "content": "空間を共有 " * 20}, ensure_ascii=False)
        with (tmp_path / "log.jsonl").open("w") as file:
            file.writelines(f"{line}\n" for _ in range(messages))
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        for discussion in read_files([tmp_path / "log.jsonl"], report=stop_at_once, on_progress=lambda path, size: None):
            assert sum(1 for _ in discussion.read_drafts()) == messages
        return tracemalloc.get_traced_memory()[1] - before

    tracemalloc.start()
    try:
        peak(400)  # whatever is loaded once
        short, long = peak(1_000), peak(20_000)
    finally:
        tracemalloc.stop()
    assert long < 1.5 * short, f"{short:,} bytes for 1,000 messages, {long:,} for 20,000"
