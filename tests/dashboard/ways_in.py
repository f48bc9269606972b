"""Every way in to one site's discussion: what each needs to send a remark under a given id."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from autogen_agentchat.messages import TextMessage

import chatlog
from chatlog.client import QueueLimits, RemoteStore
from chatlog.domain.models import draft_session
from chatlog.integrations import autogen
from chatlog.integrations.logs import ChatlogHandler
from chatlog.services.spans.span import Span
from tests.chatlog.client.conftest import all_sent
from tests.chatlog.client.gate import Gate
from tests.chatlog.client.served_site import ServedSite
from tests.chatlog.terminal import programs
from tests.dashboard.otlp.encoding import JSON, as_json
from tests.dashboard.site_process import manage

TASK = "A name for the product"


@dataclass(frozen=True)
class Remark:
    message_id: str
    source: str
    content: str

    @property
    def fields(self) -> dict[str, Any]:
        return {"message_id": self.message_id, "source": self.source, "content": self.content}


Remarks = Sequence[Remark]
Acknowledged = dict[str, int]  # the numbers that a way was told; none by one that is told none


class Ways:
    """Ways into one session. Each returns the numbers that it was told, or raises."""

    def __init__(self, site: ServedSite, gate: Gate, folder: Path, session_id: str, http: aiohttp.ClientSession) -> None:
        self.site, self.folder, self.session_id = site, folder, session_id
        self._gate, self._http = gate, http
        self.local: chatlog.SessionStore = chatlog.open_store(site.location)
        self.online = RemoteStore(site.address, token=site.token, folder=folder)
        limits = QueueLimits(closing_seconds=0)
        self.cut_off = RemoteStore(gate.address, token=site.token, folder=folder / "cut-off", limits=limits)

    async def library(self, remarks: Remarks) -> Acknowledged:
        return await _save(self.local, self.session_id, remarks)

    async def http_one_by_one(self, remarks: Remarks) -> Acknowledged:
        told = [await self.post(remark.fields) for remark in remarks]
        return {answer["message_id"]: answer["sequence"] for answer in told}

    async def http_list(self, remarks: Remarks) -> Acknowledged:
        told = await self.post([remark.fields for remark in remarks])
        return {answer["message_id"]: answer["sequence"] for answer in told}

    async def client(self, remarks: Remarks) -> Acknowledged:
        return await _save(self.online, self.session_id, remarks)

    async def client_without_site(self, remarks: Remarks) -> Acknowledged:
        """Into the queue, which is sent when the gate opens."""
        await self.cut_off.create_session(draft_session(task=TASK, session_id=self.session_id))
        told = await _save(self.cut_off, self.session_id, remarks)
        assert set(told.values()) == {0}
        return {}

    async def terminal_to_file(self, remarks: Remarks) -> Acknowledged:
        return await self._record(remarks, "--store", self.site.location)

    async def terminal_over_http(self, remarks: Remarks) -> Acknowledged:
        return await self._record(remarks, "--store", self.site.address, CHATLOG_TOKEN=self.site.token)

    async def log_handler(self, remarks: Remarks) -> Acknowledged:
        with logging_to(location=self.site.location, session_id=self.session_id) as log:
            for remark in remarks:
                log.info("%s", remark.content, extra={"message_id": remark.message_id, "source": remark.source})
            await asyncio.to_thread(log.handlers[0].close)
        return {}

    async def adapter(self, remarks: Remarks) -> Acknowledged:
        async def stream() -> AsyncIterator[TextMessage]:
            for remark in remarks:
                yield TextMessage(id=remark.message_id, source=remark.source, content=remark.content)

        recorder = chatlog.Recorder(self.local, session_id=self.session_id)
        async for _ in autogen.record(stream(), recorder=recorder):
            pass
        return {}

    async def spans(self, remarks: Remarks) -> Acknowledged:
        """Of AutoGen's runtime. Other dialects have no ids of messages: theirs are made of the span's, and differ."""
        assert await self.export_spans(remarks) == {}
        return {}

    async def export_spans(self, remarks: Remarks) -> dict[str, Any]:
        """What the exporter is answered."""
        body = as_json(*(_handed_on(self.session_id, remark) for remark in remarks))
        async with self._http.post("/v1/traces", data=body, headers={"Content-Type": JSON}) as answer:
            assert answer.status == 200, await answer.text()
            return dict(await answer.json())

    async def export(self) -> Path:
        """The session as it stands, in a file."""
        file = self.folder / "export.jsonl"
        location = ("--store", self.site.location)
        done = await self._run("export", self.session_id, "--format", "jsonl", "--output", str(file), *location)
        assert done.returncode == 0, done.stderr
        return file

    async def import_(self, file: Path) -> tuple[int, str]:
        return await manage(self.site.folder, "import", str(file))

    async def follow(self) -> AsyncIterator[dict[str, Any]]:
        """The messages of the event stream, from the first."""
        async with self._http.get(f"/api/v1/sessions/{self.session_id}/events") as answer:
            name = b""
            async for line in answer.content:
                if line.startswith(b"event: "):
                    name = line.removeprefix(b"event: ").strip()
                elif line.startswith(b"data: ") and name in {b"", b"message"}:
                    yield json.loads(line.removeprefix(b"data: "))
                elif not line.strip():
                    name = b""

    async def post(self, body: Any, *, status: int = 201) -> Any:
        async with self._http.post(f"/api/v1/sessions/{self.session_id}/messages", json=body) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json(content_type=None)

    async def drain(self) -> None:
        """Let the client whose site was away send what waits."""
        await self._gate.open()
        await all_sent(self.cut_off)

    async def record(self, remarks: Remarks, *location: str, **extra: str) -> programs.Done:
        lines = "\n".join(json.dumps(remark.fields) for remark in remarks)
        return await self._run("record", "--json", "--session", self.session_id, *location, lines=lines.encode(), **extra)

    async def _record(self, remarks: Remarks, *location: str, **extra: str) -> Acknowledged:
        done = await self.record(remarks, *location, **extra)
        assert done.returncode == 0, done.stderr
        return {}

    async def _run(self, *arguments: str, **extra: Any) -> programs.Done:
        return await asyncio.to_thread(programs.run_process, self.folder, *arguments, **extra)


Way = Callable[[Remarks], Awaitable[Acknowledged]]


@asynccontextmanager
async def open_ways(site: ServedSite, folder: Path, session_id: str) -> AsyncIterator[Ways]:
    """A session that has begun, and the ways into it; the way over the gate is shut."""
    async with AsyncExitStack() as stack:
        gate = Gate(site)
        await gate.open()
        stack.push_async_callback(gate.shut)
        await gate.shut()
        headers = {"Authorization": f"Bearer {site.token}"}
        http = await stack.enter_async_context(aiohttp.ClientSession(site.address, headers=headers))
        ways = Ways(site, gate, folder, session_id, http)
        for store in (ways.local, ways.online, ways.cut_off):
            stack.push_async_callback(store.aclose)
        async with http.post("/api/v1/sessions", json={"session_id": session_id, "task": TASK}) as answer:
            assert answer.status == 201
        yield ways


@contextmanager
def logging_to(**options: Any) -> Iterator[logging.Logger]:
    """A logger of its own, whose handler is closed at the end."""
    log = logging.Logger("agents", logging.INFO)  # noqa: LOG001  # known to nobody else, and gone with the test
    log.addHandler(ChatlogHandler(task=TASK, **options))
    try:
        yield log
    finally:
        log.handlers[0].close()


async def _save(store: chatlog.SessionStore | RemoteStore, session_id: str, remarks: Remarks) -> Acknowledged:
    recorder = chatlog.Recorder(store, session_id=session_id)
    return {remark.message_id: (await recorder.save(**remark.fields)).sequence for remark in remarks}


def _handed_on(team: str, remark: Remark) -> Span:
    """A message as AutoGen's runtime tells of it; the id of the team is the session's."""
    message = {"type": "TextMessage", "id": remark.message_id, "source": remark.source, "content": remark.content}
    now, span_id = time.time_ns(), uuid.uuid4().hex
    return Span(
        trace_id=span_id,
        span_id=span_id[:16],
        parent_id="",
        name="autogen process",
        scope="autogen SingleThreadedAgentRuntime",
        start=now,
        end=now,
        attributes={"recipient_agent_type": f"RoundRobinGroupChatManager_{team}", "message": json.dumps({"message": message})},
    )
