"""Records what an AutoGen team says, without getting in its way.

    async for item in chatlog.integrations.autogen.record(team.run_stream(task="…"), store=store):
        print(item)

Needs the extra `chatlog[autogen]` (autogen-agentchat 0.7).
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import asdict
from datetime import UTC
from functools import partial
from typing import Any

from chatlog.domain.ids import check_id, new_message_id
from chatlog.domain.limits import MAX_TASK_CHARACTERS
from chatlog.domain.models import MessageDraft, MessageKind, SessionStatus
from chatlog.domain.text import replace_unstorable
from chatlog.errors import ConfigurationError, InvalidId
from chatlog.integrations.background import BackgroundRecording, RunReport
from chatlog.recorder import Recorder
from chatlog.storage.base import SessionStore

try:
    from autogen_agentchat import messages as said
    from autogen_agentchat.base import TaskResult
except ImportError as error:
    raise ConfigurationError(
        "Recording AutoGen teams needs autogen-agentchat 0.7. Install it with: pip install 'chatlog[autogen]'"
    ) from error

Spoken = said.BaseChatMessage | said.BaseAgentEvent
Item = Spoken | TaskResult

# Who reports how the run ended; an agent's name is a Python identifier, so none can be called this.
RUN_SOURCE = "AutoGen run"
_NO_TASK = "A run of an AutoGen team"
_NO_TEXT = "(no text)"
# The end of a traceback says most; a page need not show megabytes of it.
MAX_FAILURE_CHARACTERS = 20_000

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


def record(
    stream: AsyncGenerator[Item, None],
    *,
    store: SessionStore | None = None,
    recorder: Recorder | None = None,
    task: str | None = None,
    session_id: str | None = None,
    participants: Iterable[str] = (),
    tags: Iterable[str] = (),
    on_report: Callable[[RunReport], None] | None = None,
    flush_seconds: float = 10.0,
) -> AsyncGenerator[Item, None]:
    """Pass on everything `team.run_stream(…)` yields, unchanged and in order, and record it in the background.

    The run never waits for the store and never fails because of it. A run that ends is completed, one that raises failed,
    one that is cancelled or left early cancelled. Whoever leaves the loop early should do so inside
    `contextlib.aclosing(record(…))`, so that the end is stored before the program goes on.

    Args:
        stream: what `run_stream` of a team or an agent returned.
        store: begins a session of its own there for the run.
        recorder: or: adds to this one's session, whose status stays its owner's business.
        task: what the session is called in lists; the first message of the run by default.
        session_id: the id of the session to begin; a new one by default.
        participants: who is expected to speak; whoever speaks is added.
        tags: words to find the session by.
        on_report: called at the end with what was stored and what was lost.
        flush_seconds: how long the end of the run waits, at most, for a store that is behind.
    Raises:
        ConfigurationError: neither or both of `store` and `recorder` were given.
        InvalidInput: a name or id that cannot be stored.
    """
    where = recorder if store is None else store
    if where is None or (store is not None and recorder is not None):
        raise ConfigurationError("record() needs either a store, to begin a session, or the recorder of one.")
    session = {"session_id": session_id, "participants": tuple(participants), "tags": tuple(tags)}
    open_recorder = partial(_open_recorder, where, task, session)
    open_recorder(None)  # here and now, so that what the caller passed is refused where it was passed
    start = partial(BackgroundRecording, open_recorder, begins_session=recorder is None)
    return _pass_on(stream, start, on_report=on_report, flush_seconds=flush_seconds)


def _open_recorder(
    where: SessionStore | Recorder, task: str | None, session: dict[str, Any], first: MessageDraft | None
) -> Recorder:
    return where if isinstance(where, Recorder) else Recorder(where, task=task or _task_in(first), **session)


async def _pass_on(
    stream: AsyncGenerator[Item, None],
    start: Callable[[], BackgroundRecording],
    *,
    on_report: Callable[[RunReport], None] | None,
    flush_seconds: float,
) -> AsyncGenerator[Item, None]:
    recording = start()
    status = SessionStatus.CANCELLED  # unless it comes to its end, or fails
    try:
        async for item in stream:
            _put(recording, item)
            if isinstance(item, TaskResult):
                status = SessionStatus.COMPLETED
            yield item
        status = SessionStatus.COMPLETED
    except Exception as error:
        status = SessionStatus.FAILED
        recording.put(_failure(error))
        raise
    finally:
        try:
            report = await recording.finish(status, at_most=flush_seconds)
        finally:
            await stream.aclose()  # last: a team that is left early first speaks to its end, which may be long
        if on_report is not None:
            on_report(report)


def _put(recording: BackgroundRecording, item: Item) -> None:
    if isinstance(item, said.ModelClientStreamingChunkEvent):
        return
    try:
        recording.put(_end_of_run(item, lost=recording.lost) if isinstance(item, TaskResult) else _draft(item))
    except Exception as error:  # a message type of the user's own may raise anything; the run must not feel it
        recording.lose(1, error)


def _draft(item: Spoken) -> MessageDraft:
    text = _readable(item)
    notes: dict[str, Any] = {"autogen_type": type(item).__name__, **item.metadata}
    if isinstance(item, said.HandoffMessage):
        notes["target"] = item.target
    content = replace_unstorable(text)
    source = replace_unstorable(item.source)
    if (source, content) != (item.source, text):
        notes["unstorable_replaced"] = True
    return MessageDraft(
        source=source,
        content=content if content.strip() else _NO_TEXT,
        message_id=_usable_id(item.id, notes),
        timestamp=item.created_at if item.created_at.tzinfo else item.created_at.replace(tzinfo=UTC),
        kind=next(kind for type_, kind in _KINDS if isinstance(item, type_)),
        models_usage=None if item.models_usage is None else asdict(item.models_usage),
        metadata=_storable(notes),
    )


def _usable_id(autogen_id: str, notes: dict[str, Any]) -> str:
    try:
        return check_id(autogen_id, field="message_id")
    except InvalidId:
        notes["autogen_id"] = autogen_id
        return new_message_id()


def _storable(notes: dict[str, Any]) -> dict[str, Any]:
    """The notes without characters that no store keeps."""
    return {
        replace_unstorable(name): replace_unstorable(note) if isinstance(note, str) else note for name, note in notes.items()
    }


def _readable(item: Spoken) -> str:
    """The remark as Markdown. AutoGen's own `to_text()` of calls and results is Python's notation for them.

    Their first line stays without marks: it is what a page shows of them while they are folded.
    """
    if isinstance(item, said.ToolCallRequestEvent):
        return "\n\n".join(f"{call.name}\n{_fenced(_indented(call.arguments), 'json')}" for call in item.content)
    if isinstance(item, said.ToolCallExecutionEvent):
        return "\n\n".join(
            f"{result.name}{' failed' if result.is_error else ''}\n{_fenced(result.content)}" for result in item.content
        )
    if isinstance(item, said.StructuredMessage) and item.format_string is None:
        return _fenced(item.content.model_dump_json(indent=2), "json")
    if isinstance(item, said.UserInputRequestedEvent):
        return "Waits for a person to answer."
    if isinstance(item, said.SelectSpeakerEvent):
        return f"Next: {', '.join(item.content)}"
    return item.to_text()


def _indented(arguments: str) -> str:
    try:
        return json.dumps(json.loads(arguments), indent=2, ensure_ascii=False)
    except ValueError:  # a model may write anything; then that is what it called with
        return arguments


def _fenced(text: str, language: str = "") -> str:
    """A Markdown code block that no backticks inside can end."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _end_of_run(result: TaskResult, *, lost: int) -> MessageDraft:
    reason = replace_unstorable(result.stop_reason or "no reason given")
    missing = f"\n\n{lost} of its messages could not be recorded." if lost else ""
    return MessageDraft(
        source=RUN_SOURCE,
        content=f"The run ended: {reason}{missing}",
        kind=MessageKind.EVENT,
        metadata={"stop_reason": reason, "lost": lost},
    )


def _failure(error: BaseException) -> MessageDraft:
    """AutoGen puts the whole traceback of an agent into the text of the error; its first line says what happened."""
    first, _, rest = replace_unstorable(str(error)).partition("\n")
    return MessageDraft(
        source=RUN_SOURCE,
        content=f"The run failed with {type(error).__name__}: {_cut(first) or 'no text'}"
        + (f"\n\n{_fenced(_cut(rest))}" if rest else ""),
        kind=MessageKind.ERROR,
        metadata={"error": type(error).__name__},
    )


def _cut(text: str) -> str:
    return text if len(text) <= MAX_FAILURE_CHARACTERS else f"(shortened) … {text[-MAX_FAILURE_CHARACTERS:]}"


def _task_in(first: MessageDraft | None) -> str:
    """What the run was asked; a longer text stands in full in its first message."""
    return _NO_TASK if first is None or first.kind != MessageKind.TEXT else first.content[:MAX_TASK_CHARACTERS]
