from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from channels import DEFAULT_CHANNEL_LAYER
from channels.layers import InMemoryChannelLayer, channel_layers

from chatlog.services.recording import record_messages
from dashboard import signals
from dashboard.feeds import hints, session_state
from dashboard.feeds.hub import Hub
from dashboard.signals import ChannelSignals, session_group
from dashboard.stores import use_store
from tests.dashboard.doubles import MemoryStore, Page


class Layer(InMemoryChannelLayer):
    """A channel layer that can be broken, hung or deaf."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []
        self.fault: Exception | None = None
        self.hangs = False
        self.drops = False

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        await self._work()
        self.sent.append(group)
        if not self.drops:
            await super().group_send(group, message)

    async def group_add(self, group: str, channel: str) -> None:
        await self._work()
        await super().group_add(group, channel)

    async def _work(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.fault is not None:
            raise self.fault


@pytest.fixture
def layer() -> Iterator[Layer]:
    layer = Layer()
    before = channel_layers.set(DEFAULT_CHANNEL_LAYER, layer)
    yield layer
    channel_layers.set(DEFAULT_CHANNEL_LAYER, before)


async def settled(teller: ChannelSignals) -> None:
    await asyncio.gather(*teller._sending.values())


class SavingStore(MemoryStore):
    async def append_messages(self, session_id: str, drafts: list[Any]) -> list[Any]:
        return [self.say() for _ in drafts]


async def test_a_hint_names_the_session_and_the_list(layer: Layer) -> None:
    teller = ChannelSignals()
    teller.notify("session_x")
    await settled(teller)
    assert layer.sent == [session_group("session_x"), signals.SESSIONS_GROUP]


@pytest.mark.parametrize("session_id", ["s", "会議" * 100, "a b", "x" * 255])
def test_any_id_makes_a_group_name_that_every_layer_takes(session_id: str) -> None:
    assert InMemoryChannelLayer().require_valid_group_name(session_group(session_id))


async def test_many_hints_at_once_become_few(layer: Layer) -> None:
    teller = ChannelSignals()
    for _ in range(1000):
        teller.notify("session_x")
    await settled(teller)
    assert len(layer.sent) <= 4  # one, and at most one more for all that came while it was under way


@pytest.mark.parametrize("state", [{"fault": ConnectionError("no Redis")}, {"hangs": True}], ids=["broken", "hung"])
async def test_a_save_neither_fails_nor_waits_when_signals_do(
    state: dict[str, Any], layer: Layer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals, "SEND_SECONDS", 0.05)
    vars(layer).update(state)
    store, teller = SavingStore(), ChannelSignals()
    saving = asyncio.create_task(
        record_messages(store, teller, session_id=store.session.session_id, drafts=[object()])  # type: ignore[list-item]
    )
    for _ in range(3):  # a save that waited for the signal would need the 50 ms of its limit
        await asyncio.sleep(0)
    assert saving.done()
    assert len(await saving) == 1
    await settled(teller)
    assert teller.failures == 1


async def test_an_outage_is_logged_once_and_its_end_too(layer: Layer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="dashboard.signals")
    teller = ChannelSignals()
    layer.fault = ConnectionError("no Redis")
    for _ in range(5):
        teller.notify("session_x")
        await settled(teller)
    layer.fault = None
    teller.notify("session_x")
    await settled(teller)
    assert teller.failures == 5
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


@pytest.mark.parametrize(
    "state", [{"drops": True}, {"fault": ConnectionError("no Redis")}, {"hangs": True}], ids=["deaf", "broken", "hung"]
)
async def test_pages_are_complete_with_every_signal_lost(
    state: dict[str, Any], layer: Layer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_state, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(hints, "RETRY_SECONDS", 0.05)
    vars(layer).update(state)
    store, teller, page = SavingStore(), ChannelSignals(), Page()
    with use_store(store):
        hub = Hub()
        hub.watch_session(store.session.session_id, page.viewer)
        for _ in range(20):
            await record_messages(store, teller, session_id=store.session.session_id, drafts=[object()])  # type: ignore[list-item]
            await asyncio.sleep(0.002)
        await page.until_shown(20)
        page.assert_complete(20)
        await hub.close()
    await settled(teller)


async def test_with_signals_a_page_does_not_wait_for_the_poll(layer: Layer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_state, "POLL_SECONDS", 3600)
    monkeypatch.setattr(session_state, "READ_AGAIN_SECONDS", 0)
    store, teller, page = SavingStore(), ChannelSignals(), Page()
    with use_store(store):
        hub = Hub()
        hub.watch_session(store.session.session_id, page.viewer)
        for number in range(1, 21):
            await record_messages(store, teller, session_id=store.session.session_id, drafts=[object()])  # type: ignore[list-item]
            await page.until_shown(number)
        await hub.close()
    await settled(teller)


async def test_a_write_by_another_program_wakes_the_feeds(layer: Layer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_state, "POLL_SECONDS", 3600)
    monkeypatch.setattr(session_state, "READ_AGAIN_SECONDS", 0)
    store, page = MemoryStore(messages=1), Page(cursor=1)
    with use_store(store):
        hub = Hub()
        hub.watch_session(store.session.session_id, page.viewer)
        for number in (2, 3):  # the first may be seen by the look after subscribing; the second only by watching
            await page.until(lambda: page.other)
            store.say()
            store.changed.set()
            await page.until_shown(number)
        await hub.close()


async def test_subscribing_after_an_outage_looks_once_more(layer: Layer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_state, "POLL_SECONDS", 3600)
    monkeypatch.setattr(session_state, "READ_AGAIN_SECONDS", 0)
    monkeypatch.setattr(hints, "RETRY_SECONDS", 0.01)
    layer.fault = ConnectionError("no Redis")
    store, page = MemoryStore(messages=1), Page(cursor=1)
    with use_store(store):
        hub = Hub()
        hub.watch_session(store.session.session_id, page.viewer)
        await page.until(lambda: page.other)
        store.say()  # told to nobody
        layer.fault = None
        await page.until_shown(2)
        await hub.close()


async def test_an_idle_process_asks_nothing(layer: Layer) -> None:
    store, page = MemoryStore(messages=1), Page(cursor=1)
    with use_store(store):
        hub = Hub()
        hub.watch_session(store.session.session_id, page.viewer)
        await page.until(lambda: page.other)
        hub.leave_session(store.session.session_id, page.viewer)
        await hub.close()
    assert not layer.groups
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
