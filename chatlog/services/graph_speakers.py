"""Who speaks in a LangGraph graph, by what LangGraph itself says about a step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Nodes inside the agents that LangGraph and LangChain build; they say nothing about who speaks.
_INNER_NODES = {"agent", "model", "tools", "call_model"}


def find_speaker(metadata: Mapping[str, Any]) -> str | None:
    """The agent or node, below the graphs it is part of: `outer/inner`."""
    if named := metadata.get("lc_agent_name"):
        return str(named)
    path = [part.split(":")[0] for part in str(metadata.get("langgraph_checkpoint_ns") or "").split("|")]
    outer = [name for name in path if name and name not in _INNER_NODES]
    return "/".join(outer) or path[-1] or None
