"""Spans as instrumentations make them, and discussions that are known word by word."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from chatlog.services.spans.span import Span, SpanEvent

BEGAN = int(datetime(2026, 11, 20, 9, tzinfo=UTC).timestamp()) * 10**9
SECOND = 10**9
_numbers = itertools.count(1)


def span(*, trace: int = 1, start: float = 0, end: float | None = None, **values: Any) -> Span:
    """A span that lasts a second; times are seconds after the beginning."""
    number = next(_numbers)
    made: dict[str, Any] = {
        "trace_id": f"{trace:032x}",
        "span_id": f"{number:016x}",
        "parent_id": f"{2**60 + number:016x}",  # of some span around it that never comes
        "start": BEGAN + int(start * SECOND),
        "end": BEGAN + int((start + 1 if end is None else end) * SECOND),
    }
    return Span(**made | values)


def text(role: str, words: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": words}]}


def call(tool_name: str, call_id: str | None, /, **arguments: Any) -> dict[str, Any]:
    part = {"type": "tool_call", "id": call_id, "name": tool_name, "arguments": arguments}
    return {"role": "assistant", "parts": [part]}


def result(call_id: str | None, answer: str) -> dict[str, Any]:
    return {"role": "tool", "parts": [{"type": "tool_call_response", "id": call_id, "response": answer}]}


def model(
    *said: dict[str, Any], heard: list[dict[str, Any]] | None = None, agent: str | None = "analyst", **values: Any
) -> Span:
    """A model that was asked."""
    extra = values.pop("attributes", {})
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.conversation.id": values.pop("conversation", "talk"),
        "gen_ai.agent.name": agent,
        "gen_ai.input.messages": json.dumps(heard or []),
        "gen_ai.output.messages": json.dumps(said),
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 7,
    }
    return span(attributes=attributes | extra, **values)


def agent(*said: dict[str, Any], name: str = "analyst", **values: Any) -> Span:
    """An agent that did its work."""
    extra = values.pop("attributes", {})
    attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.conversation.id": values.pop("conversation", "talk"),
        "gen_ai.agent.name": name,
        "gen_ai.output.messages": json.dumps(said),
    }
    return span(attributes=attributes | extra, **values)


def tool(name: str, call_id: str | None, given: str, answer: str | None, **values: Any) -> Span:
    """A tool that was used."""
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.conversation.id": values.pop("conversation", "talk"),
        "gen_ai.agent.name": values.pop("by", "analyst"),
        "gen_ai.tool.name": name,
        "gen_ai.tool.call.id": call_id,
        "gen_ai.tool.call.arguments": given,
        "gen_ai.tool.call.result": answer,
    }
    return span(attributes=attributes, **values)


def root(*, trace: int = 1, start: float = 0, end: float = 100, **values: Any) -> Span:
    """The span around a whole run, of a web server for example."""
    return span(trace=trace, start=start, end=end, parent_id="", name="POST /ask", **values)


def exception(type_: str, message: str) -> SpanEvent:
    return SpanEvent(name="exception", attributes={"exception.type": type_, "exception.message": message})


@dataclass
class Talk:
    """A person and an agent, turn by turn; each turn is a trace of its own, or all are one.

    Attributes:
        spans: in the order in which they ended.
        expected: who said what, once.
    """

    one_trace: bool = False
    spans: list[Span] = field(default_factory=list)
    expected: list[tuple[str, str, str]] = field(default_factory=list)
    _history: list[dict[str, Any]] = field(default_factory=list)
    _turns: int = 0
    _clock: float = 0
    _calls: int = 0

    def turn(self, question: str, *, looks_up: list[str], answers: list[str], has_tool_span: bool) -> None:
        """A question, some uses of a tool, some answers at the same time; and the spans around them."""
        self._turns += 1
        trace = 1 if self.one_trace else self._turns
        began, given = self._tick(), []
        self._history.append(text("user", question))
        self.expected.append(("user", "text", question))
        for word in looks_up:
            given += self._look_up(word, trace, has_tool_span=has_tool_span)
        given += self._ask_at_once([text("assistant", answer) for answer in answers], trace)
        self.expected += [("analyst", "text", answer) for answer in answers]
        ended = self._tick()
        self.spans.append(agent(*given, trace=trace, start=began, end=ended, span_id=self._around, parent_id=self._root))
        if not self.one_trace:
            self.spans.append(root(trace=trace, start=began, end=ended + 0.1, span_id=self._root))

    def _look_up(self, word: str, trace: int, *, has_tool_span: bool) -> list[dict[str, Any]]:
        self._calls += 1
        call_id = f"call_{self._calls}"
        asked, answered = call("size", call_id, of=word), result(call_id, f"{word}: 4,000")
        self._ask(asked, trace)
        if has_tool_span:
            start = self._tick()
            inside = {"trace": trace, "parent_id": self._around}
            given = json.dumps({"of": word})
            self.spans.append(tool("size", call_id, given, f"{word}: 4,000", start=start, end=self._tick(), **inside))
        self._history.append(answered)
        self.expected += [("analyst", "tool_call", "size"), ("analyst", "tool_result", "size")]
        return [asked, answered]

    def _ask(self, answer: dict[str, Any], trace: int) -> dict[str, Any]:
        (answer,) = self._ask_at_once([answer], trace)
        return answer

    def _ask_at_once(self, answers: list[dict[str, Any]], trace: int) -> list[dict[str, Any]]:
        """Each inside a step of its own, of which nothing is told."""
        starts = [self._tick() for _ in answers]
        steps = [span(trace=trace, parent_id=self._around, start=start) for start in starts]
        for answer, start, step in zip(answers, starts, steps, strict=True):
            inside = {"trace": trace, "parent_id": step.span_id}
            self.spans.append(model(answer, heard=list(self._history), start=start, end=self._tick(), **inside))
        self.spans += [replace(step, end=BEGAN + int(self._tick() * SECOND)) for step in steps]
        self._history += answers
        return answers

    @property
    def _around(self) -> str:
        """The id of the agent's span of this turn."""
        return f"{2**61 + self._turns:016x}"

    @property
    def _root(self) -> str:
        return f"{2**62 + self._turns:016x}"

    def _tick(self) -> float:
        self._clock += 1
        return self._clock
