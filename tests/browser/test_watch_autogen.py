"""Real AutoGen teams at work, each remark seen in the browser before the next one is made."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any

import pytest
from autogen_agentchat.base import TaskResult
from playwright.sync_api import Page, expect

import chatlog
from chatlog.config import StoreSettings
from chatlog.integrations.autogen import record
from tests.browser.conftest import PATIENCE, Site
from tests.chatlog.integrations import teams
from tests.factories import AGENTS


class Rehearsal(threading.Thread):
    """A team that runs in another thread and is held after each item until it is told to go on."""

    def __init__(self, make_team: Callable[[], Any], settings: StoreSettings) -> None:
        super().__init__(daemon=True)
        self._make_team = make_team
        self._settings = settings
        self._go_on = threading.Semaphore(0)
        self.items: queue.Queue[Any] = queue.Queue()

    def run(self) -> None:
        asyncio.run(self._play())

    async def _play(self) -> None:
        async with chatlog.open_store(self._settings) as store:
            stream = self._make_team().run_stream(task=teams.TASK)
            async for item in record(stream, store=store, participants=AGENTS):
                self.items.put(item)
                await asyncio.to_thread(self._go_on.acquire)

    def go_on(self) -> None:
        self._go_on.release()


def five_with_a_tool() -> Any:
    answers = [
        "まず**一つ**に絞りませんか。",
        teams.call("market_size", segment="小規模"),
        "That is few.",
        "Enough to try.",
        "Agreed.",
    ]
    return teams.round_robin(teams.assistants(*answers, tools=[teams.market_size]), turns=5)


@pytest.mark.parametrize("make_team", [five_with_a_tool, teams.selector, teams.swarm], ids=["round robin", "selector", "swarm"])
def test_every_remark_of_a_team_is_seen_while_it_runs(page: Page, site: Site, make_team: Callable[[], Any]) -> None:
    expect(page.locator("#connection")).to_have_text("connected", timeout=PATIENCE)
    team = Rehearsal(make_team, site.store_settings)
    team.start()
    seen = [team.items.get(timeout=30)]
    page.get_by_text(teams.TASK).first.click()
    while not isinstance(item := seen[-1], TaskResult):
        row = page.locator(f"#message-{len(seen)}")
        expect(row).to_have_attribute("data-message-id", item.id, timeout=PATIENCE)
        expect(row).to_have_attribute("data-source", item.source)
        expect(page.locator("#session-state .pill")).to_have_text("running")
        team.go_on()
        seen.append(team.items.get(timeout=30))
    team.go_on()
    expect(page.locator(f"#message-{len(seen)} .body")).to_contain_text("The run ended:")
    expect(page.locator("#session-state .pill")).to_have_text("completed")
    team.join(timeout=30)
    assert page.errors == []
