"""Which discussion spans belong to, what it is called, and how it stands."""

from __future__ import annotations

import pytest

from chatlog.domain.models import SessionStatus, draft_session
from chatlog.errors import StorageUnavailable
from tests.chatlog.services.spans.conftest import Receiver
from tests.chatlog.services.spans.making import agent, exception, model, root, span, text, tool

COMPLETED, FAILED, ACTIVE = SessionStatus.COMPLETED, SessionStatus.FAILED, SessionStatus.ACTIVE
NAMELESS = {"attributes": {"gen_ai.conversation.id": None}}
ASKED = [text("user", "A name?")]


def says(words: str, **values: object) -> object:
    return model(text("assistant", words), heard=ASKED, **values)


async def test_a_span_without_a_conversation_belongs_to_its_trace(receiver: Receiver) -> None:
    await receiver.take(says("1", **NAMELESS), says("2", start=2, **NAMELESS), says("3", trace=2, start=4, **NAMELESS))
    first, second = await receiver.told(f"trace_{1:032x}"), await receiver.told(f"trace_{2:032x}")
    assert [content for _, _, content in first + second] == ["A name?", "1", "2", "A name?", "3"]


async def test_the_conversation_of_a_span_around_counts_for_those_inside(receiver: Receiver) -> None:
    outer = agent(span_id=f"{99:016x}", start=0, end=9, conversation="c1")
    await receiver.take(says("1", parent_id=outer.span_id, **NAMELESS), outer)
    assert len(await receiver.told("c1")) == 2


async def test_in_one_request_a_remark_has_the_name_of_the_agent_around_and_in_an_earlier_one_the_models(
    receiver: Receiver,
) -> None:
    outer = agent(span_id=f"{99:016x}", start=0, end=9, name="planner")
    middle = span(span_id=f"{98:016x}", parent_id=outer.span_id, end=9)
    nameless = {"agent": None, "parent_id": middle.span_id, "attributes": {"gen_ai.response.model": "m-1"}}
    await receiver.take(says("1", **nameless))
    await receiver.take(says("2", start=2, **nameless), middle, outer)
    assert [(source, words) for source, _, words in await receiver.told()] == [
        ("user", "A name?"),
        ("m-1", "1"),
        ("planner", "2"),
    ]


async def test_a_model_that_works_for_nobody_known_speaks_by_its_own_name(receiver: Receiver) -> None:
    await receiver.take(says("1", agent=None, attributes={"gen_ai.response.model": "m-1"}), says("2", agent=None, start=2))
    assert [source for source, _, _ in await receiver.told()] == ["user", "m-1", "assistant"]


async def test_spans_that_are_each_others_parents_do_no_harm(receiver: Receiver) -> None:
    one, other = f"{1:016x}", f"{2:016x}"
    await receiver.take(
        says("1", agent=None, span_id=one, parent_id=other), says("2", agent=None, span_id=other, parent_id=one)
    )
    assert len(await receiver.told()) == 3


async def test_a_trace_that_began_without_a_name_stays_where_it_began(receiver: Receiver) -> None:
    await receiver.take(says("1", start=1, end=2, **NAMELESS))
    for process in (receiver, receiver.another()):
        await process.take(agent(text("assistant", "1"), start=0, end=5, conversation="named"))
    assert [session.session_id for session in (await receiver.store.list_sessions()).items] == [f"trace_{1:032x}"]
    assert await receiver.told(f"trace_{1:032x}") == [("user", "text", "A name?"), ("analyst", "text", "1")]


async def test_a_span_that_tells_nothing_does_not_tie_its_trace_to_a_session(receiver: Receiver) -> None:
    await receiver.take(span(attributes={"gen_ai.operation.name": "create_agent"}))
    await receiver.take(says("1", conversation="c1"))
    assert len(await receiver.told("c1")) == 2


async def test_a_session_is_called_by_what_was_asked_first(receiver: Receiver) -> None:
    await receiver.take(says("1"))
    assert (await receiver.store.get_session("talk")).task == "A name?"
    await receiver.take(agent(text("assistant", "Hello"), conversation="b", attributes={"gen_ai.workflow.name": "Greeting"}))
    assert (await receiver.store.get_session("b")).task == "Greeting"
    await receiver.take(tool("size", "a", "{}", "4,000", conversation="c"))
    assert (await receiver.store.get_session("c")).task == "Work of analyst"


