// The keyboard, off wherever somebody types.

import * as discussion from "./discussion.js";

const sheet = document.getElementById("keys");
let pendingG = false;

function remarks() {
  return [...(document.getElementById("messages")?.children ?? [])];
}

function current() {
  const rows = remarks();
  const focused = document.activeElement?.closest?.(".message");
  return focused ? rows.indexOf(focused) : rows.findIndex((row) => row.getBoundingClientRect().bottom > 72);
}

function goTo(index) {
  const rows = remarks();
  if (!rows.length) return;
  const row = rows[Math.max(0, Math.min(rows.length - 1, index))];
  discussion.pause();
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "center" });
}

function copyLink() {
  const row = remarks()[current()];
  if (row) navigator.clipboard?.writeText(new URL(`#${row.id}`, location.href).href);
}

const ACTIONS = {
  j: () => goTo(document.activeElement?.closest?.(".message") ? current() + 1 : current()),
  k: () => goTo(current() - 1),
  G: () => discussion.follow(),
  p: () => discussion.togglePause(),
  y: copyLink,
  t: () => document.getElementById("theme").click(),
  "?": () => sheet?.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, [contenteditable], dialog")) return;
  if (event.key === "g") {
    if (pendingG) goTo(0);
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
