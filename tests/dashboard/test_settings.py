from __future__ import annotations

import json
import re
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.dashboard.site_process import ROOT, environment

SHOW = """
import json, django
django.setup()
from django.conf import settings
print(json.dumps({name: getattr(settings, name) for name in NAMES}, default=str))
"""


def read(data: Path, *names: str, **extra: str) -> dict[str, object]:
    program = SHOW.replace("NAMES", repr(list(names)))
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment(data, **extra), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_the_secret_key_is_made_once_and_kept_for_ourselves(tmp_path: Path) -> None:
    folder = tmp_path / "new folder"
    with ThreadPoolExecutor() as pool:  # processes that start together agree on one
        keys = list(pool.map(lambda _: read(folder, "SECRET_KEY")["SECRET_KEY"], range(4)))
    assert len(set(keys)) == 1
    assert len(str(keys[0])) >= 50
    file = folder / "secret_key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["secret_key"]


def test_a_key_from_the_environment_is_kept_nowhere(tmp_path: Path) -> None:
    assert read(tmp_path, "SECRET_KEY", SECRET_KEY="mine" * 20)["SECRET_KEY"] == "mine" * 20
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(subprocess.CalledProcessError) as failure:
        read(tmp_path / "file", "DEBUG")
    assert "CHATLOG_DATA_DIR" in failure.value.stderr


def test_cookies_travel_unencrypted_on_this_machine_only(tmp_path: Path) -> None:
    names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "DEBUG")
    assert read(tmp_path, *names) == {"SESSION_COOKIE_SECURE": False, "CSRF_COOKIE_SECURE": False, "DEBUG": False}
    public = read(tmp_path, *names, ALLOWED_HOSTS="localhost, chatlog.example.org")
    assert public == {"SESSION_COOKIE_SECURE": True, "CSRF_COOKIE_SECURE": True, "DEBUG": False}


def test_sqlite_waits_for_its_turn_and_another_database_is_left_alone(tmp_path: Path) -> None:
    options = read(tmp_path, "DATABASES")["DATABASES"]["default"]["OPTIONS"]
    assert options["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode=WAL" in options["init_command"]
    other = read(tmp_path, "DATABASES", DATABASE_URL=f"sqlite:///{tmp_path}/other.db")["DATABASES"]["default"]
    assert other["NAME"] == f"{tmp_path}/other.db"
    assert other["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


def test_redis_carries_the_signals_if_there_is_one(tmp_path: Path) -> None:
    assert "InMemory" in str(read(tmp_path, "CHANNEL_LAYERS"))
    assert "RedisPubSub" in str(read(tmp_path, "CHANNEL_LAYERS", REDIS_URL="redis://127.0.0.1:1"))


def check(data: Path, *arguments: str, **extra: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--fail-level=WARNING", *arguments],
        cwd=ROOT,
        env=environment(data, **extra),
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else done.stderr


@pytest.mark.parametrize(
    ("variables", "id_and_hint"),
    [
        ({"ALLOWED_HOSTS": "*"}, ("dashboard.E001", "List the names")),
        ({"ALLOWED_HOSTS": "chatlog.example.org", "DEBUG": "1"}, ("dashboard.E002", "Unset DEBUG")),
        ({"ALLOWED_HOSTS": "chatlog.example.org"}, ("dashboard.W001", "CSRF_TRUSTED_ORIGINS=https")),
        ({"COSMOSDB_ENDPOINT": "ftp://x"}, ("dashboard.E003", ".env.example")),
    ],
    ids=str,
)
def test_settings_that_leave_the_site_open_or_unreachable_are_named(
    variables: dict[str, str], id_and_hint: tuple[str, str], tmp_path: Path
) -> None:
    output = check(tmp_path, **variables)
    assert all(part in output for part in id_and_hint)


def test_a_public_site_passes_the_checks_for_deploying(tmp_path: Path) -> None:
    assert not check(
        tmp_path, "--deploy", ALLOWED_HOSTS="chatlog.example.org", CSRF_TRUSTED_ORIGINS="https://chatlog.example.org"
    )
    assert not check(tmp_path)


def test_the_example_names_every_variable_that_is_read_and_no_other() -> None:
    read_here = set(
        re.findall(r"""(?:_text|_list|_filled|db_url|bool|int)\("([A-Z_]+)\"""", (ROOT / "dashboard/settings.py").read_text())
    )
    library = "".join((ROOT / path).read_text() for path in ("chatlog/config.py", "chatlog/terminal/opening.py"))
    read_there = set(re.findall(r'"((?:CHATLOG|COSMOSDB)_[A-Z_]+|TIME_ZONE)"', library))
    named = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert named == read_here | read_there
