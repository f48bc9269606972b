"""What every store promises about messages: numbered without a gap, stored once, read back as they were."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest

from chatlog import IdempotencyConflict, MessageDraft, MessageKind, Session, SessionNotFound, SessionStore
from chatlog.errors import InvalidNumber, ItemTooLarge
from tests.factories import make_draft, make_drafts, make_session

WRITERS, REMARKS = 8, 25


async def list_all(store: SessionStore, session_id: str) -> list:
    messages = await store.list_messages(session_id, limit=1000)
    while page := await store.list_messages(session_id, after=messages[-1].sequence if messages else 0, limit=1000):
        messages += page
    return messages


async def test_a_message_is_read_back_as_it_was_said(store: SessionStore, session: Session) -> None:
    draft = make_draft(
        source="市場分析 ｱﾅﾘｽﾄ",
        content="# 見出し\n\n*空間*を共有する 🪟 e\u0301 \u202e \x1b[31m \ufdfa\n\ttrailing  ",
        timestamp=datetime(2026, 2, 28, 23, 59, 59, 999999, timezone(timedelta(hours=9))),
        kind=MessageKind.TOOL_CALL,
        models_usage={"prompt_tokens": 120, "completion_tokens": 2**53 - 1},
        metadata={"nested": {"list": (1, 2.5, None, True, "文")}, "": "empty key"},
    )
    (stored,) = await store.append_messages(session.session_id, [draft])
    assert stored.sequence == 1
    assert stored.content == draft.content
    assert stored.timestamp == datetime(2026, 2, 28, 14, 59, 59, 999999, UTC)
    assert stored.metadata == {"nested": {"list": [1, 2.5, None, True, "文"]}, "": "empty key"}
    assert await store.list_messages(session.session_id) == [stored]


async def test_numbers_go_up_without_a_gap_whatever_the_batch(store: SessionStore, session: Session) -> None:
    stored = []
    for size in (1, 0, 99, 100, 101, 3):
        stored += await store.append_messages(session.session_id, make_drafts(size))
    assert [message.sequence for message in stored] == list(range(1, 305))
    assert await list_all(store, session.session_id) == stored
    assert await store.get_last_sequence(session.session_id) == 304


async def test_reading_goes_on_after_a_cursor(store: SessionStore, session: Session) -> None:
    await store.append_messages(session.session_id, make_drafts(10))
    assert [m.sequence for m in await store.list_messages(session.session_id, after=4, limit=3)] == [5, 6, 7]
    assert [m.sequence for m in await store.list_messages(session.session_id, after=9, limit=3)] == [10]
    assert await store.list_messages(session.session_id, after=10) == []
    assert await store.list_messages(session.session_id, after=2**53 - 1) == []


async def test_a_session_without_messages_is_empty_and_an_unknown_one_is_not(store: SessionStore, session: Session) -> None:
    assert await store.list_messages(session.session_id) == []
    assert await store.get_last_sequence(session.session_id) == 0
    with pytest.raises(SessionNotFound):
        await store.list_messages("session_nobody")
    with pytest.raises(SessionNotFound):
        await store.append_messages("session_nobody", [make_draft()])


async def test_sending_again_stores_once_and_returns_the_original(store: SessionStore, session: Session) -> None:
    draft = make_draft()
    (first,) = await store.append_messages(session.session_id, [draft])
    await store.append_messages(session.session_id, make_drafts(2))
    later = MessageDraft(source=draft.source, content=draft.content, message_id=draft.message_id)
    assert await store.append_messages(session.session_id, [later]) == [first]
    assert len(await list_all(store, session.session_id)) == 3


async def test_a_batch_with_old_and_new_messages_appends_the_new(store: SessionStore, session: Session) -> None:
    drafts = make_drafts(6)
    await store.append_messages(session.session_id, drafts[:2])
    await store.append_messages(session.session_id, [drafts[4]])
    stored = await store.append_messages(session.session_id, [*drafts, drafts[0], drafts[5]])
    assert [message.sequence for message in stored] == [1, 2, 4, 5, 3, 6, 1, 6]
    assert [message.message_id for message in stored[:6]] == [draft.message_id for draft in drafts]
    assert len(await list_all(store, session.session_id)) == 6


async def test_the_same_id_with_other_text_is_a_conflict_and_changes_nothing(store: SessionStore, session: Session) -> None:
    (stored,) = await store.append_messages(session.session_id, [make_draft(message_id="mine", content="said")])
    for other in (
        make_draft(message_id="mine", content="not said", source=stored.source),
        make_draft(message_id="mine", source="x"),
    ):
        with pytest.raises(IdempotencyConflict, match="mine"):
            await store.append_messages(session.session_id, [make_draft(), other])
    with pytest.raises(IdempotencyConflict, match="twice"):
        await store.append_messages(session.session_id, [make_draft(message_id="twice"), make_draft(message_id="twice")])
    assert await list_all(store, session.session_id) == [stored]


async def test_one_id_may_serve_in_two_sessions(store: SessionStore, session: Session) -> None:
    other = await store.create_session(make_session())
    for session_id in (session.session_id, other.session_id):
        (stored,) = await store.append_messages(session_id, [make_draft(message_id="mine")])
        assert (stored.sequence, stored.session_id) == (1, session_id)


async def test_a_conflict_in_one_call_does_not_touch_the_calls_beside_it(store: SessionStore, session: Session) -> None:
    await store.append_messages(session.session_id, [make_draft(message_id="mine")])
    calls = [[make_draft()], [make_draft(message_id="mine")], [make_draft(), make_draft()]]
    outcomes = await asyncio.gather(
        *(store.append_messages(session.session_id, drafts) for drafts in calls), return_exceptions=True
    )
    assert isinstance(outcomes[1], IdempotencyConflict)
    assert sorted(m.sequence for outcome in (outcomes[0], outcomes[2]) for m in outcome) == [2, 3, 4]
    assert [m.sequence for m in await list_all(store, session.session_id)] == [1, 2, 3, 4]


async def test_eight_writers_at_once_lose_double_and_reorder_nothing(store: SessionStore, session: Session) -> None:
    async def write(name: str) -> list[int]:
        drafts = [make_draft(source=name, content=str(number)) for number in range(REMARKS)]
        return [(await store.append_messages(session.session_id, [draft]))[0].sequence for draft in drafts]

    acknowledged = await asyncio.gather(*(write(f"writer_{number}") for number in range(WRITERS)))
    messages = await list_all(store, session.session_id)
    assert [message.sequence for message in messages] == list(range(1, WRITERS * REMARKS + 1))
    assert len({message.message_id for message in messages}) == WRITERS * REMARKS
    for number, sequences in enumerate(acknowledged):
        own = [message for message in messages if message.source == f"writer_{number}"]
        assert [message.content for message in own] == [str(n) for n in range(REMARKS)]
        assert [message.sequence for message in own] == sequences


async def test_a_cancelled_save_happens_wholly_or_not_at_all(store: SessionStore, session: Session) -> None:
    drafts = make_drafts(20)
    tasks = [asyncio.create_task(store.append_messages(session.session_id, [draft])) for draft in drafts]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    again = await store.append_messages(session.session_id, drafts)
    messages = await list_all(store, session.session_id)
    assert [message.sequence for message in messages] == list(range(1, 21))
    assert {message.message_id for message in again} == {draft.message_id for draft in drafts}


@pytest.mark.parametrize("after", [-1, 2**53, 1.0, "1", None, False])
async def test_a_cursor_out_of_range_is_refused(store: SessionStore, session: Session, after: object) -> None:
    with pytest.raises(InvalidNumber, match="after"):
        await store.list_messages(session.session_id, after=after)


async def test_items_up_to_the_limit_are_kept_whole_and_larger_ones_refused(store: SessionStore, session: Session) -> None:
    from chatlog.domain.limits import MAX_ITEM_BYTES
    from chatlog.storage.documents import encoded_size, message_to_document

    def draft_of(characters: int) -> MessageDraft:
        # The text is stored twice, as written and as searched, each with 3 bytes a character.
        return make_draft(source="a", content="空" * characters, message_id="a" * 36)

    some = 100_000  # as many digits as the most
    overhead = encoded_size(message_to_document(draft_of(some), session_id=session.session_id, sequence=2**53 - 1)) - 6 * some
    most = (MAX_ITEM_BYTES - overhead) // 6
    with pytest.raises(ItemTooLarge, match="limit") as refused:
        await store.append_messages(session.session_id, [make_draft(), draft_of(most + 1)])
    assert refused.value.field == "content"
    (stored,) = await store.append_messages(session.session_id, [draft_of(most)])
    assert (stored.sequence, len(stored.content)) == (1, most)
    assert await store.list_messages(session.session_id) == [stored]


async def test_a_batch_of_large_messages_is_split_to_what_fits(store: SessionStore, session: Session) -> None:
    drafts = [make_draft(content=f"{number} " + "x" * 300_000) for number in range(10)]
    stored = await store.append_messages(session.session_id, drafts)
    assert [message.sequence for message in stored] == list(range(1, 11))
    assert await list_all(store, session.session_id) == stored


async def test_a_closed_store_says_so(store: SessionStore, session: Session) -> None:
    from chatlog.errors import StoreClosed

    await store.aclose()
    await store.aclose()
    with pytest.raises(StoreClosed):
        await store.append_messages(session.session_id, [make_draft()])
    with pytest.raises(StoreClosed):
        await store.list_messages(session.session_id)


async def test_a_change_is_noticed_or_waited_out(store: SessionStore, session: Session) -> None:
    await store.append_messages(session.session_id, [make_draft()])
    assert await store.wait_for_change(at_most=0.05) in {True, False}
    assert await store.ping() is None


async def test_the_last_messages_before_a_place_come_in_order(store: SessionStore, session: Session) -> None:
    stored = await store.append_messages(session.session_id, make_drafts(7))
    assert await store.list_messages_before(session.session_id, limit=3) == stored[4:]
    assert await store.list_messages_before(session.session_id, before=5, limit=3) == stored[1:4]
    assert await store.list_messages_before(session.session_id, before=2) == stored[:1]
    assert await store.list_messages_before(session.session_id, before=1) == []
    assert await store.list_messages_before(session.session_id, before=1000) == stored


async def test_before_the_first_message_of_nobody_there_is_no_session(store: SessionStore, session: Session) -> None:
    assert await store.list_messages_before(session.session_id) == []
    with pytest.raises(SessionNotFound, match="session_nobody"):
        await store.list_messages_before("session_nobody")
