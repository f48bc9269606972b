"""Every kind of team that AutoGen 0.7 has, and what else may be done with one: paused, reset, run again, run inside a tool."""

from __future__ import annotations

from typing import Any

import pytest
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.base import TaskResult
from autogen_agentchat.conditions import ExternalTermination, MaxMessageTermination
from autogen_agentchat.messages import MultiModalMessage, SelectSpeakerEvent, TextMessage
from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_agentchat.tools import AgentTool
from autogen_core.memory import ListMemory, MemoryContent, MemoryMimeType

import chatlog
from chatlog import MessageKind, SessionStatus, SessionStore
from chatlog.integrations.autogen import record
from chatlog.integrations.background import RunReport
from tests.chatlog.integrations import teams
from tests.chatlog.integrations.autogen_teams import KINDS, assistant, with_a_person
from tests.chatlog.integrations.conftest import the_session


async def collect(stream: Any) -> list[Any]:
    return [item async for item in stream]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_team_of_every_kind_is_recorded_remark_by_remark(store: SessionStore, kind: str) -> None:
    make, sources = KINDS[kind]
    *items, result = await collect(record(make().run_stream(task="Go"), store=store))
    session, (*stored, end) = await the_session(store)
    assert [(m.message_id, m.source, m.timestamp) for m in stored] == [
        (item.id, item.source, item.created_at) for item in items
    ]
    chosen = {item.id for item in items if isinstance(item, SelectSpeakerEvent)}
    assert [m.source for m in stored if m.message_id not in chosen] == sources
    assert session.status is SessionStatus.COMPLETED
    assert (end.message_id, end.metadata["stop_reason"]) == (f"{result.messages[-1].id}.end", result.stop_reason)


async def test_each_answer_of_a_model_has_its_tokens_once(store: SessionStore) -> None:
    client = teams.replay(teams.call("market_size", segment="a"), "About 4,000.")
    agent = AssistantAgent("a", client, tools=[teams.market_size], reflect_on_tool_use=True)
    async with chatlog.Recorder(store, task="Both") as session:
        await collect(record(agent.run_stream(task="Go"), recorder=session))
        await collect(record(teams.swarm().run_stream(task="Go"), recorder=session))
    _, messages = await the_session(store)
    used = [(m.kind, m.models_usage) for m in messages if m.models_usage]
    called = {"prompt_tokens": 9, "completion_tokens": 4}
    assert used[:3] == [("tool_call", called), ("text", vars(client.actual_usage())), ("tool_call", called)]
    assert [kind for kind, _ in used[3:]] == ["text"]


async def test_what_an_agent_remembers_is_readable(store: SessionStore) -> None:
    memory = ListMemory()
    await memory.add(MemoryContent(content="Short names are taken.", mime_type=MemoryMimeType.TEXT))
    await memory.add(MemoryContent(content={"勝者": 1}, mime_type=MemoryMimeType.JSON))
    await collect(record(assistant("a", "Fine.", memory=[memory]).run_stream(task="Go"), store=store))
    _, messages = await the_session(store)
    assert messages[1].kind == MessageKind.EVENT
    assert messages[1].content == 'Remembers:\n\nShort names are taken.\n\n```json\n{\n  "勝者": 1\n}\n```'


async def test_a_team_that_is_reset_runs_again_in_the_same_session(store: SessionStore) -> None:
    team = RoundRobinGroupChat([assistant("a", "One.", "Two.")], termination_condition=MaxMessageTermination(2))
    reports: list[RunReport] = []
    async with chatlog.Recorder(store, task="Two runs") as session:
        for question in ("First?", "Second?"):
            await collect(record(team.run_stream(task=question), recorder=session, on_report=reports.append))
            await team.reset()
    stored, messages = await the_session(store)
    assert [m.content for m in messages if m.kind == MessageKind.TEXT] == ["First?", "One.", "Second?", "Two."]
    assert [m.kind for m in messages].count(MessageKind.EVENT) == 2
    assert [(report.session_id, report.saved, report.lost) for report in reports] == [(stored.session_id, 3, 0)] * 2


