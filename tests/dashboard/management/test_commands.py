"""The commands that take discussions along, bring them in and let them go, run as a person runs them."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import shlex
import shutil
import signal
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError

from chatlog import SessionStore, open_store
from chatlog.domain.clock import utc_now
from chatlog.services.tuning import TuningStep
from dashboard.models import Star
from tests.chatlog.services.taking import keep
from tests.dashboard.site_process import ROOT, environment, manage
from tests.factories import make_draft

Result = TypeVar("Result")
LOGS = Path(__file__).resolve().parents[2] / "chatlog" / "services" / "logs"


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHATLOG_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("COSMOSDB_ENDPOINT", raising=False)
    monkeypatch.delenv("CHATLOG_KEEP_DAYS", raising=False)
    return tmp_path


def with_store(work: Callable[[SessionStore], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        async with open_store() as store:
            return await work(store)

    return asyncio.run(run())


def run(*arguments: Any, **options: Any) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command(*map(str, arguments), stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def fail(*arguments: Any) -> tuple[str, int]:
    with pytest.raises(CommandError) as raised:
        run(*arguments)
    return str(raised.value), raised.value.returncode


def count_sessions() -> int:
    async def count(store: SessionStore) -> int:
        return len((await store.list_sessions(limit=1000)).items)

    return with_store(count)


def test_import_tells_what_it_did_and_how_far_it_is() -> None:
    out, err = run("import", LOGS)
    assert out == "Imported 5 sessions with 21 messages.\n"
    assert "Importing: 100 %" in err
    assert run("import", LOGS)[0] == "Imported 0 sessions with 0 messages. 5 were there already.\n"


def test_a_trial_import_stores_nothing() -> None:
    assert run("import", "--dry-run", LOGS)[0] == "Would import 5 sessions with 21 messages.\n"
    assert count_sessions() == 0


def test_import_names_what_it_left_out_and_ends_with_1(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text('{"role": "user", "content": "a"}\n{"role": "user"}\n')
    err = StringIO()
    with pytest.raises(CommandError, match="1 things were left out") as raised:
        call_command("import", str(tmp_path / "log.jsonl"), stdout=StringIO(), stderr=err)
    assert raised.value.returncode == 1
    assert f"{tmp_path}/log.jsonl:2: message 2 was left out" in err.getvalue()
    assert count_sessions() == 1


def test_import_names_and_counts_what_says_something_else_than_is_stored(tmp_path: Path) -> None:
    with_store(lambda store: keep(store, [make_draft(content="One", message_id="m1")], session_id="a"))
    file = tmp_path / "export.jsonl"
    run("export", "a", "--output", file)
    file.write_text(file.read_text().replace('"One"', '"Two"'))
    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError, match="1 things were left out") as raised:
        call_command("import", str(file), stdout=out, stderr=err)
    assert raised.value.returncode == 1
    assert f"{file}:2: was not imported: session 'a' is there, and says something else under 1" in err.getvalue()
    assert out.getvalue() == "Imported 0 sessions with 0 messages. 1 messages are stored with other words, and stay so.\n"


def test_a_strict_import_stops_with_1_and_stores_nothing_of_it(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text('{"role": "user", "content": "a"}\n{"role": "user"}\n')
    text, code = fail("import", "--strict", tmp_path / "log.jsonl")
    assert code == 1
    assert "log.jsonl:2: message 2" in text
    assert count_sessions() == 0


def test_import_of_nothing_ends_with_2(tmp_path: Path) -> None:
    text, code = fail("import", tmp_path / "nowhere.json")
    assert (code, "nowhere.json" in text) == (2, True)


@pytest.mark.parametrize("option", ["--strict", "--dry-run"])
async def test_ctrl_c_stops_an_import_with_130_and_no_traceback(option: str, tmp_path: Path) -> None:
    line = '{"history": [{"role": "user", "content": "%d"}]}\n'
    (tmp_path / "log.jsonl").write_text("".join(line % number for number in range(60_000)))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "manage.py"), "import", option, str(tmp_path / "log.jsonl")),
        cwd=ROOT,
        env=environment(tmp_path),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    assert b"%" in await process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, text = await process.communicate()
    assert process.returncode == 130
    assert b"Stopped." in text
    assert b"Traceback" not in text


def test_an_export_of_all_can_be_imported_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("seed_history", "--sessions=20", "--messages=100")
    run("export", "--all", f"--output={tmp_path}/first.jsonl")
    (tmp_path / "other").mkdir()
    monkeypatch.setenv("CHATLOG_DATA_DIR", str(tmp_path / "other"))
    run("import", tmp_path / "first.jsonl")
    run("export", "--all", f"--output={tmp_path}/second.jsonl")
    assert (tmp_path / "second.jsonl").read_bytes() == (tmp_path / "first.jsonl").read_bytes()
    assert not list(tmp_path.glob("*.part"))


def test_export_takes_named_sessions_or_a_filter(tmp_path: Path) -> None:
    with_store(lambda store: keep(store, [make_draft()], session_id="one", tags=["wanted"]))
    with_store(lambda store: keep(store, [make_draft()], session_id="two"))
    run("export", "two", "--format=md", f"--output={tmp_path}/two.md")
    assert "- Session: two\n" in (tmp_path / "two.md").read_text()
    run("export", "--filter=tag:wanted", "--format=csv", f"--output={tmp_path}/wanted.csv")
    text = (tmp_path / "wanted.csv").read_text(encoding="utf-8-sig")
    assert [row["session_id"] for row in csv.DictReader(io.StringIO(text))] == ["one"]
    run("export", "--all", "--format=html", f"--output={tmp_path}/all.html")
    assert (tmp_path / "all.html").read_text().endswith("</html>\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nobody"], "no session 'nobody'"),
        ([], "Name the discussions"),
        (["one", "--all"], "Name the discussions"),
        (["--filter=status:asleep"], "status:asleep (unknown status)"),
        (["--all", "--output=/nowhere/at/all"], "cannot be written"),
    ],
)
def test_an_export_that_cannot_be_leaves_no_file_and_ends_with_2(arguments: list[str], sentence: str, tmp_path: Path) -> None:
    given = any(argument.startswith("--output") for argument in arguments)
    text, code = fail("export", *arguments, *([] if given else [f"--output={tmp_path}/out.jsonl"]))
    assert sentence in text
    assert code == 2
    assert not list(tmp_path.glob("out.jsonl*"))


async def test_export_writes_to_the_standard_output_and_nothing_else_does(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path}/chatlog.sqlite3") as store:
        await keep(store, [make_draft(content="空間を共有")], session_id="one")
    code, output = await manage(tmp_path, "export", "one")
    assert code == 0
    assert [json.loads(line)["chatlog"] for line in output.splitlines()] == ["export", "session", "message", "end"]


def test_the_same_seed_makes_the_same_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv("CHATLOG_DATA_DIR", str(tmp_path / name))
        run("seed_history", "--sessions=12", "--messages=200", "--seed=7")
        run("export", "--all", f"--output={tmp_path}/{name}.jsonl")
        texts.append((tmp_path / f"{name}.jsonl").read_text())
    assert texts[0] == texts[1]
    assert texts[0].count('"chatlog":"message"') == 200


def test_seeding_again_completes_what_is_missing() -> None:
    run("seed_history", "--sessions=5", "--messages=50")
    assert "5 were there already" in run("seed_history", "--sessions=5", "--messages=50")[0]
    assert fail("seed_history", "--sessions=0")[1] == 2


def seed_old(*ids: str) -> None:
    at = utc_now() - timedelta(days=100)
    for session_id in ids:
        with_store(
            lambda store, name=session_id: keep(
                store, [make_draft(timestamp=at)], session_id=name, created_at=at, title=f"Title of {name}"
            )
        )


@pytest.mark.django_db(transaction=True)
def test_prune_shows_what_would_go_and_does_nothing_unconfirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    seed_old("one", "two")
    monkeypatch.setenv("CHATLOG_KEEP_DAYS", "90")
    out, _ = run("prune", "--dry-run")
    assert "2 sessions with 2 messages have been silent for 90 days" in out
    assert "Title of one" in out
    monkeypatch.setattr("sys.stdin", StringIO("y\n"))  # not a terminal: nobody is there to ask
    text, code = fail("prune")
    assert (code, "--yes" in text) == (1, True)
    assert count_sessions() == 2


@pytest.mark.django_db(transaction=True)
def test_prune_deletes_all_but_what_somebody_starred() -> None:
    seed_old("one", "two", "starred")
    Star.objects.create(user=User.objects.create_user("ann"), session_id="starred")
    out, _ = run("prune", "--days=90", "--yes")
    assert "Deleted 2 sessions. For a week they can be restored." in out
    assert count_sessions() == 1
    assert with_store(lambda store: store.restore_session("one")).message_count == 1
    assert "1 sessions" in run("prune", "--days=90", "--dry-run")[0]


@pytest.mark.django_db(transaction=True)
def test_without_a_number_of_days_nothing_is_pruned() -> None:
    seed_old("one")
    assert "kept for ever" in run("prune", "--yes")[0]
    assert count_sessions() == 1
    assert fail("prune", "--days=0")[1] == 2


@pytest.mark.django_db(transaction=True)
def test_the_commands_of_the_document_do_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (Path(__file__).parents[3] / "docs" / "taking-along.md").read_text()
    commands = [shlex.split(line)[2:] for line in re.findall(r"python manage\.py [^\n`]+", text)]
    assert {command[0] for command in commands} == {"export", "import", "seed_history", "prune"}
    with_store(lambda store: keep(store, [make_draft()], session_id="SESSION"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHATLOG_DATA_DIR", str(tmp_path))
    shutil.copytree(LOGS, tmp_path / "logs")
    shutil.copy(LOGS / "task_result.json", tmp_path / "result.json")
    for command in commands:
        run(*(argument.replace("0000", "0") for argument in command))
    assert {path.name for path in tmp_path.glob("*.*")} >= {"minutes.md", "everything.jsonl", "failed.csv"}


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_tuning_a_file_says_that_there_is_nothing_to_tune(options: tuple[str, ...]) -> None:
    assert "nothing to tune" in run("tune_throughput", *options)[0]


def test_tuning_within_bounds_that_are_none_ends_with_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATLOG_MAX_THROUGHPUT", "lots")
    text, code = fail("tune_throughput")
    assert (code, "CHATLOG_MAX_THROUGHPUT='lots'" in text) == (2, True)


def test_tuning_without_permission_ends_with_2(monkeypatch: pytest.MonkeyPatch) -> None:
    async def denied(*_: object, **__: object) -> TuningStep:
        return TuningStep("Not for you.", is_denied=True)

    monkeypatch.setattr("dashboard.management.commands.tune_throughput.tune_throughput", denied)
    assert fail("tune_throughput") == ("Not for you.", 2)
