"""docs/http-api.md: its examples run as they stand against a real site, and its numbers are the code's."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from django.conf import settings

from chatlog.domain import limits
from chatlog.storage.documents import fitting_characters
from dashboard import bounded_http
from dashboard.api import streams
from dashboard.api.parsing import MAX_DEPTH
from dashboard.api.schemas import MAX_MESSAGES
from dashboard.api.v1 import api
from dashboard.programs import throttle
from tests.chatlog.client.fake_site import TOKEN, FakeSite, fake_site, hang_up, page, problem
from tests.dashboard.api.http_api_page import FOLLOW, LIST, PAGE, SEND, blocks, names_of
from tests.dashboard.programs.program import Program
from tests.dashboard.site_process import ROOT, Site, environment, manage, running_site


@pytest.fixture
async def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    async with running_site(tmp_path) as site:
        await make_token(tmp_path, monkeypatch)
        monkeypatch.setenv("SITE", site.origin)
        yield site


@pytest.fixture
async def fake() -> AsyncIterator[FakeSite]:
    async with fake_site() as site:
        yield site


async def make_token(data: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    _, output = await manage(data, "create_token", "ann")
    monkeypatch.setenv("CHATLOG_TOKEN", output.split()[-1])
    return output.split()[-1]


def hasty(number: int) -> dict[str, Any]:
    """What that block defines, without its pauses."""
    names = names_of(number)
    names["asyncio"] = type("Hasty", (), {"sleep": staticmethod(lambda _: asyncio.sleep(0.01))})
    return names


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110  # what is listened to tells nobody else
            await asyncio.sleep(0.05)


async def run(script: str, data: Path, **variables: str) -> str:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    process = await asyncio.create_subprocess_exec(
        *("bash", "-ec", script), cwd=ROOT, env=environment(data, PATH=path, **variables), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


async def test_the_first_steps_work(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHATLOG_TOKEN")  # they make one
    output = await run(blocks("bash")[0], tmp_path)
    assert [int(number) for number in re.findall(r'\{"sequence":(\d)', output)] == [1, 2, 3]
    assert re.findall(r'"content":"([^"]+)"', output) == ["Then a long one.", "Nobody types long names."]
    assert '"status":"completed"' in output
    assert "problem" not in output


async def test_messages_are_sent_and_sessions_listed(site: Site) -> None:
    session_id = await names_of(SEND)["main"]()
    list_sessions = names_of(LIST)["list_sessions"]
    found = await asyncio.to_thread(lambda: list(list_sessions(status=["completed"], limit=1)))
    assert [(one["session_id"], one["message_count"]) for one in found] == [(session_id, 2)]
    again = await names_of(SEND)["main"]()
    found = await asyncio.to_thread(lambda: list(list_sessions(limit=1)))
    assert [one["session_id"] for one in found] == [again, session_id]


async def test_a_message_is_sent_until_it_is_stored_and_stored_once() -> None:
    answers: list[Any] = [503, "lost", 429, 502, 504, 201]
    sent: list[str] = []

    class Client:
        async def post(self, path: str, *, json: dict[str, Any]) -> Any:
            import httpx

            sent.append(json["message_id"])
            answer = answers.pop(0)
            if answer == "lost":
                raise httpx.ReadTimeout("no answer")
            headers = {"Retry-After": "0"}
            return httpx.Response(answer, headers=headers, json={"sequence": 7}, request=httpx.Request("POST", "http://x"))

    assert await hasty(SEND)["send"](Client(), "x", {"source": "a", "content": "b"}) == 7
    assert len(sent) == 6
    assert len(set(sent)) == 1


async def test_a_session_is_followed_over_a_restart_of_the_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_site(tmp_path, program="tests/dashboard/slow_site.py") as site:
        token = await make_token(tmp_path, monkeypatch)
        monkeypatch.setenv("SITE", site.origin)
        session_id = await names_of(SEND)["main"]()
        heard: list[int] = []

        async def listen() -> None:
            async for message in hasty(FOLLOW)["follow"](session_id, after=1):
                heard.append(message["sequence"])  # noqa: PERF401  # looked at while it goes on

        listening = asyncio.create_task(listen())
        await until(lambda: heard == [2])
        assert await answered_while_draining(site, f"/api/v1/sessions/{session_id}/events", token=token) == 503
        await site.process.wait()
    async with running_site(tmp_path, port=site.port):
        say = names_of(SEND)
        async with say["httpx"].AsyncClient(base_url=site.origin, headers={"Authorization": f"Bearer {token}"}) as client:
            assert await say["send"](client, session_id, {"source": "critic", "content": "Nobody types long names."}) == 3
            await until(lambda: heard == [2, 3])
            await client.delete(f"/api/v1/sessions/{session_id}")
        await asyncio.wait_for(listening, 20)
    assert heard == [2, 3]


async def answered_while_draining(site: Site, path: str, *, token: str) -> int:
    """Stop the site while it answers something else, and return what it says to whoever is connected still."""
    assert site.process.stdout is not None
    answering = asyncio.create_task(site.get("/slow"))
    await site.process.stdout.readuntil(b"ANSWERING")
    async with aiohttp.ClientSession(site.origin, headers={"Authorization": f"Bearer {token}"}) as client:
        await (await client.get("/api/v1/sessions")).read()
        site.process.terminate()
        while True:
            async with client.get(path) as answer:
                if answer.status != 200:
                    break
                await answer.read()  # it was asked before the site heard that it has to stop
    assert (await answering)[2] == "finished"
    return answer.status


async def test_what_will_not_pass_is_raised_and_a_session_made_anew_is_told_from_its_beginning(
    fake: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITE", fake.address)
    monkeypatch.setenv("CHATLOG_TOKEN", TOKEN)
    message, anew = 'id: {0}\ndata: {{"sequence": {0}}}\n\n', 'event: end\ndata: {"reason": "made anew"}\n\n'
    for order in (page(200, message.format(5) + anew), page(502), hang_up, page(200, message.format(1)), problem(404)):
        fake.orders.append(order)
    heard = []
    with pytest.raises(aiohttp.ClientResponseError, match="404"):
        async for said in hasty(FOLLOW)["follow"]("x", after=4):
            heard.append(said["sequence"])  # noqa: PERF401  # looked at when it has failed
    assert heard == [5, 1]
    assert [headers["Last-Event-ID"] for headers in fake.headers] == ["4", "0", "0", "0", "1"]


def test_every_reason_for_which_a_stream_ends_is_told() -> None:
    sources = "".join((ROOT / file).read_text() for file in ("dashboard/api/streams.py", "dashboard/feeds/tail.py"))
    reasons = set(re.findall(r'_end\((?:.*, )?"([a-z ]+)"\)', sources))
    assert len(reasons) > 5
    table = PAGE[PAGE.index("| `reason` |") : PAGE.index("```python\nimport asyncio\nimport json")]
    assert set(re.findall(r"`([a-z ]+)`", table)) - {"reason"} == reasons


async def test_what_did_not_change_is_not_sent_again(site: Site, tmp_path: Path) -> None:
    session_id = await names_of(SEND)["main"]()
    variables = {"SITE": site.origin, "CHATLOG_TOKEN": os.environ["CHATLOG_TOKEN"], "SESSION": session_id}
    script = f"cd {tmp_path}\n{blocks('bash')[1]}"
    assert (await run(script, tmp_path, **variables)).strip() == "304"
    assert json.loads((tmp_path / "session.json").read_text())["session_id"] == session_id


async def test_the_problem_on_the_page_is_the_one_that_is_answered(program: Program, store: Any) -> None:
    await program.post("/api/v1/sessions", {"session_id": "x", "task": "x"})
    answer = await program.post("/api/v1/sessions/x/messages", {"sorce": "critic", "content": "b"})
    assert answer.json == json.loads(blocks("json")[0])


def test_the_numbers_are_those_of_the_code() -> None:
    told = [
        f"{throttle.REQUESTS_PER_SECOND:g} a second, {throttle.BURST:g} at once",
        f"| messages in a list | {MAX_MESSAGES:,} |",
        f"| a body | {settings.MAX_API_BODY_BYTES:,} bytes, not compressed, within {bounded_http.BODY_SECONDS:g} s |",
        f"| a message | {limits.MAX_ITEM_BYTES:,} bytes of JSON as it is stored, its text twice",
        f"| levels of nesting | {MAX_DEPTH} |",
        f"from {limits.EARLIEST_TIMESTAMP:%Y-%m-%d} to a day ahead",
        f"| items of a page | {limits.MAX_LIST_LIMIT:,};",
        f"| streams | {streams.MAX_PER_TOKEN} for a token, {streams.MAX_TOTAL:,} for the process |",
        f"A comment about every {streams.SILENCE_SECONDS:g} seconds",
    ]
    assert [text for text in told if text not in " ".join(PAGE.split("\n"))] == []
    assert limits.MAX_CLOCK_LEAD.days == 1


def test_a_message_may_be_as_long_as_is_said() -> None:
    said = "its text twice (as written and as searched): a million letters, or 340,000 of Japanese"
    schema = api.document()["components"]["schemas"]["NewMessage"]["properties"]["content"]["description"]
    assert said in PAGE
    assert said in schema
    assert f"{limits.MAX_ITEM_BYTES:,} bytes of JSON as it is stored, " in schema
    for letter, least in (("a", 1_000_000), ("あ", 340_000)):
        assert least <= fitting_characters(letter * 1_200_000, spare_bytes=1_000) < 1.05 * least
