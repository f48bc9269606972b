// A remark's link and its text, onto the clipboard.

import { addressOf, goTo, say } from "./windows.js";

async function copy(text, name) {
  try {
    // Given as a promise: the browser takes what comes later too, as long as it was asked for by a key or a click.
    const blob = Promise.resolve(text).then((words) => new Blob([words], { type: "text/plain" }));
    await navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]);
    say(name);
  } catch {
    say("refused");
  }
}

export function copyLink(row) {
  return copy(addressOf(row.dataset.sequence).href, "link");
}

export function copyMarkdown(row) {
  return copy(fetchMarkdown(row), "markdown");
}

async function fetchMarkdown(row) {
  const response = await fetch(row.querySelector("a.md").href);
  if (!response.ok) throw new Error(response.status);
  return response.text();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest(".message .who > a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const row = link.closest(".message");
  if (link.matches(".md")) copyMarkdown(row);
  else {
    copyLink(row);
    goTo(row.dataset.sequence);
  }
});