async def test_the_same_items_recorded_again_are_stored_once_with_their_end(store: SessionStore) -> None:
    items = await collect(teams.five_agents().run_stream(task="Go"))
    async with chatlog.Recorder(store, task="Twice") as session:
        for _ in range(2):
            await collect(record(teams.stream_of(*items), recorder=session))
    _, messages = await the_session(store)
    assert len(messages) == len(items) == 7


async def test_a_recorded_stream_that_is_recorded_once_more_is_stored_once(store: SessionStore) -> None:
    async with chatlog.Recorder(store, task="Twice") as session:
        inner = record(teams.five_agents().run_stream(task="Go"), recorder=session)
        assert len(await collect(record(inner, recorder=session))) == 7
    _, messages = await the_session(store)
    assert len(messages) == 7


async def test_a_team_that_is_paused_and_resumed_is_recorded_whole(store: SessionStore) -> None:
    team = RoundRobinGroupChat([assistant("a", *"123456")], termination_condition=MaxMessageTermination(6))
    said: list[Any] = []
    async for item in record(team.run_stream(task="Go"), store=store):
        said.append(item)
        if len(said) == 2:
            await team.pause()
            await team.resume()
    session, messages = await the_session(store)
    assert (len(messages), session.status) == (len(said), SessionStatus.COMPLETED)
    assert [m.message_id for m in messages[:-1]] == [item.id for item in said[:-1]]


async def test_a_run_that_the_frameworks_own_condition_ends_from_outside_is_completed(store: SessionStore) -> None:
    enough = ExternalTermination()
    team = RoundRobinGroupChat([assistant("a", *"123456")], termination_condition=enough)
    async for item in record(team.run_stream(task="Go"), store=store):
        if not isinstance(item, TaskResult) and item.source == "a":
            enough.set()
    session, messages = await the_session(store)
    assert (session.status, messages[-1].metadata["stop_reason"]) == (SessionStatus.COMPLETED, "External termination requested")


async def test_an_agent_inside_of_a_tool_is_recorded_too(store: SessionStore) -> None:
    writer = assistant("writer", "A slogan.", description="Writes.")
    boss = assistant("boss", teams.call("writer", task="Write."), "Nice.", tools=[AgentTool(writer)], reflect_on_tool_use=True)
    await collect(record(boss.run_stream(task="Go"), store=store))
    _, messages = await the_session(store)
    assert [(m.source, m.kind) for m in messages[:-1]] == [
        ("user", "text"),
        ("boss", "tool_call"),
        ("user", "text"),
        ("writer", "text"),
        ("boss", "tool_result"),
        ("boss", "text"),
    ]


async def test_a_task_of_several_messages_and_one_that_is_not_told_are_recorded_as_the_team_tells_them(
    store: SessionStore,
) -> None:
    asked = [TextMessage(content="A", source="user"), MultiModalMessage(content=["B"], source="user")]
    async with chatlog.Recorder(store, task="Both") as session:
        await collect(record(teams.five_agents(turns=2).run_stream(task=asked), recorder=session))
        silent = teams.five_agents(turns=1).run_stream(task="Untold", output_task_messages=False)
        await collect(record(silent, recorder=session))
    _, messages = await the_session(store)
    assert [m.content for m in messages if m.source == "user"] == ["A", "B"]


async def test_leaving_while_a_person_is_asked_is_leaving_early(store: SessionStore) -> None:
    stream = record(with_a_person().run_stream(task="Go"), store=store)
    async for item in stream:
        if type(item).__name__ == "UserInputRequestedEvent":
            break
    await stream.aclose()
    session, messages = await the_session(store)
    assert (session.status, messages[-1].content) == (SessionStatus.CANCELLED, "Waits for a person to answer.")
