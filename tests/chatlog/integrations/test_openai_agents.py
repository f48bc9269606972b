"""What becomes of what agents of the OpenAI Agents SDK say, in real runs of it on a scripted model."""

from __future__ import annotations

import asyncio
from typing import Any

from agents import (
    Agent,
    ModelResponse,
    RunContextWrapper,
    RunHooks,
    Runner,
    ToolGuardrailFunctionOutput,
    ToolOutputImage,
    Usage,
    function_tool,
    handoff,
    tool_input_guardrail,
)
from agents.models.fake_id import FAKE_RESPONSES_ID
from openai.types.responses.response_output_item import ImageGenerationCall
from pydantic import BaseModel

from chatlog import MessageKind, SessionStatus, SessionStore
from chatlog.integrations.background import RunReport
from chatlog.integrations.openai_agents import record
from tests.chatlog.integrations import openai_team as team
from tests.chatlog.integrations.conftest import the_session
from tests.factories import AGENTS


async def test_five_agents_with_tools_and_hand_overs_are_recorded_in_order(store: SessionStore) -> None:
    async with record(store=store, participants=AGENTS) as hooks:
        result = await Runner.run(team.five_agents(), "どれくらいの規模ですか", hooks=hooks, max_turns=20)
    session, messages = await the_session(store)
    assert result.final_output == "That is all."
    assert (session.task, session.status) == ("どれくらいの規模ですか", SessionStatus.COMPLETED)
    assert session.participants[:5] == AGENTS
    expected = [("user", "text")]
    for name in AGENTS:
        expected += [(name, "text"), (name, "tool_call"), (name, "tool_result"), (name, "handoff")]
    expected[-1] = (AGENTS[-1], "text")
    assert [(m.source, m.kind) for m in messages] == expected
    assert [m.metadata["target"] for m in messages if m.kind == MessageKind.HANDOFF] == list(AGENTS[1:])


async def test_the_frameworks_ids_are_the_messages_own(store: SessionStore) -> None:
    said, called = team.says("I look it up."), team.calls("market_size", segment="小規模")
    agent = team.one_agent([said, called], team.says("Done."), tools=[team.market_size])
    async with record(store=store) as hooks:
        result = await Runner.run(agent, "How many?", hooks=hooks)
    _, messages = await the_session(store)
    assert [m.message_id for m in messages[1:]] == [
        said.id,
        called.id,
        f"{called.call_id}.output",
        result.raw_responses[-1].output[0].id,
    ]
    assert messages[1].metadata["response_id"] == result.raw_responses[0].response_id
    assert messages[3].metadata["call_id"] == messages[2].metadata["call_id"] == called.call_id


async def test_tokens_are_counted_once_for_each_answer_of_the_model(store: SessionStore) -> None:
    answer = [team.thinks("Do I know?"), team.says("I look."), team.calls("market_size", segment="小規模")]
    async with record(store=store) as hooks:
        result = await Runner.run(team.one_agent(answer, team.says("Done."), tools=[team.market_size]), "Go", hooks=hooks)
    _, messages = await the_session(store)
    used = [m.models_usage for m in messages if m.models_usage]
    assert used == [{"prompt_tokens": 12, "completion_tokens": 7}] * 2
    assert sum(each["prompt_tokens"] for each in used) == result.context_wrapper.usage.input_tokens


async def test_calls_thoughts_and_results_read_well(store: SessionStore) -> None:
    answer = [team.thinks("Do I know?"), team.thinks(""), team.calls("market_size", segment="小規模")]
    async with record(store=store) as hooks:
        await Runner.run(team.one_agent(answer, team.says("Done."), tools=[team.market_size]), "Go", hooks=hooks)
    _, (_, thought, call, result, _) = await the_session(store)
    assert (thought.kind, thought.content) == (MessageKind.THOUGHT, "Do I know?")
    assert call.content == 'market_size\n```json\n{\n  "segment": "小規模"\n}\n```'
    assert result.content == "market_size\n````\n小規模: about 4,000 ``` teams\n````"


class Price(BaseModel):
    euros: int


async def test_a_structured_answer_is_shown_as_json(store: SessionStore) -> None:
    async with record(store=store) as hooks:
        await Runner.run(team.one_agent(team.says('{"euros": 12}'), output_type=Price), "Go", hooks=hooks)
    _, messages = await the_session(store)
    assert messages[-1].content == '```json\n{"euros": 12}\n```'


