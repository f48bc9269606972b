"""Against a real site: it is restarted, we are killed, tokens end; nothing acknowledged is lost, nothing is stored twice."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import psutil
import pytest

import chatlog
from chatlog import MessageDraft, Recorder, SessionNotFound, SessionStatus
from chatlog.client import RemoteStore
from chatlog.domain.filters import SessionFilter
from chatlog.domain.models import SessionState
from chatlog.domain.search import Term
from chatlog.errors import InvalidCursor, InvalidInput, StorageDenied
from chatlog.integrations.logs import ChatlogHandler
from chatlog.integrations.run import RecordedRun
from chatlog.services.exporting import export_sessions, list_all
from chatlog.services.formats.jsonl import JsonlWriter
from tests.chatlog.client.conftest import OpenRemote, all_sent
from tests.chatlog.client.gate import Gate
from tests.chatlog.client.served_site import ROOT, ServedSite
from tests.factories import make_draft, make_drafts, make_session

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def store(open_remote: OpenRemote, served: ServedSite) -> RemoteStore:
    return open_remote(served)


@pytest.fixture
async def gate(served: ServedSite) -> AsyncIterator[Gate]:
    """In front of the site, and shut."""
    gate = Gate(served)
    await gate.open()
    await gate.shut()
    yield gate
    await gate.shut()


async def start_talking(gate: Gate, folder: Path, *, session_id: str, name: str, first: int = 0, remarks: int) -> Process:
    """Another program that records."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.chatlog.client.talking_program"),
        *(gate.address, session_id, name, str(folder), str(first), str(remarks)),
        cwd=ROOT,
        env=os.environ | {"CHATLOG_TOKEN": gate.token},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def read_acknowledged(program: Process, *, remarks: int) -> int:
    """How many remarks it has had acknowledged in all, after some more."""
    last = -1
    for _ in range(remarks):
        last = int(await program.stdout.readline())
    return last + 1


async def said(site: ServedSite, session_id: str) -> list[str]:
    """What the site has, seen from behind; numbered without a gap."""
    async with chatlog.open_store(site.location) as store:
        messages = await store.list_messages(session_id, limit=1000)
    assert [message.sequence for message in messages] == list(range(1, len(messages) + 1))
    return [message.content for message in messages]


async def test_the_site_is_killed_and_started_again_in_the_middle_of_a_discussion(
    open_remote: OpenRemote, served: ServedSite
) -> None:
    store, numbers = open_remote(served), count()

    async def say(session: Recorder) -> int:
        return (await session.save(source="a", content=str(next(numbers)))).sequence

    async with Recorder(store, task="restarts") as session:
        online = [await say(session) for _ in range(3)]
        served.kill()
        offline = [await say(session) for _ in range(3)]
        await asyncio.to_thread(served.start)
        await all_sent(store)
        again = [await say(session) for _ in range(3)]
    assert (online, offline, again) == ([1, 2, 3], [0, 0, 0], [7, 8, 9])
    assert await said(served, session.session_id) == [str(number) for number in range(9)]
    assert (await store.get_session(session.session_id)).status is SessionStatus.COMPLETED


async def test_the_next_program_sends_what_the_last_ones_left(gate: Gate, open_remote: OpenRemote, tmp_path: Path) -> None:
    began = datetime.now(UTC) - timedelta(hours=3)
    session = make_session(created_at=began, task="left behind")
    first = open_remote(gate)
    await first.create_session(session)
    await first.append_messages(session.session_id, make_drafts(3, content="x"))
    await first.aclose()
    await asyncio.to_thread(run_logging_program, gate, tmp_path, session_id="logged-offline")
    await gate.open()
    second = open_remote(gate)
    await all_sent(second)
    assert await said(gate.site, session.session_id) == ["x"] * 3
    assert (await second.get_session(session.session_id)).created_at == began
    assert await said(gate.site, "logged-offline") == ["the last words of a program"]
    assert (await second.get_session("logged-offline")).status is SessionStatus.COMPLETED


async def test_killed_at_any_time_it_loses_nothing_that_was_acknowledged(
    gate: Gate, open_remote: OpenRemote, tmp_path: Path
) -> None:
    acknowledged = 0
    for kill in range(3):
        if kill == 2:
            await gate.open()  # now it is killed while it sends what waits, and saves behind it
        agent = await start_talking(gate, tmp_path, session_id="killed", name="a", first=acknowledged, remarks=10_000)
        await read_acknowledged(agent, remarks=40)
        agent.kill()
        rest, _ = await agent.communicate()
        acknowledged += 40 + len(rest.split())
    await all_sent(open_remote(gate))
    contents = await said(gate.site, "killed")
    # One more may be there: the one whose acknowledgement the kill cut off.
    assert contents[:acknowledged] == [f"a {number}" for number in range(acknowledged)]
    assert len(contents) in {acknowledged, acknowledged + 1}


