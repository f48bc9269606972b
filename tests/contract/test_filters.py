"""What every store promises about lists under a filter: the same as asking each session by the rule itself."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest

from chatlog import Session, SessionStatus, SessionStore
from chatlog.domain.clock import utc_now
from chatlog.domain.filters import SessionFilter
from chatlog.domain.models import SessionState
from chatlog.domain.search import parse_terms
from tests.factories import make_draft, make_session

NOW = utc_now()
TASKS = ("空間を共有する", "A name for the product", "ＡＩ エージェントの会議", "Café au lait")


@pytest.fixture
async def sessions(store: SessionStore) -> list[Session]:
    """Of every status, old and young, some of them silent for long."""
    made = []
    for number, (status, task) in enumerate(product(SessionStatus, TASKS)):
        session = make_session(
            task=task,
            created_at=NOW - timedelta(days=number, minutes=1),
            participants=["ann", "会議"] if number % 3 else ["bob"],
            tags=["product", "x y"] if number % 2 else ["product"],
        )
        await store.create_session(session)
        if number % 4:
            spoken_at = NOW - timedelta(hours=number % 2 * 2)
            await store.append_messages(session.session_id, [make_draft(source="ann", timestamp=spoken_at)])
            await store.recount_session(session.session_id)  # the list goes by figures that may follow a second later
        made.append(await store.update_session(session.session_id, status=status))
    return sorted(made, key=lambda session: (session.created_at, session.session_id), reverse=True)


FILTERS = [
    SessionFilter(),
    *(SessionFilter(states=frozenset({state})) for state in SessionState),
    SessionFilter(states=frozenset({SessionState.RUNNING, SessionState.FAILED})),
    SessionFilter(agents=("ann",)),
    SessionFilter(agents=("会議", "ann")),
    SessionFilter(agents=("bob", "ann")),
    SessionFilter(agents=("nobody",)),
    SessionFilter(tags=("x y", "product")),
    SessionFilter(tags=("product",), states=frozenset({SessionState.COMPLETED})),
    SessionFilter(since=NOW - timedelta(days=3)),
    SessionFilter(until=NOW - timedelta(days=3)),
    SessionFilter(since=NOW - timedelta(days=6), until=NOW - timedelta(days=2)),
    SessionFilter(since=NOW - timedelta(days=6), must_begin_since=True),
    SessionFilter(since=NOW - timedelta(days=6), until=NOW - timedelta(days=2), must_begin_since=True),
    SessionFilter(since=NOW - timedelta(days=3), must_begin_since=True, states=frozenset({SessionState.RUNNING})),
    SessionFilter(until=NOW - timedelta(days=3), must_begin_since=True),
    SessionFilter(terms=parse_terms("空間")),
    SessionFilter(terms=parse_terms("cafe")),
    SessionFilter(terms=parse_terms("ai 議")),
    SessionFilter(terms=parse_terms('"name for"'), agents=("ann",)),
    SessionFilter(terms=parse_terms("roduct")),
]


@pytest.mark.parametrize("where", FILTERS, ids=range(len(FILTERS)))
async def test_a_list_holds_what_its_filter_accepts(store: SessionStore, sessions: list[Session], where: SessionFilter) -> None:
    expected = [session for session in sessions if where.accepts(session, now=utc_now())]
    whole = await store.list_sessions(limit=100, where=where)
    assert [found.session_id for found in whole.items] == [session.session_id for session in expected]
    assert whole.total == len(expected)
    listed, cursor = [], None
    while True:
        page = await store.list_sessions(limit=2, where=where, cursor=cursor)
        listed += page.items
        if (cursor := page.next_cursor) is None:
            break
    assert listed == list(whole.items)


async def test_a_session_that_must_begin_in_a_time_begins_at_its_first_moment_or_before_its_end(store: SessionStore) -> None:
    since, until = NOW - timedelta(days=3), NOW - timedelta(days=2)
    moment = timedelta(microseconds=1)
    made = {}
    for name, begins in (("early", since - moment), ("first", since), ("last", until - moment), ("late", until)):
        session = await store.create_session(make_session(created_at=begins, task=name))
        await store.append_messages(session.session_id, [make_draft(timestamp=since + timedelta(hours=1))])
        await store.recount_session(session.session_id)
        made[session.session_id] = name
    for must_begin_since, expected in ((False, ["last", "first", "early"]), (True, ["last", "first"])):
        where = SessionFilter(since=since, until=until, must_begin_since=must_begin_since)
        page = await store.list_sessions(where=where)
        assert [made[session.session_id] for session in page.items] == expected


HOSTILE = ["'", '"', "%", "_", "\\", "') OR 1=1 --", "@a0", "NEAR(a b)", "a*", "c.type", "{}", "x\ny"]


@pytest.mark.parametrize("text", HOSTILE)
async def test_a_filter_is_a_value_and_never_a_statement(store: SessionStore, text: str) -> None:
    named = await store.create_session(make_session(task=f"a {text} b", participants=[text], tags=[text]))
    await store.create_session(make_session(task="zzz", participants=["else"], tags=["else"]))
    for where in (SessionFilter(agents=(text,)), SessionFilter(tags=(text,)), SessionFilter(terms=parse_terms(f"a {text}"))):
        found = await store.list_sessions(where=where)
        assert [session.session_id for session in found.items] == [named.session_id]
