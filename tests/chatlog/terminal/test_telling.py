"""How remarks look on a terminal: colours that can be read, days that are named, heads that fit."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.cells import cell_len
from rich.color import Color

from chatlog import MessageKind, SessionStatus
from chatlog.domain.colours import COLOURS
from chatlog.terminal.screen import SPEAKERS
from dashboard.speakers import list_speakers
from tests.chatlog.services.taking import keep
from tests.chatlog.terminal.programs import PROGRAM, ROOT, environment, on_terminal, with_store
from tests.factories import AGENTS, make_draft

READABLE = 3.0  # WCAG 2.2, 1.4.3, for bold text; of one colour on black and on white, 4.58 for both is the most there can be


def luminance(number: int) -> float:
    channels = [value / 255 for value in Color.from_ansi(number).get_truecolor()]
    linear = [value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return sum(share * value for share, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_every_speakers_colour_can_be_read_on_black_and_on_white() -> None:
    numbers = [int(style.rpartition(";")[2]) for style in SPEAKERS]
    assert len(set(numbers)) == COLOURS
    for number in numbers:
        assert (luminance(number) + 0.05) / 0.05 >= READABLE
        assert 1.05 / (luminance(number) + 0.05) >= READABLE


def test_a_speaker_has_the_number_of_the_colour_that_the_pages_give(tmp_path: Path) -> None:
    said = [make_draft(source=name) for name in reversed(AGENTS)]
    with_store(tmp_path, lambda store: keep(store, said, session_id="one", participants=AGENTS))
    with on_terminal(tmp_path, *PROGRAM, "tail", "one") as terminal:
        _, text = terminal.read_to_the_end()
    painted = {name: style for style, name in re.findall(r"\x1b\[1;(38;5;\d+)m(\w+)", text)}
    assert painted == {one.name: SPEAKERS[one.colour - 1] for one in list_speakers("one", AGENTS)}


def test_a_day_is_named_where_it_begins_and_today_is_not(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    times = [now - timedelta(days=3), now - timedelta(days=3), now - timedelta(days=2), now]
    said = [make_draft(content="x", timestamp=moment) for moment in times]
    with_store(tmp_path, lambda store: keep(store, said, session_id="one", created_at=times[0]))
    with on_terminal(tmp_path, *PROGRAM, "tail", "one", "--no-color", TZ="UTC") as terminal:
        _, text = terminal.read_to_the_end()
    days = [line for line in text.splitlines() if re.fullmatch(r"\d{4}-\d\d-\d\d", line)]
    assert days == [f"{times[place]:%Y-%m-%d}" for place in (0, 2, 3)]
    with_store(tmp_path, lambda store: keep(store, said[3:], session_id="two"))
    with on_terminal(tmp_path, *PROGRAM, "tail", "two", "--no-color", TZ="UTC") as terminal:
        _, text = terminal.read_to_the_end()
    assert not any(re.fullmatch(r"\d{4}-\d\d-\d\d", line) for line in text.splitlines())


def test_a_head_fits_a_narrow_terminal_whatever_the_names_are(tmp_path: Path) -> None:
    said = [make_draft(source="長い名前" * 20, kind=kind) for kind in ("k" * 60, MessageKind.ERROR, MessageKind.TOOL_CALL)]
    with_store(tmp_path, lambda store: keep(store, said, session_id="one", title="題名" * 40, status=SessionStatus.ACTIVE))
    with on_terminal(tmp_path, *PROGRAM, "tail", "--last", "9", "--no-follow", "--no-color", columns=72) as terminal:
        _, text = terminal.read_to_the_end()
    heads = [line for line in text.splitlines() if re.match(r"\d\d:\d\d:\d\d", line)]
    assert len(heads) == 3
    assert all(cell_len(line) <= 72 for line in heads)


def test_a_disk_that_is_full_is_said_in_a_line(tmp_path: Path) -> None:
    with_store(tmp_path, lambda store: keep(store, [make_draft()], session_id="one"))
    for command in ("tail one", "list", "export one"):
        script = f'"{sys.executable}" -m chatlog {command} > /dev/full'
        done = subprocess.run(
            ["bash", "-c", script], cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 2
        assert done.stderr.splitlines()[-1].endswith("cannot be written: No space left on device.")
        assert "Traceback" not in done.stderr
