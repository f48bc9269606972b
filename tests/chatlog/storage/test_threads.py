"""What a store says that gets no thread to work in."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

import chatlog
from chatlog import StorageUnavailable
from chatlog.client import RemoteStore
from tests.factories import make_session


def refuse(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


async def test_a_store_that_gets_no_thread_says_so_and_works_once_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = chatlog.open_store(f"sqlite:///{tmp_path}/c.sqlite3")
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        for _ in range(2):
            with pytest.raises(StorageUnavailable, match="can't start new thread"):
                await store.create_session(make_session(session_id="s"))
    assert (await store.create_session(make_session(session_id="s"))).session_id == "s"
    await store.aclose()


async def test_a_store_over_http_that_gets_no_thread_says_so_and_works_once_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RemoteStore("http://127.0.0.1:9", token="t", folder=tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        for _ in range(2):
            with pytest.raises(StorageUnavailable, match="can't start new thread"):
                await store.get_backlog()
    assert (await store.get_backlog()).waiting == 0
    await store.aclose()
