"""One of three servers, all daphne, all sending frames of the same size to the same viewers.

`ours`   the site itself: the message is saved, a feed reads and renders it, and hands one frame to everybody
`stock`  Channels as its tutorial has it: `group_send` to each viewer's consumer through the in-memory layer
`bare`   a process-local set of consumers and a loop over `base_send`: what daphne can do at the most

Usage: python -m benchmarks.live_server ours|stock|bare, then JSON commands on standard input:
{"publish": count, "every": seconds}
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from daphne.server import Server  # isort: skip  # first: it installs the reactor
import django
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from channels.routing import URLRouter
from django.conf import settings
from django.core.management import call_command
from django.urls import path
from twisted.internet import reactor as typed_reactor

USERS = 20  # a person may have fifty pages open
TEXT = "物理的な距離を感じさせない『空間共有型』のツールを提案します。**気配**だけを伝え、映像は送りません。" * 2
reactor: Any = typed_reactor  # its type says that its methods take no self
Publish = Callable[[int], Awaitable[None]]


def say(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)


class StockConsumer(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        await self.channel_layer.group_add("room", self.channel_name)
        await self.accept()

    async def room_message(self, event: dict[str, Any]) -> None:
        await self.send(text_data=event["text"])


class BareConsumer(AsyncWebsocketConsumer):
    everybody: set[BareConsumer] = set()  # noqa: RUF012  # it is meant to be shared

    async def connect(self) -> None:
        await self.accept()
        self.everybody.add(self)


async def publish_stock(sequence: int) -> None:
    layer: Any = get_channel_layer()
    await layer.group_send("room", {"type": "room.message", "text": await frame_text(sequence)})


async def publish_bare(sequence: int) -> None:
    message: Any = {"type": "websocket.send", "text": await frame_text(sequence)}
    for consumer in BareConsumer.everybody:
        await consumer.base_send(message)


async def frame_text(sequence: int) -> str:
    """What the site would send for that message; here it is only text of the right length."""
    from chatlog.domain.models import Message, MessageDraft
    from dashboard import fragments

    draft = MessageDraft(source="creative_planner", content=TEXT)
    message = Message.from_draft(draft, session_id="benchmark", sequence=sequence)
    rows = await fragments.render_rows([message], previous=None)
    return fragments.messages_frame(rows, first=sequence, last=sequence)


async def open_session() -> str:
    from chatlog.domain.models import draft_session
    from dashboard.stores import get_store

    return (await get_store().create_session(draft_session(task="benchmark"))).session_id


def publisher_into(session_id: str) -> Publish:
    from chatlog import MessageDraft
    from chatlog.services.recording import record_messages
    from dashboard.signals import ChannelSignals
    from dashboard.stores import get_store

    signals = ChannelSignals()

    async def publish(_: int) -> None:
        draft = MessageDraft(source="creative_planner", content=TEXT)
        await record_messages(get_store(), signals, session_id=session_id, drafts=[draft])

    return publish


def make_cookies() -> list[str]:
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.models import User
    from django.contrib.sessions.backends.db import SessionStore

    cookies = []
    for number in range(USERS):
        user = User.objects.create_user(f"viewer{number}")
        login = SessionStore()
        login[SESSION_KEY], login[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
        login[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        login.save()
        cookies.append(f"{settings.SESSION_COOKIE_NAME}={login.session_key}")
    return cookies


def make_token() -> str:
    from django.contrib.auth.models import User

    from dashboard.programs.tokens import create_token

    return create_token(User.objects.create_user("reader"), name="", by="benchmark")[1]


def listen_to_commands(loop: asyncio.AbstractEventLoop, publish: Publish) -> None:
    """Standard input in a thread of its own; publishing happens in the server's loop."""
    published = 0

    async def obey(count: int, every: float) -> None:
        nonlocal published
        returned = {}
        due = time.monotonic()
        for _ in range(count):
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            due += every
            published += 1
            await publish(published)
            returned[published] = time.monotonic()
        say({"returned": returned})

    for line in sys.stdin:
        command = json.loads(line)
        asyncio.run_coroutine_threadsafe(obey(command["publish"], command["every"]), loop).result()
    reactor.callFromThread(reactor.stop)


def serve(variant: str) -> None:
    django.setup()
    call_command("migrate", verbosity=0)
    with ThreadPoolExecutor(1) as thread:  # the reactor's event loop is this thread's own, and stays untouched until it runs
        session_id = thread.submit(asyncio.run, open_session()).result()
    cookies = make_cookies()
    where: dict[str, Any] = {"path": "/", "cookies": cookies, "session_id": session_id, "token": make_token()}
    if variant == "ours":
        from dashboard.asgi import application
        from dashboard.server import DrainingServer

        where["path"] = f"/ws/sessions/{session_id}/?after=0"
        server: Any = DrainingServer(
            application, host="127.0.0.1", port=0, when_listening=lambda address: tell(address.rsplit(":", 1)[1].strip("/"))
        )
        publish: Publish = publisher_into(session_id)
    else:
        consumer: Any = StockConsumer if variant == "stock" else BareConsumer
        routes: list[Any] = [path("", consumer.as_asgi())]
        server = Server(URLRouter(routes), endpoints=["tcp:port=0:interface=127.0.0.1"], websocket_timeout=-1)
        publish = publish_stock if variant == "stock" else publish_bare
        reactor.callLater(0.5, lambda: tell(server.listening_addresses[0][1]))

    def tell(port: Any) -> None:
        reactor.callLater(0, obey_from_now_on)  # the address is known before the event loop runs
        say({"port": int(port), **where})

    def obey_from_now_on() -> None:
        threading.Thread(target=listen_to_commands, args=(asyncio.get_running_loop(), publish), daemon=True).start()

    server.run()


if __name__ == "__main__":
    serve(sys.argv[1])
