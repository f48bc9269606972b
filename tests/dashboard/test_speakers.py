"""Speakers are told apart: by initials, and by colours that can be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from chatlog.domain.colours import COLOURS
from dashboard import speakers
from dashboard.speakers import get_speaker, initials_of, list_speakers
from tests.factories import AGENTS

READABLE = 4.5  # WCAG 2.2, 1.4.3: the contrast of text of this size
AVATAR_SHARE = 0.11  # static/css/frame.css: an avatar's ground is so much of its colour on the panel
THEMES = {"light": r':root, html\[data-theme="light"\] \{(.*?)\}', "dark": r':root\[data-theme="dark"\] \{(.*?)\}'}
# Which text stands on which ground.
PAIRS = {
    "text": ("bg", "panel", "sunken", "mark"),
    "dim": ("bg", "panel", "sunken", "mark"),
    "accent": ("bg", "panel", "sunken", "mark", "accent-bg"),
    "on-accent": ("accent",),
    "bg": ("text",),
    "run": ("run-bg",),
    "warn": ("warn-bg",),
    "bad": ("bad-bg", "bg", "panel"),
    "done": ("done-bg",),
    **{f"code-{name}": ("sunken", "bg") for name in ("keyword", "string", "number", "comment", "name")},
}
Colour = tuple[float, float, float]


@pytest.fixture(autouse=True)
def no_casts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speakers, "_casts", speakers._casts.__class__())


def test_up_to_twelve_speakers_have_twelve_colours() -> None:
    for number in range(200):
        names = [f"agent {number} {letter}" for letter in "abcdefghijkl"]
        cast = list_speakers(f"session {number}", names)
        assert {speaker.colour for speaker in cast} == set(range(1, COLOURS + 1))


def test_the_thirteenth_has_a_colour_too() -> None:
    cast = list_speakers("crowd", [str(number) for number in range(100)])
    assert {speaker.colour for speaker in cast} == set(range(1, COLOURS + 1))


def test_a_speaker_keeps_the_colour_whoever_comes_later() -> None:
    first = list_speakers("session", AGENTS)
    list_speakers("session", ["a newcomer", *reversed(AGENTS)])
    assert [get_speaker("session", name) for name in AGENTS] == first


def test_every_process_gives_the_same_colours() -> None:
    here = list_speakers("session", AGENTS)
    speakers._casts.clear()  # as in another process
    assert list_speakers("session", AGENTS) == here


def test_a_name_alone_has_the_same_colour_everywhere() -> None:
    assert len({get_speaker(f"session {number}", "creative_planner").colour for number in range(20)}) == 1


def test_only_so_many_sessions_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speakers, "_KEPT_SESSIONS", 3)
    for number in range(10):
        get_speaker(f"session {number}", "alice")
        get_speaker("session 0", "bob")
    assert list(speakers._casts) == ["session 8", "session 9", "session 0"]


@pytest.mark.parametrize(
    ("name", "initials"),
    [
        ("creative_planner", "CP"),
        ("market-analyst", "MA"),
        ("MarketAnalyst", "MA"),
        ("technicalValidator", "TV"),
        ("HTTPServer", "HS"),
        ("alice", "AL"),
        ("X", "X"),
        ("agent 7", "A7"),
        ("7", "7"),
        ("市場分析", "市場"),
        ("企画 担当", "企担"),
        ("🦊", "🦊"),
        ("???", "??"),
        ("\u202e\u200b", "?"),
        ("\u202ebob", "BO"),
        ("straße", "ST"),
        (" ", "?"),
    ],
)
def test_initials(name: str, initials: str) -> None:
    assert initials_of(name) == initials


def parse(value: str) -> Colour:
    red, green, blue = (int(value[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return red, green, blue


def tokens(theme: str) -> dict[str, Colour]:
    css = Path(settings.BASE_DIR, "static/css/tokens.css").read_text()
    block = re.search(THEMES[theme], css, re.DOTALL)[1]
    return {name: parse(value) for name, value in re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block)}


def mix(colour: Colour, ground: Colour, share: float) -> Colour:
    red, green, blue = (share * one + (1 - share) * other for one, other in zip(colour, ground, strict=True))
    return red, green, blue


def luminance(colour: Colour) -> float:
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Colour, other: Colour) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", THEMES)
def test_speakers_names_and_initials_can_be_read(theme: str) -> None:
    colours = tokens(theme)
    avatar = re.search(r"\.avatar \{.*?var\(--c\) (\d+)%, var\(--panel\)", _frame_css(), re.DOTALL)
    assert int(avatar[1]) / 100 == AVATAR_SHARE
    for number in range(1, COLOURS + 1):
        own = colours[f"c{number}"]
        assert contrast(own, mix(own, colours["panel"], AVATAR_SHARE)) >= READABLE
        assert min(contrast(own, colours[ground]) for ground in ("bg", "panel", "mark")) >= READABLE


def _frame_css() -> str:
    return Path(settings.BASE_DIR, "static/css/frame.css").read_text()


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("text", "ground"), [(text, ground) for text, grounds in PAIRS.items() for ground in grounds])
def test_every_text_can_be_read_on_its_ground(theme: str, text: str, ground: str) -> None:
    colours = tokens(theme)
    assert contrast(colours[text], colours[ground]) >= READABLE


def test_contrast_is_computed_as_the_standard_says() -> None:
    assert contrast(parse("#000000"), parse("#ffffff")) == pytest.approx(21)
    assert contrast(parse("#777777"), parse("#ffffff")) == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("theme", THEMES)
def test_there_are_as_many_colours_as_the_code_believes(theme: str) -> None:
    numbers = [int(name[1:]) for name in tokens(theme) if re.fullmatch(r"c\d+", name)]
    assert numbers == list(range(1, COLOURS + 1))
