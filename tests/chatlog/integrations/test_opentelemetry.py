"""Names that are on a span are on those that begin inside it, when they begin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, Tracer, set_span_in_context

from chatlog.integrations.opentelemetry import SpeakerNames


class Recorded:
    def __init__(self, tracer: Tracer, exporter: InMemorySpanExporter) -> None:
        self.tracer = tracer
        self._exporter = exporter

    def begin(self, name: str, **attributes: Any) -> Any:
        given = {key.replace("__", "."): value for key, value in attributes.items()}
        return self.tracer.start_as_current_span(name, attributes=given)

    def attributes(self, name: str) -> dict[str, Any]:
        return next(dict(span.attributes or {}) for span in self._exporter.get_finished_spans() if span.name == name)


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SpeakerNames())
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield Recorded(provider.get_tracer("test"), exporter)
    provider.shutdown()


def test_the_names_go_down_to_the_innermost_span(recorded: Recorded) -> None:
    with (
        recorded.begin("invoke", gen_ai__agent__name="analyst", session__id="talk"),
        recorded.begin("turn"),
        recorded.begin("chat", gen_ai__operation__name="chat"),
    ):
        pass
    expected = {"gen_ai.agent.name": "analyst", "gen_ai.conversation.id": "talk"}
    assert recorded.attributes("chat") == {"gen_ai.operation.name": "chat"} | expected
    assert recorded.attributes("turn") == expected


def test_a_span_keeps_names_of_its_own_and_those_inside_have_its(recorded: Recorded) -> None:
    with (
        recorded.begin("crew", gen_ai__agent__name="crew"),
        recorded.begin("invoke", gen_ai__agent__name="analyst", gen_ai__conversation__id="inner"),
        recorded.begin("chat"),
    ):
        pass
    assert recorded.attributes("chat")["gen_ai.agent.name"] == "analyst"
    assert recorded.attributes("invoke")["gen_ai.agent.name"] == "analyst"


def test_an_agent_of_openinference_is_known_by_its_spans_name(recorded: Recorded) -> None:
    with (
        recorded.begin("Agent workflow", openinference__span__kind="AGENT"),
        recorded.begin("analyst", openinference__span__kind="AGENT"),
        recorded.begin("response", openinference__span__kind="LLM"),
    ):
        pass
    assert recorded.attributes("response")["gen_ai.agent.name"] == "analyst"
    assert "gen_ai.agent.name" not in recorded.attributes("analyst")


def test_nothing_is_invented_where_nothing_is_known(recorded: Recorded) -> None:
    with recorded.begin("root"), recorded.begin("chat"):
        pass
    elsewhere = NonRecordingSpan(SpanContext(1, 1, is_remote=True, trace_flags=TraceFlags(1)))
    with recorded.tracer.start_as_current_span("remote", context=set_span_in_context(elsewhere)):
        pass
    assert [recorded.attributes(name) for name in ("root", "chat", "remote")] == [{}, {}, {}]
