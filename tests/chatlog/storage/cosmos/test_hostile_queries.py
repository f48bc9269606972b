"""Five thousand texts that want to be statements: each is a value, and the texts sent stay those of the queries module."""

from __future__ import annotations

import random

import pytest

from chatlog import Session
from chatlog.domain.filters import SearchQuery, SessionFilter
from chatlog.domain.search import matches, parse_terms
from chatlog.domain.text import search_form
from chatlog.storage.cosmos import queries
from chatlog.storage.cosmos.store import CosmosSessionStore
from chatlog.storage.cursors import encode_cursor
from tests.cosmos.double.server import Double
from tests.factories import make_draft, make_session
from tests.hostile import PAYLOADS

TRICKS = (
    *(
        "'",
        '"',
        "\\",
        "\\'",
        "''",
        "';",
        "'--",
        "/*",
        "*/",
        "`",
        "%",
        "_",
        "@",
        "@term0",
        "@session_id",
        "c.content",
        "c['id']",
    ),
    *(
        "' OR 1=1 --",
        "' OR '1'='1",
        '" OR ""="',
        "') OR (1=1",
        "1; DROP TABLE c",
        "' UNION SELECT * FROM c --",
        "'; DELETE FROM c",
    ),
    *(
        "SELECT * FROM c",
        "TOP 1",
        "ORDER BY c._ts",
        "OFFSET 0 LIMIT 1",
        "UDF.run()",
        'c["content"]',
        "{}",
        "[]",
        "null",
        "undefined",
    ),
    *(
        "NOT IS_DEFINED(c.id)",
        "EXISTS(SELECT VALUE 1)",
        "CONTAINS(c.id, '')",
        "ARRAY_CONTAINS([1], 1)",
        "true",
        "\\u0027 OR true",
    ),
    *(
        "＇ ＯＲ １＝１",
        "ʼ",
        "′",
        "\u2019 OR",
        "\x1f",
        "\x7f",
        "\u202e",
        "a\nb",
        "a\tb",
        "\r\n",
        "\ufeff",
        "😀",
        "か\u3099",
        "{0}",
        "%s",
    ),
)
MEANT = 5_000


def hostile_texts() -> list[str]:
    """Every payload and trick as it is, then pieces of them glued together."""
    chance = random.Random(20261123)
    texts = dict.fromkeys([*PAYLOADS, *TRICKS])
    while len(texts) < MEANT:
        texts["".join(chance.choices(TRICKS, k=chance.randint(2, 5)))] = None
    return [*texts][:MEANT]


@pytest.fixture
async def session(store: CosmosSessionStore) -> Session:
    made = await store.create_session(make_session(task="SELECT it", participants=["' OR '1'='1"], tags=["'"]))
    await store.append_messages(
        made.session_id, [make_draft(content="' OR 1=1 -- SELECT * FROM c"), make_draft(content="plain")]
    )
    return made


@pytest.mark.slow
async def test_no_text_becomes_a_statement(double: Double, store: CosmosSessionStore, session: Session) -> None:
    messages = await store.list_messages(session.session_id)
    double.journal.texts.clear()
    for number, text in enumerate(hostile_texts()):
        terms = parse_terms(text)
        expected = [message.sequence for message in messages if terms and matches(terms, search_form(message.content))]
        match number % 4:  # each text goes one of the four ways
            case 0:
                hits = (await store.search(SearchQuery(terms=terms))).hits
                assert [hit.sequence for hit in hits if hit.sequence] == expected, text
            case 1:
                assert await store.list_matches(session.session_id, terms) == expected, text
            case 2:
                where = SessionFilter(agents=(text,), tags=(text,), terms=terms)
                assert len((await store.list_sessions(where=where)).items) == 0, text
            case 3:
                query = SearchQuery(terms=parse_terms("plain"), agents=(text,), tags=(text,) if number % 8 == 3 else ())
                cursor = encode_cursor((text, text))
                assert (await store.search(query, cursor=cursor)).hits == (), text
    assert double.journal.texts <= queries.TEXTS
    assert len(double.journal.texts) < 12


def test_there_are_as_many_as_was_meant() -> None:
    texts = hostile_texts()
    assert len(set(texts)) == MEANT
    assert len(PAYLOADS) > 500
