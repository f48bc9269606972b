"""Helps an OpenTelemetry SDK to say at once who speaks.

    provider.add_span_processor(chatlog.integrations.opentelemetry.SpeakerNames())

A span is sent when it ends, so what a model says arrives before the span of the agent that it says it for. Several frameworks
name the agent and the conversation only there; this processor notes both on the spans inside, when they begin.

Needs opentelemetry-sdk, which whoever exports spans has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatlog.errors import ConfigurationError

try:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import Span, SpanProcessor
    from opentelemetry.trace import get_current_span
except ImportError as error:
    raise ConfigurationError(
        "SpeakerNames belongs to a tracer provider of opentelemetry-sdk. Install that with: pip install opentelemetry-sdk"
    ) from error

_AGENT, _CONVERSATION = "gen_ai.agent.name", "gen_ai.conversation.id"
_AGENTS = (_AGENT, "agent.name", "graph.node.id")
_CONVERSATIONS = (_CONVERSATION, "session.id")


class SpeakerNames(SpanProcessor):
    """Copies the agent's name and the conversation's id from a span to those that begin inside it, where they have none."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Called by the SDK for each span that begins."""
        around = get_current_span(parent_context)
        outer = getattr(around, "attributes", None)  # the span of another process is only known by its id
        if not outer:
            return
        inner = span.attributes or {}
        agent = _first(outer, _AGENTS) or _name_of_agent(around, outer)
        conversation = _first(outer, _CONVERSATIONS)
        if agent and not _first(inner, _AGENTS) and not _is_agent(inner):
            span.set_attribute(_AGENT, agent)
        if conversation and not _first(inner, _CONVERSATIONS):
            span.set_attribute(_CONVERSATION, conversation)


def _first(attributes: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next((str(attributes[name]) for name in names if attributes.get(name)), None)


def _is_agent(attributes: Mapping[str, Any]) -> bool:
    return attributes.get("openinference.span.kind") == "AGENT" or attributes.get("gen_ai.operation.name") == "invoke_agent"


def _name_of_agent(around: Any, attributes: Mapping[str, Any]) -> str | None:
    """Some learn only at the end that there is an attribute for it, and begin a span with the agent's name."""
    is_inner = getattr(around, "parent", None) is not None
    return around.name if is_inner and attributes.get("openinference.span.kind") == "AGENT" else None
