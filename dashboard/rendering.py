"""Agent text becomes HTML here and nowhere else. Agent text is hostile input.

Two layers, of which either holds alone: Markdown with raw HTML switched off and an allow-list sanitiser behind it; and, outside
this module, a Content-Security-Policy under which markup that got through could not run anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES
from pygments.util import ClassNotFound

from chatlog.domain.hidden import show_hidden

# Markdown of this length takes about a fifth of a second; longer text is shown as it was written.
MAX_MARKDOWN_CHARACTERS = 64 * 1024
# Some lexers take time that grows with the square of their text: 64 kB of `0.0.0.…` as TypeScript took 22 s, in which a thread
# lets nobody else work. Longer code stays uncoloured.
MAX_COLOURED_CHARACTERS = 8 * 1024
# Text of this length takes some milliseconds, too long for an event loop that serves everybody.
LONG_CHARACTERS = 4 * 1024

_TAGS = {
    *(
        "a",
        "blockquote",
        "br",
        "code",
        "del",
        "em",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "li",
        "ol",
        "p",
        "pre",
        "s",
        "span",
        "strong",
    ),
    *("table", "tbody", "td", "th", "thead", "tr", "ul"),
}
_ALIGNMENTS = {"left", "center", "right"}
_CLASSES = {
    "span": {name for name in STANDARD_TYPES.values() if name} | {"odd"},
    "td": _ALIGNMENTS,
    "th": _ALIGNMENTS,
}
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
_SCHEMES = {"http", "https", "mailto"}


def render_markdown(text: str) -> SafeString:
    """Markdown as safe HTML; text too long or too deep for it, as it was written. Hidden characters are made visible."""
    if len(text) > MAX_MARKDOWN_CHARACTERS:
        return render_preformatted(text)
    environment: dict[str, Any] = {}
    tokens = _MARKDOWN.parse(show_hidden(text), environment)
    if any(token.nesting == 1 and token.level >= _MARKDOWN.options["maxNesting"] - 1 for token in tokens):
        return render_preformatted(text)  # markdown-it leaves out what is nested deeper
    return _clean(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, environment))


def render_preformatted(text: str) -> SafeString:
    """The text as it was written, whole. Hidden characters are made visible."""
    return mark_safe(f"<pre>{escape(show_hidden(text))}</pre>")  # noqa: S308  # escaped, between two tags of ours


def _clean(html: str) -> SafeString:
    clean = nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        allowed_classes=_CLASSES,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow ugc",
    )
    # Once more: a character written as an entity comes out of Markdown as itself.
    return mark_safe(show_hidden(clean))  # noqa: S308  # what the allow-list lets through, and signs that are no markup


def _highlight(code: str, language: str, _: str) -> str:
    try:
        lexer = get_lexer_by_name(language) if language and len(code) <= MAX_COLOURED_CHARACTERS else None
    except ClassNotFound:
        lexer = None
    inner = escape(code) if lexer is None else highlight(code, lexer, _FORMATTER)
    # Starts with <pre, so that markdown-it adds no wrapping of its own.
    return f"<pre><code>{inner}</code></pre>\n"


def _lower_heading(self: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    """A remark's headings rank below those of the page: its h1 is an h3 here."""
    token = tokens[index]
    token.tag = f"h{min(6, int(token.tag[1]) + 2)}"
    return str(self.renderToken(tokens, index, options, env))


def _aligned_cell(self: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    """A class in place of markdown-it's inline style, which the sanitiser and the policy refuse."""
    token = tokens[index]
    style = str(token.attrs.pop("style", ""))
    if style:
        token.attrSet("class", style.removeprefix("text-align:"))
    return str(self.renderToken(tokens, index, options, env))


def _make_markdown() -> MarkdownIt:
    options = {"html": False, "breaks": True, "highlight": _highlight}
    markdown = MarkdownIt("commonmark", options).enable(["table", "strikethrough"])
    markdown.disable("image")  # a remote image tells its server who reads; ![x](y) stays a link
    for rule in ("heading_open", "heading_close"):
        markdown.add_render_rule(rule, _lower_heading)
    for rule in ("td_open", "th_open"):
        markdown.add_render_rule(rule, _aligned_cell)
    return markdown


_FORMATTER = HtmlFormatter(nowrap=True)
_MARKDOWN = _make_markdown()
