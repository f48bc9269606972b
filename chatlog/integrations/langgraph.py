"""Records what the nodes of a LangGraph graph say, without getting in their way.

    async with chatlog.integrations.langgraph.record(store=store) as callbacks:
        await graph.ainvoke({"messages": [("user", "…")]}, {"callbacks": callbacks})

Needs the extra `chatlog[langgraph]`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, Unpack
from uuid import UUID

from chatlog.domain.models import MessageDraft
from chatlog.errors import ConfigurationError
from chatlog.integrations.block import RecordedBlock
from chatlog.integrations.run import RecordedRun, RunOptions

try:
    from langchain_core.callbacks import BaseCallbackHandler
    from langchain_core.messages import BaseMessage
    from langgraph.errors import GraphInterrupt, ParentCommand

    from chatlog.integrations import langgraph_messages as read
except ImportError as error:
    raise ConfigurationError(
        "Recording LangGraph needs langgraph 1.2. Install it with: pip install 'chatlog[langgraph]'"
    ) from error

# Who reports how the run ended.
RUN_SOURCE = "LangGraph run"
_NO_TASK = "A run of a LangGraph graph"
# Tags with which LangGraph itself keeps a model or a node out of its streams. Source: langgraph/constants.py of 1.2.
_UNSEEN = {"nostream", "langsmith:nostream", "langsmith:hidden"}


def record(**options: Unpack[RunOptions]) -> RecordedBlock[list[BaseCallbackHandler]]:
    """Begin to record whatever is run with the callbacks that `async with` gives; see `RecordedBlock`.

    Args:
        options: where to and how; see `RunOptions`.
    Raises:
        ConfigurationError: neither or both of `store` and `recorder` were given.
        InvalidInput: a name or id that cannot be stored.
    """
    run = RecordedRun(source=RUN_SOURCE, no_task=_NO_TASK, **options)
    hearing = RecordingCallbacks(run)
    return RecordedBlock(run, hearer=hearing, given=[hearing])


class RecordingCallbacks(BaseCallbackHandler):
    """Told by LangGraph what happens, in the thread where it happens."""

    run_inline = True  # in an asynchronous graph, too: another thread for each event would be slow, and mix up their order

    def __init__(self, run: RecordedRun) -> None:
        self._run = run
        self._graphs: dict[UUID, BaseException | None] = {}  # those that have not ended, and with what they failed
        self._asked: dict[UUID, list[BaseMessage]] = {}  # of those in which no node began yet
        self._waits_for_a_person = False
        self._speakers: dict[UUID, str] = {}  # of nodes and models that are at work
        self._callers: dict[Any, str] = {}  # who called a tool, by the id of the call
        self._seen: set[str] = set()
        self._nameless: list[BaseMessage] = []  # what the graph has not given an id yet
        self._passed_up: ParentCommand | None = None

    def unfinished(self) -> BaseException | None:
        """Why the last run did not come to its end; `None` if it did."""
        for error in self._graphs.values():
            return error or GeneratorExit()
        return GeneratorExit() if self._waits_for_a_person else None

    def on_chain_start(
        self,
        serialized: Any,
        inputs: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Note who begins to work, and record what a graph is asked."""
        if parent_run_id is None:
            self._run.take(partial(self._graph_begins, run_id, inputs))
        elif metadata and kwargs.get("name") == metadata.get("langgraph_node") and not _UNSEEN.intersection(tags or ()):
            self._run.take(partial(self._node_begins, run_id, parent_run_id, metadata, inputs))

    def on_chain_end(self, outputs: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """Record what a node says that its model did not say already."""
        self._run.take(partial(self._chain_ends, run_id, outputs))

    def on_chain_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """Note why a graph fails, or record what a node asks a person or hands to the graph around."""
        self._run.take(partial(self._chain_fails, run_id, error))

    def on_chat_model_start(
        self,
        serialized: Any,
        messages: Any,
        *,
        run_id: UUID,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Note for whom a model speaks."""
        if not _UNSEEN.intersection(tags or ()):
            self._speakers[run_id] = read.speaker(metadata or {})

    def on_llm_end(self, response: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """Record what a model says; for a stream, too, it comes once and whole."""
        speaker = self._speakers.pop(run_id, None)
        if speaker is not None:
            said = [getattr(choices[0], "message", None) for choices in response.generations if choices]
            self._run.take(partial(self._new, speaker, said))

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """Note that a model says nothing."""
        self._speakers.pop(run_id, None)

    def on_tool_start(
        self, serialized: Any, input_str: str, *, run_id: UUID, metadata: dict[str, Any] | None = None, **kwargs: Any
    ) -> None:
        """Note for whom a tool works, and record a call that no model made."""
        call_id = kwargs.get("tool_call_id")
        self._speakers[run_id] = self._callers.get(call_id) or read.speaker(metadata or {})
        if call_id is None:
            name = (serialized or {}).get("name") or "tool"
            self._run.take(lambda: [read.own_call(run_id, self._speakers[run_id], name, kwargs.get("inputs") or input_str)])

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """Record what a tool answers, and to whom it hands over."""
        speaker = self._speakers.pop(run_id, RUN_SOURCE)
        if isinstance(output, str):
            self._run.take(lambda: [read.own_result(run_id, speaker, kwargs.get("name") or "tool", output)])
        else:
            self._run.take(partial(self._came_out, speaker, kwargs.get("parent_run_id"), output))

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """Note that a tool says nothing; if the graph answers for it, that is a message of its node."""
        self._speakers.pop(run_id, None)

    def _graph_begins(self, run_id: UUID, inputs: Any) -> Iterator[MessageDraft]:
        self._graphs = {known: error for known, error in list(self._graphs.items()) if error is None}
        self._graphs[run_id] = None
        self._waits_for_a_person = False
        self._asked[run_id] = read.questions(inputs)
        if not self._asked[run_id]:
            yield from read.other_input(run_id, inputs)

    def _node_begins(self, run_id: UUID, graph: UUID, metadata: dict[str, Any], state: Any) -> Iterator[MessageDraft]:
        self._speakers[run_id] = read.speaker(metadata)
        known = list(read.messages_in(state))
        yield from self._new("user", read.as_in_state(self._asked.pop(graph, []), known))
        for message in known:
            self._got_its_id(message)
        self._seen.update(message.id for message in known if message.id)  # what a checkpoint remembers was said before

    def _chain_ends(self, run_id: UUID, outputs: Any) -> Iterator[MessageDraft]:
        if run_id in self._graphs:
            yield from self._new("user", self._asked.pop(run_id, []))  # no node ever began
            del self._graphs[run_id]
            self._nameless.clear()
        speaker = self._speakers.pop(run_id, None)
        if speaker is not None:
            yield from self._came_out(speaker, run_id, outputs)

    def _chain_fails(self, run_id: UUID, error: BaseException) -> Iterator[MessageDraft]:
        if run_id in self._graphs:
            yield from self._new("user", self._asked.pop(run_id, []))
            self._graphs[run_id] = error
        speaker = self._speakers.pop(run_id, None)
        if speaker is None:
            return
        if isinstance(error, GraphInterrupt):
            self._waits_for_a_person = True
            for each in error.args[0]:
                if each.id not in self._seen:  # graphs around this one pass it on
                    self._seen.add(each.id)
                    yield read.waiting(speaker, each)
        elif isinstance(error, ParentCommand) and error is not self._passed_up:
            self._passed_up = error
            yield from self._came_out(speaker, run_id, error.args[0])

    def _came_out(self, speaker: str, node: UUID | None, outputs: Any) -> Iterator[MessageDraft]:
        yield from self._run.each(read.said_in(outputs), partial(self._out, speaker))
        for target in read.targets(outputs):
            said_id = f"{node}.{target}"  # a tool's command comes out of its node once more
            if said_id not in self._seen:
                self._seen.add(said_id)
                yield read.handoff(said_id, speaker, target)

    def _new(self, speaker: str, messages: Iterable[Any]) -> Iterator[MessageDraft]:
        return self._run.each(messages, partial(self._said, speaker))

    def _said(self, speaker: str, message: Any) -> Iterator[MessageDraft]:
        if not isinstance(message, BaseMessage) or (message.id or "") in self._seen:
            return
        self._seen.add(read.own_id(message))
        for call in getattr(message, "tool_calls", ()):
            self._callers[call["id"]] = message.name or speaker
        yield from read.drafts(message, self._callers.get(getattr(message, "tool_call_id", None), speaker))

    def _out(self, speaker: str, said: tuple[BaseMessage, bool]) -> Iterator[MessageDraft]:
        message, in_short = said
        if in_short:
            self._nameless.append(message)
            yield from read.drafts(message, speaker)
        elif not self._got_its_id(message):
            yield from self._said(speaker, message)

    def _got_its_id(self, message: BaseMessage) -> bool:
        """Whether it was recorded already, before the graph made a message of it and gave it an id."""
        if message.id is None or message.id in self._seen:
            return False
        for number, nameless in enumerate(self._nameless):
            if (nameless.type, nameless.content) == (message.type, message.content):
                del self._nameless[number]
                self._seen.add(message.id)
                return True
        return False
