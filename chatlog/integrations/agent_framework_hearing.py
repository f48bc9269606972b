"""What hears the model and the tools of one agent of the Microsoft Agent Framework."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial
from typing import Any

from agent_framework import (
    ChatContext,
    ChatMiddleware,
    FunctionInvocationContext,
    FunctionMiddleware,
    Message,
    MiddlewareTermination,
)

from chatlog.domain.models import MessageDraft
from chatlog.integrations import agent_framework_messages as read
from chatlog.integrations.run import RecordedRun

CallNext = Callable[[], Awaitable[None]]


class Outcome:
    """Which runs of agents go on, and the error with which the last one ended, if it did."""

    def __init__(self) -> None:
        self.at_work: list[object] = []
        self.error: BaseException | None = None

    def begin(self) -> object:
        """A run begins; what is returned names it."""
        self.error = None
        self.at_work.append(run := object())
        return run

    def end(self, run: object, error: BaseException | None = None) -> None:
        """That run ended; a stream tells so more than once, and the first time counts."""
        if run in self.at_work:
            self.at_work.remove(run)
            self.error = error

    def leave(self, run: object) -> None:
        """That run was left before its end, even if it told a result: one of what there was by then."""
        if run not in self.at_work:
            self.at_work.append(run)


class Said:
    """Takes messages, each of them once, however often agents pass it on, and what came of each call of a tool."""

    def __init__(self, run: RecordedRun) -> None:
        self._run = run
        self._seen: set[str] = set()
        self._calls: dict[str, tuple[str, str]] = {}  # who called which tool, until it is told what came of it

    def take_questions(self, messages: Iterable[Message]) -> None:
        """Record what others ask an agent."""
        self._run.take(lambda: self._new("user", [message for message in messages if message.role in read.ASKING], None))

    def take_response(self, speaker: str, response: Any) -> None:
        """Record what an agent or its model answers; the last message has what it took."""
        self._run.take(lambda: self._new(speaker, response.messages, response.usage_details))

    def take_results(self, messages: Iterable[Message]) -> None:
        """Record what a model is told of calls that no tool answered: nobody allowed it, or there is no such tool."""
        self._run.take(partial(self._results_in, messages))

    def take_answer(self, call_id: str | None, agent: str, tool: str, result: Any, *, failed: bool = False) -> None:
        """Record what a tool answered."""
        self._run.take(partial(self._answer, call_id, agent, tool, result, failed=failed))

    def _new(self, speaker: str, messages: Iterable[Message], usage: Any) -> Iterator[MessageDraft]:
        new = [message for message in messages if read.own_id(message) not in self._seen]
        self._seen.update(map(read.own_id, new))

        def said(message: Message) -> Iterator[MessageDraft]:
            self._calls |= {call_id: (speaker, tool) for call_id, tool in read.calls(message)}
            yield from read.drafts(message, speaker, usage if message is new[-1] else None)
            yield from self._results_in([message])

        return self._run.each(new, said)

    def _results_in(self, messages: Iterable[Message]) -> Iterator[MessageDraft]:
        for call_id, content in read.results(messages).items():
            if call_id in self._calls:
                failed = content.exception is not None
                yield from self._answer(call_id, *self._calls[call_id], content.result, failed=failed)

    def _answer(self, call_id: str | None, agent: str, tool: str, result: Any, *, failed: bool) -> Iterator[MessageDraft]:
        self._calls.pop(call_id or "", None)
        said_id = self._run.unused(call_id and f"{call_id}.output")
        yield read.tool_result(said_id, call_id, agent, tool, result, failed=failed)


class ModelMiddleware(ChatMiddleware):
    """Records each answer of an agent's model; for a stream, too, it comes once and whole."""

    def __init__(self, said: Said, agent: str) -> None:
        self._said = said
        self._agent = agent
        self.was_asked = False

    async def process(self, context: ChatContext, call_next: CallNext) -> None:
        """Record what one call of the model is told of tools, and answers."""
        self.was_asked = True
        self._said.take_results(context.messages)
        if context.stream:
            context.stream_result_hooks.append(self._came)
        try:
            await call_next()
        except MiddlewareTermination:  # how an answer is given in the model's place
            self._returned(context)
            raise
        self._returned(context)

    def _returned(self, context: ChatContext) -> None:
        if not context.stream:  # else the stream tells when it ends
            self._came(context.result)

    def _came(self, response: Any) -> None:
        if response is not None:
            self._said.take_response(self._agent, response)


class ToolMiddleware(FunctionMiddleware):
    """Records what each tool of an agent answers. An agent that fails inside of a tool is the tool's business."""

    def __init__(self, said: Said, outcome: Outcome, agent: str) -> None:
        self._said = said
        self._outcome = outcome
        self._agent = agent

    async def process(self, context: FunctionInvocationContext, call_next: CallNext) -> None:
        """Record what one call of a tool comes to."""
        before = self._outcome.error
        try:
            await call_next()
        except MiddlewareTermination as termination:  # how an answer is given in the tool's place
            self._came(context, context.result if termination.result is None else termination.result)
            raise
        except Exception as error:
            self._came(context, f"{type(error).__name__}: {error}", failed=True)
            raise
        else:
            self._came(context, context.result)
        finally:
            self._outcome.error = before

    def _came(self, context: FunctionInvocationContext, result: Any, *, failed: bool = False) -> None:
        call_id = context.metadata.get("call_id")
        self._said.take_answer(call_id, self._agent, context.function.name, result, failed=failed)
