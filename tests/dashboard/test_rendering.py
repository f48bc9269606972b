"""Whatever an agent says, what comes out is text, or markup from a short list."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from pygments.token import STANDARD_TYPES

from chatlog.domain.hidden import show_hidden
from dashboard import rendering
from dashboard.rendering import (
    MAX_COLOURED_CHARACTERS,
    MAX_MARKDOWN_CHARACTERS,
    render_markdown,
    render_preformatted,
)
from tests.hostile import HIDDEN_CHARACTERS, PAYLOADS

# Written out once more: a slip in the list of the module must not be a slip here too.
TAGS = {
    *("a", "blockquote", "br", "code", "del", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s", "span"),
    *("strong", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}
ATTRIBUTES = {
    "a": {"href", "title", "rel"},
    "ol": {"start"},
    "span": {"class"},
    "td": {"class"},
    "th": {"class"},
}
CLASSES = {*STANDARD_TYPES.values(), "odd", "left", "center", "right"}
SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)


class Markup(HTMLParser):
    """The elements, the attributes and the text of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.other: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.other.append(data)

    def handle_decl(self, decl: str) -> None:
        self.other.append(decl)

    def handle_pi(self, data: str) -> None:
        self.other.append(data)

    def unknown_decl(self, data: str) -> None:
        self.other.append(data)


def scheme_of(address: str) -> str:
    """As a browser finds it: outer controls and spaces, and tabs and newlines anywhere, do not count (URL Standard, 4.4)."""
    found = SCHEME.match(re.sub(r"^[\x00-\x20]+|[\t\n\r]", "", address))
    return found[1].lower() if found else ""


def assert_safe(html: str) -> None:
    markup = Markup(html)
    assert not markup.other
    for tag, attributes in markup.elements:
        assert tag in TAGS
        assert attributes.keys() <= ATTRIBUTES.get(tag, set())
        assert set((attributes.get("class") or "").split()) <= CLASSES
        if tag == "a" and "href" in attributes:
            assert scheme_of(attributes["href"] or "") in {"", "http", "https", "mailto"}
            assert attributes.get("rel") == "noopener noreferrer nofollow ugc"
    assert not any(character in markup.text for character in HIDDEN_CHARACTERS)


def test_there_are_enough_payloads_and_no_two_are_the_same() -> None:
    assert len(set(PAYLOADS)) == len(PAYLOADS) >= 300


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_payload_becomes_harmless_markdown(payload: str) -> None:
    assert_safe(render_markdown(payload))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_payload_becomes_harmless_as_it_was_written(payload: str) -> None:
    html = render_preformatted(payload)
    assert [tag for tag, _ in Markup(html).elements] == ["pre"]
    assert Markup(html).text == show_hidden(payload)


def test_payloads_among_each_other_are_harmless() -> None:
    assert_safe(render_markdown("\n".join(PAYLOADS)))
    assert_safe(render_markdown(" ".join(PAYLOADS)))
    assert_safe(render_markdown("\n\n".join(reversed(PAYLOADS))))


def test_the_sanitiser_holds_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(rendering._MARKDOWN.options, "html", True)
    for payload in PAYLOADS:
        assert_safe(render_markdown(payload))


def test_markdown_without_raw_html_holds_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering.nh3, "clean", lambda html, **_: html)
    for payload in PAYLOADS:
        markup = Markup(render_markdown(payload))
        names = {name for _, attributes in markup.elements for name in attributes}
        assert {tag for tag, _ in markup.elements} <= TAGS
        assert names <= {"href", "title", "start", "class"}
        addresses = [attributes["href"] or "" for tag, attributes in markup.elements if tag == "a"]
        assert not {scheme_of(address) for address in addresses} & {"javascript", "vbscript", "data", "file"}


def test_the_check_itself_sees_what_runs() -> None:
    """A control: nearly every payload would fail if it came out as it went in."""
    seen = 0
    for payload in PAYLOADS:
        try:
            assert_safe(payload)
        except AssertionError:
            seen += 1
    assert seen > 300


def test_a_remote_image_stays_a_link() -> None:
    html = render_markdown("![chart](https://a.example/chart.png)")
    assert "<img" not in html
    assert 'href="https://a.example/chart.png"' in html


@pytest.mark.parametrize(
    "address", ["https://a.example/?q=空間#x", "http://a.example", "mailto:ann@a.example", "/sessions/x/", "#message-3"]
)
def test_ordinary_links_work(address: str) -> None:
    elements = Markup(render_markdown(f"[x]({address})")).elements
    assert [tag for tag, _ in elements] == ["p", "a"]
    assert elements[1][1]["href"]


def test_headings_rank_below_those_of_the_page() -> None:
    html = render_markdown("# one\n## two\n### three\n#### four\n##### five\n###### six\n\nseven\n===")
    assert re.findall(r"<(h\d)>(\w+)</h\d>", html) == [
        *(("h3", "one"), ("h4", "two"), ("h5", "three"), ("h6", "four"), ("h6", "five"), ("h6", "six")),
        ("h3", "seven"),
    ]


