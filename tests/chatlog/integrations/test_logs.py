"""What becomes of what is logged."""

from __future__ import annotations

import logging
import logging.config
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from chatlog import ConfigurationError, InvalidInput, MessageKind, SessionStatus, SessionStore
from chatlog.integrations import logs
from chatlog.integrations.background import RunReport
from chatlog.integrations.logs import ChatlogHandler
from tests.chatlog.integrations.conftest import the_session
from tests.chatlog.integrations.troubled_store import TROUBLES, TroubledStore

NAME = "test_logs.agents"


@pytest.fixture
def location(tmp_path: Path, store: SessionStore) -> str:
    return f"sqlite:///{tmp_path}/chatlog.sqlite3"


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    logger = logging.getLogger(NAME)
    logger.setLevel(logging.DEBUG)
    yield logger
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()


def begin(log: logging.Logger, location: str, **options: Any) -> ChatlogHandler:
    handler = ChatlogHandler(task="Night shift", location=location, **options)
    log.addHandler(handler)
    return handler


def run_to_its_end(program: str) -> None:
    subprocess.run([sys.executable, "-c", program], capture_output=True, check=False, timeout=60)


async def test_records_become_remarks_with_all_that_they_say(store: SessionStore, location: str, log: logging.Logger) -> None:
    handler = begin(log, location, tags=["night"])
    usage = {"prompt_tokens": 12, "completion_tokens": 7}
    log.info("%s ideas", "三つの", extra={"source": "creative_planner", "message_id": "m-1", "models_usage": usage})
    log.info("market_size(…)", extra={"source": "market_analyst", "kind": "tool_call", "metadata": {"tool": "market_size"}})
    log.debug("by itself")
    handler.close()
    session, (first, call, last) = await the_session(store)
    assert (session.task, session.tags, session.status) == ("Night shift", ("night",), SessionStatus.COMPLETED)
    assert (first.source, first.content, first.kind) == ("creative_planner", "三つの ideas", MessageKind.TEXT)
    assert (first.message_id, first.models_usage) == ("m-1", usage)
    assert (call.kind, call.metadata["tool"]) == (MessageKind.TOOL_CALL, "market_size")
    assert (last.source, last.metadata["level"], last.metadata["logger"]) == (NAME, "DEBUG", NAME)


async def test_an_error_is_one_with_its_traceback(store: SessionStore, location: str, log: logging.Logger) -> None:
    handler = begin(log, location)
    try:
        raise LookupError("no figures today")
    except LookupError:
        log.exception("The analyst gave up.")
    handler.close()
    _, (message,) = await the_session(store)
    assert message.kind == MessageKind.ERROR
    assert message.content.startswith("The analyst gave up.\n\n```\nTraceback (most recent call last):")
    assert message.content.endswith("LookupError: no figures today\n```")


async def test_a_formatter_and_a_level_of_ones_own_are_kept_to(store: SessionStore, location: str, log: logging.Logger) -> None:
    handler = begin(log, location, level="WARNING")
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    log.info("unheard")
    log.warning("heard")
    handler.close()
    _, (message,) = await the_session(store)
    assert message.content == "WARNING: heard"


async def test_what_saving_itself_logs_is_not_saved(
    store: SessionStore, location: str, log: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def talkative(where: str, **_: object) -> TroubledStore:
        troubled = TroubledStore(logs_open_store(where))
        troubled.before_append = lambda _: log.info("One more save.")
        return troubled

    logs_open_store = logs.open_store
    monkeypatch.setattr(logs, "open_store", talkative)
    handler = begin(log, location)
    log.info("heard")
    logging.getLogger("chatlog.somewhere").addHandler(handler)
    logging.getLogger("chatlog.somewhere").error("not heard")
    logging.getLogger("chatlog.somewhere").removeHandler(handler)
    handler.close()
    _, messages = await the_session(store)
    assert [m.content for m in messages] == ["heard"]


async def test_many_threads_may_log_and_nothing_is_lost(store: SessionStore, location: str, log: logging.Logger) -> None:
    reports: list[RunReport] = []
    handler = begin(log, location, on_report=reports.append)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: log.info("remark %s", number), range(400)))
    handler.close()
    _, messages = await the_session(store)
    assert (reports[0].saved, reports[0].lost) == (400, 0)
    assert len({m.content for m in messages}) == 400


