"""Spans that are right but for one place, where anything may stand: they are read as far as they can be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from chatlog.domain.clock import utc_now
from chatlog.domain.models import MessageDraft
from chatlog.services.spans import recording_spans
from chatlog.services.spans.dialects import read
from chatlog.services.spans.heard import Heard
from chatlog.services.spans.lineage import Lineage
from chatlog.services.spans.placing import Placing
from chatlog.services.spans.reading import Reading
from chatlog.services.spans.span import Span
from chatlog.services.spans.telling import Telling
from tests.chatlog.services.spans.conftest import Receiver
from tests.chatlog.services.spans.making import model, span, text
from tests.chatlog.services.spans.test_autogen_runtime import SCOPE, TEAM, message
from tests.chatlog.services.spans.test_dialects import DIALECTS

CALLS = [{"id": "a", "name": "size", "arguments": "{}"}]
RESULTS = [{"call_id": "a", "name": "size", "content": "4,000", "is_error": False}]
SAID = message("m1", "Yes", models_usage={"prompt_tokens": 1, "completion_tokens": 1})
PAYLOADS = [
    {"messages": [SAID]},
    {"message": message("m1", CALLS, type_="ToolCallRequestEvent")},
    {"message": message("m1", RESULTS, type_="ToolCallExecutionEvent")},
    {"message": message("m1", ["Look:", {"data": "aGVsbG8="}], type_="MultiModalMessage", target="critic")},
    {"response": {"chat_message": SAID, "inner_messages": [SAID]}},
    {"error": {"error_type": "ValueError", "error_message": "no figures"}},
]
COMMAND = {"update": {"messages": [{"type": "tool", "data": {"content": "Done.", "tool_call_id": "a"}}]}, "goto": ["critic"]}
TOOLS = {"openinference.span.kind": "TOOL", "tool.name": "size", "input.value": "{}"}
USED = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "size", "gen_ai.tool.call.id": "a"}
SPANS: list[dict[str, Any]] = [
    *DIALECTS.values(),
    *(
        {"attributes": {"recipient_agent_type": f"x_{TEAM}", "message": json.dumps(payload)}, "scope": SCOPE}
        for payload in PAYLOADS
    ),
    {"attributes": TOOLS | {"output.value": json.dumps(COMMAND), "metadata": '{"langgraph_node": "analyst"}'}},
    {"attributes": USED | {"gen_ai.tool.call.arguments": {"of": "x"}, "gen_ai.tool.call.result": "4,000"}},
]


ODD: list[Any] = [None, True, 5, -0.5, "", "[", "[5]", '{"a": 5}', [], [5], [[]], [{}], {}, {"a": 5}, {"text": []}]


def spoil(value: Any) -> Iterator[Any]:
    """The value with something odd at one place in it, for each place and each odd thing; also in JSON that is in a text."""
    yield from ODD
    if isinstance(value, str) and value[:1] in {"{", "["}:
        yield from map(json.dumps, spoil(json.loads(value)))
    if isinstance(value, list | dict):
        for place in value if isinstance(value, dict) else range(len(value)):
            for inner in spoil(value[place]):
                copy = value.copy()
                copy[place] = inner
                yield copy


def spoiled_spans(values: dict[str, Any]) -> Iterator[Span]:
    for attributes in spoil(values["attributes"]):
        if isinstance(attributes, dict):
            yield span(**values | {"attributes": attributes})
    events = values.get("events", ())
    for place, event in enumerate(events):
        for attributes in spoil(event.attributes):
            if isinstance(attributes, dict):
                others = events[:place], events[place + 1 :]
                yield span(**values | {"events": (*others[0], replace(event, attributes=attributes), *others[1])})


@pytest.mark.parametrize("values", SPANS, ids=range(len(SPANS)))
def test_a_span_with_anything_at_one_place_can_be_told(values: dict[str, Any]) -> None:
    for made in spoiled_spans(values):
        placed = Placing([(made, read(made))], known={}).place()
        drafts = list(Telling(Heard(), lineage=Lineage({}), now=utc_now()).tell(placed))
        assert all(isinstance(draft, MessageDraft) for draft in drafts)


async def test_a_span_that_no_reader_foresaw_is_refused_alone(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def read_or_fail(made: Span) -> Reading | None:
        if made.name == "odd":
            raise TypeError("'int' object is not iterable")
        return read(made)

    monkeypatch.setattr(recording_spans, "read", read_or_fail)
    odd = [model(name="odd", start=start) for start in range(2)]
    taken = await receiver.take(model(text("assistant", "1")), *odd, model(text("assistant", "2"), start=3))
    assert (taken.stored, len(taken.refused)) == (2, 2)
    assert taken.refused[0].startswith("Span 'odd' cannot be read (TypeError)")
    (record,) = caplog.records
    assert (record.levelname, record.exc_info is not None) == ("ERROR", True)
