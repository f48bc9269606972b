"""A site that only watches another program's container: every page works, nothing offers to change anything, and it says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient

from chatlog.storage.mirror.store import MirrorStore
from dashboard import personal
from dashboard.checks import check_store_settings
from dashboard.feeds import hub
from dashboard.stores import use_store
from dashboard.watching import is_only_watching
from tests.chatlog.storage.mirror.conftest import eventually
from tests.chatlog.storage.mirror.foreign import dotnet_document, dotnet_text, python_document, said, write
from tests.cosmos.double.containers import Container
from tests.dashboard.conftest import OpenSocket
from tests.dashboard.site_process import running_site
from tests.dashboard.watched_container import WatchedContainer, watched_container

pytestmark = pytest.mark.usefixtures("store")


@pytest.fixture
async def watched() -> AsyncIterator[WatchedContainer]:
    async with watched_container() as opened:
        yield opened


@pytest.fixture
def container(watched: WatchedContainer) -> Container:
    return watched.container


@pytest.fixture
async def store(watched: WatchedContainer, tmp_path: Path) -> AsyncIterator[MirrorStore]:
    async with watched.open_store(tmp_path) as opened:
        with use_store(opened):
            yield opened
            await hub.current.get().close()


async def html_of(browser: AsyncClient, path: str, *, status: int = 200) -> str:
    response = await browser.get(path)
    assert response.status_code == status
    return response.content.decode()


async def test_every_page_shows_what_the_other_program_wrote(browser: AsyncClient) -> None:
    for path in ("/", "/live/", "/sessions/thread-1/", "/search/?q=会議", "/?q=会議室"):
        assert "会議室" in (await html_of(browser, path)).replace("<mark>", "").replace("</mark>", ""), path
    assert "2026-11-23" in await html_of(browser, "/usage/?from=2026-11-20&to=2026-11-24")


async def test_rows_offer_no_editing_on_the_page_and_in_live_frames(
    browser: AsyncClient, open_socket: OpenSocket, container: Container
) -> None:
    socket = open_socket("/ws/sessions/")
    assert (await socket.connect())[0]
    frame = ""
    write(container, python_document(said("user", "Another question"), session_id="thread-2"))
    while "thread-2" not in frame:
        frame = await socket.receive_from(timeout=10)
    for html in (frame, await html_of(browser, "/")):
        assert 'class="star"' in html
        assert 'class="edit"' not in html
        assert "/edit" not in html


async def test_a_remark_appears_on_an_open_page(open_socket: OpenSocket, container: Container) -> None:
    socket = open_socket("/ws/sessions/thread-1/?after=1")
    assert (await socket.connect())[0]
    write(container, python_document(said("assistant", "彼方", author="namer")))
    frame = ""
    while 'id="message-2"' not in frame:
        frame = await socket.receive_from(timeout=10)
    assert "彼方" in frame


@pytest.mark.parametrize(("deed", "method"), [("edit", "get"), ("edit", "post"), ("delete", "post"), ("restore", "post")])
async def test_changing_something_is_refused_with_a_page_that_says_why(browser: AsyncClient, deed: str, method: str) -> None:
    response = await getattr(browser, method)(f"/sessions/thread-1/{deed}")
    assert response.status_code == 403
    html = response.content.decode()
    assert "This site only watches" in html
    assert "COSMOSDB_READ_ONLY" in html
    assert "Retry-After" not in response


async def test_stars_are_the_sites_own_and_stay(browser: AsyncClient, user: User) -> None:
    assert (await browser.post("/sessions/thread-1/star", {"starred": "1"})).status_code == 303
    assert await personal.list_starred(user) == ["thread-1"]


async def test_the_list_says_what_is_watched_and_when_things_expire_there(
    browser: AsyncClient, store: MirrorStore, container: Container
) -> None:
    assert "expire" not in await html_of(browser, "/")
    write(container, dotnet_document("user", dotnet_text("Hello"), session_id="c"), {"id": "lease", "session_id": "x"})
    await eventually(store.get_watched, until=lambda state: state.unread == 1)
    html = " ".join((await html_of(browser, "/")).split())
    assert f"only watches the container <bdi>tests/{store.settings.container_name}</bdi> of another program" in html
    assert "Things expire there 1 day after they were written" in html
    assert "1 document there is in a form that is not known here" in html


async def test_pages_and_health_say_when_it_cannot_be_followed(
    browser: AsyncClient, watched: WatchedContainer, store: MirrorStore
) -> None:
    assert (await browser.get("/readyz")).status_code == 200
    watched.double.inject("*", "answer", times=-1, status=503)
    await eventually(store.get_watched, until=lambda state: state.trouble is not None)
    for path in ("/", "/sessions/thread-1/"):
        html = await html_of(browser, path)
        assert "cannot be followed at the moment" in html
        assert "answered 503" in html
        assert "会議室" in html
    assert (await browser.get("/readyz")).status_code == 503


async def test_a_list_without_sessions_does_not_ask_to_record_one(
    browser: AsyncClient, watched: WatchedContainer, container: Container, tmp_path: Path
) -> None:
    for document in container.items():
        container.delete("thread-1", document["id"])
    async with watched.open_store(tmp_path / "empty") as empty:
        with use_store(empty):
            html = await html_of(browser, "/")
    assert "Nothing has been seen so far" in html
    assert "make demo" not in html


async def test_a_site_follows_from_its_start_on(watched: WatchedContainer, container: Container, tmp_path: Path) -> None:
    data = tmp_path / "site"
    data.mkdir()
    write(container, python_document(said("assistant", "彼方"), ttl=600))
    async with running_site(data, **watched.environment) as site:
        assert "another program's" in site.first_line
        await eventually(lambda: asyncio.to_thread(_count, data), until=lambda count: count == 2)
        container.seconds_ahead = 1_000  # by now it has expired there
        assert "彼方" in (await site.get("/sessions/thread-1/"))[2]


def _count(data: Path) -> int:
    """How much is in the mirror, looked at from outside: a page would begin to follow."""
    files = list(data.glob("mirror_*.sqlite3"))
    if not files:
        return 0
    connection = apsw.Connection(str(files[0]), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return connection.execute("SELECT count(*) FROM messages").fetchone()[0]
    except (apsw.SQLError, apsw.BusyError):  # the site is still about to make its tables
        return 0
    finally:
        connection.close()


def test_a_store_that_passes_every_name_on_is_not_taken_for_one_that_watches() -> None:
    class PassingStore:
        def __getattr__(self, name: str) -> object:
            return name

    with use_store(PassingStore()):
        assert not is_only_watching()


def test_the_check_says_what_is_watched(monkeypatch: pytest.MonkeyPatch, watched: WatchedContainer) -> None:
    assert check_store_settings(None) == []
    for name, value in watched.environment.items():
        monkeypatch.setenv(name, value)
    (told,) = check_store_settings(None)
    assert told.id == "dashboard.I001"
    assert f"{watched.settings.container_name} is only watched" in told.msg
