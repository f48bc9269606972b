"""What anybody types never becomes SQL: whatever is asked, the texts sent are those of `queries`, and nothing breaks."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import apsw
import pytest

from chatlog import MessageDraft
from chatlog.domain.clock import utc_now
from chatlog.domain.filters import SearchQuery, SessionFilter
from chatlog.domain.models import SessionState
from chatlog.domain.search import Term, parse_terms
from chatlog.errors import InvalidInput, SessionNotFound
from chatlog.storage.sqlite import connection as sqlite_connection
from chatlog.storage.sqlite import queries, reader, writer
from chatlog.storage.sqlite.store import SqliteSessionStore
from tests.factories import make_session
from tests.hostile import deceits, documents, elements, markdown

HOSTILE_STRINGS = 5_000
SEEDS = [
    *(
        "'",
        '"',
        "`",
        ";",
        "--",
        "/*",
        "*/",
        "\\",
        "%",
        "_",
        "?",
        "?1",
        ":terms",
        "@a",
        "$a",
        "||",
        "x'00'",
        "\x00",
        "\x1b",
        "\ud800",
    ),
    *("' OR '1'='1", "'; DROP TABLE sessions; --", "') OR 1=1 --", '" OR ""="', "1 UNION SELECT * FROM sqlite_schema"),
    *("'||(SELECT content FROM messages)||'", "1; ATTACH 'x' AS y", "load_extension('x')", "PRAGMA writable_schema=1"),
    *(
        "NEAR(a b, 5)",
        "a NEAR b",
        "a AND b",
        "a OR",
        "NOT a",
        "AND",
        "OR",
        "NOT",
        "^a",
        "a*",
        "*",
        "tokens:a",
        "{tokens}:a",
        "-tokens:a",
    ),
    *(
        "a + b",
        "(a",
        "a)",
        "((((",
        "a:b:c",
        'a"b',
        '"a',
        '""',
        '"" ""',
        "rank",
        "search_index",
        "delete-all",
        "rebuild",
        "optimize",
    ),
    *(
        "🎉",
        "👩\u200d🚀",
        "❤\ufe0f",
        "\u202e",
        "\ufeff",
        "\u0301",
        "か\u3099",
        "ｶﾞ",
        "空間",
        "[1]",
        '{"a": 1}',
        "null",
        "true",
        "NaN",
    ),
    *("x" * 10_000, "空" * 10_000, "🎉" * 10_000, '"' * 10_000, "(" * 10_000, "a " * 5_000, "空 a" * 3_000),
]


def payloads(module: object) -> Iterator[str]:
    """Whatever text lies in a module of hostile payloads, however it is kept there."""
    waiting: list[object] = [value for name, value in vars(module).items() if name.isupper()]
    while waiting:
        match waiting.pop():
            case str() as text:
                yield text
            case dict() as found:
                waiting += [*found.keys(), *found.values()]
            case list() | tuple() | set() | frozenset() as found:
                waiting += found


def hostile_strings() -> list[str]:
    rng = random.Random(20261123)
    known = SEEDS + [text for module in (deceits, documents, elements, markdown) for text in payloads(module)]
    mixed = (
        rng.choice(["", " ", '"', "\n", "*"]).join(rng.choices(SEEDS[:-7], k=rng.randint(1, 5)))
        for _ in range(2 * HOSTILE_STRINGS)
    )
    return [*dict.fromkeys([*known, *mixed])][:HOSTILE_STRINGS]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Every text that any connection executes, from its opening on."""
    texts: set[str] = set()

    def trace(_: object, text: str, values: object) -> bool:
        texts.add(text)
        return True

    def traced(opening):
        def opened(path: Path) -> apsw.Connection:
            connection = opening(path)
            connection.exec_trace = trace
            return connection

        return opened

    monkeypatch.setattr(writer, "open_connection", traced(sqlite_connection.open_connection))
    monkeypatch.setattr(reader, "open_reader", traced(sqlite_connection.open_reader))
    return texts


