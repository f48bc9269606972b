"""How far a long command has come: a bar on a terminal, now and then a line anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from django.core.management.base import OutputWrapper
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

_STEP_PERCENT = 10


class Meter(Protocol):
    def reach(self, done: float) -> None:
        """So much of the total is done."""

    def say(self, text: str) -> None:
        """Write a line beside the bar."""


@contextmanager
def show_progress(label: str, *, total: float, out: OutputWrapper) -> Iterator[Meter]:
    if not out.isatty():
        yield _Lines(label, total=total, out=out)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as progress:
        yield _Bar(progress, label, total=total)


class _Bar:
    def __init__(self, progress: Progress, label: str, *, total: float) -> None:
        self._progress = progress
        self._task = progress.add_task(label, total=total)

    def reach(self, done: float) -> None:
        self._progress.update(self._task, completed=done)

    def say(self, text: str) -> None:
        self._progress.console.print(text, markup=False, highlight=False, soft_wrap=True)


class _Lines:
    def __init__(self, label: str, *, total: float, out: OutputWrapper) -> None:
        self._label, self._total, self._out = label, total, out
        self._said = 0

    def reach(self, done: float) -> None:
        percent = int(100 * done / self._total) if self._total else 100
        if percent >= self._said + _STEP_PERCENT or self._said < percent == 100:
            self._said = percent
            self._out.write(f"{self._label}: {percent} %")

    def say(self, text: str) -> None:
        self._out.write(text)
