from __future__ import annotations

from io import StringIO

import pytest
from django.core.management.base import OutputWrapper

from dashboard.management.progress import show_progress


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_lines_come_every_tenth_and_at_the_end() -> None:
    out = StringIO()
    with show_progress("Working", total=200, out=OutputWrapper(out)) as meter:
        for done in range(201):
            meter.reach(done)
        meter.say("a line")
    lines = out.getvalue().splitlines()
    assert lines == [*(f"Working: {percent} %" for percent in range(10, 101, 10)), "a line"]


def test_on_a_terminal_there_is_a_bar_and_text_stays_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with show_progress("Working", total=2, out=OutputWrapper(Terminal())) as meter:
        meter.reach(1)
        meter.say("[bold]file.jsonl:3[/bold]: not JSON")
    shown = capsys.readouterr().err
    assert "[bold]file.jsonl:3[/bold]: not JSON" in shown


def test_nothing_to_do_is_done() -> None:
    out = StringIO()
    with show_progress("Working", total=0, out=OutputWrapper(out)) as meter:
        meter.reach(0)
    assert out.getvalue() == "Working: 100 %\n"
