"""The program `chatlog` over HTTP: a real site, its token, and a queue on disk while the site is away."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from chatlog import Message, Session, SessionStatus, SessionStore, open_store
from chatlog.client import QueueLimits, RemoteStore
from chatlog.client.entries import Entry, EntryKind
from chatlog.client.outbox import Outbox
from chatlog.client.wire import encode_session
from chatlog.terminal import opening
from tests.chatlog.client.served_site import ServedSite, served_site
from tests.chatlog.terminal.programs import PATIENCE, ROOT, Done, ended, run, started
from tests.factories import make_session

Result = TypeVar("Result")
WRONG = "chatlog_" + "x" * 43


@pytest.fixture(scope="module")
def site() -> Iterator[ServedSite]:
    """Each test has discussions of its own there."""
    with served_site() as running:
        yield running


def over_http(site: ServedSite, data: Path, *arguments: str, lines: str = "", token: str | None = None) -> Done:
    """A command on a machine that knows the site's address and a token, and has a folder of its own."""
    command, *options = arguments
    root = logging.getLogger()
    level = root.level
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(root, "handlers", [])  # pytest's would keep the program from saying what is logged
        try:
            return run(data, command, "--store", site.address, *options, lines=lines, CHATLOG_TOKEN=token or site.token)
        finally:
            root.setLevel(level)


def behind(site: ServedSite, work: Callable[[SessionStore], Awaitable[Result]]) -> Result:
    """Do something with the site's own store."""

    async def do() -> Result:
        async with open_store(site.location) as store:
            return await work(store)

    return asyncio.run(do())


def leave_behind(site: ServedSite, data: Path, session_id: str, *, task: str) -> Path:
    """A session that waits in that folder to begin on the site; returns the queue."""
    session = make_session(session_id=session_id, task=task)
    entry = Entry(session_id=session_id, kind=EntryKind.BEGIN, body=encode_session(session))
    store = RemoteStore(site.address, token=site.token, folder=data)
    queue = Outbox(store.queue, QueueLimits())
    queue.put([entry], view=None)
    queue.close()
    return store.queue


def stored(site: ServedSite, session_id: str) -> tuple[Session, list[Message]]:
    async def read(store: SessionStore) -> tuple[Session, list[Message]]:
        return await store.get_session(session_id), await store.list_messages(session_id)

    return behind(site, read)


def test_what_is_recorded_is_on_the_site_and_can_be_listed_followed_and_taken_along(site: ServedSite, tmp_path: Path) -> None:
    options = ("--task", "A name", "--session", "taken", "--tag", "x", "--names")
    done = over_http(site, tmp_path, "record", *options, lines="ann: one\nbob: 空間\n")
    assert (done.returncode, done.stderr) == (0, "Recording taken\nStored 2 remarks; completed.\n")
    session, messages = stored(site, "taken")
    assert (session.task, session.tags, session.status) == ("A name", ("x",), SessionStatus.COMPLETED)
    remarks = [("ann", "one"), ("bob", "空間")]
    assert [(message.source, message.content) for message in messages] == remarks

    listed = over_http(site, tmp_path, "list", "--json", "--filter", "tag:x")
    assert (listed.returncode, json.loads(listed.stdout)["session_id"]) == (0, "taken")
    tail = over_http(site, tmp_path, "tail", "take", "--json", "--all")
    assert (tail.returncode, tail.stderr) == (0, "A name: completed\n")
    told = [json.loads(line) for line in tail.stdout.splitlines()]
    assert [(one["sequence"], one["source"], one["content"]) for one in told] == [(1, *remarks[0]), (2, *remarks[1])]
    exported = over_http(site, tmp_path, "export", "taken")
    assert (exported.returncode, exported.stdout) == (0, run(site.folder, "export", "taken").stdout)


async def test_a_discussion_is_followed_while_it_is_recorded(site: ServedSite, tmp_path: Path) -> None:
    where = ("--store", site.address)
    async with started(tmp_path, "record", *where, "--task", "x", "--session", "live", CHATLOG_TOKEN=site.token) as recording:
        assert recording.stdin is not None
        assert recording.stderr is not None
        assert await asyncio.wait_for(recording.stderr.readline(), PATIENCE) == b"Recording live\n"
        async with started(tmp_path, "tail", "live", *where, "--json", CHATLOG_TOKEN=site.token) as following:
            assert following.stdout is not None
            for number, text in enumerate(("first", "second"), start=1):
                recording.stdin.write(f"{text}\n".encode())
                line = json.loads(await asyncio.wait_for(following.stdout.readline(), PATIENCE))
                assert (line["sequence"], line["content"]) == (number, text)
            assert (await ended(recording))[0] == 0
            status, _, err = await ended(following)
    assert (status, err.splitlines()[-1]) == (0, "x: completed")


