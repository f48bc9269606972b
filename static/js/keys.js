// The keyboard, off wherever somebody types.

import { copyLink, copyMarkdown } from "./copying.js";
import * as discussion from "./discussion.js";
import * as find from "./find.js";
import { goToFirst, load } from "./windows.js";

const sheet = document.getElementById("keys");
const messages = document.getElementById("messages");
let pendingG = false;

function remarks() {
  return [...messages.children].filter((row) => !row.classList.contains("other"));
}

function focused() {
  return document.activeElement?.closest?.(".message");
}

// The one in focus; without one, the one an address named; else the first in view.
function current() {
  const rows = remarks();
  const known = rows.indexOf(focused() ?? messages.querySelector(":target"));
  return known >= 0 ? known : rows.findIndex((row) => row.getBoundingClientRect().bottom > 100);
}

function goTo(row) {
  if (!row) return;
  discussion.pause();
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "start" });
}

async function move(by) {
  const rows = remarks();
  const row = rows[current()];
  if (!rows[current() + by]) await load(by < 0 ? "earlier" : "later");
  const now = remarks();
  goTo(now[now.indexOf(row) + by] ?? row);
}

function isSomewhere() {
  return focused() || messages.querySelector(":target");
}

async function goToStart() {
  await goToFirst();
  goTo(remarks()[0]);
}

function withCurrent(work) {
  return () => {
    const row = remarks()[current()];
    if (row) work(row);
  };
}

const ACTIONS = {
  j: () => (isSomewhere() ? move(1) : goTo(remarks()[current()])),
  k: () => move(-1),
  G: () => discussion.follow(),
  p: () => discussion.togglePause(),
  y: withCurrent(copyLink),
  c: withCurrent(copyMarkdown),
  f: find.openFind,
  n: () => find.step(1),
  N: () => find.step(-1),
  "[": () => document.getElementById("newer").click(),
  "]": () => document.getElementById("older").click(),
  t: () => document.getElementById("theme").click(),
  "?": () => sheet.showModal(),
  Escape: find.closeFind,
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.target.closest("input, textarea, select, [contenteditable], dialog")) return;
  if (event.key === "g") {
    if (pendingG) goToStart();
    pendingG = !pendingG;
    setTimeout(() => (pendingG = false), 800);
    return;
  }
  const action = ACTIONS[event.key];
  if (action) {
    event.preventDefault();
    action();
  }
});