async def test_two_programs_share_one_queue(gate: Gate, open_remote: OpenRemote, tmp_path: Path) -> None:
    agents = [await start_talking(gate, tmp_path, session_id="shared", name=name, remarks=60) for name in ("a", "b")]
    for agent in agents:
        await read_acknowledged(agent, remarks=30)
    await gate.open()
    for agent in agents:
        await agent.communicate()
        assert agent.returncode == 0
    await all_sent(open_remote(gate))
    contents = await said(gate.site, "shared")
    assert len(contents) == 120
    for name in ("a", "b"):
        assert [content for content in contents if content[0] == name] == [f"{name} {number}" for number in range(60)]


async def test_a_revoked_token_keeps_what_waits_for_a_new_one(served: ServedSite, open_remote: OpenRemote) -> None:
    old, new = served.other_tokens[:2]
    served.revoke(old)
    first = open_remote(served, token=old)
    session = await first.create_session(make_session())
    await first.append_messages(session.session_id, make_drafts(3, content="x"))
    assert (await first.get_backlog()).waiting == 4
    second = open_remote(served, token=new)
    await all_sent(second)
    assert await said(served, session.session_id) == ["x"] * 3


async def test_a_token_that_may_only_write_begins_sessions_and_continues_them(
    served: ServedSite, open_remote: OpenRemote
) -> None:
    token = served.other_tokens[2]
    served.forbid_reading(token)
    async with open_remote(served, token=token) as store:
        async with Recorder(store, task="A name") as begun:
            await begun.save(source="a", content="one")
        async with Recorder(store, session_id=begun.session_id) as continued:
            assert (await continued.save(source="a", content="two")).sequence == 2
        with pytest.raises(SessionNotFound):
            await Recorder(store, session_id="nobody").__aenter__()
        with pytest.raises(StorageDenied):
            await store.list_messages(begun.session_id)
    assert (await open_remote(served).get_session(begun.session_id)).status is SessionStatus.COMPLETED


async def test_memory_stays_flat_while_ten_thousand_remarks_wait(gate: Gate, open_remote: OpenRemote) -> None:
    store = open_remote(gate)
    session = await store.create_session(make_session())

    async def say(times: int) -> None:
        for _ in range(times):
            await store.append_messages(session.session_id, [make_draft(content="x" * 5_000) for _ in range(200)])

    await say(5)
    before = psutil.Process().memory_info().rss
    await say(50)
    grown = psutil.Process().memory_info().rss - before
    backlog = await store.get_backlog()
    assert (backlog.waiting, backlog.waiting_bytes > 55_000_000) == (11_001, True)
    assert grown < 20_000_000


async def test_a_remark_sent_in_every_way_is_stored_once(
    served: ServedSite, open_remote: OpenRemote, store: RemoteStore
) -> None:
    session = await store.create_session(make_session())
    draft = make_draft(message_id="once")
    for _ in range(2):
        assert [m.sequence for m in await store.append_messages(session.session_id, [draft, draft])] == [1, 1]
    async with chatlog.open_store(served.location) as behind:
        assert [m.sequence for m in await behind.append_messages(session.session_id, [draft])] == [1]
    assert await said(served, session.session_id) == [draft.content]


async def test_a_session_that_is_deleted_is_gone(store: RemoteStore) -> None:
    session = await store.create_session(make_session())
    await store.delete_session(session.session_id)
    for use in (store.get_session, store.get_last_sequence, store.list_messages):
        with pytest.raises(SessionNotFound, match=session.session_id):
            await use(session.session_id)
    with pytest.raises(SessionNotFound):
        await store.delete_session("session_nobody")


async def test_what_only_the_site_can_refuse_is_set_aside_alone(gate: Gate, open_remote: OpenRemote) -> None:
    deep: dict = {}
    for _ in range(40):
        deep = {"deeper": deep}
    store = open_remote(gate)
    session = await store.create_session(make_session())
    ahead = datetime.now(UTC) + timedelta(days=9)
    drafts = [make_draft(content="1"), make_draft(content="2", metadata=deep), make_draft(content="3", timestamp=ahead)]
    await store.append_messages(session.session_id, [*drafts, make_draft(content="4")])
    await store.append_messages("session_nobody", [make_draft(content="5")])
    await gate.open()
    await all_sent(store)
    assert await said(gate.site, session.session_id) == ["1", "4"]
    assert sorted(entry.content["content"] for entry in await store.list_refused()) == ["2", "3", "5"]


async def test_a_clock_that_is_wrong_is_told_so(store: RemoteStore) -> None:
    with pytest.raises(InvalidInput, match=r"created_at.*ahead of this server's clock"):
        await store.create_session(make_session(created_at=datetime.now(UTC) + timedelta(days=9)))


