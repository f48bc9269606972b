"""Records what agents of the Microsoft Agent Framework say, without getting in their way.

    async with chatlog.integrations.agent_framework.record(store=store) as middleware:
        await agent.run("…", middleware=middleware)

Needs the extra `chatlog[agent-framework]`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial
from types import TracebackType
from typing import Any, Unpack

from chatlog.domain.models import MessageDraft
from chatlog.errors import ConfigurationError
from chatlog.integrations.run import RecordedRun, RunOptions

try:
    from agent_framework import (
        AgentContext,
        AgentMiddleware,
        ChatContext,
        ChatMiddleware,
        FunctionInvocationContext,
        FunctionMiddleware,
        Message,
        MiddlewareTermination,
    )

    from chatlog.integrations import agent_framework_messages as read
except ImportError as error:
    raise ConfigurationError(
        "Recording the Agent Framework needs agent-framework-core 1.23. Install it with: pip install 'chatlog[agent-framework]'"
    ) from error

# Who reports how the run ended.
RUN_SOURCE = "Agent Framework run"
_NO_TASK = "A run of the Microsoft Agent Framework"
CallNext = Callable[[], Awaitable[None]]


def record(**options: Unpack[RunOptions]) -> AgentRecording:
    """Begin to record the runs of all agents that have the middleware that `async with` gives.

    The runs never wait for the store and never fail because of it. Leaving the block completes the session; an exception marks
    it failed; a cancellation, or a run that did not come to its end, cancelled. Any number of runs may be made in it.

    Args:
        options: where to and how; see `RunOptions`.
    Raises:
        ConfigurationError: neither or both of `store` and `recorder` were given.
        InvalidInput: a name or id that cannot be stored.
    """
    return AgentRecording(RecordedRun(source=RUN_SOURCE, no_task=_NO_TASK, **options))


class AgentRecording:
    """The block in which runs are recorded; see `record`."""

    def __init__(self, run: RecordedRun) -> None:
        self._run = run
        self._agents = RecordingMiddleware(run)

    async def __aenter__(self) -> list[AgentMiddleware]:
        self._run.begin()
        return [self._agents]

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._run.tell(await self._run.end(error or self._agents.unfinished()))


class RecordingMiddleware(AgentMiddleware):
    """Hears what each agent is asked, and gives each of its runs what hears its model and tools under its name."""

    def __init__(self, run: RecordedRun) -> None:
        self._run = run
        self._said = _Said(run)
        self._at_work = 0
        self._waits_for_a_person = False
        self._failed_with: BaseException | None = None

    def unfinished(self) -> BaseException | None:
        """Why the last runs did not come to their end; `None` if they did."""
        return self._failed_with or (GeneratorExit() if self._at_work or self._waits_for_a_person else None)

    async def process(self, context: AgentContext, call_next: CallNext) -> None:
        """Record one run of an agent. What it raises is the caller's business."""
        name = context.agent.name or context.agent.id
        self._said.take("user", [message for message in context.messages if message.role in read.ASKING])
        model = _ModelMiddleware(self._said, name)
        around = [model, _ToolMiddleware(self._run, name)]  # of all others, so that it hears what comes of them
        context.client_kwargs["middleware"] = [*around, *(context.client_kwargs.get("middleware") or ())]
        if context.stream:
            context.stream_result_hooks.append(partial(self._came, name, model))
        self._at_work += 1
        self._failed_with, self._waits_for_a_person = None, False
        try:
            await call_next()
        except MiddlewareTermination:  # how an answer is given in the agent's place
            self._at_work -= 1
            raise
        except Exception as error:
            self._at_work -= 1
            self._failed_with = error
            raise
        if not context.stream:
            self._came(name, model, context.result)

    def _came(self, name: str, model: _ModelMiddleware, response: Any) -> None:
        """The run came to its end. What it said is known, unless its agent has no model here: it may speak for another site."""
        self._at_work -= 1
        if response is None:
            return
        if not model.was_asked:
            self._said.take(name, response.messages, response)
        if requests := response.user_input_requests:
            self._waits_for_a_person = True
            self._run.take(lambda: [read.waiting(name, request) for request in requests])


class _Said:
    """Takes messages, each of them once, however often agents pass it on."""

    def __init__(self, run: RecordedRun) -> None:
        self._run = run
        self._seen: set[str] = set()

    def take(self, speaker: str, messages: Iterable[Message], response: Any = None) -> None:
        self._run.take(partial(self._new, speaker, messages, response))

    def _new(self, speaker: str, messages: Iterable[Message], response: Any) -> Iterator[MessageDraft]:
        new = [message for message in messages if read.own_id(message) not in self._seen]
        self._seen.update(map(read.own_id, new))
        for message in new:
            usage = getattr(response, "usage_details", None) if message is new[-1] else None
            yield from read.drafts(message, speaker, usage)


class _ModelMiddleware(ChatMiddleware):
    """Records each answer of an agent's model; for a stream, too, it comes once and whole."""

    def __init__(self, said: _Said, agent: str) -> None:
        self._said = said
        self._agent = agent
        self.was_asked = False

    async def process(self, context: ChatContext, call_next: CallNext) -> None:
        self.was_asked = True
        if context.stream:
            context.stream_result_hooks.append(self._came)
        await call_next()
        if not context.stream:
            self._came(context.result)

    def _came(self, response: Any) -> None:
        if response is not None:
            self._said.take(self._agent, response.messages, response)


class _ToolMiddleware(FunctionMiddleware):
    """Records what each tool of an agent answers."""

    def __init__(self, run: RecordedRun, agent: str) -> None:
        self._run = run
        self._agent = agent

    async def process(self, context: FunctionInvocationContext, call_next: CallNext) -> None:
        try:
            await call_next()
        except MiddlewareTermination as termination:  # how an answer is given in the tool's place
            self._came(context, context.result if termination.result is None else termination.result)
            raise
        except Exception as error:
            self._came(context, f"{type(error).__name__}: {error}", failed=True)
            raise
        self._came(context, context.result)

    def _came(self, context: FunctionInvocationContext, result: Any, *, failed: bool = False) -> None:
        self._run.take(partial(self._answered, context.metadata.get("call_id"), context.function.name, result, failed=failed))

    def _answered(self, call_id: str | None, tool: str, result: Any, *, failed: bool) -> Iterator[MessageDraft]:
        said_id = self._run.unused(call_id and f"{call_id}.output")
        yield read.tool_result(said_id, call_id, self._agent, tool, result, failed=failed)
