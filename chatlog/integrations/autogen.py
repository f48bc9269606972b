"""Records what an AutoGen team says, without getting in its way.

    async for item in chatlog.integrations.autogen.record(team.run_stream(task="…"), store=store):
        print(item)

Needs the extra `chatlog[autogen]` (autogen-agentchat 0.7).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from dataclasses import asdict
from functools import partial
from typing import Any, Unpack

from chatlog.domain.models import MessageDraft, MessageKind
from chatlog.domain.text import replace_unstorable
from chatlog.errors import ConfigurationError
from chatlog.integrations.run import RecordedRun, RunOptions
from chatlog.services import remarks

try:
    from autogen_agentchat import messages as said
    from autogen_agentchat.base import Response, TaskResult
except ImportError as error:
    raise ConfigurationError(
        "Recording AutoGen teams needs autogen-agentchat 0.7. Install it with: pip install 'chatlog[autogen]'"
    ) from error

Spoken = said.BaseChatMessage | said.BaseAgentEvent
Item = Spoken | TaskResult | Response

# Who reports how the run ended; an agent's name is a Python identifier, so none can be called this.
RUN_SOURCE = "AutoGen run"
_NO_TASK = "A run of an AutoGen team"

# The first class that fits decides. What is not here is text if other agents hear it, else an event: that includes who was
# selected to speak, which a team only tells when it was asked to (`emit_team_events=True`).
_KINDS: tuple[tuple[type[Spoken], MessageKind], ...] = (
    (said.HandoffMessage, MessageKind.HANDOFF),
    (said.ToolCallSummaryMessage, MessageKind.TOOL_RESULT),
    (said.BaseChatMessage, MessageKind.TEXT),
    (said.ToolCallRequestEvent, MessageKind.TOOL_CALL),
    (said.ToolCallExecutionEvent, MessageKind.TOOL_RESULT),
    (said.CodeGenerationEvent, MessageKind.TOOL_CALL),
    (said.CodeExecutionEvent, MessageKind.TOOL_RESULT),
    (said.ThoughtEvent, MessageKind.THOUGHT),
    (said.BaseAgentEvent, MessageKind.EVENT),
)


def record(stream: AsyncIterable[Item], **options: Unpack[RunOptions]) -> AsyncGenerator[Item, None]:
    """Pass on everything `team.run_stream(…)` yields, unchanged and in order, and record it in the background.

    The run never waits for the store and never fails because of it. A run that ends is completed, one that raises failed,
    one that is cancelled or left early cancelled. Whoever leaves the loop early should do so inside
    `contextlib.aclosing(record(…))`, so that the end is stored before the program goes on.

    Args:
        stream: what `run_stream` of a team or an agent returned, or `on_messages_stream` of an agent.
        options: where to and how; see `RunOptions`.
    Raises:
        ConfigurationError: neither or both of `store` and `recorder` were given, or `stream` is no stream.
        InvalidInput: a name or id that cannot be stored.
    """
    if not isinstance(stream, AsyncIterable):
        raise ConfigurationError(
            f"record() takes what run_stream() returned; a {type(stream).__name__} cannot be read in turns."
        )
    return _pass_on(stream, RecordedRun(source=RUN_SOURCE, no_task=_NO_TASK, **options))


async def _pass_on(stream: AsyncIterable[Item], run: RecordedRun) -> AsyncGenerator[Item, None]:
    run.begin()
    ended: BaseException | None = GeneratorExit()  # unless it comes to its end, or fails
    try:
        async for item in stream:
            run.take(partial(_drafts, item, run))
            if isinstance(item, TaskResult | Response):
                ended = None
            yield item
        ended = None
    except Exception as error:
        ended = error
        raise
    finally:
        try:
            report = await run.end(ended)
        finally:
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()  # last: a team that is left early first speaks to its end, which may be long
        run.tell(report)


def _drafts(item: Item, run: RecordedRun) -> Iterable[MessageDraft]:
    if isinstance(item, TaskResult):
        yield _end_of_run(item, lost=run.lost)
    elif isinstance(item, Response):
        yield _draft(item.chat_message)  # what led to it was in the stream
    elif not isinstance(item, said.ModelClientStreamingChunkEvent):
        yield _draft(item)


def _draft(item: Spoken) -> MessageDraft:
    notes: dict[str, Any] = dict(item.metadata)
    if isinstance(item, said.HandoffMessage):
        notes["target"] = item.target
    return remarks.draft(
        framework="autogen",
        type_=type(item).__name__,
        said_id=item.id,
        source=item.source,
        text=_readable(item),
        kind=next(kind for type_, kind in _KINDS if isinstance(item, type_)),
        timestamp=item.created_at,
        models_usage=None if item.models_usage is None else asdict(item.models_usage),
        notes=notes,
    )


def _readable(item: Spoken) -> str:
    """The remark as Markdown. AutoGen's own `to_text()` of calls and results is Python's notation for them."""
    if isinstance(item, said.ToolCallRequestEvent):
        return "\n\n".join(remarks.call(call.name, call.arguments) for call in item.content)
    if isinstance(item, said.ToolCallExecutionEvent):
        return "\n\n".join(remarks.result(each.name, each.content, failed=bool(each.is_error)) for each in item.content)
    if isinstance(item, said.StructuredMessage) and item.format_string is None:
        return remarks.fenced(item.content.model_dump_json(indent=2), "json")
    if isinstance(item, said.UserInputRequestedEvent):
        return "Waits for a person to answer."
    if isinstance(item, said.SelectSpeakerEvent):
        return f"Next: {', '.join(item.content)}"
    return item.to_text()


def _end_of_run(result: TaskResult, *, lost: int) -> MessageDraft:
    reason = replace_unstorable(result.stop_reason or "no reason given")
    missing = f"\n\n{lost} of its messages could not be recorded." if lost else ""
    return MessageDraft(
        source=RUN_SOURCE,
        content=f"The run ended: {reason}{missing}",
        kind=MessageKind.EVENT,
        metadata={"stop_reason": reason, "lost": lost},
    )
