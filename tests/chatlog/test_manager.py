"""The seed's vocabulary does what the seed meant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import chatlog
from chatlog import ConfigurationError, CosmosDBManager, InvalidInput, SessionStatus
from chatlog.config import StoreSettings
from chatlog.domain.clock import utc_now
from chatlog.errors import StorageUnavailable
from tests.factories import make_draft, make_session

REMARK = {"source": "creative_planner", "content": "空間共有型", "timestamp": "2024-01-20T14:30:25.123456"}


async def manager_in(folder: Path) -> CosmosDBManager:
    manager = CosmosDBManager(StoreSettings(data_dir=folder))
    await manager.initialize("session_20240120_143022")
    await manager.save_session_info("task", participants=["creative_planner"])
    return manager


async def test_a_discussion_is_saved_and_read_back(tmp_path: Path) -> None:
    manager = await manager_in(tmp_path)
    assert await manager.save_message_realtime(REMARK) == "session_20240120_143022_msg_0001"
    ids = await manager.save_messages_batch([REMARK | {"content": str(n)} for n in range(120)])
    assert ids[-1] == "session_20240120_143022_msg_0121"
    documents = await manager.get_session_messages()
    assert [document["sequence"] for document in documents] == list(range(1, 122))
    assert documents[0]["content"] == REMARK["content"]
    await manager.update_session_status("completed", message_count=0)
    (listed,) = await manager.get_all_sessions()
    assert (listed["status"], listed["message_count"]) == ("completed", 121)
    await manager.close()


async def test_saving_the_session_again_is_no_error(tmp_path: Path) -> None:
    manager = await manager_in(tmp_path)
    await manager.save_session_info("task", status="failed")
    assert [found["status"] for found in await manager.get_all_sessions()] == ["failed"]
    await manager.close()


async def test_recent_sessions_are_those_that_began_lately(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatlog.manager._PAGE", 2)
    manager = await manager_in(tmp_path)
    async with chatlog.open_store(f"sqlite:///{tmp_path}/chatlog.sqlite3") as store:
        for number, minutes in enumerate((30, 50, 59, 61, 100)):
            created_at = utc_now() - timedelta(minutes=minutes)
            await store.create_session(make_session(session_id=f"s{number}", created_at=created_at))
        # It began long ago and still goes on.
        await store.append_messages("s4", [make_draft()])
    recent = await manager.get_recent_sessions()
    assert [document["id"] for document in recent] == ["session_20240120_143022", "s0", "s1", "s2"]
    assert len(await manager.get_recent_sessions(hours=1.5)) == 5
    assert len(await manager.get_recent_sessions(hours=1_000_000)) == 6
    assert await manager.get_recent_sessions(hours=0) == []
    await manager.close()


@pytest.mark.parametrize("hours", [-1, float("nan"), float("inf"), 1e9])
async def test_hours_that_are_no_length_of_time_are_said(tmp_path: Path, hours: float) -> None:
    manager = await manager_in(tmp_path)
    with pytest.raises(InvalidInput, match=r"hours: .*(is before the year 1; give fewer|is no length of time; give a number)"):
        await manager.get_recent_sessions(hours=hours)
    await manager.close()


async def test_usage_metrics_have_the_seeds_keys_and_a_figure_for_every_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime(2026, 11, 25, 12, tzinfo=UTC)
    monkeypatch.setattr("chatlog.manager.utc_now", lambda: now)
    async with chatlog.open_store(f"sqlite:///{tmp_path}/chatlog.sqlite3") as store:
        manager = CosmosDBManager(store=store)
        empty = await manager.get_usage_metrics(days=2)
        assert empty == {
            "total_sessions": 0,
            "total_messages": 0,
            "avg_messages_per_session": None,
            "daily": [{"date": f"2026-11-{day}", "sessions": 0, "messages": 0} for day in (24, 25)],
        }
        midnight = datetime(2026, 10, 27, tzinfo=UTC)  # of the first of thirty days
        for session_id, created_at in (("early", midnight - timedelta(microseconds=1)), ("first", midnight), ("today", now)):
            await store.create_session(make_session(session_id=session_id, created_at=created_at))
        said = [midnight - timedelta(microseconds=1), midnight, datetime(2026, 11, 23, 23, 59, tzinfo=UTC), now]
        await store.append_messages("early", [make_draft(timestamp=moment) for moment in said])
        metrics = await manager.get_usage_metrics()
        assert {name: value for name, value in metrics.items() if name != "daily"} == {
            "total_sessions": 2,
            "total_messages": 3,
            "avg_messages_per_session": 1.5,
        }
        assert [day["date"] for day in metrics["daily"]] == [str(midnight.date() + timedelta(days=n)) for n in range(30)]
        assert [day for day in metrics["daily"] if day["sessions"] or day["messages"]] == [
            {"date": "2026-10-27", "sessions": 1, "messages": 1},
            {"date": "2026-11-23", "sessions": 0, "messages": 1},
            {"date": "2026-11-25", "sessions": 1, "messages": 1},
        ]
        await store.delete_session("early")
        assert (await manager.get_usage_metrics())["total_messages"] == 0


@pytest.mark.parametrize("days", [0, -30, 3659, 10**20, 1.5, True])
async def test_days_that_cannot_be_are_said_with_the_limit(tmp_path: Path, days: int) -> None:
    manager = await manager_in(tmp_path)
    with pytest.raises(InvalidInput, match=r"days: .*(out of range; it goes from 1 to 3658|not a whole number)"):
        await manager.get_usage_metrics(days=days)
    await manager.close()


async def test_a_save_is_repeated_with_the_same_id_while_the_store_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = chatlog.open_store(f"sqlite:///{tmp_path}/c.sqlite3")
    append, failures = store.append_messages, [StorageUnavailable("away"), StorageUnavailable("away")]

    async def reply_lost(*args: object) -> object:
        result = await append(*args)  # it is stored, only the answer never comes
        if failures:
            raise failures.pop()
        return result

    monkeypatch.setattr(store, "append_messages", reply_lost)
    monkeypatch.setattr("random.uniform", lambda *_: 0)
    manager = CosmosDBManager(store=store)
    await manager.initialize("s")
    await manager.save_session_info("task")
    assert await manager.save_message_realtime(REMARK) == "s_msg_0001"
    assert len(await manager.get_session_messages()) == 1
    failures += [StorageUnavailable("away")] * 3
    with pytest.raises(StorageUnavailable):
        await manager.save_message_realtime(REMARK)
    await store.aclose()


async def test_it_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="initialize"):
        await CosmosDBManager(StoreSettings(data_dir=tmp_path)).get_session_messages()
    manager = await manager_in(tmp_path)
    with pytest.raises(InvalidInput, match="content"):
        await manager.save_message_realtime({"source": "a"})
    with pytest.raises(InvalidInput, match="active, completed"):
        await manager.update_session_status("done")
    assert SessionStatus((await manager.get_all_sessions())[0]["status"]) is SessionStatus.ACTIVE
    await manager.close()


async def test_on_a_file_there_is_no_throughput_to_optimize(tmp_path: Path) -> None:
    manager = await manager_in(tmp_path)
    assert "nothing to tune" in await manager.optimize_throughput()
    await manager.close()