async def test_streamed_chunks_become_one_message(store: SessionStore) -> None:
    async with record(store=store) as hooks:
        streamed = Runner.run_streamed(team.one_agent(team.says("one two", id_="msg_stream")), "Count", hooks=hooks)
        types = [event.data.type async for event in streamed.stream_events() if event.type == "raw_response_event"]
    session, messages = await the_session(store)
    assert types.count("response.output_text.delta") == 2
    assert [(m.source, m.content) for m in messages] == [("user", "Count"), ("market_analyst", "one two")]
    assert (messages[1].message_id, session.status) == ("msg_stream", SessionStatus.COMPLETED)


async def test_only_what_is_new_of_a_longer_conversation_is_recorded(store: SessionStore) -> None:
    agent = team.one_agent(team.says("First."), team.says("Second."))
    async with record(store=store) as hooks:
        first = await Runner.run(agent, "One?", hooks=hooks)
        picture = {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "auto"}
        asked = {"role": "user", "content": [{"type": "input_text", "text": "Two?"}, picture]}
        await Runner.run(agent, [*first.to_input_list(), asked], hooks=hooks)
    _, messages = await the_session(store)
    assert [m.content for m in messages] == ["One?", "First.", "Two?\n<image>", "Second."]


async def test_a_hand_over_with_a_name_of_its_own_says_to_whom(store: SessionStore) -> None:
    clerk = Agent(name="Front desk 受付", model=team.ScriptedModel(team.calls("escalate"), team.says("never")))
    clerk.handoffs = [handoff(team.one_agent(team.says("About 4,000 teams.")), tool_name_override="escalate")]
    async with record(store=store) as hooks:
        await Runner.run(clerk, "Go", hooks=hooks)
    _, (_, passed_on, last) = await the_session(store)
    assert (passed_on.source, passed_on.kind, passed_on.metadata["target"]) == ("Front desk 受付", "handoff", "market_analyst")
    assert last.source == "market_analyst"


async def test_a_tool_that_raises_and_is_answered_for_is_only_a_result(store: SessionStore) -> None:
    agent = team.one_agent(team.calls("market_size", segment="unknown"), team.says("Nobody knows."), tools=[team.market_size])
    async with record(store=store) as hooks:
        await Runner.run(agent, "Go", hooks=hooks)
    session, messages = await the_session(store)
    assert [m.kind for m in messages] == ["text", "tool_call", "tool_result", "text"]
    assert session.status is SessionStatus.COMPLETED


async def test_ids_that_are_no_ids_and_calls_numbered_from_one_again_lose_nothing(store: SessionStore) -> None:
    same = {"id_": FAKE_RESPONSES_ID, "call_id": "call_1", "segment": "a"}
    nameless = [team.says(text, id_=FAKE_RESPONSES_ID) for text in ("First.", "Second.")]
    agent = team.one_agent(nameless[0], nameless[1], team.says("x/y", id_="a/b"))
    async with record(store=store) as hooks:
        for _ in range(3):
            await Runner.run(agent, "Go", hooks=hooks)
        for _ in range(2):  # two runs: within one, the SDK itself wants ids that differ
            again = team.one_agent(team.calls("market_size", **same), team.says("Done."), tools=[team.market_size])
            await Runner.run(again, "Go", hooks=hooks)
    _, messages = await the_session(store)
    assert len(messages) == 3 * 2 + 2 * 4
    assert len({m.message_id for m in messages}) == len(messages)
    assert FAKE_RESPONSES_ID not in {m.message_id for m in messages}
    assert [m.metadata["openai_id"] for m in messages if m.content == "x/y"] == ["a/b"]
    assert next(m.message_id for m in messages if m.kind == MessageKind.TOOL_RESULT) == "call_1.output"


async def test_hooks_of_ones_own_are_called_as_before(store: SessionStore) -> None:
    heard: list[str] = []

    class Own(RunHooks[Any]):
        def __getattribute__(self, name: str) -> Any:
            if name.startswith("on_"):
                heard.append(name)
            return super().__getattribute__(name)

    async with record(store=store, hooks=Own()) as hooks:
        await Runner.run(team.five_agents(), "Go", hooks=hooks, max_turns=20)
    assert set(heard) == {name for name in dir(RunHooks()) if name.startswith("on_")}  # also those that later lines add