async def ask_everything(store: SqliteSessionStore, text: str, rng: random.Random) -> None:
    """Say it in every place that a text can be in. An `InvalidInput` is an answer."""
    moment = utc_now() - timedelta(minutes=1)
    terms = rng.choice([parse_terms(text), (Term(text, rng.random() < 0.5),)]) if text else ()
    states = frozenset(rng.sample([*SessionState], k=rng.randint(0, 2)))
    times = {"since": rng.choice([None, moment]), "until": rng.choice([None, moment])}
    query = SearchQuery(terms=terms, agents=rng.choice([(), (text,)]), tags=rng.choice([(), (text,)]), states=states, **times)
    where = SessionFilter(
        terms=rng.choice([(), terms]), agents=rng.choice([(), (text,)]), tags=rng.choice([(), (text,)]), states=states, **times
    )
    await store.search(query, limit=3)
    await store.list_matches("session", terms)
    page = await store.list_sessions(where=where, limit=2)
    if page.next_cursor:
        page = await store.list_sessions(where=where, limit=2, cursor=page.next_cursor)
        await store.list_sessions(where=where, limit=2, cursor=page.previous_cursor)
    for call in (
        lambda: store.search(query, cursor=text),
        lambda: store.list_sessions(cursor=text),
        lambda: store.get_session(text),
        lambda: store.get_sessions([text, "session"]),
        lambda: store.list_messages(text),
        lambda: store.list_messages_before(text),
        lambda: store.delete_session(text),
        lambda: store.restore_session(text),
    ):
        with suppress(InvalidInput, SessionNotFound):
            await call()


async def write_everything(store: SqliteSessionStore, text: str, number: int) -> None:
    with suppress(InvalidInput):
        session = make_session(task=text, participants=[text[:255]], tags=[text[:100]], title=text[:500], metadata={text: text})
        stored = await store.create_session(session)
        await store.append_messages(stored.session_id, [MessageDraft(source=text[:255], content=text, message_id=f"m{number}")])
        await store.update_session(stored.session_id, title=text[:300], tags=[text[:50]])


@pytest.mark.slow
async def test_no_text_ever_becomes_sql(tmp_path: Path, sent: set[str]) -> None:
    strings, rng = hostile_strings(), random.Random(7)
    assert len(strings) == HOSTILE_STRINGS
    async with SqliteSessionStore(tmp_path / "c.sqlite3") as store:
        await store.create_session(make_session(session_id="session"))
        for number, text in enumerate(strings[:300]):
            await write_everything(store, text, number)
        for start in range(0, len(strings), 8):
            await asyncio.gather(*(ask_everything(store, text, rng) for text in strings[start : start + 8]))
        victim = (await store.list_sessions(limit=1)).items[0].session_id
        await store.delete_session(victim)
        await store.purge_deleted(before=utc_now() + timedelta(minutes=1))
        await store.list_usage(since=utc_now().date() - timedelta(days=3), until=utc_now().date() + timedelta(days=1))
        await store.list_busiest(since=utc_now() - timedelta(days=3), until=utc_now())
        await store.wait_for_change(at_most=0)
        await store.ping()
    assert sent - {'pragma "data_version"'} <= queries.TEXTS
    assert {queries.PROPOSE, queries.LIST_NEWER, queries.LIST_OLDER_ACTIVE, queries.PURGE_INDEX, queries.TRUST_DISK} <= sent


async def test_what_was_written_in_hostile_words_is_found_by_them(tmp_path: Path) -> None:
    async with SqliteSessionStore(tmp_path / "c.sqlite3") as store:
        session = await store.create_session(make_session(task="elsewhere"))
        drafts = {text: MessageDraft(source="a", content=text) for text in SEEDS if text.strip("\x00\ud800")}
        await store.append_messages(session.session_id, [*drafts.values()])
        for sequence, text in enumerate(drafts, start=1):
            terms = tuple(term for term in (Term(text.lower()),) if text.isascii())
            if terms and not text[0].isspace() and text == " ".join(text.split()):
                assert sequence in await store.list_matches(session.session_id, terms), text
