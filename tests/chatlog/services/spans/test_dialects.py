"""One answer with a call of a tool, as each convention writes it down, reads the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatlog.services.spans.dialects import read
from chatlog.services.spans.reading import Part, Work
from chatlog.services.spans.span import SpanEvent
from tests.chatlog.services.spans.making import call, result, span, text

HEARD = [text("system", "Be short."), text("user", "A name?"), call("size", "a", of="x"), result("a", "4,000")]
SAID = [{"role": "assistant", "parts": [*text("assistant", "Tokori.")["parts"], *call("taken", "b", name="Tokori")["parts"]]}]
USAGE = {"gen_ai.usage.input_tokens": 12, "gen_ai.usage.output_tokens": 7}
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.response.model": "m"}
OLD = {"gen_ai.system": "openai", "gen_ai.request.model": "m"}
ARGUMENTS, OTHER_ARGUMENTS = '{"of": "x"}', '{"name": "Tokori"}'


def event(name: str, **attributes: Any) -> SpanEvent:
    return SpanEvent(name=name, attributes={key.replace("__", "."): value for key, value in attributes.items()})


NUMBERED = {
    "llm.request.type": "chat",
    "gen_ai.prompt.0.role": "system",
    "gen_ai.prompt.0.content": "Be short.",
    "gen_ai.prompt.1.role": "user",
    "gen_ai.prompt.1.content": "A name?",
    "gen_ai.prompt.10.role": "tool",  # numbers are not letters: after 2
    "gen_ai.prompt.10.content": "4,000",
    "gen_ai.prompt.10.tool_call_id": "a",
    "gen_ai.prompt.2.role": "assistant",
    "gen_ai.prompt.2.tool_calls.0.id": "a",
    "gen_ai.prompt.2.tool_calls.0.name": "size",
    "gen_ai.prompt.2.tool_calls.0.arguments": ARGUMENTS,
    "gen_ai.completion.0.role": "assistant",
    "gen_ai.completion.0.content": "Tokori.",
    "gen_ai.completion.0.finish_reason": "tool_calls",
    "gen_ai.completion.0.tool_calls.0.id": "b",
    "gen_ai.completion.0.tool_calls.0.name": "taken",
    "gen_ai.completion.0.tool_calls.0.arguments": OTHER_ARGUMENTS,
    "gen_ai.usage.prompt_tokens": 12,
    "gen_ai.usage.completion_tokens": 7,
}
CALL_OF_OPENAI = [{"id": "a", "type": "function", "function": {"name": "size", "arguments": ARGUMENTS}}]
OTHER_CALL = [{"id": "b", "type": "function", "function": {"name": "taken", "arguments": OTHER_ARGUMENTS}}]
EVENTS = (
    event("gen_ai.system.message", content="Be short."),
    event("gen_ai.user.message", content="A name?"),
    event("gen_ai.assistant.message", tool_calls=json.dumps(CALL_OF_OPENAI)),
    event("gen_ai.tool.message", content="4,000", id="a"),
    event("gen_ai.choice", index=0, message=json.dumps({"content": "Tokori.", "tool_calls": OTHER_CALL})),
)
EVENTS_WITH_BODIES = (
    event("gen_ai.user.message", gen_ai__event__content='{"content": "A name?"}'),
    event("gen_ai.assistant.message", gen_ai__event__content=json.dumps({"tool_calls": CALL_OF_OPENAI})),
    event("gen_ai.tool.message", gen_ai__event__content='{"content": "4,000", "id": "a"}'),
    event("gen_ai.choice", gen_ai__event__content=json.dumps({"message": {"content": "Tokori.", "tool_calls": OTHER_CALL}})),
)
BEDROCK = (
    event("gen_ai.user.message", content='[{"text": "A name?"}]'),
    event("gen_ai.assistant.message", content='[{"toolUse": {"toolUseId": "a", "name": "size", "input": {"of": "x"}}}]'),
    event("gen_ai.tool.message", content="4,000", id="a"),
    event(
        "gen_ai.choice",
        message='[{"text": "Tokori."}, {"toolUse": {"toolUseId": "b", "name": "taken", "input": {"name": "Tokori"}}}]',
    ),
)
OPENINFERENCE = {
    "openinference.span.kind": "LLM",
    "llm.model_name": "m",
    "llm.provider": "openai",
    "llm.token_count.prompt": 12,
    "llm.token_count.completion": 7,
    "llm.input_messages.0.message.role": "system",
    "llm.input_messages.0.message.content": "Be short.",
    "llm.input_messages.1.message.role": "user",
    "llm.input_messages.1.message.contents.0.message_content.type": "text",
    "llm.input_messages.1.message.contents.0.message_content.text": "A name?",
    "llm.input_messages.2.message.role": "assistant",
    "llm.input_messages.2.message.tool_calls.0.tool_call.id": "a",
    "llm.input_messages.2.message.tool_calls.0.tool_call.function.name": "size",
    "llm.input_messages.2.message.tool_calls.0.tool_call.function.arguments": ARGUMENTS,
    "llm.input_messages.3.message.role": "tool",
    "llm.input_messages.3.message.content": "4,000",
    "llm.input_messages.3.message.tool_call_id": "a",
    "llm.output_messages.0.message.role": "assistant",
    "llm.output_messages.0.message.content": "Tokori.",
    "llm.output_messages.0.message.tool_calls.0.tool_call.id": "b",
    "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "taken",
    "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": OTHER_ARGUMENTS,
}
DETAILS = event(
    "gen_ai.client.inference.operation.details",
    gen_ai__input__messages=json.dumps(HEARD),
    gen_ai__output__messages=json.dumps(SAID),
)
DIALECTS: dict[str, dict[str, Any]] = {
    "messages as JSON": {
        "attributes": {
            **CHAT,
            **USAGE,
            "gen_ai.input.messages": json.dumps(HEARD),
            "gen_ai.output.messages": json.dumps(SAID),
        }
    },
    "messages as they are": {"attributes": {**CHAT, **USAGE, "gen_ai.input.messages": HEARD, "gen_ai.output.messages": SAID}},
    "details in an event": {"attributes": CHAT | USAGE, "events": (DETAILS,)},
    "numbers": {"attributes": OLD | NUMBERED},
    "events": {"attributes": CHAT | USAGE, "events": EVENTS},
    "events with bodies": {"attributes": CHAT | OLD | USAGE, "events": EVENTS_WITH_BODIES},
    "blocks of Bedrock": {"attributes": CHAT | USAGE, "events": BEDROCK},
    "OpenInference": {"attributes": OPENINFERENCE},
}


def plain(part: Part) -> tuple[str, str, str | None, str | None]:
    content = json.dumps(json.loads(part.text)) if part.text.startswith("{") else part.text
    return part.kind.value, content, part.tool, part.call_id


@pytest.mark.parametrize("values", DIALECTS.values(), ids=DIALECTS)
def test_every_dialect_reads_the_same(values: dict[str, Any]) -> None:
    reading = read(span(**values))
    assert reading is not None
    assert [plain(part) for part in reading.heard if part.text != "Be short."] == [
        ("text", "A name?", None, None),
        ("tool_call", '{"of": "x"}', "size", "a"),
        ("tool_result", "4,000", None, "a"),
    ]
    assert [plain(part) for part in reading.said] == [
        ("text", "Tokori.", None, None),
        ("tool_call", '{"name": "Tokori"}', "taken", "b"),
    ]
    assert reading.usage == {"prompt_tokens": 12, "completion_tokens": 7}
    assert (reading.work, reading.notes["model"], reading.notes["provider"]) == (Work.MODEL, "m", "openai")


@pytest.mark.parametrize(
    ("attributes", "agent", "conversation"),
    [
        ({"gen_ai.agent.name": "a", "gen_ai.conversation.id": "c"}, "a", "c"),
        ({"gen_ai.system": "x", "session.id": "c"}, None, "c"),
        ({"traceloop.span.kind": "agent", "traceloop.entity.name": "a"}, "a", None),
        ({"traceloop.span.kind": "task", "traceloop.association.properties.session_id": "c"}, None, "c"),
        ({"openinference.span.kind": "AGENT", "agent.name": "a", "session.id": "c"}, "a", "c"),
        ({"openinference.span.kind": "AGENT"}, "spans name", None),
        ({"openinference.span.kind": "CHAIN", "graph.node.id": "a"}, "a", None),
        (
            {"openinference.span.kind": "LLM", "metadata": '{"langgraph_checkpoint_ns": "crew:1|analyst:2|model:3"}'},
            "crew/analyst",
            None,
        ),
    ],
)
def test_each_dialect_names_agent_and_conversation(
    attributes: dict[str, Any], agent: str | None, conversation: str | None
) -> None:
    reading = read(span(name="spans name", attributes=attributes))
    assert reading is not None
    assert (reading.agent, reading.conversation) == (agent, conversation)


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"http.request.method": "POST"},
        {"db.system": "postgresql", "db.statement": "SELECT 1"},
        {"session.id": "of a browser"},
    ],
)
def test_a_span_that_has_nothing_to_do_with_agents_tells_nothing(attributes: dict[str, Any]) -> None:
    assert read(span(attributes=attributes)) is None


def test_thoughts_are_thoughts_and_pictures_have_their_names() -> None:
    parts = [
        {"type": "reasoning", "content": "Short is good."},
        {"type": "text", "content": "Look:"},
        {"type": "blob", "modality": "image", "content": "aGVsbG8="},
        {"type": "uri", "modality": "video", "uri": "https://example.com/x"},
        {"type": "refusal", "refusal": "No."},
    ]
    reading = read(span(attributes=CHAT | {"gen_ai.output.messages": [{"role": "assistant", "parts": parts}]}))
    assert reading is not None
    assert [(part.kind.value, part.text) for part in reading.said] == [
        ("thought", "Short is good."),
        ("text", "Look:\n<image>\n<video>\nNo."),
    ]


KNOWN = sorted(
    {name for values in DIALECTS.values() for name in values["attributes"]} | {"session.id", "tool.name", "metadata"}
)
ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=9)
    | st.sampled_from(["[1]", "{}", '[{"role": 1}]', '{"data": []}']),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "parts", "content", "type", "text", "tool_calls", "function", "toolUse"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@given(
    attributes=st.dictionaries(st.sampled_from(KNOWN), ANY_JSON, max_size=8),
    events=st.lists(
        st.tuples(
            st.sampled_from([event.name for event in EVENTS]),
            st.dictionaries(
                st.sampled_from(["content", "message", "tool_calls", "gen_ai.event.content"]), ANY_JSON, max_size=2
            ),
        ),
        max_size=2,
    ),
)
@settings(max_examples=300, deadline=None)
def test_no_value_of_any_type_is_too_much_for_a_reader(
    attributes: dict[str, Any], events: list[tuple[str, dict[str, Any]]]
) -> None:
    made = tuple(SpanEvent(name=name, attributes=values) for name, values in events)
    for kind in ("LLM", "AGENT", "TOOL"):
        read(span(attributes={**attributes, "openinference.span.kind": kind}, events=made))
    for operation in ("chat", "invoke_agent", "execute_tool"):
        reading = read(span(attributes={**attributes, "gen_ai.operation.name": operation}, events=made))
        assert reading is None or all(isinstance(part.text, str) for part in (*reading.heard, *reading.said))
