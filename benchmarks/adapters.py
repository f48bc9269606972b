"""What recording costs the agents: the same run of each framework with and without it, on the tests' scripted models."""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

import chatlog
from benchmarks.report import Claim, Report
from chatlog import SessionStore

REPEATS = 7
ROUNDS = 100
MOST_MILLISECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds until the run's own answer is there; the end of the recording comes after it."""

    seconds: float
    work: float  # of the agents' own thread; what is left is waiting, for the disk or for other processes


Run = Callable[[SessionStore | None], Awaitable[Took]]


def measure() -> Report:
    logging.disable(logging.WARNING)  # frameworks tell a lot; it would be most of what is measured
    runs: dict[str, Run] = {
        "AutoGen": _autogen,
        "OpenAI Agents SDK": _openai_agents,
        "LangGraph": _langgraph,
        "Agent Framework": _agent_framework,
    }
    claims = [asyncio.run(_compare(name, run)) for name, run in runs.items()]
    logging.disable(logging.NOTSET)
    return Report(
        f"Recording beside agents (SQLite, medians of {REPEATS} pairs, {2 * ROUNDS} messages each)",
        [*claims, _compare_logging()],
    )


async def _compare(name: str, run: Run) -> Claim:
    await run(None)  # imports and first use
    without: list[Took] = []
    with_: list[Took] = []
    for _ in range(REPEATS):  # alternated, so that a slow minute of the machine hits both
        without.append(await run(None))
        async with _store() as store:
            with_.append(await run(store))
            (session,) = (await store.list_sessions()).items
            count = session.message_count
    return _claim(name, without, with_, count)


def _claim(name: str, without: list[Took], with_: list[Took], messages: int) -> Claim:
    pairs = list(zip(with_, without, strict=True))
    more = 1e3 * median(one.seconds - other.seconds for one, other in pairs) / messages
    work = 1e3 * median(one.work - other.work for one, other in pairs) / messages
    alone = 1e3 * median(other.seconds for other in without) / messages
    return Claim(
        f"{name}: more time per message",
        more,
        MOST_MILLISECONDS,
        "ms",
        at_least=False,
        made_from=f"{work:.3f} ms of it work in the agents' thread; {alone:.2f} ms without",
    )


@contextmanager
def _timing(took: list[Took]) -> Iterator[None]:
    start, work = time.perf_counter(), time.thread_time()
    yield
    took.append(Took(time.perf_counter() - start, time.thread_time() - work))


@asynccontextmanager
async def _store() -> AsyncIterator[SessionStore]:
    with tempfile.TemporaryDirectory(prefix="chatlog-bench-") as folder:
        async with chatlog.open_store(f"sqlite:///{Path(folder)}/bench.sqlite3") as store:
            yield store


def _scripted(name: str) -> Any:
    """The tests' agents of a framework: real ones, on models that say what they are told to."""
    return import_module(f"tests.chatlog.integrations.{name}")


async def _autogen(store: SessionStore | None) -> Took:
    from autogen_agentchat.base import TaskResult

    from chatlog.integrations import autogen

    stream = _scripted("teams").five_agents(turns=2 * ROUNDS).run_stream(task="Go")
    recorded = stream if store is None else autogen.record(stream, store=store)
    took: list[Took] = []
    with _timing(took):
        async for item in recorded:
            if isinstance(item, TaskResult):
                break
    await recorded.aclose()
    return took[0]


async def _timed(recording: AbstractAsyncContextManager[Any], run: Callable[[Any], Awaitable[object]]) -> Took:
    took: list[Took] = []
    async with recording as given:
        with _timing(took):
            await run(given)
    return took[0]


async def _openai_agents(store: SessionStore | None) -> Took:
    from agents import Runner

    from chatlog.integrations import openai_agents

    team = _scripted("openai_team")
    calls = [team.calls("market_size", segment="a") for _ in range(ROUNDS)]
    agent = team.one_agent(*calls, team.says("Done."), tools=[team.market_size])
    recording = nullcontext() if store is None else openai_agents.record(store=store)
    return await _timed(recording, lambda hooks: Runner.run(agent, "Go", hooks=hooks, max_turns=ROUNDS + 2))


async def _langgraph(store: SessionStore | None) -> Took:
    from chatlog.integrations import langgraph

    graphs = _scripted("graphs")
    calls = [graphs.says("", tool_calls=[graphs.call("market_size", segment="a")]) for _ in range(ROUNDS)]
    graph = graphs.agent(graphs.model(*calls, graphs.says("Done.")), [graphs.market_size])
    asked = {"messages": [("user", "Go")]}
    recording = nullcontext() if store is None else langgraph.record(store=store)
    return await _timed(
        recording, lambda callbacks: graph.ainvoke(asked, {"callbacks": callbacks, "recursion_limit": 3 * ROUNDS})
    )


async def _agent_framework(store: SessionStore | None) -> Took:
    from chatlog.integrations import agent_framework

    team = _scripted("framework_agents")
    agent = team.agent(*[team.says(f"Remark {number}.") for number in range(ROUNDS)])

    async def talk(middleware: Any) -> None:
        for _ in range(ROUNDS):
            await agent.run("Go on.", middleware=middleware)

    recording = nullcontext() if store is None else agent_framework.record(store=store)
    return await _timed(recording, talk)


def _compare_logging() -> Claim:
    from chatlog.integrations.logs import ChatlogHandler

    log = logging.getLogger("benchmarks.adapters")
    log.setLevel(logging.INFO)
    log.propagate = False
    without: list[Took] = []
    with_: list[Took] = []
    for _ in range(REPEATS):
        without.append(_log(log, logging.NullHandler()))
        with tempfile.TemporaryDirectory(prefix="chatlog-bench-") as folder:
            with_.append(_log(log, ChatlogHandler(task="benchmark", location=f"sqlite:///{folder}/bench.sqlite3")))
    return _claim("logging.Handler", without, with_, 2 * ROUNDS)


def _log(log: logging.Logger, handler: logging.Handler) -> Took:
    log.addHandler(handler)
    log.info("The first one starts a thread.")
    took: list[Took] = []
    with _timing(took):
        for number in range(2 * ROUNDS):
            log.info("Remark %s", number)
    log.removeHandler(handler)
    handler.close()
    return took[0]
