"""`chatlog export` and `chatlog list`."""

from __future__ import annotations

import csv
import io
import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from chatlog import Message, SessionStatus, SessionStore, StorageUnavailable, open_store
from chatlog.services.describing import describe_session
from chatlog.services.formats.jsonl import JsonlWriter
from chatlog.services.formats.writers import NAMES, make_writer
from chatlog.terminal.export import export as write_export
from chatlog.terminal.zone import local_zone
from tests.chatlog.services.taking import export, keep
from tests.chatlog.terminal.programs import PROGRAM, on_terminal, run, run_process, with_store
from tests.factories import make_draft, make_drafts

LONG = "session_20261123_143022_abcdefghijklmnopqrstuvwxyz"


async def keep_some(store: SessionStore) -> None:
    said = [make_draft(source="ann", content="空間を共有", timestamp="2026-11-25T15:30:00Z")]
    await keep(store, said, session_id="one", title="One", tags=["wanted"], created_at="2026-11-25T15:00:00Z")
    await keep(store, make_drafts(1_234), session_id=LONG, title="題名" * 30, created_at="2026-11-25T16:00:00Z")
    await keep(store, [], session_id="two", task="Two\nlines", status=SessionStatus.FAILED, created_at="2026-11-25T17:00:00Z")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    with_store(tmp_path, keep_some)
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_all_is_exported_as_the_service_writes_it(name: str, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    expected = with_store(data, lambda store: export(store, writer=make_writer(name, zone=local_zone())))
    done = run_process(data, "export", "--all", "--format", name)
    assert (done.stdout, done.stderr, done.returncode) == (expected.decode(), "", 0)


def test_named_or_filtered_discussions_go_to_a_file_that_appears_when_it_is_whole(data: Path) -> None:
    assert run(data, "export", "two", LONG[:10], "--output", f"{data}/some.jsonl").returncode == 0
    records = [json.loads(line) for line in (data / "some.jsonl").read_text().splitlines()]
    assert [record["session_id"] for record in records if record["chatlog"] == "session"] == ["two", LONG]
    assert run(data, "export", "--filter", "tag:wanted", "--format", "csv", "--output", f"{data}/some.csv").returncode == 0
    rows = csv.DictReader(io.StringIO((data / "some.csv").read_text(encoding="utf-8-sig")))
    assert [row["session_id"] for row in rows] == ["one"]
    assert run(data, "export", "one", "nobody", "--output", f"{data}/none.jsonl").returncode == 2
    assert sorted(path.name for path in data.glob("*.*sv*") if path.suffix in {".part", ".csv"}) == ["some.csv"]
    assert not list(data.glob("none*"))


def exported(folder: Path) -> list[Path]:
    return list(folder.glob("out*"))


async def test_a_file_that_is_not_whole_does_not_appear(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path}/chatlog.sqlite3") as store:
        session = await keep(store, make_drafts(300))

        class BreaksOff:
            def __getattr__(self, name: str) -> Any:
                return getattr(store, name)

            async def list_messages(self, session_id: str, *, after: int = 0, limit: int = 200) -> list[Message]:
                if after:
                    assert exported(tmp_path) == [tmp_path / "out.jsonl.part"]
                    raise StorageUnavailable("The store is away.")
                return await store.list_messages(session_id, after=after, limit=limit)

        options = Namespace(sessions=[session.session_id], all=False, filter=None, output=f"{tmp_path}/out.jsonl")
        with pytest.raises(StorageUnavailable):
            await write_export(BreaksOff(), options, writer=JsonlWriter())  # type: ignore[arg-type]
    assert not exported(tmp_path)


def test_minutes_have_the_times_of_this_machine(data: Path) -> None:
    assert "**ann** (00:30:00)" in run(data, "export", "one", "--format", "md").stdout
    assert "**ann** (15:30:00)" in run(data, "export", "one", "--format", "md", TZ="UTC").stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Name the discussions to export, or say --all or --filter."),
        (["one", "--all"], "Name the discussions"),
        (["nobody"], "There is no session 'nobody'"),
        (["--filter", "status:asleep"], "status:asleep (unknown status)"),
        (["--all", "--output", "/nowhere/at/all"], "/nowhere/at/all cannot be written: No such file or directory."),
        (["--all", "--format", "html"], "The site makes HTML: python manage.py export."),
        (["--all", "--format", "pdf"], "'pdf' is not one of jsonl, md, csv."),
    ],
)
def test_an_export_that_cannot_be_ends_with_2(arguments: list[str], sentence: str, data: Path) -> None:
    done = run(data, "export", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr


def test_a_list_for_pipes_has_whole_ids_and_titles_and_local_times(data: Path) -> None:
    lines = run(data, "list").stdout.splitlines()
    assert [line.split("  ")[0].strip() for line in lines] == ["two", LONG, "one"]
    assert lines[0].split() == ["two", "failed", "2026-11-26", "02:00", "0", "Two"]
    assert lines[1].endswith("1,234  " + "題名" * 30)


def test_a_list_on_a_terminal_has_ids_that_tail_understands_and_no_line_wider_than_it(data: Path) -> None:
    twin = LONG[:-1] + "_"
    with_store(data, lambda store: keep(store, [], session_id=twin, created_at="2026-11-25T18:00:00Z"))
    with on_terminal(data, *PROGRAM, "list", "--no-color", columns=100) as terminal:
        _, text = terminal.read_to_the_end()
    lines = text.splitlines()
    assert len(lines) == 4
    assert all(cell_len(line) <= 100 for line in lines)
    shown = [line.split()[0] for line in lines]
    assert shown == [twin, "two", LONG, "one"]  # of two that differ at their end only, all is shown
    with on_terminal(data, *PROGRAM, "list", "--no-color", "--filter", "題名", columns=90) as terminal:
        _, text = terminal.read_to_the_end()
    assert text.split()[0] == LONG[:23]
    assert run(data, "tail", "two", "--no-follow").returncode == 0


def test_a_list_as_json_is_that_of_the_http_api(data: Path) -> None:
    lines = run(data, "list", "--json", "--limit", "2").stdout.splitlines()
    page = with_store(data, lambda store: store.list_sessions(limit=2))
    assert [json.loads(line) for line in lines] == [json.loads(json.dumps(describe_session(one))) for one in page.items]


def test_a_list_can_be_filtered_and_says_when_there_is_nothing(data: Path) -> None:
    assert [line.split()[0] for line in run(data, "list", "--filter", "status:failed").stdout.splitlines()] == ["two"]
    nothing = run(data, "list", "--filter", "nowhere-to-be-found")
    assert (nothing.stdout, nothing.stderr, nothing.returncode) == ("", "There are no such discussions.\n", 0)
    refused = run(data, "list", "--limit", "0")
    assert (refused.returncode, refused.stderr) == (2, "chatlog: --limit: 0 is out of range; it goes from 1 to 1000.\n")


def test_reading_commands_leave_no_database_behind_where_there_is_none(tmp_path: Path) -> None:
    for command in (["list"], ["tail"], ["export", "--all"]):
        done = run(tmp_path / "here", *command)
        assert (done.returncode, "Nothing was recorded in" in done.stderr) == (2, True)
    assert not (tmp_path / "here").exists()