async def test_lists_are_filtered_by_the_same_rule_as_in_any_store(store: RemoteStore) -> None:
    made = [
        await store.create_session(make_session(task=f"filter {n}", tags=["f"], created_at=NOON + timedelta(minutes=n)))
        for n in range(4)
    ]
    await store.update_session(made[0].session_id, status=SessionStatus.FAILED)

    async def found(**where: object) -> list[str]:
        page = await store.list_sessions(where=SessionFilter(tags=("f",), **where))
        return [session.task for session in page.items]

    assert await found() == ["filter 3", "filter 2", "filter 1", "filter 0"]
    assert await found(states=frozenset({SessionState.FAILED})) == ["filter 0"]
    assert await found(since=NOON + timedelta(minutes=2)) == ["filter 3", "filter 2"]
    assert await found(until=NOON + timedelta(minutes=2)) == ["filter 1", "filter 0"]
    await store.append_messages(made[1].session_id, [make_draft(timestamp=NOON + timedelta(minutes=9))])
    assert await found(since=NOON + timedelta(minutes=3)) == ["filter 3", "filter 1"]
    assert await found(since=NOON + timedelta(minutes=3), must_begin_since=True) == ["filter 3"]
    assert await found(terms=(Term("filter"), Term("2"))) == ["filter 2"]
    assert await found(agents=("nobody",)) == []
    assert await found(since=datetime(1, 1, 1, tzinfo=UTC), until=datetime(9999, 1, 1, tzinfo=UTC)) == await found()
    with pytest.raises(InvalidCursor):
        await store.list_sessions(cursor="nowhere")


async def test_long_remarks_come_in_several_answers_and_all_of_them(store: RemoteStore) -> None:
    session = await store.create_session(make_session())
    await store.append_messages(session.session_id, [make_draft(content=f"{n} " + "x" * 900_000) for n in range(7)])
    messages = await store.list_messages(session.session_id, limit=7)
    assert [message.sequence for message in messages] == list(range(1, 8))
    assert await store.get_last_sequence(session.session_id) == 7


async def test_an_export_over_http_is_the_one_from_behind(served: ServedSite, store: RemoteStore) -> None:
    session = await store.create_session(make_session(tags=["export"]))
    await store.append_messages(session.session_id, make_drafts(450))
    async with chatlog.open_store(served.location) as behind:
        assert await export(store) == await export(behind)


async def export(store: chatlog.SessionReader) -> bytes:
    sessions = list_all(store, where=SessionFilter(tags=("export",)))
    return b"".join([piece async for piece in export_sessions(store, sessions, writer=JsonlWriter())])


async def test_a_framework_run_records_over_http(store: RemoteStore) -> None:
    run = RecordedRun(source="A run", no_task="A run", store=store)
    run.begin()
    run.take(lambda: iter([MessageDraft(source="a", content="said in a run")]))
    report = await run.end(None)
    assert (report.saved, report.lost) == (1, 0)
    assert report.session_id is not None
    assert [m.content for m in await store.list_messages(report.session_id)] == ["said in a run"]


LOGGING_PROGRAM = """
import functools, logging, os, sys
import chatlog.client.store
from chatlog.integrations.logs import ChatlogHandler
chatlog.client.store.QueueLimits = functools.partial(chatlog.client.QueueLimits, closing_seconds=0.2)
token, log = os.environ["CHATLOG_TOKEN"], logging.getLogger("agents")
log.addHandler(ChatlogHandler(task="by a log", location=sys.argv[1], token=token, session_id=sys.argv[2]))
log.warning("the last words of a program")
"""


def run_logging_program(site: ServedSite | Gate, folder: Path, *, session_id: str, host: str = "127.0.0.1") -> None:
    environment = os.environ | {"CHATLOG_TOKEN": site.token, "CHATLOG_DATA_DIR": str(folder)}
    command = [sys.executable, "-c", LOGGING_PROGRAM, site.address.replace("127.0.0.1", host), session_id]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=60)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])  # a name has to be looked up, when the program is at its end
async def test_what_is_logged_goes_over_http_to_the_end_of_the_program(
    served: ServedSite, store: RemoteStore, tmp_path: Path, host: str
) -> None:
    session_id = f"logged-at-{host}"
    await asyncio.to_thread(run_logging_program, served, tmp_path, session_id=session_id, host=host)
    assert await said(served, session_id) == ["the last words of a program"]
    assert (await store.get_session(session_id)).status is SessionStatus.COMPLETED


async def test_a_handler_with_a_token_for_a_file_is_refused() -> None:
    with pytest.raises(chatlog.ConfigurationError, match="for a site's address"):
        ChatlogHandler(task="t", location="sqlite:///x.sqlite3", token="chatlog_abc")
