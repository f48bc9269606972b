"""Collecting the static files before the site starts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from django.conf import settings

from dashboard import static_files
from dashboard.static_files import HashedFiles, collect_if_stale


@pytest.fixture
def collected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was collected, by a command that takes its time over it as the real one does."""
    done: list[str] = []
    patience = Barrier(2)

    def collect(command: str, **_: Any) -> None:
        try:
            patience.wait(timeout=0.5)  # until another is here too, which must not be
        except BrokenBarrierError:  # alone, as it should be
            patience.reset()
        done.append(command)
        (tmp_path / "files" / HashedFiles.manifest_name).write_text('{"version": "1.1", "paths": {}}')

    monkeypatch.setattr(settings, "STATIC_ROOT", tmp_path / "files")
    monkeypatch.setattr(static_files, "staticfiles_storage", HashedFiles(location=tmp_path / "files"))
    monkeypatch.setattr(static_files, "call_command", collect)
    return done


def test_files_are_collected_once(collected: list[str]) -> None:
    assert collect_if_stale()
    assert not collect_if_stale()
    assert collected == ["collectstatic"]


def test_of_two_sites_that_start_at_once_one_collects(collected: list[str]) -> None:
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: collect_if_stale(), range(2)))
    assert sorted(answers) == [False, True]
    assert collected == ["collectstatic"]


def test_the_site_that_waited_knows_what_the_other_collected(collected: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    storage = HashedFiles(location=settings.STATIC_ROOT)  # made before there is anything to know
    monkeypatch.setattr(static_files, "staticfiles_storage", storage)
    answers = iter([True, False])
    monkeypatch.setattr(static_files, "_is_stale", lambda: next(answers))
    settings.STATIC_ROOT.mkdir(parents=True)
    (settings.STATIC_ROOT / HashedFiles.manifest_name).write_text('{"version": "1.1", "paths": {"icon.svg": "icon.1.svg"}}')
    assert not collect_if_stale()
    assert storage.stored_name("icon.svg") == "icon.1.svg"


def test_newer_sources_are_collected_anew(collected: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    collect_if_stale()
    monkeypatch.setattr(static_files, "_newest_source", lambda: 1e12)
    assert collect_if_stale()
    assert collected == ["collectstatic"] * 2