async def test_an_agent_that_is_a_tool_is_heard_if_it_has_the_hooks(store: SessionStore) -> None:
    expert = Agent(name="expert", model=team.ScriptedModel(team.says("About 4,000.")))
    async with record(store=store) as hooks:
        asks = expert.as_tool("ask_expert", "Knows figures.", hooks=hooks)
        agent = team.one_agent(team.calls("ask_expert", input="How many?"), team.says("Done."), tools=[asks])
        await Runner.run(agent, "Go", hooks=hooks)
    session, messages = await the_session(store)
    assert [(m.source, m.kind) for m in messages] == [
        ("user", "text"),
        ("market_analyst", "tool_call"),
        ("expert", "text"),
        ("market_analyst", "tool_result"),
        ("market_analyst", "text"),
    ]
    assert session.status is SessionStatus.COMPLETED


async def test_runs_with_one_context_are_each_recorded_with_their_question(store: SessionStore) -> None:
    agent, context = team.one_agent(team.says("1"), team.says("2")), RunContextWrapper(context=None)
    async with record(store=store) as hooks:
        for question in ("One?", "Two?"):
            await Runner.run(agent, question, hooks=hooks, context=context)
    _, messages = await the_session(store)
    assert [m.content for m in messages] == ["One?", "1", "Two?", "2"]


async def test_runs_at_the_same_time_are_recorded_each_remark_once(store: SessionStore) -> None:
    agents = [team.one_agent([team.says(f"{n} "), team.says("all.")], output_type=None) for n in range(4)]
    async with record(store=store) as hooks:
        await asyncio.gather(*(Runner.run(agent, f"{n}?", hooks=hooks) for n, agent in enumerate(agents)))
    session, messages = await the_session(store)
    assert sorted(m.content for m in messages) == sorted(["0?", "1?", "2?", "3?", "0 ", "1 ", "2 ", "3 ", *["all."] * 4])
    assert session.status is SessionStatus.COMPLETED


async def test_what_a_guardrail_answers_in_a_tools_place_is_recorded(store: SessionStore) -> None:
    @tool_input_guardrail
    def never(_: Any) -> ToolGuardrailFunctionOutput:
        return ToolGuardrailFunctionOutput.reject_content("not today")

    @function_tool(tool_input_guardrails=[never])
    def look() -> str:
        """Looks."""
        return "seen"

    async with record(store=store) as hooks:
        await Runner.run(team.one_agent(team.calls("look"), team.says("Done."), tools=[look]), "Go", hooks=hooks)
    _, messages = await the_session(store)
    assert [m.content for m in messages][2:] == ["look\n```\nnot today\n```", "Done."]


async def test_pictures_stand_in_remarks_by_their_kind(store: SessionStore) -> None:
    @function_tool
    def draw() -> ToolOutputImage:
        """Draws."""
        return ToolOutputImage(image_url="data:image/png;base64," + "A" * 3_000_000)

    drawn = ImageGenerationCall(id="ig_1", type="image_generation_call", status="completed", result="A" * 3_000_000)
    async with record(store=store) as hooks:
        await Runner.run(team.one_agent([drawn, team.calls("draw")], team.says("Done."), tools=[draw]), "Go", hooks=hooks)
    _, (_, hosted, _, result, _) = await the_session(store)
    assert (hosted.kind, hosted.message_id) == (MessageKind.TOOL_CALL, "ig_1")
    assert "AAA" not in hosted.content
    assert '"image_url": "<image/png>"' in result.content


async def test_items_that_cannot_be_read_do_not_take_their_neighbours_along(store: SessionStore) -> None:
    class Nameless:
        type = "message"  # and nothing else that the adapter looks for

    reports: list[RunReport] = []
    answer = ModelResponse(output=[], usage=Usage(), response_id=None)
    answer.output = [Nameless(), team.says("Kept."), Nameless()]  # type: ignore[list-item]
    async with record(store=store, on_report=reports.append) as hooks:
        await hooks.on_llm_end(RunContextWrapper(context=None), Agent(name="a"), answer)
    _, messages = await the_session(store)
    assert [m.content for m in messages] == ["Kept."]
    assert (reports[0].saved, reports[0].lost) == (1, 2)
