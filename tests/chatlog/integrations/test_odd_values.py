"""Whatever text, id, figure, time or note a framework could give: it is recorded or counted, and never felt by the run."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from agent_framework import Content, UsageDetails
from agent_framework import Message as FrameworkMessage
from agents import Agent, ModelResponse, RunContextWrapper, Usage
from agents.tool_context import ToolContext
from autogen_agentchat.messages import TextMessage
from autogen_core.models import RequestUsage
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage

import chatlog
from chatlog.integrations import agent_framework, autogen, langgraph, openai_agents
from chatlog.integrations.background import RunReport
from chatlog.integrations.logs import ChatlogHandler
from tests.chatlog.integrations import framework_agents, graphs, openai_team, teams

hostile = st.text(st.characters(exclude_categories=()), max_size=20)
texts = hostile | st.sampled_from(["", " ", "\x00", "\ud800", "```", "x" * 2_200_000])
ids = hostile | st.sampled_from(["", "a/b", ".", "1", "x" * 300, "x" * 2_200_000])
figures = st.one_of(st.integers(), st.floats(), st.booleans(), st.none(), hostile)
notes = st.dictionaries(
    hostile, st.one_of(figures, st.binary(max_size=5), st.just(object()), st.lists(figures, max_size=3)), max_size=3
)
times = st.one_of(
    st.datetimes(timezones=st.none() | st.just(UTC)),
    st.sampled_from([datetime.min.replace(tzinfo=timezone(timedelta(hours=14))), datetime.max.replace(tzinfo=UTC)]),
)
said = st.lists(
    st.fixed_dictionaries({"text": texts, "id": ids, "who": texts, "figure": figures, "notes": notes, "at": times}), max_size=5
)
Said = dict[str, Any]
odd_values = settings(max_examples=8, deadline=None)


def recorded(run: Callable[[dict[str, Any]], Awaitable[int]]) -> None:
    """Run that with options to record it; it returns how many messages it said."""

    async def main() -> tuple[int, list[RunReport]]:
        reports: list[RunReport] = []
        with tempfile.TemporaryDirectory() as folder:
            async with chatlog.open_store(f"sqlite:///{folder}/chatlog.sqlite3") as store:
                count = await run({"store": store, "task": "Odd", "on_report": reports.append})
        return count, reports

    logging.disable(logging.ERROR)  # each loss is told, with megabytes of what was lost
    try:
        count, (report,) = asyncio.run(main())
    finally:
        logging.disable(logging.NOTSET)
    assert report.saved + report.lost == count
    assert (report.first_error is None) == (report.lost == 0)


@given(said)
@odd_values
def test_autogen(remarks: list[Said]) -> None:
    async def run(options: dict[str, Any]) -> int:
        items = [
            TextMessage.model_construct(
                id=each["id"],
                content=each["text"],
                source=each["who"],
                created_at=each["at"],
                metadata=each["notes"],
                models_usage=RequestUsage(prompt_tokens=each["figure"], completion_tokens=1),
            )
            for each in remarks
        ]
        passed = [item async for item in autogen.record(teams.stream_of(*items), **options)]
        assert all(one is other for one, other in zip(items, passed, strict=True))
        return len(items)

    recorded(run)


@given(said)
@odd_values
def test_openai_agents(remarks: list[Said]) -> None:
    async def run(options: dict[str, Any]) -> int:
        async with openai_agents.record(**options) as hooks:
            for each in remarks:
                agent = Agent(name=each["who"])
                response = ModelResponse(output=[], usage=Usage(), response_id=each["id"])
                response.usage.total_tokens = response.usage.input_tokens = each["figure"]
                message = openai_team.says("", id_=each["id"])
                message.content[0].text = each["text"]  # type: ignore[union-attr]
                call = openai_team.calls("look", call_id=each["id"])
                call.arguments = each["text"]
                response.output = [message, call]
                context = RunContextWrapper(context=None)
                await hooks.on_llm_end(context, agent, response)
                told = ToolContext(None, tool_name="look", tool_call_id=each["id"], tool_arguments="")
                await hooks.on_tool_end(told, agent, openai_team.market_size, each["notes"])
        return 3 * len(remarks)

    recorded(run)


@given(said)
@odd_values
def test_langgraph(remarks: list[Said]) -> None:
    async def run(options: dict[str, Any]) -> int:
        messages = []
        for number, each in enumerate(remarks):
            message = AIMessage(each["text"], id=f"{number}{each['id']}", name=each["who"], additional_kwargs=each["notes"])
            message.usage_metadata = {"input_tokens": each["figure"], "output_tokens": 1, "total_tokens": 1}
            messages.append(message)
        graph = graphs.graph_of(a=lambda _: {"messages": messages})
        async with langgraph.record(**options) as callbacks:
            result = await graph.ainvoke({"messages": [("user", "Go")]}, {"callbacks": callbacks})
        assert result["messages"][1:] == messages
        return 1 + len(messages)

    recorded(run)


@given(said)
@odd_values
def test_agent_framework(remarks: list[Said]) -> None:
    async def run(options: dict[str, Any]) -> int:
        asked = []
        for number, each in enumerate(remarks):
            content = [Content.from_text(each["text"])]
            asked.append(
                FrameworkMessage(
                    "user",
                    content,
                    message_id=f"{number}{each['id']}",
                    author_name=each["who"],
                    additional_properties=dict(each["notes"]),
                )
            )
        agent = framework_agents.agent(framework_agents.says("Done."), name="analyst")
        agent.client.usage = UsageDetails(input_token_count=remarks[0]["figure"]) if remarks else UsageDetails()  # type: ignore[attr-defined]
        async with agent_framework.record(**options) as middleware:
            response = await agent.run([*asked, FrameworkMessage("user", ["Go"])], middleware=middleware)
        assert response.text == "Done."
        return len(asked) + 2

    recorded(run)


@given(said)
@odd_values
def test_logs(remarks: list[Said]) -> None:
    reports: list[RunReport] = []
    log = logging.Logger("odd")  # noqa: LOG001 - one for each example, and not to be found by others
    with tempfile.TemporaryDirectory() as folder:
        location = f"sqlite:///{folder}/chatlog.sqlite3"
        handler = ChatlogHandler(task="Odd", location=location, on_report=reports.append)
        log.addHandler(handler)
        for each in remarks:
            extra = {"source": each["who"], "message_id": each["id"], "kind": each["text"], "models_usage": each["notes"]}
            log.info("%s", each["text"], extra={**extra, "metadata": each["notes"]})
            log.info("%s and %s", each["text"], extra={"metadata": each["figure"]})  # which cannot be formatted
        handler.close()
    assert sum(report.saved + report.lost for report in reports) == 2 * len(remarks)
