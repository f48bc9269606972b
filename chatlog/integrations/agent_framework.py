"""Records what agents of the Microsoft Agent Framework say, without getting in their way.

    async with chatlog.integrations.agent_framework.record(store=store) as middleware:
        await agent.run("…", middleware=middleware)

Needs the extra `chatlog[agent-framework]`.
"""

from __future__ import annotations

import sys
from asyncio import CancelledError
from collections.abc import Iterator
from functools import partial
from typing import Any, Unpack

from chatlog.domain.models import MessageDraft
from chatlog.errors import ConfigurationError
from chatlog.integrations.block import RecordedBlock
from chatlog.integrations.run import RecordedRun, RunOptions

try:
    from agent_framework import AgentContext, AgentMiddleware, MiddlewareTermination

    from chatlog.integrations import agent_framework_messages as read
    from chatlog.integrations.agent_framework_hearing import CallNext, ModelMiddleware, Outcome, Said, ToolMiddleware
except ImportError as error:
    raise ConfigurationError(
        "Recording the Agent Framework needs agent-framework-core 1.23. Install it with: pip install 'chatlog[agent-framework]'"
    ) from error

# Who reports how the run ended.
RUN_SOURCE = "Agent Framework run"
_NO_TASK = "A run of the Microsoft Agent Framework"


def record(**options: Unpack[RunOptions]) -> RecordedBlock[list[AgentMiddleware]]:
    """Begin to record the runs of all agents that have the middleware that `async with` gives; see `RecordedBlock`.

    Args:
        options: where to and how; see `RunOptions`.
    Raises:
        ConfigurationError: neither or both of `store` and `recorder` were given.
        InvalidInput: a name or id that cannot be stored.
    """
    run = RecordedRun(source=RUN_SOURCE, no_task=_NO_TASK, **options)
    hearing = RecordingMiddleware(run)
    return RecordedBlock(run, hearer=hearing, given=[hearing])


class RecordingMiddleware(AgentMiddleware):
    """Hears what each agent is asked, and gives each of its runs what hears its model and tools under its name."""

    def __init__(self, run: RecordedRun) -> None:
        self._run = run
        self._said = Said(run)
        self._outcome = Outcome()
        self._waits_for_a_person = False

    def unfinished(self) -> BaseException | None:
        """Why the last runs did not come to their end; `None` if they did."""
        return self._outcome.error or (GeneratorExit() if self._outcome.at_work or self._waits_for_a_person else None)

    async def process(self, context: AgentContext, call_next: CallNext) -> None:
        """Record one run of an agent. What it raises is the caller's business."""
        name = context.agent.name or context.agent.id
        self._said.take_questions(context.messages)
        model = ModelMiddleware(self._said, name)
        around = [model, ToolMiddleware(self._said, self._outcome, name)]  # of all others, so that it hears what comes of them
        context.client_kwargs["middleware"] = [*around, *(context.client_kwargs.get("middleware") or ())]
        run = self._outcome.begin()
        self._waits_for_a_person = False
        if context.stream:
            context.stream_result_hooks.append(partial(self._came, run, name, model))
            context.stream_cleanup_hooks.append(partial(self._stream_ended, run))
        try:
            await call_next()
        except MiddlewareTermination:  # how an answer is given in the agent's place
            self._returned(run, name, model, context)
            raise
        except (Exception, CancelledError) as error:
            self._outcome.end(run, error)
            raise
        self._returned(run, name, model, context)

    def _returned(self, run: object, name: str, model: ModelMiddleware, context: AgentContext) -> None:
        if not context.stream or context.result is None:  # else the stream tells when it ends
            self._came(run, name, model, context.result)

    def _came(self, run: object, name: str, model: ModelMiddleware, response: Any) -> None:
        self._outcome.end(run)
        if response is not None:
            self._run.take(partial(self._told_last, name, model, response))

    def _told_last(self, name: str, model: ModelMiddleware, response: Any) -> Iterator[MessageDraft]:
        requests = response.user_input_requests
        if not model.was_asked:  # else it is known: an agent without a model here may speak for another site
            self._said.take_response(name, response)
        for request in requests:
            self._waits_for_a_person = True
            yield read.waiting(name, request)

    def _stream_ended(self, run: object) -> None:
        """Called once, where the error of a stream is being handled, its end found, or the stream closed."""
        error = sys.exc_info()[1]
        if error is None or isinstance(error, GeneratorExit):
            self._outcome.leave(run)
        else:
            self._outcome.end(run, None if isinstance(error, StopAsyncIteration) else error)
