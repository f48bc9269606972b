"""The catalogue of Japanese words: complete, current, and all that a page shows."""

from __future__ import annotations

import gettext
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import AsyncClient
from django.utils import translation

from chatlog.domain.models import MessageKind, SessionStatus
from chatlog.storage.base import SessionStore
from dashboard.script_words import script_words
from tests.factories import make_draft, make_session

BASE = Path(settings.BASE_DIR)
CATALOGUE = BASE / "locale/ja/LC_MESSAGES/django.po"
# What stays as it is in every language: names of things, and what people type.
SAME_IN_JAPANESE = {"HTTP API", "Markdown", "%(number)s %%", "{n} of {all}", "{larger} {smaller}"}
KEPT = re.compile(
    r"\bchat\b|\blog\b|chatlog|\bann\b|English|日本語|Markdown|JSONL|HTML|CSV|UTC|HTTP API|Asia/Tokyo|JST|https?:\S+|make demo"
    r"|\{\w+\}|(starred|began)=\S*|(agent|status|tag|after|before):\S*|\((\w|running|stalled|completed|failed|cancelled)\)",
)
WORD = re.compile(r"[A-Za-z]{3,}")


@pytest.fixture
def extracted(tmp_path: Path) -> Path:
    """What `makemessages` finds in the sources as they are now."""
    for folder in ("dashboard", "templates"):
        shutil.copytree(BASE / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "locale").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        call_command("makemessages", locale=["ja"], keep_pot=True, verbosity=0)
    return tmp_path / "locale/django.pot"


def run(*command: str | Path) -> str:
    """What a gettext tool prints, on success."""
    found = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    return found.stdout


def read(compiled: Path) -> dict[object, str]:
    with compiled.open("rb") as file:
        return dict(gettext.GNUTranslations(file)._catalog)  # type: ignore[attr-defined]  # no other way to list it


def test_every_word_of_the_sources_has_a_japanese_one(extracted: Path) -> None:
    run("msgcmp", CATALOGUE, extracted)


def test_the_comparison_sees_a_word_that_is_missing(extracted: Path, tmp_path: Path) -> None:
    text = CATALOGUE.read_text().replace('msgstr "検索"', 'msgstr ""', 1)
    (tmp_path / "holed.po").write_text(text)
    with pytest.raises(AssertionError, match="untranslated"):
        run("msgcmp", tmp_path / "holed.po", extracted)


@pytest.mark.parametrize("kind", ["--only-fuzzy", "--untranslated", "--only-obsolete"])
def test_nothing_in_the_catalogue_is_uncertain_empty_or_left_over(kind: str) -> None:
    assert run("msgattrib", kind, "--no-wrap", CATALOGUE).count("\nmsgid ") <= 1  # the head


def test_the_catalogue_holds_nothing_that_is_not_in_the_sources(extracted: Path) -> None:
    wanted = set(re.findall(r'^msgid "(.+)"$', run("msgcat", "--no-wrap", extracted), re.MULTILINE))
    held = set(re.findall(r'^msgid "(.+)"$', run("msgcat", "--no-wrap", CATALOGUE), re.MULTILINE))
    assert held - wanted == set()


def test_the_compiled_catalogue_is_that_of_the_source(tmp_path: Path) -> None:
    run("msgfmt", "--check-format", "--check-domain", "-o", tmp_path / "django.mo", CATALOGUE)
    assert read(CATALOGUE.with_suffix(".mo")) == read(tmp_path / "django.mo")


def test_each_translation_has_the_places_of_its_source() -> None:
    place = re.compile(r"%\(\w+\)s|%%s|(?<![#\w])\{\w+\}")
    for source, text in read(CATALOGUE.with_suffix(".mo")).items():
        english = source[0] if isinstance(source, tuple) else str(source)
        # English says of one thing what Japanese counts: "the day before".
        counts = {"%(n)s", "%(count)s"} - {*place.findall(english)} if isinstance(source, tuple) else set()
        assert sorted(place.findall(english)) == sorted(found for found in place.findall(text) if found not in counts), english


def test_each_translation_is_japanese() -> None:
    """Not a copy of the English words that somebody meant to come back to."""
    for source, text in read(CATALOGUE.with_suffix(".mo")).items():
        english = source[0] if isinstance(source, tuple) else str(source)
        is_form = "form of a" in english  # of a date: figures and signs
        if english and not is_form and english not in SAME_IN_JAPANESE:
            assert re.search(r"[぀-ヿ一-鿿]|%\(\w+\)s", text), english
            assert text != english


# -- pages as they come out -----------------------------------------------------------------------------------------------


