"""`chatlog tail` as a process of its own, beside the processes that write."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from rich.cells import cell_len

from chatlog import MessageKind, Recorder, SessionStatus, SessionStore, open_store
from chatlog.services.describing import describe_message
from tests.chatlog.services.taking import keep
from tests.chatlog.terminal.programs import (
    PROGRAM,
    ROOT,
    ended,
    environment,
    on_terminal,
    run,
    run_process,
    started,
    with_store,
)
from tests.factories import make_draft, make_drafts, make_session

STYLE = re.compile(r"\x1b\[[0-9;]*m")
BURST = 2_000


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SessionStore]:
    async with open_store(f"sqlite:///{tmp_path}/chatlog.sqlite3") as opened:
        yield opened


async def start_writer(data: Path, session_id: str, *, count: int, batch: int) -> asyncio.subprocess.Process:
    module = "tests.chatlog.terminal.writer_program"
    arguments = (f"sqlite:///{data}/chatlog.sqlite3", session_id, str(count), str(batch))
    return await asyncio.create_subprocess_exec(sys.executable, "-m", module, *arguments, cwd=ROOT, env=environment(data))


async def test_every_message_of_a_burst_from_another_process_comes_once_and_in_order(
    store: SessionStore, tmp_path: Path
) -> None:
    await store.create_session(make_session(session_id="burst", task="A burst"))
    async with started(tmp_path, "tail", "burst", "--all", "--json") as process:
        writer = await start_writer(tmp_path, "burst", count=BURST, batch=7)
        status, out, err = await ended(process)
        assert await writer.wait() == 0
    told = [json.loads(line) for line in out.splitlines()]
    assert [message["sequence"] for message in told] == list(range(1, BURST + 1))
    assert told[-1] == describe_message((await store.list_messages_before("burst", limit=1))[0])
    assert (status, err) == (0, "A burst: completed\n")


async def test_without_a_session_every_discussion_is_followed_until_ctrl_c(store: SessionStore, tmp_path: Path) -> None:
    await keep(store, make_drafts(3), session_id="over")
    await keep(store, make_drafts(3), session_id="old", title="Going on", status=SessionStatus.ACTIVE)
    async with started(tmp_path, "tail", "--json", "--last", "1") as process:
        assert process.stdout is not None
        first = json.loads(await asyncio.wait_for(process.stdout.readline(), 60))
        writers = [await start_writer(tmp_path, name, count=300, batch=3) for name in ("one", "two")]
        lines = [await asyncio.wait_for(process.stdout.readline(), 60) for _ in range(600)]
        assert [await writer.wait() for writer in writers] == [0, 0]
        process.send_signal(signal.SIGINT)
        status, rest, err = await ended(process)
    assert (first["session_id"], first["sequence"]) == ("old", 3)
    told = [json.loads(line) for line in lines]
    for name in ("one", "two"):
        assert [one["sequence"] for one in told if one["session_id"] == name] == list(range(1, 301))
    assert (status, rest) == (130, "")
    assert err.startswith("Following every discussion that goes on.")


def test_a_pipe_gets_plain_text_whole_with_dates(tmp_path: Path) -> None:
    call = "search(query='x',\n  limit=3)" + " and more" * 100
    said = [
        make_draft(source="ann", content="first\nsecond " + "word " * 60, timestamp="2026-11-25T15:30:05Z"),
        make_draft(source="bob", content=call, kind=MessageKind.TOOL_CALL, timestamp="2026-11-25T15:30:06Z"),
    ]
    with_store(tmp_path, lambda store: keep(store, said, session_id="one", title="A title"))
    done = run_process(tmp_path, "tail", "one")
    first, second, third, fourth = done.stdout.splitlines()
    assert first == "2026-11-26 00:30:05  ann"  # in Tokyo
    assert second == "          first"
    assert third == "          second " + ("word " * 60).strip()
    assert fourth == "2026-11-26 00:30:06  bob  tool call  " + " ".join(call.split())
    assert done.returncode == 0
    assert done.stderr.splitlines()[0] == "A title"
    assert done.stderr.splitlines()[-1] == "A title: completed"


def test_the_last_twenty_all_or_what_came_after_are_shown(tmp_path: Path) -> None:
    with_store(tmp_path, lambda store: keep(store, make_drafts(30), session_id="one"))

    def shown(*arguments: str) -> list[int]:
        out = run(tmp_path, "tail", "one", "--json", *arguments).stdout
        return [json.loads(line)["sequence"] for line in out.splitlines()]

    assert shown() == list(range(11, 31))
    assert shown("--all") == list(range(1, 31))
    assert shown("--after", "28") == [29, 30]
    assert shown("--last", "2") == [29, 30]
    assert shown("--last", "0", "--no-follow") == []


def test_a_terminal_gets_colours_folded_tool_calls_and_lines_no_wider_than_it_is(tmp_path: Path) -> None:
    said = [
        make_draft(source="市場分析", content="リモートワーク時代の新しいコミュニケーションツールを、みんなで考えます。" * 5),
        make_draft(source="validator", content="f(" + "引数, " * 80 + ")", kind=MessageKind.TOOL_CALL),
        make_draft(source="validator", content="It broke.", kind=MessageKind.ERROR),
    ]
    with_store(tmp_path, lambda store: keep(store, said, session_id="one", title="題名"))
    with on_terminal(tmp_path, *PROGRAM, "tail", "one", columns=60) as terminal:
        status, text = terminal.read_to_the_end()
    assert status == 0
    lines = STYLE.sub("", text).splitlines()
    told = lines[2:-1]
    assert all(cell_len(line) <= 60 for line in told)
    assert max(map(cell_len, told)) >= 59
    body = [line.strip() for line in told if line.startswith(" " * 10)]
    assert "".join(body[:-1]) == said[0].content
    assert all(line[0] not in "、。ーョ" for line in body)
    assert len([line for line in told if "tool call" in line]) == 1
    assert next(line for line in told if "tool call" in line).endswith("…")
    assert "\x1b[31mIt broke." in text
    assert re.search(r"\x1b\[1;38;5;\d+m市場分析", text)
    assert lines[-1] == "題名: completed"


@pytest.mark.parametrize(("arguments", "extra"), [((), {"NO_COLOR": "1"}), (("--no-color",), {}), ((), {"TERM": "dumb"})])
def test_a_terminal_gets_no_colours_where_nobody_wants_them(
    arguments: tuple[str, ...], extra: dict[str, str], tmp_path: Path
) -> None:
    with_store(tmp_path, lambda store: keep(store, [make_draft()], session_id="one"))
    with on_terminal(tmp_path, *PROGRAM, "tail", "one", *arguments, **extra) as terminal:
        status, text = terminal.read_to_the_end()
    assert (status, "\x1b" in text) == (0, False)


def test_a_pipe_gets_colours_if_somebody_insists(tmp_path: Path) -> None:
    with_store(tmp_path, lambda store: keep(store, [make_draft()], session_id="one"))
    assert "\x1b[" not in run(tmp_path, "tail", "one").stdout
    assert "\x1b[" in run(tmp_path, "tail", "one", "--force-color").stdout


def test_ctrl_c_on_a_terminal_ends_it_without_a_word(tmp_path: Path) -> None:
    with_store(tmp_path, lambda store: keep(store, [make_draft(content="said")], session_id="one", status=SessionStatus.ACTIVE))
    with on_terminal(tmp_path, *PROGRAM, "tail", "one") as terminal:
        terminal.read_until("said")
        terminal.type("\x03")
        status, text = terminal.read_to_the_end()
    assert status == 130
    assert text.split("said")[1].strip() == "^C"


async def test_sigterm_ends_it_cleanly(store: SessionStore, tmp_path: Path) -> None:
    await keep(store, [make_draft()], session_id="one", status=SessionStatus.ACTIVE)
    async with started(tmp_path, "tail", "one", "--json") as process:
        assert process.stdout is not None
        await asyncio.wait_for(process.stdout.readline(), 60)
        process.terminate()
        status, _, err = await ended(process)
    assert (status, len(err.splitlines())) == (143, 0)


def test_sigterm_also_ends_it_while_nobody_reads_what_it_writes(tmp_path: Path) -> None:
    said = make_drafts(40, content="x" * 50_000)
    with_store(tmp_path, lambda store: keep(store, said, session_id="one", status=SessionStatus.ACTIVE))
    process = subprocess.Popen([*PROGRAM, "tail", "one", "--all"], cwd=ROOT, env=environment(tmp_path), stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.read(1)  # it writes, and has more to write than a pipe holds
        process.terminate()
        assert process.wait(60) == 143
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("command", ["tail one --all", "tail one --last 1", "tail --last 1", "list", "export one"])
def test_a_reader_that_has_enough_ends_it_without_a_word(command: str, tmp_path: Path) -> None:
    with_store(
        tmp_path,
        lambda store: keep(store, make_drafts(40, content="x" * 5_000), session_id="one", status=SessionStatus.ACTIVE),
    )
    # With one remark all is written when head leaves: it has to notice while it waits.
    script = f'"$0" -m chatlog {command} | head -n 1; echo "${{PIPESTATUS[0]}}"'
    done = subprocess.run(
        ["bash", "-c", script, sys.executable],
        cwd=ROOT,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    line, status = done.stdout.splitlines()
    assert line
    assert status in ({"141"} if command != "list" else {"0", "141"})  # a list of one may be written before head has gone
    assert "Error" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["tail", "nobody"], "There is no session 'nobody'"),
        (["tail", "twin"], "2 ids begin with 'twin': "),
        (["tail", "a/b"], "a/b"),
        (["tail", "--all"], "--after and --all count the messages of one discussion."),
        (["tail", "twin_1", "--after", "-1"], "--after: -1 is out of range"),
        (["tail", "--store", "sqlite:///nowhere.sqlite3"], "Nothing was recorded in nowhere.sqlite3 yet."),
        (["tail", "--store", "postgres://x"], "names no store"),
        (["tail", "--store", "https://chatlog.example.com"], "CHATLOG_TOKEN is not set"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line_and_ends_with_2(arguments: list[str], sentence: str, tmp_path: Path) -> None:
    for name in ("twin_1", "twin_2"):
        with_store(tmp_path, lambda store, name=name: keep(store, [make_draft()], session_id=name))
    done = run(tmp_path, *arguments)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert (len(done.stderr.splitlines()), done.stdout) == (1, "")
    assert not (ROOT / "nowhere.sqlite3").exists()


def test_a_beginning_of_an_id_and_latest_name_a_discussion(tmp_path: Path) -> None:
    for name in ("alpha_1", "beta_1", "beta_10"):
        with_store(tmp_path, lambda store, name=name: keep(store, [make_draft(content=f"in {name}")], session_id=name))
    for name, said in (("alpha", "in alpha_1"), ("beta_1", "in beta_1"), ("latest", "in beta_10")):
        assert run(tmp_path, "tail", name).stdout.splitlines()[1].strip() == said


async def test_a_deleted_discussion_ends_it_with_2(store: SessionStore, tmp_path: Path) -> None:
    recorder = Recorder(store, task="Short-lived")
    await recorder.__aenter__()
    await recorder.save(source="a", content="b")
    async with started(tmp_path, "tail", recorder.session_id, "--json") as process:
        assert process.stdout is not None
        await asyncio.wait_for(process.stdout.readline(), 60)
        await store.delete_session(recorder.session_id)
        status, _, err = await ended(process)
    assert status == 2
    assert "was deleted" in err
