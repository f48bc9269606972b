"""What would show that somebody's text did more than stand there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.elsewhere import Elsewhere, elsewhere_running

# Touches everything inside <main> the way a reader might, and more. Links and forms go their way only if
# they would run something or lead elsewhere.
TOUCH = """() => {
  addEventListener("click", (event) => {
    const link = event.target.closest?.("a, area");
    if (link && !/^\\s*(javascript|data|vbscript):/i.test(link.href?.baseVal ?? link.href ?? "")) event.preventDefault();
  }, true);
  addEventListener("submit", (event) => {
    const to = event.submitter?.getAttribute("formaction") ?? event.target.getAttribute("action") ?? "";
    if (new URL(to, location.origin).origin === location.origin) event.preventDefault();
  }, true);
  const KINDS = ["mouseover", "mouseenter", "pointerenter", "pointerover", "wheel", "copy", "contextmenu", "animationstart",
    "transitionend", "focus", "error", "load", "click"];
  for (const element of document.querySelectorAll("main *")) {
    for (const kind of KINDS) element.dispatchEvent(new Event(kind, { bubbles: false, cancelable: true }));
    if (element.matches("a, area") && element.click) element.click();
    else if (element.localName === "a") element.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
    const isForm = element.localName === "form" && element.getAttribute("method") !== "dialog";
    if (isForm) HTMLFormElement.prototype.requestSubmit.call(element);
  }
}"""

# What is on the page that we did not put there.
STRANGERS = """() => {
  const IN_MESSAGES = new Set(["id", "class", "title", "href", "rel", "dir", "start", "type", "tabindex", "datetime",
    "aria-hidden", "aria-label", "hx-disable", "open",
    "data-sequence", "data-message-id", "data-source", "data-kind", "data-letters", "data-unread"]);
  const IN_BODIES = new Set(["href", "title", "rel", "start", "class"]);
  const ELEMENTS = new Set(["a", "blockquote", "br", "code", "del", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre",
    "s", "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"]);
  const found = [];
  for (const element of document.querySelectorAll("*")) {
    const inBody = element.closest(".body") && !element.matches(".body");
    const inMessage = element.closest("#messages > li");
    if (inBody && !ELEMENTS.has(element.localName)) found.push(`<${element.localName}> in a remark`);
    for (const { name, value } of element.attributes) {
      const isNew = inBody ? !IN_BODIES.has(name) : inMessage ? !IN_MESSAGES.has(name) : /^on|^style$|hx-on/i.test(name);
      if (isNew) found.push(`${element.localName} ${name}`);
      if (/^(href|src|action|formaction|data|srcdoc)$|:href$/.test(name) && /^[\\0- ]*(javascript|data|vbscript):/i.test(value))
        found.push(`${element.localName} ${name}=${value}`);
    }
  }
  const BAD = "iframe, frame, object, embed, base, img, video, audio, math, template, style, applet, plaintext, marquee";
  for (const element of document.querySelectorAll(BAD)) found.push(`<${element.localName}>`);
  const OUR_FORMS = "dialog form, .login form, .search-form, #find, #row-actions, #filters > form, .session > .edit-form, "
    + ".own-days > form";
  for (const element of document.querySelectorAll(`body script, main :is(link, meta), main form:not(${OUR_FORMS})`))
    found.push(`<${element.localName}> in the page`);
  return found;
}"""


class Trap:
    """Notes dialogs, other pages that open, and requests to anywhere but the site. Nothing gets out."""

    def __init__(self, context: BrowserContext, elsewhere: Elsewhere) -> None:
        self._seen: list[str] = []
        self._elsewhere = elsewhere
        context.on("page", self._watch)

    @property
    def caught(self) -> list[str]:
        return [*self._seen, *(f"asked for {request}" for request in self._elsewhere.asked)]

    def _watch(self, page: Page) -> None:
        page.on("dialog", self._refuse)
        page.on("popup", lambda popup: self._seen.append(f"opened {popup.url}"))

    def _refuse(self, dialog: Any) -> None:
        self._seen.append(f"said {dialog.message}")
        dialog.dismiss()


@contextmanager
def trapped(browser: Browser, *, host: str = "", **options: Any) -> Iterator[tuple[BrowserContext, Trap]]:
    """A context that reaches `host`, which is the site, and nothing else."""
    with elsewhere_running() as elsewhere:
        context = browser.new_context(proxy={"server": elsewhere.address, "bypass": host}, **options)
        yield context, Trap(context, elsewhere)
        context.close()


def count_runs(page: Page) -> int:
    """How many payloads have run on this page."""
    runs: int = page.evaluate("window.pwned || 0")
    return runs