def visible(page: str) -> str:
    """What is read on a page, or read out: text, and the attributes that hold words."""
    page = re.sub(r"(?s)<script.*?</script>|<!--.*?-->|<pre.*?</pre>|<code.*?</code>|<kbd.*?</kbd>|<bdi.*?</bdi>", " ", page)
    words = re.findall(r'\b(?:title|aria-label|placeholder|alt|data-(?!zone|kinds)[a-z]+)="([^"]*[぀-ヿ一-鿿 ][^"]*)"', page)
    return unescape(" ".join([*words, re.sub(r"<[^>]+>", " ", page)]))


def english_words(page: str) -> list[str]:
    return WORD.findall(KEPT.sub(" ", visible(page)))


def test_the_search_for_english_words_finds_them() -> None:
    page = '<p title="Not said yet">検索 <b>more</b></p><script>const x</script><bdi>planner</bdi>'
    assert english_words(page) == ["Not", "said", "yet", "more"]


@pytest.fixture
async def japanese(browser: AsyncClient) -> AsyncClient:
    browser.cookies[settings.LANGUAGE_COOKIE_NAME] = "ja"
    browser.cookies["timezone"] = "Asia/Tokyo"
    return browser


@pytest.fixture
async def full_store(store: SessionStore) -> SessionStore:
    """Sessions in every state, one of them with remarks of every kind."""
    for state in SessionStatus:
        session = await store.create_session(make_session(task="空間", title="価格", tags=("急ぎ",)))
        await store.append_messages(
            session.session_id, [make_draft(source="批評", content="価格です", kind=kind) for kind in MessageKind]
        )
        if state is not SessionStatus.ACTIVE:
            await store.update_session(session.session_id, status=state)
    return store


PAGES = [
    "/",
    "/?status=failed&agent=x&from=2026-13-01&starred=7",
    "/?tag=無い",
    "/search/",
    "/search/?q=価格",
    "/search/?q=無い言葉+agent:x+status:nothing+after:昨日",
    "/search/?q=価格+status:failed",
    "/nowhere",
    "/sessions/無い/",
    "/?cursor=nothing",
    "/usage/",
    "/usage/?days=0&tz=無い&from=昨日",
    "/usage/?from=2020-01-01&to=2020-12-31",
]


@pytest.mark.parametrize("address", PAGES)
async def test_a_japanese_page_shows_no_english_word(address: str, japanese: AsyncClient, full_store: SessionStore) -> None:
    response = await japanese.get(address)
    page = response.content.decode()
    if response.status_code >= 400:  # the library's own sentence is English, and stands alone in its paragraph
        page = re.sub(r'<p dir="auto"[^>]*>[^<]*</p>', "", page)
    assert '<html lang="ja" dir="ltr"' in page
    assert english_words(page) == []


@pytest.mark.parametrize("part", ["", "find", "find?q=価格", "edit", "delete"])
async def test_a_japanese_session_shows_no_english_word(part: str, japanese: AsyncClient, full_store: SessionStore) -> None:
    for session in (await full_store.list_sessions(limit=10)).items:
        response = await japanese.get(f"/sessions/{session.session_id}/{part}")
        if response.status_code == 200:
            page = response.content.decode().replace(session.session_id, "")
            assert english_words(page) == []


async def test_an_empty_list_and_the_login_show_no_english_word(japanese: AsyncClient, store: SessionStore) -> None:
    assert english_words((await japanese.get("/")).content.decode()) == []
    stranger = AsyncClient()
    stranger.cookies[settings.LANGUAGE_COOKIE_NAME] = "ja"
    for response in (await stranger.get("/login/"), await stranger.post("/login/", {"username": "x", "password": "x"})):
        assert english_words(response.content.decode()) == []


@pytest.mark.parametrize(("language", "words"), [("ja", "実行中"), ("en", "running")])
async def test_state_and_kind_words_follow_the_language(
    language: str, words: str, browser: AsyncClient, full_store: SessionStore
) -> None:
    browser.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    assert words in (await browser.get("/")).content.decode()


@pytest.mark.parametrize("language", ["en", "ja"])
async def test_numbers_have_their_thousands_marked(language: str, browser: AsyncClient, store: SessionStore) -> None:
    session = await store.create_session(make_session())
    await store.append_messages(session.session_id, [make_draft(content=".") for _ in range(1_234)])
    browser.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    assert "1,234" in visible((await browser.get("/")).content.decode())


def test_scripts_ask_for_no_word_that_is_not_handed_over() -> None:
    sources = [path.read_text() for path in (BASE / "static/js").glob("*.js")]
    asked = {name for source in sources for name in re.findall(r'words\.get\("([\w.-]+)"', source)}
    with translation.override("ja"):
        handed_over = set(script_words())
    assert asked
    assert asked - handed_over == set()
