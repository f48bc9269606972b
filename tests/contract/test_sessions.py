"""What every store promises about sessions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chatlog import InvalidInput, Session, SessionExists, SessionNotFound, SessionStatus, SessionStore
from chatlog.domain.activity import Activity
from chatlog.errors import InvalidCursor, InvalidId, InvalidNumber, ItemTooLarge
from tests.factories import make_draft, make_drafts, make_session

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


async def test_a_session_is_read_back_as_it_was_created(store: SessionStore) -> None:
    created = make_session(
        participants=["creative_planner", "市場分析"],
        title="空間",
        tags=["product", "日本語"],
        metadata={"run": {"seed": 7}, "ok": None},
    )
    assert await store.create_session(created) == created
    assert await store.get_session(created.session_id) == created


async def test_creating_it_again_returns_what_is_stored(store: SessionStore, session: Session) -> None:
    await store.append_messages(session.session_id, [make_draft()])
    again = await store.create_session(make_session(session_id=session.session_id, task=session.task))
    assert again.created_at == session.created_at
    assert len(await store.list_messages(session.session_id)) == 1


async def test_an_id_taken_by_another_task_is_refused(store: SessionStore, session: Session) -> None:
    with pytest.raises(SessionExists, match=session.session_id):
        await store.create_session(make_session(session_id=session.session_id, task="another"))
    assert (await store.get_session(session.session_id)).task == session.task


async def test_an_unknown_session_is_named(store: SessionStore) -> None:
    with pytest.raises(SessionNotFound, match="session_nobody"):
        await store.get_session("session_nobody")
    with pytest.raises(SessionNotFound, match="session_nobody"):
        await store.update_session("session_nobody", status=SessionStatus.FAILED)
    with pytest.raises(SessionNotFound, match="session_nobody"):
        await store.get_last_sequence("session_nobody")


async def test_an_unknown_session_cannot_be_recounted(store: SessionStore) -> None:
    with pytest.raises(SessionNotFound, match="session_nobody"):
        await store.recount_session("session_nobody")


@pytest.mark.parametrize("status", list(SessionStatus))
async def test_a_status_is_kept(store: SessionStore, session: Session, status: SessionStatus) -> None:
    updated = await store.update_session(session.session_id, status=status)
    assert updated.status is status
    assert updated.updated_at > session.updated_at
    assert await store.get_session(session.session_id) == updated


async def test_changing_one_thing_leaves_the_rest(store: SessionStore, session: Session) -> None:
    await store.update_session(session.session_id, title="A name", tags=["one", "two", "one"])
    updated = await store.update_session(session.session_id, status=SessionStatus.COMPLETED)
    assert (updated.title, updated.tags, updated.task) == ("A name", ("one", "two"), session.task)


async def test_an_empty_title_takes_the_title_away(store: SessionStore, session: Session) -> None:
    await store.update_session(session.session_id, title="A name")
    assert (await store.update_session(session.session_id, title="")).title is None
    assert (await store.get_session(session.session_id)).title is None


async def test_activity_follows_the_messages(store: SessionStore) -> None:
    session = await store.create_session(make_session(created_at=NOON))
    seconds = (0, 1, 1, 70, 3_000)
    await store.append_messages(
        session.session_id, [make_draft(timestamp=NOON + timedelta(seconds=number)) for number in seconds]
    )
    activity = (await store.recount_session(session.session_id)).activity
    assert sum(activity.counts) == 5
    assert activity == Activity().after([NOON + timedelta(seconds=number) for number in seconds], start=NOON)


async def test_counts_and_participants_follow_who_spoke(store: SessionStore) -> None:
    session = await store.create_session(make_session(participants=["announced"]))
    drafts = [make_draft(source=name) for name in ("first", "second", "first")]
    await store.append_messages(session.session_id, drafts)
    ended = await store.update_session(session.session_id, status=SessionStatus.COMPLETED)
    assert ended.message_count == 3
    assert ended.participants == ("announced", "first", "second")
    assert ended.last_message_at == max(draft.timestamp for draft in drafts)
    assert await store.get_session(session.session_id) == ended


async def test_recounting_agrees_with_the_messages(store: SessionStore, session: Session) -> None:
    await store.append_messages(session.session_id, make_drafts(5, source="only_one"))
    recounted = await store.recount_session(session.session_id)
    assert (recounted.message_count, recounted.participants) == (5, ("only_one",))


async def test_sessions_are_listed_newest_first_in_pages_without_a_hole(store: SessionStore) -> None:
    expected = []
    for number in range(7):
        # Three of them begin at one and the same moment: the id decides, and none is lost between two pages.
        created = make_session(created_at=NOON + timedelta(seconds=min(number, 4)), task=f"task {number}")
        expected.append(await store.create_session(created))
    expected.sort(key=lambda session: (session.created_at, session.session_id), reverse=True)

    listed, cursor = [], None
    while True:
        page = await store.list_sessions(limit=2, cursor=cursor)
        assert len(page.items) <= 2
        listed += page.items
        if (cursor := page.next_cursor) is None:
            break
    assert listed == expected


async def test_a_full_last_page_has_no_cursor(store: SessionStore) -> None:
    for _ in range(2):
        await store.create_session(make_session())
    page = await store.list_sessions(limit=2)
    assert len(page.items) == 2
    assert page.next_cursor is None


async def test_an_empty_store_lists_nothing(store: SessionStore) -> None:
    page = await store.list_sessions()
    assert (page.items, page.next_cursor) == ((), None)


async def test_pages_lead_back_to_where_they_began(store: SessionStore) -> None:
    made = [await store.create_session(make_session(created_at=NOON - timedelta(seconds=n // 2))) for n in range(7)]
    expected = sorted(made, key=lambda session: (session.created_at, session.session_id), reverse=True)
    first = await store.list_sessions(limit=3)
    second = await store.list_sessions(limit=3, cursor=first.next_cursor)
    third = await store.list_sessions(limit=3, cursor=second.next_cursor)
    assert (first.previous_cursor, third.next_cursor) == (None, None)
    assert [*first.items, *second.items, *third.items] == expected
    back = await store.list_sessions(limit=3, cursor=third.previous_cursor)
    assert back.items == second.items
    again = await store.list_sessions(limit=3, cursor=back.previous_cursor)
    assert (again.items, again.previous_cursor) == (first.items, None)
    assert (await store.list_sessions(limit=3, cursor=again.next_cursor)).items == second.items


async def test_a_page_that_holds_everything_knows_how_many_there_are(store: SessionStore) -> None:
    for _ in range(3):
        await store.create_session(make_session())
    assert (await store.list_sessions(limit=3)).total == 3
    assert (await store.list_sessions(limit=2)).total in (3, None)


async def test_several_sessions_are_read_at_once_in_the_order_asked_for(store: SessionStore) -> None:
    made = [await store.create_session(make_session()) for _ in range(4)]
    wanted = [made[2].session_id, "session_nobody", made[0].session_id]
    assert await store.get_sessions(wanted) == [made[2], made[0]]
    assert await store.get_sessions([]) == []


@pytest.mark.parametrize("cursor", ["", "x", "!!!", "W10", "bnVsbA", "WzEsMl0", "é"])
async def test_a_cursor_from_nowhere_is_refused(store: SessionStore, cursor: str) -> None:
    with pytest.raises(InvalidCursor, match="first page"):
        await store.list_sessions(cursor=cursor)


@pytest.mark.parametrize("limit", [0, -1, 1001, 2.5, "3", True])
async def test_a_limit_out_of_range_is_refused(store: SessionStore, session: Session, limit: object) -> None:
    with pytest.raises(InvalidNumber, match="limit"):
        await store.list_sessions(limit=limit)
    with pytest.raises(InvalidNumber, match="limit"):
        await store.list_messages(session.session_id, limit=limit)


BAD_IDS = ["", "a/b", "a\\b", "a?b", "a#b", "x" * 256, "\U0001f600" * 250, " a", "a\n", "a\x00b", "..", "\ud800"]


@pytest.mark.parametrize("bad_id", BAD_IDS)
async def test_an_id_that_cannot_be_is_refused_everywhere(store: SessionStore, bad_id: str) -> None:
    with pytest.raises(InvalidId):
        await store.get_session(bad_id)
    with pytest.raises(InvalidId):
        await store.update_session(bad_id, title="x")
    with pytest.raises(InvalidId):
        await store.append_messages(bad_id, [make_draft()])
    with pytest.raises(InvalidId):
        await store.list_messages(bad_id)
    with pytest.raises(InvalidId):
        make_session(session_id=bad_id)


@pytest.mark.parametrize("good_id", ["x" * 255, "会議 2026", "a.b-c_d~e!$&'()*+,;=:@", "\U0001f600" * 240, 'it\'s 100% "ok"'])
async def test_an_unusual_id_works_everywhere(store: SessionStore, good_id: str) -> None:
    session = await store.create_session(make_session(session_id=good_id))
    (message,) = await store.append_messages(good_id, [make_draft()])
    assert await store.list_messages(good_id) == [message]
    assert (await store.update_session(good_id, title="t")).session_id == session.session_id
    assert [found.session_id for found in (await store.list_sessions()).items] == [good_id]


async def test_a_session_over_two_megabytes_is_refused(store: SessionStore) -> None:
    with pytest.raises(ItemTooLarge, match="limit"):
        await store.create_session(make_session(metadata={"text": "x" * 2_100_000}))


@pytest.mark.parametrize(
    "change",
    [
        {"title": "x" * 501},
        {"title": " "},
        {"tags": [""]},
        {"tags": ["x"] * 3 + ["y" * 101]},
        {"tags": "ab"},
        {"title": "\x00"},
    ],
)
async def test_a_change_that_cannot_be_is_refused(store: SessionStore, session: Session, change: dict) -> None:
    with pytest.raises(InvalidInput):
        await store.update_session(session.session_id, **change)
    assert await store.get_session(session.session_id) == session
