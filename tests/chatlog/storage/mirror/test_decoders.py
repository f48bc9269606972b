"""What other programs' documents become. Those of the frameworks are made as their sources make them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from agent_framework import Content, Message

from chatlog.domain.ids import check_id
from chatlog.domain.models import MessageDraft, SessionStatus
from chatlog.storage.documents import message_as_document, session_to_document
from chatlog.storage.mirror.decoders import DECODERS
from chatlog.storage.mirror.decoding import DocumentReader
from chatlog.storage.mirror.found import Found, FoundRemark
from chatlog.storage.tuning_documents import TUNING_ID, TUNING_PARTITION
from tests.chatlog.storage.cosmos.test_seed_documents import seed_message, seed_session
from tests.chatlog.storage.mirror.foreign import AT, dotnet_document, dotnet_text, python_document, said
from tests.factories import make_message, make_session

TOKYO = ZoneInfo("Asia/Tokyo")


def decode(document: dict[str, Any]) -> Found:
    """What the one decoder that knows the document finds in it."""
    found = [found for decoder in DECODERS if (found := decoder(document, TOKYO)) is not None]
    assert len(found) == 1, "the marks of two decoders overlap, or nobody knows it"
    return found[0]


def remark_in(document: dict[str, Any]) -> FoundRemark:
    remark = decode(document).remark
    assert remark is not None
    return remark


def told(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(draft.source, draft.kind, draft.content) for draft in remark_in(document).drafts]


# --- the seed's, and chatlog's own


def test_a_message_of_the_seed_is_read_in_its_zone_and_known_by_its_document() -> None:
    remark = remark_in(seed_message(7, place=3))
    (draft,) = remark.drafts
    assert (remark.session_id, remark.order) == ("session_20240120_143022", 7)
    assert draft.message_id == "session_20240120_143022_msg_0007_1705737022123459"
    assert draft.timestamp == datetime(2024, 1, 20, 5, 30, 25, 123456, UTC)
    assert (draft.source, draft.content) == ("creative_planner", "提案 3")


def test_a_session_of_the_seed_keeps_its_task_its_status_and_who_was_announced() -> None:
    found = decode(seed_session()).session
    assert found is not None
    assert found.session.task == "リモートワーク時代の新しいコミュニケーションツール"
    assert found.session.status is SessionStatus.COMPLETED
    assert found.session.participants == ("creative_planner", "market_analyst")
    assert found.session.created_at == datetime(2024, 1, 20, 5, 30, 22, 123456, UTC)


def test_a_message_of_chatlog_loses_nothing() -> None:
    message = make_message(
        kind="tool_call", models_usage={"prompt_tokens": 3, "completion_tokens": 4}, metadata={"tool": "search", "n": [1]}
    )
    (draft,) = remark_in(message_as_document(message)).drafts
    for name in MessageDraft.__dataclass_fields__:
        assert getattr(draft, name) == getattr(message, name)


def test_a_session_of_chatlog_keeps_title_tags_and_metadata_and_that_it_was_deleted() -> None:
    session = make_session(title="名前", tags=["a", "b"], metadata={"team": 3})
    document = session_to_document(session) | {"deleted_at": "2026-11-23T00:00:00.000000Z"}
    found = decode(document).session
    assert found is not None
    assert (found.session.title, found.session.tags, found.session.metadata) == ("名前", ("a", "b"), {"team": 3})
    assert found.deleted_at == datetime(2026, 11, 23, tzinfo=UTC)


def test_the_books_that_chatlog_keeps_in_a_container_are_no_discussions_and_no_riddle() -> None:
    books = {"id": TUNING_ID, "session_id": TUNING_PARTITION, "message_id": TUNING_ID, "type": TUNING_ID}
    found = decode(books)
    assert (found.remark, found.session) == (None, None)


# --- Agent Framework, Python


def test_a_message_of_python_is_known_by_its_document_and_has_the_time_of_its_sort_key() -> None:
    document = python_document(said("assistant", "**Kanata**", author="namer"), sort_key=AT * 10**9 + 123_456_789)
    remark = remark_in(document)
    (draft,) = remark.drafts
    assert (remark.session_id, remark.order, remark.role) == ("thread-1", AT * 10**9 + 123_456_789, "assistant")
    assert (draft.message_id, draft.source, draft.content) == (document["id"], "namer", "**Kanata**")
    assert draft.timestamp == datetime(2026, 11, 23, 14, 30, 25, 123456, UTC)
    assert remark.about == {"history_provider": "azure_cosmos_history"}


def test_a_sort_key_that_comes_back_as_a_double_is_one() -> None:
    document = json.loads(json.dumps(python_document(said("user", "Hello"), sort_key=float(AT * 10**9))))
    assert remark_in(document).drafts[0].timestamp == datetime.fromtimestamp(AT, UTC)


def test_who_has_no_name_speaks_as_its_role() -> None:
    assert told(python_document(said("user", "Find a name"))) == [("user", "text", "Find a name")]


def test_what_was_thought_called_and_answered_keeps_its_meaning() -> None:
    call = Content.from_function_call(call_id="c1", name="look_up", arguments='{"word": "彼方"}')
    message = Message(
        role="assistant",
        author_name="namer",
        contents=[
            Content.from_text_reasoning(text="A word for far away."),
            Content.from_text("I look "),
            Content.from_text("it up."),
            call,
            Content.from_error(message="No such word", error_code="missing"),
            Content.from_uri("https://example.org/logo.png", media_type="image/png"),
            Content.from_usage({"input_token_count": 120, "output_token_count": 48}),
        ],
    )
    document = python_document(message)
    drafts = remark_in(document).drafts
    assert told(document) == [
        ("namer", "thought", "A word for far away."),
        ("namer", "text", "I look it up."),
        ("namer", "tool_call", 'look_up\n```json\n{\n  "word": "彼方"\n}\n```'),
        ("namer", "error", "No such word"),
        ("namer", "text", "<image/png>"),
    ]
    assert [draft.message_id for draft in drafts] == [document["id"], *(f"{document['id']}.{n}" for n in range(1, 5))]
    assert (drafts[2].metadata["tool"], drafts[2].metadata["call_id"]) == ("look_up", "c1")
    assert [draft.models_usage for draft in drafts] == [None] * 4 + [{"prompt_tokens": 120, "completion_tokens": 48}]


@pytest.mark.parametrize(
    ("content", "kind", "text"),
    [
        (Content.from_function_result(call_id="c1", result="far away"), "tool_result", "Answer\n```\nfar away\n```"),
        (
            Content.from_function_result(call_id="c1", result="oh", exception="ValueError"),
            "tool_result",
            "Answer failed\n```\noh\n```",
        ),
        (Content.from_function_result(call_id="c1", result='{"handoff_to": "critic"}'), "handoff", "Hands over to critic."),
    ],
)
def test_an_answer_of_a_tool_is_one_or_a_hand_over(content: Content, kind: str, text: str) -> None:
    document = python_document(Message(role="tool", contents=[content]))
    assert told(document) == [("tool", kind, text)]
    assert remark_in(document).drafts[0].metadata["call_id"] == "c1"


def test_contents_that_are_not_known_by_name_are_shown_as_they_are() -> None:
    message = Message(role="assistant", contents=[Content.from_mcp_server_tool_call("c1", "weather", server_name="s")])
    ((_, kind, text),) = told(python_document(message))
    assert kind == "tool_call"
    assert text.startswith("mcp_server_tool_call\n```json")
    assert "weather" in text


def test_a_message_without_anything_in_it_is_still_there() -> None:
    assert told(python_document(Message(role="assistant", contents=[]))) == [("assistant", "text", "(no text)")]


def test_roles_as_they_were_written_before_version_1_are_read() -> None:
    document = python_document(said("user", "Hello"))
    document["message"]["role"] = {"type": "role", "value": "user"}
    assert remark_in(document).role == "user"


# --- Agent Framework, .NET


def test_a_message_of_dotnet_is_read_out_of_its_text() -> None:
    document = dotnet_document("assistant", dotnet_text("彼方"), author="namer")
    remark = remark_in(document)
    (draft,) = remark.drafts
    assert (remark.session_id, remark.order, remark.role) == ("conversation-1", AT, "assistant")
    assert (draft.message_id, draft.source, draft.content) == (document["id"], "namer", "彼方")
    assert draft.timestamp == datetime.fromtimestamp(AT, UTC)
    assert draft.metadata["agent_framework_id"] == document["messageId"]
    assert remark.about == {"conversation_id": "conversation-1"}


def test_contents_of_dotnet_become_what_those_of_python_become() -> None:
    document = dotnet_document(
        "assistant",
        {"$type": "reasoning", "Text": "Hm.", "ProtectedData": None},
        dotnet_text("I look it up."),
        {"$type": "functionCall", "CallId": "c1", "Name": "LookUp", "Arguments": {"Word": "彼方"}},
        {"$type": "error", "Message": "No such word", "ErrorCode": "missing", "Details": None},
        {"$type": "data", "Uri": "data:image/png;base64,AAAA", "MediaType": "image/png"},
        {"$type": "usage", "Details": {"InputTokenCount": 120, "OutputTokenCount": 48, "TotalTokenCount": 168}},
        author="namer",
    )
    drafts = remark_in(document).drafts
    assert told(document) == [
        ("namer", "thought", "Hm."),
        ("namer", "text", "I look it up."),
        ("namer", "tool_call", 'LookUp\n```json\n{\n  "Word": "彼方"\n}\n```'),
        ("namer", "error", "No such word"),
        ("namer", "text", "<image/png>"),
    ]
    assert drafts[2].metadata["call_id"] == "c1"
    assert drafts[4].models_usage == {"prompt_tokens": 120, "completion_tokens": 48}


def test_an_answer_of_a_dotnet_tool_is_one() -> None:
    document = dotnet_document("tool", {"$type": "functionResult", "CallId": "c1", "Result": {"Found": 3}})
    assert told(document) == [("tool", "tool_result", 'Answer\n```\n{"Found": 3}\n```')]


def test_conversations_of_two_tenants_with_one_id_are_two_sessions() -> None:
    owners = [{"tenantId": tenant, "userId": "u", "sessionId": "conversation-1"} for tenant in ("t1", "t2", "t1")]
    remarks = [remark_in(dotnet_document("user", dotnet_text("Hello"), **owner)) for owner in owners]
    assert [remark.session_id for remark in remarks] == [f"{tenant}:u:conversation-1" for tenant in ("t1", "t2", "t1")]
    assert remarks[0].about == {"conversation_id": "conversation-1", "tenant_id": "t1", "user_id": "u"}


def test_names_with_the_joint_in_them_cannot_be_mistaken_for_others() -> None:
    one = remark_in(dotnet_document("user", dotnet_text("Hello"), tenantId="a:b", userId="c"))
    other = remark_in(dotnet_document("user", dotnet_text("Hello"), tenantId="a", userId="b:c"))
    assert one.session_id != other.session_id


# --- all of them


@pytest.mark.parametrize("session_id", ["a/b", "a\\b?c#d", "x" * 300, " outer ", "..", "a\nb", "\ud800"])
def test_an_id_that_chatlog_cannot_carry_has_a_lasting_substitute(session_id: str) -> None:
    documents = [
        {**seed_message(1, place=1), "session_id": session_id},
        python_document(said("user", "Hello"), session_id=session_id),
        dotnet_document("user", dotnet_text("Hello"), conversation=session_id),
    ]
    ids = {remark_in(document).session_id for document in documents}
    assert len(ids) == 1
    (carried,) = ids
    assert check_id(carried, field="session_id") != session_id
    for document in documents[:2]:
        assert remark_in(document).about["session_id"] == session_id.replace("\ud800", "\N{REPLACEMENT CHARACTER}")


def test_the_id_of_a_document_may_be_longer_than_one_of_chatlog() -> None:
    (draft,) = remark_in(seed_message(1, place=1) | {"id": "x" * 1_000}).drafts
    assert draft == remark_in(seed_message(1, place=1) | {"id": "x" * 1_000}).drafts[0]
    assert len(draft.message_id) < 100


def test_every_remark_of_a_message_has_a_lasting_id_however_long_that_of_the_document() -> None:
    message = Message(role="assistant", contents=[Content.from_text_reasoning(text="Hm."), Content.from_text("Kanata")])
    for length in (1, 247, 248, 254, 255, 1_000):
        document = python_document(message, id="x" * length)
        ids = [draft.message_id for draft in remark_in(document).drafts]
        assert ids == [draft.message_id for draft in remark_in(document).drafts]
        assert len(set(ids)) == 2


HOSTILE: list[Any] = [
    None,
    True,
    -1,
    10**30,
    1.5,
    "",
    "\ud800\x00",
    "{",
    "[]",
    '"x"',
    "{}",
    [],
    {},
    [[]],
    {"a": {}},
    "x" * 10_000,
]


@pytest.mark.parametrize(
    "make",
    [
        lambda: seed_message(1, place=1) | {"kind": "text", "metadata": {}, "models_usage": {"n": 1}},
        lambda: seed_session() | {"title": "t", "tags": ["x"], "metadata": {}, "deleted_at": None},
        lambda: python_document(said("user", "Hello", author="ann")),
        lambda: dotnet_document("user", dotnet_text("Hello"), {"$type": "functionCall", "CallId": "c", "Name": "n"}),
    ],
)
def test_whatever_stands_in_a_field_a_document_is_read_or_counted(make: Any) -> None:
    reader = DocumentReader(container="hostile", naive_zone=TOKYO)
    for field in make():
        for value in HOSTILE:
            reading = reader.read([make() | {field: value}])
            assert len(reading.remarks) + len(reading.sessions) + reading.unread == 1


@pytest.mark.parametrize("field", ["role", "contents", "author_name", "message_id", "type"])
def test_whatever_stands_in_a_message_of_python_it_is_read_or_counted(field: str) -> None:
    reader = DocumentReader(container="hostile", naive_zone=TOKYO)
    for value in [*HOSTILE, [{"type": "text", "text": 3}], [{"type": ["x"]}], [{}], [{"type": "usage", "usage_details": "x"}]]:
        document = python_document(said("user", "Hello"))
        document["message"][field] = value
        reading = reader.read([document])
        assert len(reading.remarks) + reading.unread == 1


def test_the_shortest_time_to_live_is_noticed() -> None:
    reader = DocumentReader(container="c", naive_zone=None)
    documents = [dotnet_document("user", dotnet_text("Hello"), ttl=ttl) for ttl in (-1, 900, 60, 3_600)]
    assert reader.read(documents).shortest_ttl == timedelta(minutes=1).total_seconds()