@pytest.mark.parametrize("command", [["list"], ["tail", "latest"], ["export", "--all"], ["record", "--task", "x"], ["send"]])
def test_a_token_that_is_refused_is_one_line_and_nothing_is_begun(command: list[str], site: ServedSite, tmp_path: Path) -> None:
    before = behind(site, lambda store: store.list_sessions()).items
    done = over_http(site, tmp_path, *command, lines="one\n", token=WRONG)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1), done.stderr
    assert "token" in done.stderr
    assert WRONG not in done.stderr
    assert behind(site, lambda store: store.list_sessions()).items == before


def test_what_is_recorded_while_the_site_is_away_is_kept_here_and_sent_afterwards(tmp_path: Path) -> None:
    with served_site() as site:
        site.kill()
        done = over_http(site, tmp_path, "record", "--task", "x", "--session", "night", lines="one\ntwo\n")
        assert done.returncode == 0
        (queue,) = tmp_path.glob("*.sqlite3")
        assert f"kept in {queue}" in done.stderr
        last = done.stderr.splitlines()[-1]
        assert last.startswith(f"chatlog: 4 remarks and changes wait in {queue}. The next program")
        assert last.endswith(f"`CHATLOG_DATA_DIR={tmp_path} chatlog send --store {site.address}`.")

        send = over_http(site, tmp_path, "send")
        assert (send.returncode, send.stdout) == (2, "")
        assert send.stderr == (
            f"chatlog: {site.address} cannot be reached: Connection refused. 4 remarks and changes wait in {queue}.\n"
        )

        site.start()
        send = over_http(site, tmp_path, "send")
        assert (send.returncode, send.stderr) == (0, f"Nothing waits in {queue} any more.\n")
        session, messages = stored(site, "night")
        assert (session.status, [one.content for one in messages]) == (SessionStatus.COMPLETED, ["one", "two"])


def test_any_command_with_the_site_sends_what_waits(site: ServedSite, tmp_path: Path) -> None:
    leave_behind(site, tmp_path, "left", task="x")
    assert over_http(site, tmp_path, "list").returncode == 0
    assert stored(site, "left")[0].task == "x"


def test_what_the_site_refuses_is_named_and_is_not_done(site: ServedSite, tmp_path: Path) -> None:
    assert over_http(site, tmp_path, "record", "--task", "somebody's", "--session", "taken-id", lines="one\n").returncode == 0
    queue = leave_behind(site, tmp_path, "taken-id", task="another's")
    for _ in range(2):  # until somebody has decided about it
        done = over_http(site, tmp_path, "send")
        assert done.returncode == 1
        nothing, named, last = done.stderr.splitlines()[-3:]
        assert nothing == f"Nothing waits in {queue} any more."
        assert re.fullmatch(r"Refused: begin of session taken-id, \S+ \S+ UTC: .*taken-id.*", named)
        assert last == f"chatlog: Refused by the site, and set aside in {queue}: 1."


def test_only_a_site_can_be_sent_to(tmp_path: Path) -> None:
    done = run(tmp_path, "send", "--store", f"sqlite:///{tmp_path}/x.sqlite3", CHATLOG_TOKEN=WRONG)
    assert (done.returncode, "is no site's address" in done.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_commands_do_not_keep_people_waiting_for_a_site_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATLOG_TOKEN", WRONG)
    assert opening.open_site("http://127.0.0.1:9")._limits.closing_seconds == 2
    assert "It ends at most two seconds after its input" in (ROOT / "docs" / "terminal.md").read_text()


@pytest.mark.parametrize("command", [["list"], ["tail", "latest"], ["export", "latest"]])
def test_nothing_can_be_read_while_the_site_is_away(command: list[str], tmp_path: Path) -> None:
    away = ServedSite(tmp_path, [WRONG])
    away.port = 9  # where nobody listens
    done = over_http(away, tmp_path, *command)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"chatlog: {away.address} cannot be reached: Connection refused.")
    assert done.stderr.count("\n") == 1, "what stands there besides says nothing more"
