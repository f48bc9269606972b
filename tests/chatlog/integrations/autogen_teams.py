"""Every kind of team that AutoGen 0.7 has, each with the sources of what it says in order."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from autogen_agentchat.agents import AssistantAgent, SocietyOfMindAgent, UserProxyAgent
from autogen_agentchat.conditions import MaxMessageTermination, StopMessageTermination, TextMentionTermination
from autogen_agentchat.messages import StopMessage
from autogen_agentchat.teams import DiGraphBuilder, GraphFlow, MagenticOneGroupChat, RoundRobinGroupChat

from tests.chatlog.integrations import teams


def assistant(name: str, *answers: Any, **options: Any) -> AssistantAgent:
    return AssistantAgent(name, teams.replay(*answers), **options)


def magentic_one() -> MagenticOneGroupChat:
    def ledger(*, done: bool) -> str:
        told = {
            "is_request_satisfied": done,
            "is_in_loop": False,
            "is_progress_being_made": True,
            "next_speaker": "market_analyst",
            "instruction_or_question": "How many teams?",
        }
        return json.dumps({name: {"answer": value, "reason": "So it is."} for name, value in told.items()})

    thinks = teams.replay("The facts.", "The plan.", ledger(done=False), ledger(done=True), "About 4,000.")
    return MagenticOneGroupChat([assistant("market_analyst", "4,000")], thinks, emit_team_events=True)


def graph_flow() -> GraphFlow:
    first, *others = agents = [assistant(name, f"I am {name}.") for name in ("a", "b", "c")]
    builder = DiGraphBuilder()
    for agent in agents:
        builder.add_node(agent)
    for agent in others:
        builder.add_edge(first, agent)
    return GraphFlow(agents, graph=builder.build(), termination_condition=MaxMessageTermination(10))


def society_of_mind() -> RoundRobinGroupChat:
    society = SocietyOfMindAgent("society", nested_inside(), teams.replay("Together."))
    return teams.round_robin([society, assistant("critic", "Fine.")], turns=2)


def nested_inside() -> RoundRobinGroupChat:
    agents = [assistant("planner", "Draft."), assistant("editor", "Better.")]
    return RoundRobinGroupChat(agents, termination_condition=MaxMessageTermination(3), name="inside")


def nested() -> RoundRobinGroupChat:
    return RoundRobinGroupChat([nested_inside(), assistant("critic", "Fine.")], termination_condition=MaxMessageTermination(4))


def with_a_person() -> RoundRobinGroupChat:
    condition = TextMentionTermination("APPROVE", sources=["person"])
    person = UserProxyAgent("person", input_func=lambda _: "APPROVE")
    return RoundRobinGroupChat([assistant("a", "Like this?"), person], termination_condition=condition)


def that_stops() -> RoundRobinGroupChat:
    agent = teams.Scripted("a", StopMessage(content="Enough.", source="a"), types=[StopMessage])
    return RoundRobinGroupChat([agent], termination_condition=StopMessageTermination())


ORCHESTRATOR = "MagenticOneOrchestrator"
KINDS: dict[str, tuple[Callable[[], Any], list[str]]] = {
    "round robin": (teams.five_agents, ["user", *teams.AGENTS]),
    "selector": (teams.selector, ["user", *(teams.AGENTS[number] for number in (2, 0, 4))]),
    "swarm": (teams.swarm, ["user", *["creative_planner"] * 3, "market_analyst"]),
    "Magentic-One": (magentic_one, ["user", ORCHESTRATOR, ORCHESTRATOR, "market_analyst", ORCHESTRATOR]),
    "graph": (graph_flow, ["user", "a", "b", "c"]),
    "nested": (nested, ["user", "planner", "editor", "critic"]),
    "society of mind": (society_of_mind, ["user", "planner", "editor", "society", "critic"]),
    "with a person": (with_a_person, ["user", "a", "person", "person"]),
    "that stops": (that_stops, ["user", "a"]),
}
