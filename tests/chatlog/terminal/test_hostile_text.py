"""Nothing that an agent says reaches a terminal as anything but text that can be seen."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path

import pytest

from chatlog import MessageKind, SessionStatus, SessionStore
from chatlog.domain.hidden import escape_hidden, show_hidden
from tests.chatlog.services.taking import keep
from tests.chatlog.terminal.programs import PROGRAM, on_terminal, run, with_store
from tests.factories import make_draft
from tests.hostile.terminal import TERMINAL_ATTACKS

OUR_STYLE = re.compile(r"\x1b\[(?:0|1|2|31|32|33|1;38;5;\d+)m")
HARMLESS = {"\u200c", "\u200d", "\u200e", "\u200f", "\u061c"}  # what scripts and emoji need
KINDS = (MessageKind.TEXT, MessageKind.TOOL_CALL, MessageKind.ERROR)


def is_seen(character: str) -> bool:
    return character in HARMLESS or unicodedata.category(character) not in {"Cc", "Cf", "Zl", "Zp", "Cs"}


def unseen(text: str) -> set[str]:
    """Characters that would do something, besides the ends of lines."""
    return {character for character in text.replace("\r\n", "\n") if character != "\n" and not is_seen(character)}


async def say_it_everywhere(store: SessionStore) -> None:
    """In what was said, as the speaker, as the kind of remark, in title, task and tags."""
    said = [make_draft(content=f"x {attack} y", kind=kind) for attack in TERMINAL_ATTACKS for kind in KINDS]
    said += [make_draft(source=f"s{attack}", kind=f"k{attack}"[:60]) for attack in TERMINAL_ATTACKS]
    await keep(store, said, session_id="hostile", title="".join(TERMINAL_ATTACKS)[:400], tags=[TERMINAL_ATTACKS[0]])
    await keep(store, said[:1], title="\u202edlrow\u2066 \u200b", status=SessionStatus.ACTIVE)
    for attack in TERMINAL_ATTACKS:
        await keep(store, [], task=f"{attack}!", title=f"{attack}!")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    with_store(tmp_path, say_it_everywhere)
    return tmp_path


def test_a_terminal_is_told_nothing_but_text_and_our_colours(data: Path) -> None:
    for arguments in (["tail", "hostile", "--all"], ["tail", "hostile", "--all", "--full"], ["list", "--limit", "100"]):
        with on_terminal(data, *PROGRAM, *arguments) as terminal:
            status, text = terminal.read_to_the_end()
        assert status == 0
        assert unseen(OUR_STYLE.sub("", text)) == set()
        assert ("␛]52;c;" in text) == (arguments[0] == "tail")  # a list has titles, and a sign for each control in them


def test_a_pipe_is_told_nothing_but_text(data: Path) -> None:
    for arguments in (["tail", "hostile", "--all"], ["list", "--limit", "100"], ["tail", "--no-follow", "--last", "1"]):
        done = run(data, *arguments)
        assert unseen(done.stdout) | unseen(done.stderr) == set()


def test_no_remark_can_play_another_one(data: Path) -> None:
    lines = run(data, "tail", "hostile", "--all").stdout.splitlines()
    assert [line for line in lines if "I approve" in line if not line.startswith((" " * 10, "20"))] == []
    assert any(line == f"{' ' * 10}14:30:25  boss" for line in lines)
    assert not any(re.match(r"(\d{4}-\d\d-\d\d )?14:30:25", line) for line in lines)


def test_json_is_escaped_and_loses_nothing(data: Path) -> None:
    done = run(data, "tail", "hostile", "--all", "--json")
    assert unseen(done.stdout) == set()
    assert "\\u001b]52;c;" in done.stdout
    assert "\\u009b2J" in done.stdout
    told = [json.loads(line)["content"] for line in done.stdout.splitlines()]
    assert told[: 3 * len(TERMINAL_ATTACKS) : 3] == [f"x {attack} y" for attack in TERMINAL_ATTACKS]
    tasks = [json.loads(line)["task"] for line in run(data, "list", "--limit", "100", "--json").stdout.splitlines()]
    assert {f"{attack}!" for attack in TERMINAL_ATTACKS} <= set(tasks)


def test_an_error_that_quotes_what_was_typed_is_harmless(tmp_path: Path) -> None:
    with_store(tmp_path, lambda store: keep(store, [make_draft()]))
    for attack in TERMINAL_ATTACKS:
        for arguments in (["tail", attack], ["list", "--filter", f"status:{attack}"], ["export", "--format", attack]):
            done = run(tmp_path, *arguments)
            assert (done.returncode, unseen(done.stderr)) == (2, set()), arguments


def test_a_line_that_is_left_out_is_named_harmlessly(tmp_path: Path) -> None:
    lines = "\n".join(json.dumps({"content": "x", attack: 1}) for attack in TERMINAL_ATTACKS)
    done = run(tmp_path, "record", "--task", "x", "--json", lines=lines)
    assert (done.returncode, done.stderr.count("was left out"), unseen(done.stderr)) == (1, len(TERMINAL_ATTACKS), set())


def test_a_lone_surrogate_and_a_character_of_plane_14_are_escaped_as_json_has_it() -> None:
    for text in ("a\ud800b", "a\U000e0041b", "a\x7fb\x9bc", "改行\u2028"):
        escaped = escape_hidden(json.dumps(text, ensure_ascii=False))
        assert json.loads(escaped) == text
        assert unseen(escaped) == set()


def test_what_is_seen_stays_as_it_is() -> None:
    for text in ("空間を共有します。", "naïve café", "👩‍💻 ok", "a\tb\nc", "שלום\u200f"):
        assert show_hidden(text) == text
        assert json.loads(escape_hidden(json.dumps(text, ensure_ascii=False))) == text
