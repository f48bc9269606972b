"""`chatlog record` in a pipe, with a file, and with a program of its own to run."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from chatlog import Message, Session, SessionStatus, SessionStore, open_store
from chatlog.terminal.lines import MAX_LINE_BYTES
from tests.chatlog.services.taking import keep
from tests.chatlog.terminal.programs import (
    PROGRAM,
    ROOT,
    Done,
    ended,
    environment,
    on_terminal,
    run,
    run_process,
    started,
    with_store,
)
from tests.factories import make_drafts

PYTHON = sys.executable
CHUNK = 65_536


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SessionStore]:
    async with open_store(f"sqlite:///{tmp_path}/chatlog.sqlite3") as opened:
        yield opened


async def the_session(store: SessionStore) -> Session:
    return (await store.list_sessions(limit=1)).items[0]


async def the_messages(store: SessionStore) -> list[Message]:
    return await store.list_messages((await the_session(store)).session_id, limit=1000)


def said(data: Path) -> list[tuple[str, str]]:
    return [(message.source, message.content) for message in with_store(data, the_messages)]


def recorded(data: Path, *arguments: str, lines: str | bytes = b"") -> tuple[Done, Session, list[tuple[str, str]]]:
    done = run(data, "record", *arguments, lines=lines)
    return done, with_store(data, the_session), said(data)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await holds():  # noqa: ASYNC110  # it is another process that is waited for
            await asyncio.sleep(0.01)


async def until_said(store: SessionStore, count: int) -> None:
    async def is_said() -> bool:
        page = await store.list_sessions(limit=1)
        return bool(page.items) and await store.get_last_sequence(page.items[0].session_id) == count

    await until(is_said)


async def write(process: asyncio.subprocess.Process, text: str) -> None:
    assert process.stdin is not None
    process.stdin.write(text.encode())
    await process.stdin.drain()


async def test_a_line_is_stored_the_moment_it_comes_and_the_end_completes_the_session(
    store: SessionStore, tmp_path: Path
) -> None:
    async with started(tmp_path, "record", "--task", "A name", "--title", "Names", "--tag", "x", "--tag", "y") as process:
        await write(process, "first\nsecond\nhalf a li")
        await until_said(store, 2)
        assert (await the_session(store)).status is SessionStatus.ACTIVE
        await write(process, "ne\n")
        await until_said(store, 3)
        status, out, err = await ended(process)
    session = await the_session(store)
    assert [(m.source, m.content) for m in await the_messages(store)] == [
        *(("input", "first"), ("input", "second"), ("input", "half a line")),
    ]
    assert (session.task, session.title, session.tags) == ("A name", "Names", ("x", "y"))
    assert (session.status, status, out) == (SessionStatus.COMPLETED, 0, "")
    assert err.splitlines() == [f"Recording {session.session_id}", "Stored 3 remarks; completed."]


def test_lines_without_text_are_no_remarks_and_a_last_one_without_an_end_is_one(tmp_path: Path) -> None:
    done, _, remarks = recorded(tmp_path, "--task", "x", "--source", "ann", lines=b"one\r\n\n  \n\ttwo \nthr\xff\x00ee")
    assert remarks == [("ann", "one"), ("ann", "\ttwo "), ("ann", "thr\ufffd\ufffdee")]
    assert done.returncode == 0


def test_names_in_front_are_speakers_and_lines_without_one_belong_to_the_one_before(tmp_path: Path) -> None:
    lines = "starting up\nplanner: Short names.\n- one\n市場分析：取られています。\nhttp://example.org/a\n12:30 now\na:b\n"
    _, _, remarks = recorded(tmp_path, "--task", "x", "--names", lines=lines)
    assert remarks == [
        ("input", "starting up"),
        ("planner", "Short names."),
        ("planner", "- one"),
        ("市場分析", "取られています。"),
        ("市場分析", "http://example.org/a"),
        ("市場分析", "12:30 now"),
        ("市場分析", "a:b"),
    ]


def test_json_lines_keep_every_field_that_a_recorder_takes(tmp_path: Path) -> None:
    line = {
        "source": "planner",
        "content": "f(x)",
        "message_id": "call-1",
        "timestamp": "2026-11-25T14:30:05+09:00",
        "kind": "tool_call",
        "models_usage": {"prompt_tokens": 3},
        "metadata": {"a": [1]},
    }
    done = run(
        tmp_path, "record", "--task", "x", "--json", "--source", "ann", lines=f'{json.dumps(line)}\n{{"content": "y"}}\n'
    )
    first, second = with_store(tmp_path, the_messages)
    assert done.returncode == 0
    assert (first.message_id, first.kind, first.models_usage) == ("call-1", "tool_call", {"prompt_tokens": 3})
    assert (first.metadata, first.timestamp.isoformat()) == ({"a": [1]}, "2026-11-25T05:30:05+00:00")
    assert (second.source, second.content, second.kind) == ("ann", "y", "text")


def test_what_tail_writes_as_json_is_recorded_elsewhere_as_it_was(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    with_store(tmp_path / "one", lambda store: keep(store, make_drafts(5, metadata={"x": 1})))
    lines = run(tmp_path / "one", "tail", "latest", "--json").stdout
    assert run(tmp_path / "two", "record", "--task", "A copy", "--json", lines=lines).returncode == 0
    copies = run(tmp_path / "two", "tail", "latest", "--json").stdout
    assert [json.loads(line) | {"session_id": ""} for line in copies.splitlines()] == [
        json.loads(line) | {"session_id": ""} for line in lines.splitlines()
    ]


def test_each_bad_line_is_named_with_its_number_and_nothing_else_is_lost(tmp_path: Path) -> None:
    bad = {
        2: ("nope", "line: is not JSON"),
        4: ("[1]", "line: must be a JSON object, not list."),
        5: ('{"source": "a"}', "content: is missing"),
        6: ('{"content": 5}', "content: 5 must be text, not int."),
        8: ('{"content": "x", "role": "user"}', "role: is no field of a message."),
        9: ('{"content": "x", "timestamp": "yesterday"}', "timestamp: 'yesterday' is not ISO 8601"),
        10: ('{"content": "' + "x" * 3_000_000 + '"}', "content: the stored item would have"),
        11: ('{"content": "x", "metadata": {"n": NaN}}', "metadata: cannot be written as JSON"),
        12: ("[" * 100_000, "line: is not JSON"),
        13: ('{"content": "x", "": 1}', "“”: is no field of a message."),
    }
    lines = [bad.get(number, (f'{{"content": "good {number}"}}',))[0] for number in range(1, 15)]
    done, session, remarks = recorded(tmp_path, "--task", "x", "--json", lines="\n".join(lines))
    assert [content for _, content in remarks] == [f"good {number}" for number in range(1, 15) if number not in bad]
    assert (done.returncode, session.status) == (1, SessionStatus.COMPLETED)
    named = [line for line in done.stderr.splitlines() if line.startswith("Line ")]
    assert len(named) == len(bad)
    for line, (number, (_, reason)) in zip(named, bad.items(), strict=True):
        assert line.startswith(f"Line {number} was left out: {reason}")
    assert done.stderr.splitlines()[-1] == "chatlog: Left out, and named above: 10."


def test_a_line_without_an_end_takes_no_more_memory_than_a_line_may_have(tmp_path: Path) -> None:
    lines = b"one\n" + b"x" * (MAX_LINE_BYTES + 200_000) + b"\ntwo\n" + b"y" * (MAX_LINE_BYTES + 1)
    done, _, remarks = recorded(tmp_path, "--task", "x", lines=lines)
    assert [content for _, content in remarks] == ["one", "two"]
    assert (done.returncode, done.stderr.count("was left out: it is longer than 4 MB")) == (1, 2)


def test_a_remark_sent_again_is_stored_once_and_one_under_its_id_with_other_text_is_named(tmp_path: Path) -> None:
    lines = [json.dumps({"message_id": f"id {number}", "content": f"remark {number}"}) for number in range(150)]
    lines[120] = lines[3]
    lines[121] = json.dumps({"message_id": "id 4", "content": "something else"})
    lines[122] = json.dumps({"message_id": "id 118", "content": "something else, in the same batch"})
    done, _, remarks = recorded(tmp_path, "--task", "x", "--json", lines="\n".join(lines))
    assert [content for _, content in remarks] == [f"remark {n}" for n in range(150) if n not in {120, 121, 122}]
    assert done.returncode == 1
    assert [line.split(":")[0] for line in done.stderr.splitlines() if "Message id" in line] == [
        "Line 122 was left out",
        "Line 123 was left out",
    ]


def test_a_session_can_be_given_its_id_and_be_continued(tmp_path: Path) -> None:
    assert run(tmp_path, "record", "--task", "x", "--session", "mine", lines="one\n").returncode == 0
    done = run(tmp_path, "record", "--session", "mine", "--quiet", lines="two\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert [content for _, content in said(tmp_path)] == ["one", "two"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Say with --task what is discussed"),
        (["--session", "nobody"], "There is no session 'nobody'"),
        (["--session", "mine", "--title", "x"], "--title and --tag are for a discussion that --task begins."),
        (["--session", "mine", "--task", "another"], "exists already with another task"),
        (["--task", "x", "--tag", ""], "tags: '' is empty"),
        (["--task", "x", "--source", " "], "source: ' ' is empty"),
        (["--task", "x", "--", "no-such-program"], "There is no program 'no-such-program' to run."),
        (["--task", "x", "--store", "sqlite:////dev/null/x"], "folder cannot be made"),
    ],
)
def test_what_cannot_be_recorded_is_said_before_anything_is_begun(arguments: list[str], sentence: str, tmp_path: Path) -> None:
    with_store(tmp_path, lambda store: keep(store, make_drafts(1), session_id="mine"))
    done = run(tmp_path, "record", *arguments, lines="one\n")
    assert (done.returncode, sentence in done.stderr, len(done.stderr.splitlines())) == (2, True, 1), done.stderr
    assert len(with_store(tmp_path, lambda store: store.list_sessions()).items) == 1


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
async def test_stopping_it_cancels_the_session_after_the_last_words(
    number: signal.Signals, code: int, store: SessionStore, tmp_path: Path
) -> None:
    async with started(tmp_path, "record", "--task", "x") as process:
        await write(process, "one\n")
        await until_said(store, 1)
        process.send_signal(number)
        await write(process, "last words\n")
        status, _, err = await ended(process)
    assert [m.content for m in await the_messages(store)] == ["one", "last words"]
    assert ((await the_session(store)).status, status) == (SessionStatus.CANCELLED, code)
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_in_the_very_moment_in_which_lines_are_read_loses_none_of_them(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    lines = [f"{place} {'x' * 1000}" for place in range(200)]
    program = [PYTHON, "-m", "tests.chatlog.terminal.stopped_program", str(int(number)), "record", "--task", "x"]
    done = subprocess.run(
        program, cwd=ROOT, env=environment(tmp_path), input="\n".join(lines).encode(), timeout=60, check=False
    )
    assert [content for _, content in said(tmp_path)] == lines
    assert (with_store(tmp_path, the_session).status, done.returncode) == (SessionStatus.CANCELLED, code)


def test_sigterm_also_ends_it_while_nobody_reads_what_it_passes_on(tmp_path: Path) -> None:
    lines = [f"{place} {'x' * 1000}" for place in range(200)]
    text = "\n".join(lines).encode()
    (tmp_path / "lines").write_bytes(text)
    with (tmp_path / "lines").open("rb") as file:
        command = [*PROGRAM, "record", "--task", "x", "--tee"]
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment(tmp_path), stdin=file, stdout=subprocess.PIPE, pipesize=4096
        )
    try:
        first = text[:CHUNK].count(b"\n")  # what they are in is more than the pipe holds
        with_store(tmp_path, lambda store: until_said(store, first))
        process.terminate()
        assert process.wait(60) == 143
    finally:
        process.kill()
        process.communicate()
    remarks = [content for _, content in said(tmp_path)]
    assert remarks == lines[: len(remarks)]
    assert with_store(tmp_path, the_session).status is SessionStatus.CANCELLED


async def test_what_tee_passes_on_is_stored_whenever_it_is_killed(store: SessionStore, tmp_path: Path) -> None:
    async with started(tmp_path, "record", "--task", "x", "--tee") as process:
        await write(process, "".join(f"line {number}\n" for number in range(500)))
        assert process.stdout is not None
        seen = [await asyncio.wait_for(process.stdout.readline(), 60) for _ in range(200)]
        process.kill()
        await process.wait()
    stored = [message.content for message in await the_messages(store)]
    assert [line.decode().strip() for line in seen] == stored[:200]


async def test_a_reader_that_leaves_does_not_stop_the_recording(store: SessionStore, tmp_path: Path) -> None:
    script = f'for n in 1 2 3 4 5; do echo $n; sleep 0.05; done | "{PYTHON}" -m chatlog record --task x --tee | head -n 1'
    done = run_process(tmp_path, "record", "--task", "outer", "--quiet", "--", "bash", "-c", script)
    assert done.returncode == 0
    inner = next(one for one in (await store.list_sessions()).items if one.task == "x")
    assert inner.status is SessionStatus.COMPLETED
    assert [m.content for m in await store.list_messages(inner.session_id)] == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize(
    ("program", "code", "words"),
    [
        ("print('said')", 0, None),
        ("print('said'); raise SystemExit(3)", 3, "exit status 3"),
        ("import os; print('said', flush=True); os.kill(os.getpid(), 9)", 137, "killed by SIGKILL"),
    ],
)
def test_a_command_gives_the_session_and_us_its_own_end(program: str, code: int, words: str | None, tmp_path: Path) -> None:
    done, session, remarks = recorded(tmp_path, "--source", "agents", "--", PYTHON, "-c", program)
    assert done.returncode == code
    assert session.status is (SessionStatus.FAILED if code else SessionStatus.COMPLETED)
    assert remarks == [("agents", "said"), *([("agents", f"The program ended: {words}.")] if words else [])]
    assert session.task.endswith(f"-c {program!r}" if "'" not in program else program.replace("'", "'\"'\"'") + "'")


async def test_a_python_program_is_heard_line_by_line(store: SessionStore, tmp_path: Path) -> None:
    program = "import sys; print('first'); sys.stdin.readline(); print('second')"
    async with started(tmp_path, "record", "--task", "x", "--", PYTHON, "-c", program) as process:
        await until_said(store, 1)  # it waits for us, with its first line said and not flushed
        await write(process, "go on\n")
        status, _, _ = await ended(process)
    assert ([m.content for m in await the_messages(store)], status) == (["first", "second"], 0)


async def test_stopping_it_stops_the_command_too(store: SessionStore, tmp_path: Path) -> None:
    program = "import signal, time; print('up', flush=True); signal.signal(signal.SIGINT, signal.SIG_IGN)\ntime.sleep(600)"
    async with started(tmp_path, "record", "--task", "x", "--", PYTHON, "-c", program) as process:
        await until_said(store, 1)
        process.terminate()
        status, _, _ = await ended(process)  # and with it whoever held its output open
    assert ((await the_session(store)).status, status) == (SessionStatus.CANCELLED, 143)


def test_at_a_terminal_people_type_remarks(tmp_path: Path) -> None:
    with on_terminal(tmp_path, *PROGRAM, "record", "--task", "x", "--source", "me") as terminal:
        terminal.read_until("Ctrl-D ends the discussion.")
        terminal.type("空間を\n\x04")
        status, _ = terminal.read_to_the_end()
    assert (said(tmp_path), status) == ([("me", "空間を")], 0)


def test_ctrl_c_of_somebody_who_types_cancels_the_discussion(tmp_path: Path) -> None:
    with on_terminal(tmp_path, *PROGRAM, "record", "--task", "x") as terminal:
        terminal.type("one\n")
        terminal.read_until("Ctrl-D ends the discussion.")
        terminal.type("\x03")
        terminal.type("too late\n")
        status, _ = terminal.read_to_the_end()
    assert (with_store(tmp_path, the_session).status, status) == (SessionStatus.CANCELLED, 130)
    assert "too late" not in [content for _, content in said(tmp_path)]
