"""What a file says under ids that are stored already: the same, or something else, which is named and changes nothing."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chatlog import MessageDraft, SessionStatus, SessionStore
from chatlog.services.import_comparing import Comparison, compare
from chatlog.services.import_files import Problem
from chatlog.services.importing import UNFINISHED_TAG, ImportStopped, import_discussions, read_files, stop_at_once
from tests.chatlog.services.taking import bring_in, export, keep, open_sqlite
from tests.factories import make_drafts


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SessionStore]:
    async with open_sqlite(tmp_path / "store.sqlite3") as opened:
        yield opened


def numbered(messages: int, **changed: str) -> list[MessageDraft]:
    """Messages with the ids m1, m2 …, of which some say what is given."""
    return [
        MessageDraft(source="planner", content=changed.get(f"m{n}", f"Remark {n}"), message_id=f"m{n}")
        for n in range(1, messages + 1)
    ]


async def write(path: Path, *sessions: tuple[str, list[MessageDraft]]) -> Path:
    """An export of these sessions."""
    async with open_sqlite(path.with_suffix(".sqlite3")) as other:
        for session_id, drafts in sessions:
            await keep(other, drafts, session_id=session_id)
        await asyncio.to_thread(path.write_bytes, await export(other))
    return path


async def test_other_words_under_a_stored_id_are_named_counted_and_change_nothing(store: SessionStore, tmp_path: Path) -> None:
    await bring_in(store, await write(tmp_path / "old.jsonl", ("a", numbered(3)), ("b", numbered(2))))
    before = await export(store)
    changed = await write(tmp_path / "new.jsonl", ("a", numbered(3, m2="Another")), ("b", numbered(2)))
    problems: list[Problem] = []
    count = await bring_in(store, changed, problems=problems)
    assert (count.stored, count.there, count.contradicted) == (0, 1, 1)
    (problem,) = problems
    assert "new.jsonl" in str(problem)
    assert "session 'a' is there, and says something else under 1 of these message ids: 'm2'" in problem.reason
    assert "delete the session first" in problem.reason
    assert await export(store) == before


async def test_another_speaker_is_something_else_and_other_figures_are_not(store: SessionStore, tmp_path: Path) -> None:
    file = await write(tmp_path / "own.jsonl", ("a", numbered(2)))
    await bring_in(store, file)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    lines[2]["metadata"] = {"seen": True}
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert (await bring_in(store, file)).there == 1
    lines[2]["source"] = "critic"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert (await bring_in(store, file, problems=[])).contradicted == 1


async def test_of_very_many_the_first_are_named(store: SessionStore, tmp_path: Path) -> None:
    await bring_in(store, await write(tmp_path / "old.jsonl", ("a", numbered(1_200))))
    other = {f"m{n}": "Another" for n in range(1, 1_201)}
    problems: list[Problem] = []
    count = await bring_in(store, await write(tmp_path / "new.jsonl", ("a", numbered(1_200, **other))), problems=problems)
    assert count.contradicted == 1_200
    assert "1,200 of these message ids: 'm1', 'm2', 'm3', 'm4', 'm5' and 1,195 more." in problems[0].reason


async def test_a_strict_import_stops_at_other_words(store: SessionStore, tmp_path: Path) -> None:
    await bring_in(store, await write(tmp_path / "old.jsonl", ("a", numbered(3))))
    changed = await write(tmp_path / "new.jsonl", ("a", numbered(3, m3="Another")))
    found = read_files([changed], report=stop_at_once, on_progress=lambda path, size: None)
    with pytest.raises(ImportStopped, match="'m3'"):
        await import_discussions(store, found, report=stop_at_once)


@pytest.mark.parametrize("changed", ["m1", "m3"])
async def test_an_import_that_broke_off_is_not_completed_from_another_version(
    changed: str, store: SessionStore, tmp_path: Path
) -> None:
    await keep(store, numbered(4), session_id="a", status=SessionStatus.ACTIVE, tags=[UNFINISHED_TAG])
    file = await write(tmp_path / "new.jsonl", ("a", numbered(6, **{changed: "Another"})))
    count = await bring_in(store, file, problems=(problems := []))
    assert (count.stored, count.contradicted, repr(changed) in str(problems[0])) == (0, 1, True)
    assert [message.content for message in await store.list_messages("a")] == [draft.content for draft in numbered(4)]
    assert (await store.get_session("a")).tags == (UNFINISHED_TAG,)


async def test_other_words_further_on_stop_an_import_too(store: SessionStore, tmp_path: Path) -> None:
    """Somebody said something in a session that was being imported: its end is not the end of what was imported."""
    said = [*numbered(2), MessageDraft(source="user", content="Another", message_id="m5")]
    await keep(store, said, session_id="a", status=SessionStatus.ACTIVE, tags=[UNFINISHED_TAG])
    count = await bring_in(store, await write(tmp_path / "new.jsonl", ("a", numbered(6))), problems=(problems := []))
    assert (count.stored, count.contradicted, "'m5'" in str(problems[0])) == (0, 1, True)


def looked_up(stored: dict[str, Any], drafts: list[MessageDraft]) -> Comparison:
    """The same by looking each of them up."""
    known = [draft for draft in drafts if draft.message_id in stored]
    return Comparison(
        missing=len(drafts) - len(known),
        contradicted=tuple(sorted(draft.message_id for draft in known if stored[draft.message_id] != draft.content)),
    )


@pytest.mark.parametrize("seed", range(8))
async def test_messages_are_found_wherever_they_stand(seed: int, store: SessionStore) -> None:
    chance = random.Random(seed)
    drafts = make_drafts(chance.choice([3, 40, 1_100]))
    ours = chance.sample(drafts, chance.randint(0, len(drafts)))
    said = [
        MessageDraft(source=draft.source, content=chance.choice([draft.content, "Another"]), message_id=draft.message_id)
        for draft in ours
    ] + make_drafts(chance.randint(1, 20))
    if seed % 2:
        chance.shuffle(said)
    await keep(store, said, session_id="a")
    found = await compare(store, "a", drafts)
    contents = {draft.message_id: draft.content for draft in said}
    assert Comparison(found.missing, tuple(sorted(found.contradicted))) == looked_up(contents, drafts)
