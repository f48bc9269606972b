"""One discussion through every way in at once: each remark is stored once, whoever brings it, how often, in which order."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from chatlog import IdempotencyConflict, Message
from chatlog.client import sender
from tests.chatlog.client.served_site import ServedSite, served_site
from tests.dashboard.ways_in import Acknowledged, Remark, Remarks, Way, Ways, open_ways

SEED = 20261125
AT_ONCE = 4
TEXTS = [
    "Short names are taken.",
    "空間を共有します。",
    "Then a long one.",
    "「共有」は短いほうがいい。",
    "Nobody types **long** names.",
    "ｶﾀｶﾅ、カタカナ、か\u3099",  # half-width and decomposed: stored as they came
    "two\nlines, and `code`",
    "👩‍💻 <b>not bold</b> & done",
    "Then a long one.",  # the same words under another id are another remark
    "決まりました。",
]
SOURCES = ["market_analyst", "企画", "critic"]
REMARKS = [Remark(f"remark-{number}", SOURCES[number % 3], text) for number, text in enumerate(TEXTS)]
LAST = Remark("last", "planner", "That is all.")


@pytest.fixture(scope="module")
def site() -> Iterator[ServedSite]:
    with served_site() as served:
        yield served


@pytest.fixture
async def ways(site: ServedSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ways]:
    monkeypatch.setattr(sender, "FIRST_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(sender, "LONGEST_PAUSE_SECONDS", 0.05)
    # A session of AutoGen's spans is named by its team's id, which is a UUID.
    async with open_ways(site, tmp_path, str(uuid.uuid4())) as ways:
        yield ways


WAYS = [
    *("library", "http_one_by_one", "http_list", "client", "client_without_site", "terminal_to_file", "terminal_over_http"),
    *("log_handler", "adapter", "spans"),
]


@pytest.mark.parametrize("name", WAYS)
async def test_each_way_in_stores_remarks_as_they_were_said_under_the_id_that_they_were_given(name: str, ways: Ways) -> None:
    told = await getattr(ways, name)(REMARKS)
    await ways.drain()
    messages = await ways.local.list_messages(ways.session_id)
    assert list(map(as_sent, messages)) == list(map(as_sent, REMARKS))
    assert told in ({}, {message.message_id: message.sequence for message in messages})


async def test_a_remark_that_comes_through_every_way_in_is_stored_and_shown_once(ways: Ways) -> None:
    shown: list[tuple[int, str, str]] = []
    watching = asyncio.create_task(watch(ways, shown))

    told = await send_in_disorder(ways, random.Random(SEED))

    messages = await ways.local.list_messages(ways.session_id)
    assert [message.sequence for message in messages] == list(range(1, len(REMARKS) + 1))
    assert sorted(map(as_sent, messages)) == sorted(map(as_sent, REMARKS))
    numbers = {(message.message_id, message.sequence) for message in messages}
    assert {pair for acknowledged in told for pair in acknowledged.items()} == numbers  # told so by whoever came first or later
    assert await ways.cut_off.list_refused() == []
    await ways.http_one_by_one([LAST])
    await asyncio.wait_for(watching, 10)
    assert shown == [(m.sequence, m.message_id, m.content) for m in messages] + [(11, LAST.message_id, LAST.content)]


async def send_in_disorder(ways: Ways, rng: random.Random) -> list[Acknowledged]:
    """Every remark through every way, a few at the same time, some twice."""
    await ways.client_without_site(REMARKS)
    one_by_one: list[Way] = [ways.library, ways.http_one_by_one, ways.client, ways.spans]
    together: list[Way] = [ways.http_list, ways.adapter, ways.log_handler, ways.terminal_to_file, ways.terminal_over_http]
    assert {way.__name__ for way in (*one_by_one, *together, ways.client_without_site)} == set(WAYS)
    calls: list[tuple[Way, Remarks]] = [(way, [remark]) for way in one_by_one for remark in REMARKS]
    calls += rng.sample(calls, 10)
    calls += [(way, part) for way in together for part in halves(rng)]
    calls.append((lambda _: drain(ways), REMARKS))
    rng.shuffle(calls)
    turns = asyncio.Semaphore(AT_ONCE)

    async def call(way: Way, remarks: Remarks) -> Acknowledged:
        async with turns:
            return await way(remarks)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(call(way, remarks)) for way, remarks in calls]
    return [task.result() for task in tasks]


def halves(rng: random.Random) -> tuple[Remarks, Remarks]:
    shuffled = rng.sample(REMARKS, len(REMARKS))
    return shuffled[: len(REMARKS) // 2], shuffled[len(REMARKS) // 2 :]


async def drain(ways: Ways) -> Acknowledged:
    await ways.drain()
    return {}


async def watch(ways: Ways, shown: list[tuple[int, str, str]]) -> None:
    """As a program that follows: what it is shown, until the last remark."""
    async for message in ways.follow():
        shown.append((message["sequence"], message["message_id"], message["content"]))
        if message["message_id"] == LAST.message_id:
            return


def as_sent(message: Message | Remark) -> tuple[str, str, str]:
    return message.message_id, message.source, message.content


async def test_an_import_adds_nothing_to_a_session_that_is_somebodys(ways: Ways) -> None:
    await ways.library(REMARKS)
    file = await ways.export()
    before = await ways.local.list_messages(ways.session_id)
    await ways.http_one_by_one([LAST])  # said after the export
    status, said = await ways.import_(file)
    assert (status, "1 were there already." in said) == (0, True)

    (changed,) = (remark for remark in REMARKS if "Nobody types" in remark.content)
    file.write_text(file.read_text().replace("Nobody types", "Everybody types"))
    status, said = await ways.import_(file)
    assert (status, "1 messages are stored with other words" in said) == (1, True)
    assert f"says something else under 1 of these message ids: {changed.message_id!r}" in said
    messages = await ways.local.list_messages(ways.session_id)
    assert [as_sent(message) for message in messages[:-1]] == [as_sent(message) for message in before]
    assert (messages[-1].sequence, messages[-1].message_id) == (len(REMARKS) + 1, LAST.message_id)


async def test_other_words_under_a_used_id_change_nothing_and_are_refused_where_somebody_hears_it(ways: Ways) -> None:
    (said, *_), false = REMARKS, Remark(REMARKS[0].message_id, REMARKS[0].source, "Something else.")
    await ways.library([said])

    for way in (ways.library, ways.client):
        with pytest.raises(IdempotencyConflict, match=said.message_id):
            await way([false])
    assert (await ways.post(false.fields, status=409))["errors"][0]["field"] == "message_id"
    assert (await ways.post([LAST.fields, false.fields], status=409))["errors"][0]["field"] == "[1].message_id"
    for location, token in ((ways.site.location, ""), (ways.site.address, ways.site.token)):
        done = await ways.record([false], "--store", location, CHATLOG_TOKEN=token)
        assert (done.returncode, "Line 1 was left out" in done.stderr, said.message_id in done.stderr) == (1, True, True)
    await ways.client_without_site([false])
    await ways.drain()
    assert [refused.content["content"] for refused in await ways.cut_off.list_refused()] == ["Something else."]
    partly = (await ways.export_spans([false, LAST]))["partialSuccess"]  # what is sent along is stored
    assert (partly["rejectedSpans"], said.message_id in partly["errorMessage"]) == ("1", True)
    messages = await ways.local.list_messages(ways.session_id)
    assert [as_sent(message) for message in messages] == [as_sent(said), as_sent(LAST)]


async def test_an_adapter_keeps_other_words_under_a_used_id_under_an_id_of_their_own(ways: Ways) -> None:
    (said, *_), other = REMARKS, Remark(REMARKS[0].message_id, REMARKS[0].source, "Something else.")
    await ways.library([said])
    for way in (ways.adapter, ways.log_handler, ways.adapter):
        await way([other])
    first, second = await ways.local.list_messages(ways.session_id)
    assert as_sent(first) == as_sent(said)
    assert (second.content, second.metadata["taken_id"]) == ("Something else.", said.message_id)
