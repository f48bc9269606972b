"""Every example of docs/terminal.md, run in a shell as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from chatlog import SessionStatus
from tests.chatlog.terminal.programs import ROOT, environment, with_store

PAGE = (ROOT / "docs" / "terminal.md").read_text()
EXAMPLES = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
# `chatlog tail` alone goes on until Ctrl-C; here it stops after one look.
CHATLOG = f"""#!/bin/sh
[ "$*" = tail ] && set -- tail --no-follow
exec "{sys.executable}" -m chatlog "$@"
"""


def put_on_path(folder: Path, **programs: str) -> None:
    folder.mkdir()
    for name, text in programs.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)


def test_the_examples_do_what_the_page_says(tmp_path: Path) -> None:
    put_on_path(tmp_path / "bin", chatlog=CHATLOG, python=f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (tmp_path / "my_agents.py").write_text("print('Short ones are taken.')\nprint('Then a long one.')\nprint('No.')\n")
    (tmp_path / "agents.sh").write_text("#!/bin/sh\necho 'planner: Who is awake?'\necho 'analyst: I am.'\n")
    (tmp_path / "agents.sh").chmod(0o755)
    (tmp_path / "remarks.jsonl").write_text('{"source": "ann", "content": "typed", "kind": "thought"}\n')
    path = f"{tmp_path / 'bin'}:/usr/bin:/bin"
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", "\n".join(EXAMPLES)],
        cwd=tmp_path,
        env=environment(Path("data"), PATH=path),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(EXAMPLES) == 7
    assert "planner: Who is awake?\nanalyst: I am.\n" in done.stdout
    assert "Then a long one.\n" in (tmp_path / "minutes.md").read_text()
    assert (tmp_path / "completed.csv").read_text().count("typed") == 1
    sessions = with_store(tmp_path / "data", lambda store: store.list_sessions()).items
    assert [session.task for session in sessions] == [
        *("Night shift", "Imported by hand", "Night shift", "A name for the product"),
    ]
    assert {session.status for session in sessions} == {SessionStatus.COMPLETED}
    assert sessions[2].participants == ("planner", "analyst")


def test_every_option_of_the_program_is_on_the_page() -> None:
    known = set()
    for command in ("record", "tail", "list", "export", "send"):
        usage = subprocess.run(
            [sys.executable, "-m", "chatlog", command, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        known |= set(re.findall(r"--[a-z-]+[a-z]", usage))
    assert sorted(option for option in known - {"--help"} if option not in PAGE) == []
