"""The real site in a process of its own, behind a wire that can be cut, and a real Chromium in front of it."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

import chatlog
from chatlog import Message, MessageDraft, Session, SessionStore
from chatlog.config import StoreSettings
from tests.browser.chromium import launch_options
from tests.browser.wire import Wire
from tests.dashboard.site_process import prepared
from tests.factories import make_session

T = TypeVar("T")
PATIENCE = 20_000  # ms; how long a test waits for what must happen, on a machine that is busy
expect.set_options(timeout=PATIENCE)  # a context's own does not hold for what is expected, which would have 5 s


@dataclass
class Site:
    """`manage.py serve` (or a program of the tests in its place), reached through the wire, whose port stays the same."""

    data_dir: Path
    program: list[str] = field(default_factory=lambda: ["manage.py", "serve"])
    environment: dict[str, str] = field(default_factory=dict)
    wire: Wire = field(default_factory=Wire)
    process: subprocess.Popen[str] | None = None

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.wire.port}"

    @property
    def address(self) -> str:
        return f"http://{self.host}"

    @property
    def store_settings(self) -> StoreSettings:
        return StoreSettings.from_env({"CHATLOG_DATA_DIR": str(self.data_dir)} | self.environment)

    def start(self) -> None:
        self.process = self.run(*self.program, "--port", "0")
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert "http://" in line, f"the site said {line!r}"
        self.wire.lead_to(int(line.split("http://")[1].split("/")[0].rsplit(":", 1)[1]))

    def run(self, *command: str) -> subprocess.Popen[str]:
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "dashboard.settings",  # the real ones, not those of the tests beside this process
            "CHATLOG_DATA_DIR": str(self.data_dir),
            "SECRET_KEY": "",
            "REDIS_URL": "",
            "COSMOSDB_ENDPOINT": "",
            **self.environment,
        }
        return subprocess.Popen([sys.executable, *command], env=environment, stdout=subprocess.PIPE, text=True)

    def end(self, how: Callable[[subprocess.Popen[str]], None] = subprocess.Popen.kill) -> int:
        assert self.process is not None
        how(self.process)
        status = self.process.wait(timeout=20)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status

    # Saving happens outside the site's process: for the site it is an agent's program that knows nothing of it.

    def create(self, **values: Any) -> Session:
        return self._with_store(lambda store: store.create_session(make_session(**values)))

    def say(self, session: Session, *drafts: MessageDraft) -> list[Message]:
        return self._with_store(lambda store: store.append_messages(session.session_id, drafts))

    def change(self, session: Session, **values: Any) -> Session:
        return self._with_store(lambda store: store.update_session(session.session_id, **values))

    def delete(self, session: Session) -> None:
        self._with_store(lambda store: store.delete_session(session.session_id))

    def delete_all(self) -> None:
        async def work(store: SessionStore) -> None:
            while sessions := (await store.list_sessions(limit=100)).items:
                for session in sessions:
                    await store.delete_session(session.session_id)

        self._with_store(work)

    def _with_store(self, work: Callable[[SessionStore], Awaitable[T]]) -> T:
        async def run() -> T:
            async with chatlog.open_store(self.store_settings) as store:
                return await work(store)

        # In a thread of its own: playwright keeps an event loop running in this one.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, run()).result()


def make_site(data_dir: Path, **options: Any) -> Site:
    shutil.copytree(prepared()[0], data_dir, dirs_exist_ok=True)
    return Site(data_dir, **options)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = make_site(tmp_path)
    site.start()
    yield site
    site.end()
    site.wire.close()


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One for all the tests of a module, which leave it as they found it: starting a site takes half a second of work."""
    site = make_site(tmp_path_factory.mktemp("shared"))
    site.start()
    yield site
    site.end()
    site.wire.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_options())
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, site: Site) -> Page:
    """A page of somebody who is logged in. Errors of its scripts fail the test."""
    return log_in(context, site)


def log_in(context: BrowserContext, site: Site) -> Page:
    """By the cookie that a login leaves: the form has a test of its own, and hashing a password takes its time."""
    page = context.new_page()
    page.errors = []  # type: ignore[attr-defined]  # looked at by the tests that expect none
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    context.add_cookies([{"name": "sessionid", "value": prepared()[1], "url": site.address}])
    page.goto(f"{site.address}/")
    return page