def test_tables_are_aligned_by_class() -> None:
    html = render_markdown("|a|b|c|d|\n|:-|:-:|-:|-|\n|1|2|3|4|")
    assert re.findall(r"<td( class=\"\w+\")?>(\d)", html) == [
        *((' class="left"', "1"), (' class="center"', "2"), (' class="right"', "3"), ("", "4")),
    ]
    assert "style" not in html


@pytest.mark.parametrize(
    ("language", "code", "coloured"),
    [
        ("python", "def f(): return 'x'", '<span class="k">def</span>'),
        ("json", '{"a": 1}', '<span class="mi">1</span>'),
        ("html", "<b>x</b>", '<span class="nt">b</span>'),
        ("sql", "SELECT 1", '<span class="k">SELECT</span>'),
    ],
)
def test_code_of_a_known_language_is_coloured(language: str, code: str, coloured: str) -> None:
    html = render_markdown(f"```{language}\n{code}\n```")
    assert coloured in html
    assert Markup(html).text.strip() == code


def test_long_code_is_whole_and_costs_no_lexer(monkeypatch: pytest.MonkeyPatch) -> None:
    coloured: list[int] = []
    really = rendering.highlight
    monkeypatch.setattr(rendering, "highlight", lambda code, *rest: (coloured.append(len(code)), really(code, *rest))[1])
    for length in (MAX_COLOURED_CHARACTERS, MAX_COLOURED_CHARACTERS + 1, MAX_MARKDOWN_CHARACTERS - 100):
        code = ("0." * length)[: length - 1]  # a line end follows
        assert Markup(render_markdown(f"```typescript\n{code}\n```")).text.strip() == code
    assert coloured == [MAX_COLOURED_CHARACTERS]


@pytest.mark.parametrize("language", ["", "nothing-known", "<b>", "text"])
def test_code_of_another_language_stays_as_it_is(language: str) -> None:
    html = render_markdown(f"```{language}\nif <b> & 'c':\n    空間\n```")
    assert html.strip() == "<pre><code>if &lt;b&gt; &amp; 'c':\n    空間\n</code></pre>"


@pytest.mark.parametrize("length", [MAX_MARKDOWN_CHARACTERS, MAX_MARKDOWN_CHARACTERS + 1, 400_000])
def test_long_text_is_whole(length: int) -> None:
    unit = "空間を共有します。 1 < 2 & "
    text = (unit * (length // len(unit) + 1))[: length - 4] + " END"
    html = render_markdown(text)
    assert Markup(html).text.strip() == text
    assert html.startswith("<pre>") is (length > MAX_MARKDOWN_CHARACTERS)


@pytest.mark.parametrize("character", HIDDEN_CHARACTERS, ids=lambda character: f"U+{ord(character):04X}")
def test_a_hidden_character_is_seen(character: str) -> None:
    sign = show_hidden(character)
    assert sign.isprintable()
    written = (f"a{character}b", f"`a{character}b`", f"```\na{character}b\n```", f"```python\na{character}b\n```")
    entities = (f"a&#{ord(character)};b", f"a&#x{ord(character):X};b")
    for html in (*map(render_markdown, (*written, *entities)), render_preformatted(f"a{character}b")):
        assert character not in html
    for text in written:
        assert f"a{sign}b" in Markup(render_markdown(text)).text


@pytest.mark.parametrize("name", ["shy", "ZeroWidthSpace", "NoBreak", "InvisibleTimes", "Tab"])
def test_entities_with_a_name_hide_nothing(name: str) -> None:
    text = Markup(render_markdown(f"a&{name};b")).text.strip()
    assert text.replace("\t", " ").isprintable()


@pytest.mark.parametrize("text", ["👩‍👩‍👧‍👦", "❤️", "葛󠄀城市", "नमस्ते", "می‌خواهم", "é", "日本語\tタブ", "שלום\u200f!"])
def test_what_scripts_and_emoji_need_stays(text: str) -> None:
    assert Markup(render_markdown(text)).text.strip() == text


def test_lines_of_every_kind_break() -> None:
    assert Markup(render_markdown("a\nb\r\nc")).elements == [("p", {}), ("br", {}), ("br", {})]
    assert show_hidden("a\r\nb\rc") == "a\nb␍c"


def test_deep_and_broken_structure_comes_back_whole() -> None:
    for text in (
        "> " * 3000 + "end",
        "- " * 3000 + "end",
        "[" * 20_000,
        "*a " * 15_000,
        "`" * 20_001 + "a`\n",
        "<" * 20_000,
        "|a" * 5000,
    ):
        html = render_markdown(text)
        assert_safe(html)
        assert len(Markup(html).text) >= len(text) or len(text) < 20_000


@pytest.mark.parametrize("depth", range(1, 40))
@pytest.mark.parametrize("unit", ["> ", "- ", "1. ", "> - "])
def test_nothing_is_left_out_however_deep_it_is(unit: str, depth: int) -> None:
    assert "the end" in Markup(render_markdown(unit * depth + "the end\n")).text
