"""What would show that somebody's text did more than stand there."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import BrowserContext, Page

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
    """Notes dialogs, requests to anywhere but `origin`, and other pages that open. Nothing gets out."""

    def __init__(self, context: BrowserContext, *, origin: str) -> None:
        self.caught: list[str] = []
        self._origin = origin
        context.route(re.compile(f"^(?!{re.escape(origin)}/)"), self._stop)
        context.on("page", self._watch)
        for page in context.pages:
            self._watch(page)

    def _watch(self, page: Page) -> None:
        page.on("dialog", self._refuse)
        page.on("websocket", lambda socket: self._look_at(socket.url))
        page.on("popup", lambda popup: self.caught.append(f"opened {popup.url}"))

    def _stop(self, route: Any) -> None:
        self.caught.append(f"asked for {route.request.url}")
        route.abort()

    def _refuse(self, dialog: Any) -> None:
        self.caught.append(f"said {dialog.message}")
        dialog.dismiss()

    def _look_at(self, url: str) -> None:
        if not url.startswith(self._origin.replace("http", "ws", 1) + "/"):
            self.caught.append(f"opened {url}")


def count_runs(page: Page) -> int:
    """How many payloads have run on this page."""
    runs: int = page.evaluate("window.pwned || 0")
    return runs
