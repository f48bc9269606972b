from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import pytest

from chatlog import InvalidInput, MessageDraft, MessageKind, SessionStatus
from dashboard.demo import scripts
from dashboard.demo.scripts import AGENTS, Script, list_scripts

ALL = list_scripts()
LIVE = [script for script in ALL if script.status is None]


def is_japanese(text: str) -> bool:
    return any("HIRAGANA" in unicodedata.name(character, "") for character in text)


def named(found: Sequence[Script]) -> list[str]:
    return [script.name for script in found]


def test_a_japanese_and_an_english_discussion_are_played_live() -> None:
    assert [is_japanese(script.task) for script in LIVE] == [True, False]


@pytest.mark.parametrize("script", LIVE, ids=named(LIVE))
def test_a_live_discussion_is_long_and_everybody_speaks(script: Script) -> None:
    assert 30 <= len(script.remarks) <= 45
    assert {remark.source for remark in script.remarks} == set(AGENTS)
    wanted = {MessageKind.TEXT, MessageKind.THOUGHT, MessageKind.TOOL_CALL, MessageKind.TOOL_RESULT, MessageKind.HANDOFF}
    assert {remark.kind for remark in script.remarks} >= wanted
    whole = "\n".join(remark.content for remark in script.remarks)
    assert all(mark in whole for mark in ("|---", "```python", "\n- ", "\n1. ", "**"))


@pytest.mark.parametrize("script", LIVE, ids=named(LIVE))
def test_a_live_discussion_takes_minutes_and_pauses_follow_length(script: Script) -> None:
    pauses = [remark.pause for remark in script.remarks]
    assert 3 * 60 < sum(pauses) < 10 * 60
    assert max(pauses) < 45
    assert len(set(pauses)) > 20


def test_finished_discussions_ended_in_every_way_and_in_the_past_week() -> None:
    over = [script for script in ALL if script.status is not None]
    assert {script.status for script in over} == set(SessionStatus) - {SessionStatus.ACTIVE}
    assert all(8 <= len(script.remarks) <= 20 for script in over)
    assert all(0 < script.started_ago.days + 1 <= 7 for script in over)
    assert sum(is_japanese(script.task) for script in over) == 2
    (failed,) = [script for script in over if script.status is SessionStatus.FAILED]
    assert failed.remarks[-1].kind == MessageKind.ERROR


@pytest.mark.parametrize("script", ALL, ids=named(ALL))
def test_every_remark_can_be_stored_and_follows_its_tool_call(script: Script) -> None:
    for before, remark in zip((None, *script.remarks), script.remarks, strict=False):
        MessageDraft(source=remark.source, content=remark.content, kind=remark.kind)
        if remark.kind == MessageKind.TOOL_RESULT:
            assert before is not None
            assert (before.kind, before.source) == (MessageKind.TOOL_CALL, remark.source)


def test_an_unknown_speaker_is_named() -> None:
    with pytest.raises(InvalidInput, match="'nobody' in draft is none of creative_planner"):
        scripts._read_remark("draft", {"source": "nobody", "content": "x"})
