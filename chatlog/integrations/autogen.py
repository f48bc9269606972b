"""Records what an AutoGen team says, without getting in its way.

    async for item in chatlog.integrations.autogen.record(team.run_stream(task="…"), store=store):
        print(item)

Needs the extra `chatlog[autogen]` (autogen-agentchat 0.7).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from functools import partial
from typing import Unpack

from chatlog.domain.models import MessageDraft
from chatlog.errors import ConfigurationError
from chatlog.integrations.run import RecordedRun, RunOptions

try:
    from autogen_agentchat.base import Response, TaskResult
    from autogen_agentchat.messages import ModelClientStreamingChunkEvent

    from chatlog.integrations import autogen_messages as read
except ImportError as error:
    raise ConfigurationError(
        "Recording AutoGen teams needs autogen-agentchat 0.7. Install it with: pip install 'chatlog[autogen]'"
    ) from error

Item = read.Spoken | TaskResult | Response

# Who reports how the run ended; an agent's name is a Python identifier, so none can be called this.
RUN_SOURCE = "AutoGen run"
_NO_TASK = "A run of an AutoGen team"


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
        yield read.end_of_run(item, source=RUN_SOURCE, lost=run.lost)
    elif isinstance(item, Response):
        yield read.draft(item.chat_message)  # what led to it was in the stream
    elif not isinstance(item, ModelClientStreamingChunkEvent):
        yield read.draft(item)
