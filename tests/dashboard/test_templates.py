"""What keeps hostile text harmless is written nowhere else than where it is looked for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import get_template

TEMPLATES = sorted(Path(settings.BASE_DIR, "templates").rglob("*.html"))
MODULES = sorted(Path(settings.BASE_DIR, "dashboard").rglob("*.py"))
FORBIDDEN = {
    "a style of its own": r"<style|\sstyle\s*=",
    "a script in the page": r"<script(?![^>]*\ssrc=)|<script[^>]*>[^<]+</script>",
    "a handler in the page": r"\son[a-z]+\s*=|hx-on|hx-vals=.js:",
    "text that is not escaped": r"\|\s*(safe|safeseq)\b|\{%\s*autoescape\s+off",
    "something from elsewhere": r"""(src|href|action)=["']?(https?:)?//""",
}
# An exported file stands alone: its style is in it, and its policy allows that one by its hash.
ALLOWED = {"dashboard/export/page.html": ["a style of its own"]}
MAKERS_OF_HTML = {"rendering.py", "fragments.py", "exporting_html.py"}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_nothing_in_it_that_the_policy_forbids(template: Path) -> None:
    text = template.read_text()
    name = str(template.relative_to(Path(settings.BASE_DIR, "templates")))
    assert [kind for kind, pattern in FORBIDDEN.items() if re.search(pattern, text, re.IGNORECASE)] == ALLOWED.get(name, [])
    get_template(name)


def test_there_are_templates() -> None:
    assert len(TEMPLATES) > 15


def test_only_three_modules_declare_text_to_be_html() -> None:
    pattern = r"\b(mark_safe|SafeString|SafeText|format_html|safestring)\b|is_safe=True"
    assert {module.name for module in MODULES if re.search(pattern, module.read_text())} == MAKERS_OF_HTML


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a style of its own", '<p style="x">'),
        ("a script in the page", "<script>x</script>"),
        ("a script in the page", '<script src="x">y</script>'),
        ("a handler in the page", '<p onclick="x">'),
        ("text that is not escaped", "{{ x | safe }}"),
        ("text that is not escaped", "{% autoescape off %}"),
        ("something from elsewhere", '<img src="//evil.example/">'),
    ],
)
def test_the_patterns_find_what_they_are_for(name: str, text: str) -> None:
    assert re.search(FORBIDDEN[name], text)
