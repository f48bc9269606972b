"""Real frameworks, instrumented as the page in docs/ says, export to a real site: what is stored reads like what was said."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from chatlog.domain.models import Message, Session, SessionStatus
from chatlog.storage.sqlite.store import SqliteSessionStore
from tests.chatlog.integrations import pages
from tests.dashboard.otlp.exporting_program import PROGRAMS, TASK
from tests.dashboard.site_process import ROOT, Site, manage, running_site
from tests.factories import AGENTS

Discussion = tuple[Session, list[Message]]


@pytest.fixture(scope="module")
def discussions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Discussion]:
    """What one site has after each program exported to it, by the session's id."""
    return asyncio.run(record_all(tmp_path_factory.mktemp("site")))


async def record_all(data: Path) -> dict[str, Discussion]:
    async with running_site(data) as site:
        _, output = await manage(data, "create_token", "ann")
        await asyncio.gather(*(export(site, name, token=output.split()[-1]) for name in PROGRAMS))
    async with SqliteSessionStore(data / "chatlog.sqlite3") as store:
        sessions = (await store.list_sessions()).items
        return {session.session_id: (session, await store.list_messages(session.session_id)) for session in sessions}


async def export(site: Site, program: str, *, token: str) -> None:
    environment = os.environ | {
        "OTEL_EXPORTER_OTLP_ENDPOINT": site.origin,
        "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization=Bearer%20{token}",
        # As little waits for the next request as possible: each agent's span comes after those inside it.
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "4",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip" if program == "langgraph" else "none",
    }
    file = Path(__file__).with_name("exporting_program.py")
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(file), program, cwd=ROOT, env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    assert b"Failed to export" not in errors, errors.decode()


def among(discussions: dict[str, Discussion], *participants: str, task: str = TASK) -> Discussion:
    """The one that these take part in, in this order."""
    found = [each for each in discussions.values() if (each[0].participants, each[0].task) == (participants, task)]
    assert len(found) == 1, [(session.session_id, session.participants) for session, _ in discussions.values()]
    return found[0]


def told(messages: list[Message]) -> list[tuple[str, str, str]]:
    """Who said what; of calls and results, which tool."""
    return [(message.source, message.kind, message.content.partition("\n")[0]) for message in messages]


def team(*does: tuple[str, str]) -> list[tuple[str, str, str]]:
    """The task, and each agent in turn that does these things."""
    following = (*AGENTS[1:], "nobody")
    return [("user", "text", TASK)] + [
        (name, kind, words.format(number=number, following=following[number]))
        for number, name in enumerate(AGENTS)
        for kind, words in does
    ]


def in_order(messages: list[Message]) -> bool:
    return [m.timestamp for m in messages] == sorted(m.timestamp for m in messages)


def test_a_langgraph_team_is_recorded_as_it_talked(discussions: dict[str, Discussion]) -> None:
    session, messages = discussions["thread-of-langgraph"]
    looks = ("text", "Remark {number}: 空間を共有します。"), ("tool_call", "market_size"), ("tool_result", "market_size")
    passes_on = ("tool_call", "ask_next"), ("tool_result", "ask_next"), ("handoff", "Hands over to {following}.")
    assert told(messages) == [*team(*looks, *passes_on)[:-3], (AGENTS[-1], "text", "That is all.")]
    assert in_order(messages)
    assert (session.task, session.status, session.participants) == (TASK, SessionStatus.COMPLETED, ("user", *AGENTS))
    assert [m.models_usage for m in messages if m.models_usage] == [{"prompt_tokens": 12, "completion_tokens": 7}] * 10


def test_everybody_who_votes_the_same_at_the_same_time_is_recorded(discussions: dict[str, Discussion]) -> None:
    _, (asked, *messages) = discussions["votes"]
    assert (asked.source, asked.content) == ("user", TASK)
    approved, voted = told(messages)[:3], told(messages)[3:]
    assert sorted(approved) == sorted((name, "text", "Approve") for name in AGENTS[:3])
    assert voted == [("voter", "text", "Yes")] * 3
    assert [m.models_usage for m in messages] == [{"prompt_tokens": 12, "completion_tokens": 7}] * 6


def test_an_openai_agents_team_is_recorded_as_it_talked(discussions: dict[str, Discussion]) -> None:
    session, messages = next(
        each for each in discussions.values() if any(m.content == "Remark 0." for m in each[1]) and _has_handoff(each)
    )
    looks = ("text", "Remark {number}."), ("tool_call", "market_size"), ("tool_result", "market_size")
    passes_on = ("tool_call", "transfer_to_{following}"), ("handoff", "Hands over to {following}.")
    assert told(messages) == [*team(*looks, *passes_on)[:-2], (AGENTS[-1], "text", "That is all.")]
    assert in_order(messages)
    assert (session.session_id[:6], session.status) == ("trace_", SessionStatus.COMPLETED)
    assert messages[1].metadata["model"] == "scripted"
    assert sum(m.models_usage["prompt_tokens"] for m in messages if m.models_usage) == 12 * 10


def _has_handoff(discussion: Discussion) -> bool:
    return any(message.kind == "handoff" for message in discussion[1])


def test_autogen_teams_are_recorded_as_they_talked(discussions: dict[str, Discussion]) -> None:
    session, messages = among(discussions, "user", "creative_planner", "market_analyst")
    assert told(messages) == [
        ("user", "text", TASK),
        ("creative_planner", "tool_call", "transfer_to_market_analyst"),
        ("creative_planner", "tool_result", "transfer_to_market_analyst"),
        ("creative_planner", "handoff", "Figures, please."),
        ("market_analyst", "text", "About 4,000 teams."),
    ]
    assert (messages[3].metadata["target"], session.status) == ("market_analyst", SessionStatus.COMPLETED)
    talks = [
        each for each in discussions.values() if told(each[1])[1:2] == [(AGENTS[0], "text", "Remark 1: 空間を共有します。")]
    ]
    ((session, messages),) = talks
    remarks = [(name, "text", f"Remark {number}: 空間を共有します。") for number, name in enumerate(AGENTS, start=1)]
    assert told(messages) == [("user", "text", TASK), *remarks]
    assert (session.status, in_order(messages)) == (SessionStatus.COMPLETED, True)


def test_an_agent_framework_workflow_is_recorded_as_it_talked(discussions: dict[str, Discussion]) -> None:
    session, messages = next(each for each in discussions.values() if any(m.content == "空間を共有します。 0" for m in each[1]))
    looks = ("text", "Remark {number}."), ("tool_call", "market_size"), ("tool_result", "market_size")
    assert told(messages) == team(*looks, ("text", "空間を共有します。 {number}"))
    assert in_order(messages)
    assert (session.status, session.participants) == (SessionStatus.COMPLETED, ("user", *AGENTS))
    assert sum(m.models_usage["completion_tokens"] for m in messages if m.models_usage) == 7 * 10


def test_spans_made_by_hand_are_recorded_as_the_page_says(discussions: dict[str, Discussion]) -> None:
    session, messages = discussions["product-names"]
    assert told(messages) == [("user", "text", "A name"), ("market_analyst", "text", "Tokori.")]
    assert (session.task, session.status) == ("A name", SessionStatus.COMPLETED)


def test_every_program_made_one_discussion_of_its_own_and_nothing_else(discussions: dict[str, Discussion]) -> None:
    assert len(discussions) == len(PROGRAMS) + 1  # two teams of AutoGen's


@pytest.mark.parametrize("block", pages.blocks("opentelemetry.md"))
def test_the_blocks_of_the_page_are_python(block: str) -> None:
    pages.compiles(block)
