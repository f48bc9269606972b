"""Writers that know nothing of each other: 8 stores in one process, and 8 processes."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from chatlog import Message, Session
from chatlog.storage.cosmos.store import CosmosSessionStore
from tests.cosmos.double.server import Double
from tests.cosmos.fixtures import QUICK
from tests.factories import make_draft

WRITERS, REMARKS = 8, 25
ROOT = Path(__file__).parents[4]


def assert_sound(messages: list[Message], acknowledged: dict[str, list[int]]) -> None:
    total = sum(map(len, acknowledged.values()))
    assert [message.sequence for message in messages] == list(range(1, total + 1))
    assert len({message.message_id for message in messages}) == total
    for name, numbers in acknowledged.items():
        own = [message for message in messages if message.source == name]
        assert [message.content for message in own] == [str(number) for number in range(len(numbers))]
        assert [message.sequence for message in own] == numbers


async def test_eight_stores_share_one_session(double: Double, store: CosmosSessionStore, session: Session) -> None:
    async def write(name: str) -> tuple[str, list[int]]:
        async with CosmosSessionStore(store.settings) as own:
            drafts = [make_draft(source=name, content=str(number)) for number in range(REMARKS)]
            return name, [(await own.append_messages(session.session_id, [draft]))[0].sequence for draft in drafts]

    acknowledged = dict(await asyncio.gather(*(write(f"writer_{number}") for number in range(WRITERS))))
    messages = await store.list_messages(session.session_id, limit=1000)
    assert_sound(messages, acknowledged)
    final = await store.get_session(session.session_id)
    assert final.message_count == WRITERS * REMARKS
    assert set(final.participants) == set(acknowledged)


async def test_eight_processes_share_one_session_through_lost_replies(
    double: Double, store: CosmosSessionStore, session: Session
) -> None:
    for skip in range(10):
        double.inject("create", "drop_reply", skip=skip)
    program = [sys.executable, "-m", "tests.cosmos.writer_process"]
    settings = [store.settings.endpoint, store.settings.database_name, store.settings.container_name, session.session_id]
    processes = [
        await asyncio.create_subprocess_exec(
            *(*program, *settings, f"writer_{number}", str(REMARKS)), cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        for number in range(WRITERS)
    ]
    outputs = [(await process.communicate())[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * WRITERS
    acknowledged = {f"writer_{number}": json.loads(output) for number, output in enumerate(outputs)}
    assert_sound(await store.list_messages(session.session_id, limit=1000), acknowledged)
    requests = sum(double.journal.requests[operation] for operation in ("create", "query"))
    print(f"requests per message: {requests / (WRITERS * REMARKS):.2f}")


async def test_a_writer_far_behind_catches_up_in_bounded_steps(
    double: Double, store: CosmosSessionStore, session: Session
) -> None:
    async with CosmosSessionStore(store.settings, tuning=QUICK) as other:
        (own,) = await other.append_messages(session.session_id, [make_draft(message_id="own", content="own")])
        await store.append_messages(session.session_id, [make_draft() for _ in range(700)])
        double.journal.requests.clear()
        drafts = [make_draft(), make_draft(message_id="own", source=own.source, content="own")]
        stored = await other.append_messages(session.session_id, drafts)
    assert [message.sequence for message in stored] == [702, 1]
    assert double.journal.requests["query"] <= 4
    assert (await store.list_messages(session.session_id, after=701))[0].message_id == drafts[0].message_id


async def test_the_two_figures_of_two_writers_only_grow(double: Double, store: CosmosSessionStore, session: Session) -> None:
    async with CosmosSessionStore(store.settings, tuning=QUICK) as other:
        await store.append_messages(session.session_id, [make_draft(source="first")])
        for _ in range(3):
            await other.append_messages(session.session_id, [make_draft(source="second")])
    ahead = await store.get_session(session.session_id)
    assert (ahead.message_count, ahead.participants) == (4, ("second",))
    behind = await store.update_session(session.session_id, title="changed by the one who knows less")
    assert (behind.message_count, behind.participants) == (4, ("second", "first"))
    assert behind.last_message_at == ahead.last_message_at