async def test_a_session_that_somebody_began_is_gone_on_with(receiver: Receiver) -> None:
    await receiver.store.create_session(draft_session(session_id="talk", task="Something else"))
    await receiver.take(says("1"))
    await receiver.another().take(says("2", trace=2, start=5))
    session = await receiver.store.get_session("talk")
    assert (session.task, session.message_count) == ("Something else", 4)


@pytest.mark.parametrize("name", ["a/b", "x" * 300, " outer ", "..", "q?#", "\ud800", "空間"])
async def test_any_conversation_has_a_session(receiver: Receiver, name: str) -> None:
    await receiver.take(says("1", conversation=name), says("2", conversation=name, start=2))
    (session,) = (await receiver.store.list_sessions()).items
    assert session.message_count == 3
    assert (session.session_id == name) is (name == "空間")


async def test_the_end_of_the_root_completes_the_session_and_a_failed_one_fails_it(receiver: Receiver) -> None:
    await receiver.take(says("1"))
    assert await status(receiver) is ACTIVE
    await receiver.take(root())
    assert await status(receiver) is COMPLETED
    await receiver.take(says("2", trace=2, start=101))
    assert await status(receiver) is ACTIVE
    await receiver.take(root(trace=2, end=103, failed=True))
    assert await status(receiver) is FAILED
    await receiver.take(says("3", trace=3, start=104), root(trace=3, end=106))
    assert await status(receiver) is COMPLETED


async def test_what_comes_late_or_again_does_not_make_an_ended_session_active(receiver: Receiver) -> None:
    first = says("1")
    await receiver.take(first, root())
    await receiver.take(first)
    await receiver.take(says("2", start=3))
    assert (await status(receiver), len(await receiver.told())) == (COMPLETED, 3)


async def test_a_root_that_comes_to_another_process_ends_the_session_too(receiver: Receiver) -> None:
    await receiver.take(says("1"))
    await receiver.another().take(agent(start=0, end=9, parent_id=""))
    assert await status(receiver) is COMPLETED


async def test_a_status_that_could_not_be_stored_is_when_the_root_is_sent_again(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans = says("1"), root()
    with monkeypatch.context() as patched:

        async def fail(*_: object, **__: object) -> None:
            raise StorageUnavailable("The disk is asleep.")

        patched.setattr(receiver.store, "update_session", fail)
        with pytest.raises(StorageUnavailable):
            await receiver.take(*spans)
    await receiver.take(*spans)
    assert await status(receiver) is COMPLETED


async def test_a_trace_that_goes_on_keeps_a_session_active_in_which_another_ends(receiver: Receiver) -> None:
    await receiver.take(says("1"), root(end=3), says("2", trace=2, start=5))
    assert await status(receiver) is ACTIVE


async def test_a_span_without_a_word_begins_no_session(receiver: Receiver) -> None:
    await receiver.take(agent(), root(), span(attributes={"gen_ai.operation.name": "create_agent"}))
    assert not (await receiver.store.list_sessions()).items


async def test_a_span_of_a_deleted_session_is_refused_and_its_neighbours_are_stored(receiver: Receiver) -> None:
    await receiver.take(says("1"))
    await receiver.store.delete_session("talk")
    for process in (receiver, receiver.another()):
        taken = await process.take(says("2"), says("3", conversation="other"))
        assert len(taken.refused) == 1
        assert "deleted" in taken.refused[0]
    assert len(await receiver.told("other")) == 2


async def test_a_session_that_was_removed_for_good_begins_anew(receiver: Receiver) -> None:
    from chatlog.domain.clock import utc_now

    await receiver.take(says("1"))
    await receiver.store.delete_session("talk")
    await receiver.store.purge_deleted(before=utc_now())
    await receiver.take(says("2", start=3))
    assert [content for _, _, content in await receiver.told()] == ["A name?", "2"]


async def test_a_failed_span_is_an_error_by_whoever_was_at_work(receiver: Receiver) -> None:
    await receiver.take(model(failed=True, events=(exception("builtins.ValueError", "no figures"),)))
    await receiver.take(agent(name="planner", start=5, failed=True, status_message="gave up"))
    assert await receiver.told() == [("analyst", "error", "ValueError: no figures"), ("planner", "error", "gave up")]


async def status(receiver: Receiver) -> SessionStatus:
    return (await receiver.store.get_session("talk")).status
