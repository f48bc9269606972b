"""What AutoGen's runtime hands on: every message whole, several times over."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chatlog.domain.models import SessionStatus
from chatlog.services.spans.span import Span
from tests.chatlog.services.spans.conftest import Receiver
from tests.chatlog.services.spans.making import BEGAN, SECOND, agent, exception, model, span, text

TEAM = "20e347fd-558e-4bb5-9d5f-17cf7bb0170f"
SCOPE = "autogen SingleThreadedAgentRuntime"


def message(said_id: str, content: Any, *, at: float = 0, type_: str = "TextMessage", **values: Any) -> dict[str, Any]:
    created_at = datetime.fromtimestamp(BEGAN / SECOND, UTC) + timedelta(seconds=at)
    made = {"id": said_id, "source": "analyst", "content": content, "type": type_, "models_usage": None}
    return made | {"created_at": created_at.isoformat()} | values


def hands_on(payload: Any, *, trace: int = 1, team: str = f"RoundRobinGroupChatManager_{TEAM}", **values: Any) -> Span:
    attributes = {"recipient_agent_type": team, "message": json.dumps(payload)}
    return span(attributes=attributes, scope=SCOPE, parent_id="", trace=trace, **values)


async def test_a_message_is_one_remark_however_often_it_is_handed_on(receiver: Receiver) -> None:
    said = message("m1", "Short ones.", models_usage={"prompt_tokens": 9, "completion_tokens": 4})
    await receiver.take(hands_on({"message": said}), hands_on({"response": {"chat_message": said}}, trace=2))
    await receiver.another().take(hands_on({"messages": [said]}, trace=3))
    (stored,) = await receiver.messages(TEAM)
    assert (stored.message_id, stored.source, stored.content) == ("m1", "analyst", "Short ones.")
    assert stored.models_usage == {"prompt_tokens": 9, "completion_tokens": 4}


async def test_the_same_words_in_two_messages_are_two_remarks(receiver: Receiver) -> None:
    await receiver.take(hands_on({"message": message("m1", "yes")}), hands_on({"message": message("m2", "yes", at=5)}))
    assert len(await receiver.told(TEAM)) == 2


async def test_what_a_model_said_a_moment_before_is_not_said_again(receiver: Receiver) -> None:
    for turn in range(2):
        start = turn * 600.0
        await receiver.take(model(text("assistant", "yes"), conversation=TEAM, trace=9, start=start, end=start + 1))
        await receiver.take(hands_on({"message": message(f"m{turn}", "yes", at=start + 1.5)}, start=start + 2))
    assert [m.metadata["otel_type"] for m in await receiver.messages(TEAM)] == ["model", "model"]


async def test_calls_and_results_are_remarks_each(receiver: Receiver) -> None:
    calls = [{"id": "a", "name": "size", "arguments": "{}"}, {"id": "b", "name": "taken", "arguments": "{}"}]
    results = [{"call_id": "a", "name": "size", "content": "4,000", "is_error": False}]
    results.append({"call_id": "b", "name": "taken", "content": "LookupError", "is_error": True})
    await receiver.take(
        hands_on({"message": message("m0", "Let me see.", type_="ThoughtEvent")}),
        hands_on({"message": message("m1", calls, at=1, type_="ToolCallRequestEvent")}, start=1),
        hands_on({"message": message("m2", results, at=2, type_="ToolCallExecutionEvent")}, start=2),
        hands_on({"message": message("m3", "Yours.", at=3, type_="HandoffMessage", target="critic")}, start=3),
    )
    assert await receiver.told(TEAM) == [
        ("analyst", "thought", "Let me see."),
        ("analyst", "tool_call", "size"),
        ("analyst", "tool_call", "taken"),
        ("analyst", "tool_result", "size"),
        ("analyst", "tool_result", "taken failed"),
        ("analyst", "handoff", "Yours."),
    ]


async def test_pictures_and_structures_are_shown_and_pieces_of_a_stream_are_not(receiver: Receiver) -> None:
    await receiver.take(
        hands_on({"message": message("m1", ["Look:", {"data": "aGVsbG8="}], type_="MultiModalMessage")}),
        hands_on({"message": message("m2", {"size": 4_000}, type_="StructuredMessage[Size]", at=1)}, start=1),
        hands_on({"message": message("m3", "Lo", type_="ModelClientStreamingChunkEvent", at=2)}, start=2),
    )
    contents = [stored.content for stored in await receiver.messages(TEAM)]
    assert contents == ["Look:\n<image>", '```json\n{"size": 4000}\n```']


async def test_the_end_of_a_run_completes_the_session_and_another_run_makes_it_active(receiver: Receiver) -> None:
    attributes = {"messaging.destination": f"output_topic_{TEAM}.({TEAM})-T", "messaging.message.type": "GroupChatTermination"}
    ends = span(attributes=attributes, scope=SCOPE, start=3, trace=4)
    await receiver.take(hands_on({"message": message("m1", "1")}), ends)
    assert (await receiver.store.get_session(TEAM)).status is SessionStatus.COMPLETED
    await receiver.take(hands_on({"message": message("m2", "2", at=9)}, start=9, trace=5))
    assert (await receiver.store.get_session(TEAM)).status is SessionStatus.ACTIVE


async def test_an_error_that_ended_an_agent_fails_the_session_and_is_told_once(receiver: Receiver) -> None:
    failed = {"failed": True, "events": (exception("ValueError", "no figures today"),)}
    await receiver.take(hands_on({"message": message("m1", "1")}), agent(conversation=TEAM, start=1, trace=7, **failed))
    await receiver.take(hands_on({"error": {"error_type": "ValueError", "error_message": "no figures today"}}, start=3))
    assert await receiver.told(TEAM) == [("analyst", "text", "1"), ("analyst", "error", "ValueError: no figures today")]
    assert (await receiver.store.get_session(TEAM)).status is SessionStatus.FAILED


@pytest.mark.parametrize(
    "payload",
    [
        "No Message",
        {},
        [],
        {"message": 7},
        {"messages": {"a": 1}},
        {"messages": 5},
        {"response": None},
        {"response": {"inner_messages": True}},
        {"error": 1},
    ],
)
async def test_what_is_no_message_of_a_team_tells_nothing(receiver: Receiver, payload: Any) -> None:
    taken = await receiver.take(hands_on(payload), hands_on({"message": message("m1", "1")}, team="an_agent_of_no_team"))
    assert taken.refused == []
    assert not (await receiver.store.list_sessions()).items
