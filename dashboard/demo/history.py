"""Past discussions of any number, made up from `dashboard.demo.sentences`: realistic to look at, to search and to measure with.

The same seed makes the same discussions. Nothing here touches a store.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import accumulate
from typing import NamedTuple

from chatlog import MessageDraft, MessageKind, Session, SessionStatus
from chatlog.domain.models import draft_session
from dashboard.demo.sentences import AGENT_TEAMS, LANGUAGES, SYLLABLES, TOOLS, Language

# How often each outcome is; `active` ones were given up without a word and show as stalled.
_STATUSES = {SessionStatus.COMPLETED: 83, SessionStatus.FAILED: 8, SessionStatus.CANCELLED: 6, SessionStatus.ACTIVE: 3}
# How busy each hour of a day is, in UTC: Japan works from 0 to 9, Europe and America from 8 to 22.
_HOURS = (6, 7, 7, 5, 6, 7, 7, 6, 5, 4, 3, 3, 3, 4, 5, 5, 4, 4, 3, 3, 2, 2, 2, 4)
_SPREAD_OF_LENGTHS = 0.9  # sigma of a log-normal: one session in a hundred is eight times as long as the middle one
_MIDDLE_PAUSE_SECONDS = 2.8  # mu of a log-normal: e**2.8 is 16 s
_TOOL_CALLS = 0.07


class PastDiscussion(NamedTuple):
    """A session as it stood at its end, and what was said in it."""

    session: Session
    drafts: list[MessageDraft]


class _Scene(NamedTuple):
    """What stays the same within one discussion."""

    rng: random.Random
    language: Language
    team: tuple[str, ...]
    topic: str
    name: str

    def fill(self, text: str) -> str:
        pick = self.rng.choice
        words = {"topic": self.topic, "name": self.name, "part": pick(self.language.parts), "other": pick(self.team)}
        return text.format(**words, n=self.rng.randrange(2, 100))


def list_history(*, sessions: int, messages: int, seed: int, until: datetime, days: int = 30) -> Iterator[PastDiscussion]:
    """That many discussions with that many messages in all, over the `days` before `until`.

    Each has an id made of the seed and its number, and depends on nothing else but its share of the messages and the times.
    """
    for number, length in enumerate(_lengths(sessions, messages, seed), start=1):
        yield _make_discussion(f"history_{seed}_{number:06d}", length, until=until, days=days)


def _lengths(sessions: int, messages: int, seed: int) -> Iterator[int]:
    """Log-normal shares that add up exactly; everybody has one message if there are enough."""
    rng = random.Random(f"lengths {seed}")  # noqa: S311  # chosen so that it can be repeated, like all below
    least = 1 if messages >= sessions else 0
    shares = list(accumulate(rng.lognormvariate(0, _SPREAD_OF_LENGTHS) for _ in range(sessions)))
    borders = [round((messages - least * sessions) * share / shares[-1]) for share in shares]
    return (least + border - before for before, border in zip([0, *borders], borders, strict=False))


def _make_discussion(session_id: str, length: int, *, until: datetime, days: int) -> PastDiscussion:
    rng = random.Random(session_id)  # noqa: S311
    language = rng.choice(LANGUAGES)
    everybody = rng.choice(AGENT_TEAMS)
    team = tuple(rng.sample(everybody, k=rng.randint(2, len(everybody))))
    scene = _Scene(rng, language, team, topic=rng.choice(language.topics), name=_make_name(rng))
    status = rng.choices([*_STATUSES], weights=[*_STATUSES.values()])[0]
    pauses = [timedelta(seconds=round(rng.lognormvariate(_MIDDLE_PAUSE_SECONDS, 0.8), 3)) for _ in range(length)]
    begin = _choose_begin(rng, until=until, days=days, lasting=sum(pauses, timedelta()))
    session = _make_session(scene, session_id, begin)
    drafts = _make_drafts(scene, session_id, begin, pauses, is_failed=status is SessionStatus.FAILED)
    return PastDiscussion(replace(session, status=status), drafts)


def _make_session(scene: _Scene, session_id: str, begin: datetime) -> Session:
    rng = scene.rng
    return draft_session(
        session_id=session_id,
        task=scene.fill(rng.choice(scene.language.tasks)),
        title=scene.fill(rng.choice(scene.language.titles)) if rng.random() < 0.6 else None,
        tags=rng.sample(scene.language.tags, k=rng.choice((0, 1, 1, 2, 3))),
        participants=scene.team,
        created_at=begin,
        metadata={"made_up": True},
    )


def _choose_begin(rng: random.Random, *, until: datetime, days: int, lasting: timedelta) -> datetime:
    day = (until - timedelta(days=rng.randint(1, days))).replace(hour=0, minute=0, second=0, microsecond=0)
    hour = rng.choices(range(24), weights=_HOURS)[0]
    begin = day + timedelta(hours=hour, seconds=rng.randrange(3600), microseconds=rng.randrange(1_000_000))
    return min(begin, until - lasting - timedelta(minutes=10))


def _make_drafts(
    scene: _Scene, session_id: str, begin: datetime, pauses: list[timedelta], *, is_failed: bool
) -> list[MessageDraft]:
    drafts: list[MessageDraft] = []
    moment = begin
    for number, pause in enumerate(pauses, start=1):
        moment += pause
        before = drafts[-1] if drafts else None
        is_error = is_failed and number == len(pauses)
        kind, source, content = _say(scene, before, is_error=is_error)
        drafts.append(
            MessageDraft(
                source=source,
                content=content,
                kind=kind,
                message_id=f"{session_id}-{number:05d}",
                timestamp=moment,
                models_usage=_usage(scene.rng, content) if kind is MessageKind.TEXT else None,
            )
        )
    return drafts


def _say(scene: _Scene, before: MessageDraft | None, *, is_error: bool) -> tuple[MessageKind, str, str]:
    rng = scene.rng
    if is_error:
        return (
            MessageKind.ERROR,
            scene.team[0],
            f"TimeoutError: {rng.choice(TOOLS)} did not answer within {rng.randrange(5, 60)} s",
        )
    if before is not None and before.kind == MessageKind.TOOL_CALL:
        return MessageKind.TOOL_RESULT, before.source, _tool_result(rng)
    speaker = rng.choice([name for name in scene.team if before is None or name != before.source])
    if rng.random() < _TOOL_CALLS:
        arguments = json.dumps({"query": scene.topic, "limit": rng.randrange(1, 20)}, ensure_ascii=False)
        return MessageKind.TOOL_CALL, speaker, f"{rng.choice(TOOLS)}\n```json\n{arguments}\n```"
    if rng.random() < 0.03:
        return MessageKind.THOUGHT, speaker, scene.fill(rng.choice(scene.language.sentences))
    return MessageKind.TEXT, speaker, _remark(scene)


def _remark(scene: _Scene) -> str:
    rng, language = scene.rng, scene.language
    texts = [rng.choice(language.openings)] if rng.random() < 0.5 else []
    texts += rng.sample(language.sentences, k=min(8, 1 + int(rng.lognormvariate(0.4, 0.7))))
    if rng.random() < 0.25:
        texts.append(rng.choice(language.endings))
    text = language.gap.join(map(scene.fill, texts))
    if rng.random() < 0.12:
        text += "\n\n" + "\n".join(f"- {scene.fill(point)}" for point in rng.sample(language.points, k=3))
    return text


def _tool_result(rng: random.Random) -> str:
    rows = [{"id": f"{rng.randrange(16**8):08x}", "score": round(rng.random(), 3)} for _ in range(rng.randrange(1, 5))]
    return json.dumps({"rows": rows}, indent=1)


def _usage(rng: random.Random, content: str) -> dict[str, int]:
    return {"prompt_tokens": rng.randrange(200, 4_000), "completion_tokens": max(1, len(content) // 2)}


def _make_name(rng: random.Random) -> str:
    return "".join(rng.choice(SYLLABLES) for _ in range(rng.randint(2, 4))).capitalize()