async def test_an_unusual_record_is_counted_and_breaks_nothing(store: SessionStore, location: str, log: logging.Logger) -> None:
    reports: list[RunReport] = []
    handler = begin(log, location, on_report=reports.append)
    log.info("ideas", extra={"metadata": 3})
    log.info("\x00", extra={"source": "a\x00b", "message_id": "a/b"})
    handler.close()
    _, (message,) = await the_session(store)
    assert (reports[0].saved, reports[0].lost) == (1, 1)
    assert (message.source, message.metadata["logging_id"]) == ("a\N{REPLACEMENT CHARACTER}b", "a/b")


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_a_store_in_trouble_is_told_and_breaks_nothing(
    location: str, log: logging.Logger, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, trouble: str
) -> None:
    def troubled(where: str, **_: object) -> TroubledStore:
        opened = TroubledStore(logs_open_store(where))
        TROUBLES[trouble](opened)
        return opened

    logs_open_store = logs.open_store
    monkeypatch.setattr(logs, "open_store", troubled)
    reports: list[RunReport] = []
    handler = begin(log, location, on_report=reports.append, flush_seconds=0.05)
    for number in range(3):
        log.info("unheard %s", number)
    handler.close()
    assert (reports[0].saved, reports[0].lost) == (0, 3)
    assert "lost=3" in caplog.text


async def test_the_same_record_logged_again_is_stored_once_and_another_under_its_id_is_kept(
    store: SessionStore, location: str, log: logging.Logger
) -> None:
    handler = begin(log, location)
    for text in ("one", "one", "two", "two"):
        log.info(text, extra={"message_id": "1"})
    handler.close()
    _, messages = await the_session(store)
    assert [m.content for m in messages] == ["one", "two"]


async def test_what_a_record_says_beside_its_text_cannot_take_the_text_along(
    store: SessionStore, location: str, log: logging.Logger
) -> None:
    handler = begin(log, location)
    log.info("kept", extra={"kind": "x" * 100, "models_usage": 3, "metadata": {"rate": float("nan")}})
    handler.close()
    _, (message,) = await the_session(store)
    assert (message.content, message.metadata["rate"]) == ("kept", "nan")
    assert set(message.metadata["left_out"]) == {"kind", "models_usage"}


async def test_closing_twice_or_without_a_word_leaves_no_trace(store: SessionStore, location: str, log: logging.Logger) -> None:
    handler = begin(log, location)
    handler.close()
    handler.close()
    log.info("late")
    assert (await store.list_sessions()).items == ()


@pytest.mark.parametrize(
    ("ending", "status", "last"), [("", "completed", "two"), ("raise LookupError('no figures')", "failed", "LookupError")]
)
async def test_the_end_of_the_program_is_the_end_of_the_session(
    store: SessionStore, location: str, ending: str, status: str, last: str
) -> None:
    program = f"""
import logging
from chatlog.integrations.logs import ChatlogHandler
logging.getLogger().addHandler(ChatlogHandler(task="Night shift", location={location!r}))
logging.getLogger().setLevel("DEBUG")
logging.info("one")
logging.info("two")
{ending}
"""
    run_to_its_end(program)
    session, messages = await the_session(store)
    assert session.status == status
    assert [m.content for m in messages][:2] == ["one", "two"]
    assert last in messages[-1].content


async def test_a_forked_process_has_a_session_of_its_own(store: SessionStore, location: str) -> None:
    program = f"""
import logging, os
from chatlog.integrations.logs import ChatlogHandler
handler = ChatlogHandler(task="Night shift", location={location!r})
logging.getLogger().addHandler(handler)
logging.getLogger().setLevel("DEBUG")
logging.info("parent")
child = os.fork()
if child == 0:
    logging.info("child")
    handler.close()
    os._exit(0)
os.waitpid(child, 0)
logging.info("parent again")
"""
    run_to_its_end(program)
    said = []
    for session in (await store.list_sessions()).items:
        said.append([m.content for m in await store.list_messages(session.session_id, limit=10)])
        assert session.status is SessionStatus.COMPLETED
    assert sorted(said) == [["child"], ["parent", "parent again"]]


async def test_it_can_be_named_in_a_configuration(store: SessionStore, location: str) -> None:
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"chatlog": {"class": "chatlog.integrations.logs.ChatlogHandler", "task": "T", "location": location}},
            "loggers": {f"{NAME}.configured": {"handlers": ["chatlog"], "level": "INFO"}},
        }
    )
    logger = logging.getLogger(f"{NAME}.configured")
    logger.info("configured")
    logger.handlers.pop().close()
    _, messages = await the_session(store)
    assert [m.content for m in messages] == ["configured"]


def test_what_the_caller_passed_is_refused_where_it_was_passed(location: str) -> None:
    with pytest.raises(InvalidInput, match="session_id"):
        ChatlogHandler(task="T", location=location, session_id="a/b")
    with pytest.raises(ConfigurationError):
        ChatlogHandler(task="T", location="nowhere")
