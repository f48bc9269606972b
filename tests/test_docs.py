"""What the documents say is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
DOCUMENTS = [str(file.relative_to(ROOT)) for file in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])]


def test_every_setting_is_in_the_readme() -> None:
    names = re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert len(names) > 10
    assert [name for name in names if f"`{name}`" not in README] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    file = ROOT / document
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", file.read_text())
    assert [link for link in links if not (file.parent / link).exists()] == []


@pytest.mark.parametrize("document", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_files_that_are_named_exist(document: str) -> None:
    named = set(
        re.findall(
            r"(?:chatlog|dashboard|templates|static|tests|domain|storage|feeds|sockets)/[\w/]+\.\w+",
            (ROOT / document).read_text(),
        )
    )
    homes = [ROOT, ROOT / "chatlog", ROOT / "dashboard"]
    assert named
    assert [name for name in sorted(named) if not any((home / name).exists() for home in homes)] == []


def test_every_target_of_make_is_described() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)) - {"help", "system"}
    assert [target for target in sorted(targets) if not re.search(rf"^{target}:.*## \w", makefile, re.MULTILINE)] == []
