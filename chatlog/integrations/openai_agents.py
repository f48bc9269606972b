"""Records what agents of the OpenAI Agents SDK say, without getting in their way.

    async with chatlog.integrations.openai_agents.record(store=store) as hooks:
        result = await Runner.run(agent, "…", hooks=hooks)

Needs the extra `chatlog[openai-agents]`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Unpack

from chatlog.domain import remarks
from chatlog.domain.models import MessageDraft, MessageKind
from chatlog.errors import ConfigurationError
from chatlog.integrations.block import RecordedBlock
from chatlog.integrations.run import RecordedRun, RunOptions

try:
    from agents import Agent, ModelResponse, RunHooks, Usage

    from chatlog.integrations import openai_items as items
except ImportError as error:
    raise ConfigurationError(
        "Recording the OpenAI Agents SDK needs openai-agents 0.24. Install it with: pip install 'chatlog[openai-agents]'"
    ) from error

# Who reports how the run ended.
RUN_SOURCE = "OpenAI Agents run"
_NO_TASK = "A run of the OpenAI Agents SDK"


def record(*, hooks: RunHooks[Any] | None = None, **options: Unpack[RunOptions]) -> RecordedBlock[RecordingHooks]:
    """Begin to record whatever is run with the hooks that `async with` gives; see `RecordedBlock`.

    Args:
        hooks: hooks of your own, which are called as before.
        options: where to and how; see `RunOptions`.
    Raises:
        ConfigurationError: neither or both of `store` and `recorder` were given.
        InvalidInput: a name or id that cannot be stored.
    """
    run = RecordedRun(source=RUN_SOURCE, no_task=_NO_TASK, **options)
    hearing = RecordingHooks(run, hooks or RunHooks())
    return RecordedBlock(run, hearer=hearing, given=hearing)


class RecordingHooks(RunHooks[Any]):
    """Told by the SDK what its agents do; see `record`."""

    def __init__(self, run: RecordedRun, own: RunHooks[Any]) -> None:
        self._run = run
        self._own = own
        self._usage: Usage | None = None  # of the run that began last; agents that are its tools have it, too
        self._floor: Agent[Any] | None = None  # who has the word in that run, until it has its final output
        self._asked: list[Any] = []  # what no model has answered yet
        self._told: dict[int, str] = {}  # by a model or a tool last, in the runs that go on
        self._calls: dict[str, tuple[Agent[Any], str]] = {}  # who called which tool, until it is told what came of it

    def unfinished(self) -> BaseException | None:
        """`GeneratorExit` unless the last run has its final output; the SDK tells no hook of an error."""
        return None if self._floor is None else GeneratorExit()

    async def on_agent_start(self, context: Any, agent: Any) -> None:
        """Record what the run was asked, when its first agent starts."""
        self._run.take(partial(self._started, context, agent))
        await self._own.on_agent_start(context, agent)

    async def on_llm_start(self, context: Any, agent: Any, system_prompt: str | None, input_items: list[Any]) -> None:
        """Record what was answered in a tool's place: that nobody allowed the call, or that there is no such tool."""
        self._run.take(partial(self._answered_otherwise, context, input_items))
        await self._own.on_llm_start(context, agent, system_prompt, input_items)

    async def on_llm_end(self, context: Any, agent: Any, response: ModelResponse) -> None:
        """Record all that one answer of the model holds; for a stream, too, it comes once and whole."""
        self._run.take(partial(self._answered, context, agent, response))
        await self._own.on_llm_end(context, agent, response)

    async def on_tool_start(self, context: Any, agent: Any, tool: Any) -> None:
        """The call is recorded already, as the model's answer."""
        await self._own.on_tool_start(context, agent, tool)

    async def on_tool_end(self, context: Any, agent: Any, tool: Any, result: Any) -> None:
        """Record what the tool answered."""
        call_id = getattr(context, "tool_call_id", None)  # tools for computers, shells and patches are told of without
        self._run.take(lambda: self._tool_answered(context, call_id, agent, tool.name, result))
        await self._own.on_tool_end(context, agent, tool, result)

    async def on_handoff(self, context: Any, from_agent: Any, to_agent: Any) -> None:
        """Note who has the word; that it is handed over is recorded already, as the model's answer, which has an id."""
        if from_agent is self._floor:
            self._floor = to_agent
        await self._own.on_handoff(context, from_agent, to_agent)

    async def on_agent_end(self, context: Any, agent: Any, output: Any) -> None:
        """Note that the run came to its end."""
        self._run.take(partial(self._ended, context, agent, output))
        await self._own.on_agent_end(context, agent, output)

    def _started(self, context: Any, agent: Agent[Any]) -> Iterator[MessageDraft]:
        same = context.usage is self._usage
        if same and self._floor is not None:
            return  # it was handed over to, or is a tool
        self._floor, self._usage = agent, context.usage
        if not same and context.usage.requests:
            return  # the run goes on after an approval, with a copy of its usage
        asked = items.last_asked(context.turn_input)
        # A conversation that the SDK keeps still has what was asked in a run that failed.
        known = len(self._asked) if len(asked) > len(self._asked) and asked[: len(self._asked)] == self._asked else 0
        self._asked = asked
        yield from self._run.each(asked[known:], self._question)

    def _question(self, item: Any) -> Iterator[MessageDraft]:
        yield remarks.draft(
            framework="openai",
            type_=item.get("type", "message"),
            said_id=self._run.unused(item.get("id")),
            source=item["role"],
            text=items.asked_text(item["content"]),
            kind=MessageKind.TEXT,
        )

    def _answered(self, context: Any, agent: Agent[Any], response: ModelResponse) -> Iterator[MessageDraft]:
        self._asked = []
        told = [item for item in response.output if items.says_anything(item)]
        handoff = items.handoff_among(told, agent)
        usage = items.tokens(response.usage)
        self._told[id(context.usage)] = items.spoken(told)

        def said(item: Any) -> Iterator[MessageDraft]:
            kind, text, notes = items.read(item, agent)
            if item is handoff:
                kind, notes["target"] = MessageKind.HANDOFF, items.targets(agent)[item.name]
            elif item.type == "function_call":
                self._calls[item.call_id] = agent, item.name
            if response.response_id is not None:
                notes["response_id"] = response.response_id
            yield remarks.draft(
                framework="openai",
                type_=item.type,
                said_id=self._run.unused(items.id_of(item)),
                source=agent.name,
                text=text,
                kind=kind,
                models_usage=usage if item is told[-1] else None,  # once, so that the sum is right
                notes=notes,
            )

        return self._run.each(told, said)

    def _answered_otherwise(self, context: Any, input_items: list[Any]) -> Iterator[MessageDraft]:
        for call_id, output in items.outputs(input_items).items():
            if call_id in self._calls:
                yield from self._tool_answered(context, call_id, *self._calls[call_id], output)

    def _tool_answered(
        self, context: Any, call_id: str | None, agent: Agent[Any], tool: str, result: Any
    ) -> Iterator[MessageDraft]:
        self._calls.pop(call_id or "", None)
        text = items.result_text(result)
        self._told[id(context.usage)] = text
        yield remarks.draft(
            framework="openai",
            type_="function_call_output",
            said_id=self._run.unused(call_id and f"{call_id}.output"),
            source=agent.name,
            text=remarks.result(tool, text),
            kind=MessageKind.TOOL_RESULT,
            notes={"tool": tool} if call_id is None else {"tool": tool, "call_id": call_id},
        )

    def _ended(self, context: Any, agent: Agent[Any], output: Any) -> Iterator[MessageDraft]:
        if agent is self._floor:  # else it is a tool of the one who has the word
            self._floor = None
        told = self._told.pop(id(context.usage), "")
        if isinstance(output, str) and output not in told and agent.tool_use_behavior == "run_llm_again":
            # No model and no tool said it: the run's error handler did.
            yield remarks.draft(
                framework="openai",
                type_="final_output",
                said_id=None,
                source=agent.name,
                text=output,
                kind=MessageKind.TEXT,
            )
