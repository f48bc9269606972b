"""The discussions that the demo plays: read from `discussions/*.toml` and checked."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import timedelta
from importlib import resources
from typing import Any

from chatlog import InvalidInput, MessageKind, SessionStatus

AGENTS = ("creative_planner", "market_analyst", "technical_validator", "business_evaluator", "user_advocate")

# A person follows about this many characters a second without haste; a Japanese one says as much as two or three others.
_CHARACTERS_PER_SECOND = 45
_WIDE_CHARACTERS_PER_SECOND = 20
_SHORTEST_PAUSE, _LONGEST_PAUSE = 2.5, 14.0
_FIRST_WIDE = "\u3000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One remark, and how many seconds its speaker takes for it."""

    source: str
    content: str
    kind: str
    pause: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A whole discussion. `status` is how it ended; without one it is played live."""

    name: str
    title: str
    task: str
    tags: tuple[str, ...]
    remarks: tuple[Remark, ...]
    status: SessionStatus | None
    started_ago: timedelta


def list_scripts() -> list[Script]:
    """Every discussion there is, by file name. Raises `InvalidInput` if one is not as it should be."""
    folder = resources.files("dashboard.demo") / "discussions"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return [_read(file.name.removesuffix(".toml"), tomllib.loads(file.read_text(encoding="utf-8"))) for file in files]


def _read(name: str, values: dict[str, Any]) -> Script:
    return Script(
        name=name,
        title=values["title"],
        task=values["task"],
        tags=tuple(values["tags"]),
        remarks=tuple(_read_remark(name, remark) for remark in values["remarks"]),
        status=SessionStatus(values["status"]) if "status" in values else None,
        started_ago=timedelta(days=values.get("started_days_ago", 0)),
    )


def _read_remark(name: str, values: dict[str, Any]) -> Remark:
    if values["source"] not in AGENTS:
        raise InvalidInput("source", f"{values['source']!r} in {name} is none of {', '.join(AGENTS)}.")
    content = values["content"].strip()
    kind = MessageKind(values.get("kind", MessageKind.TEXT))
    return Remark(source=values["source"], content=content, kind=kind, pause=values.get("pause") or _pause_for(content))


def _pause_for(content: str) -> float:
    wide = sum(character >= _FIRST_WIDE for character in content)
    seconds = wide / _WIDE_CHARACTERS_PER_SECOND + (len(content) - wide) / _CHARACTERS_PER_SECOND
    return min(_LONGEST_PAUSE, _SHORTEST_PAUSE + seconds)
