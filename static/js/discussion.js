// Reading along: the page follows the newest remark until its reader scrolls up; shares of the words.

import { isAtEnd, lastSequence, newestSequence } from "./live.js";
import { goToNewest, isLoaded } from "./windows.js";
import * as words from "./words.js";

const NEAR_THE_END = 120; // pixels
const QUIET_AFTER = 5; // seconds

const messages = document.getElementById("messages");
const jump = document.getElementById("jump");
const pauseButton = document.getElementById("pause");
const quiet = document.getElementById("quiet");
const letters = new Map(); // of each speaker on this page

let isFollowing = false;
let firstUnread = null;
let heardAt = Date.now();

function state() {
  return document.getElementById("session-state").dataset.state;
}

function isNearTheEnd() {
  return innerHeight + scrollY >= document.documentElement.scrollHeight - NEAR_THE_END;
}

function goToTheEnd() {
  scrollTo({ top: document.documentElement.scrollHeight });
}

export async function follow() {
  await goToNewest();
  isFollowing = true;
  markUnread(null);
  jump.hidden = true;
  pauseButton.setAttribute("aria-pressed", "false");
  goToTheEnd();
}

export function pause() {
  isFollowing = false;
  pauseButton.setAttribute("aria-pressed", "true");
}

export function togglePause() {
  if (isFollowing) pause();
  else follow();
}

function markUnread(row) {
  firstUnread?.removeAttribute("data-unread");
  firstUnread = row;
}

function countUnread() {
  const count = lastSequence() - Number(firstUnread.dataset.sequence) + 1;
  firstUnread.dataset.unread = words.get("new", { n: count });
  offer("new", count);
}

function offer(name, count = 0) {
  jump.textContent = jump.dataset[name].replace("{n}", words.number(count));
  jump.hidden = false;
}

// Whoever reads an earlier part is told how much there is after it.
function offerTheEnd() {
  if (isAtEnd()) jump.hidden = firstUnread === null;
  else offer("later", newestSequence() - lastSequence());
}

function note(row) {
  const { source, letters: count } = row.dataset;
  letters.set(source, (letters.get(source) ?? 0) + Number(count));
}

function showShares() {
  const all = [...letters.values()].reduce((sum, count) => sum + count, 0) || 1;
  for (const button of document.querySelectorAll("[data-only]")) {
    const share = (letters.get(button.dataset.only) ?? 0) / all;
    button.querySelector(".share").textContent = `${Math.round(100 * share)}%`;
    button.querySelector(".part-of").setAttribute("width", 100 * share);
  }
}

function tellSilence() {
  pauseButton.hidden = state() !== "running";
  const seconds = Math.round((Date.now() - heardAt) / 1000);
  quiet.hidden = state() !== "running" || seconds < QUIET_AFTER || !isAtEnd();
  quiet.textContent = words.get("quiet", { length: words.roughly(seconds) });
}

new MutationObserver((changes) => {
  const rows = changes.flatMap((change) => [...change.addedNodes]).filter((node) => node.dataset?.sequence);
  if (!rows.length) return;
  rows.forEach(note);
  showShares();
  document.getElementById("empty").hidden = true;
  if (isLoaded(rows[0])) return offerTheEnd();
  heardAt = Date.now();
  tellSilence();
  if (isFollowing) return goToTheEnd();
  if (!firstUnread) markUnread(rows[0]);
  countUnread();
}).observe(messages, { childList: true });

// The side is sent anew with each change of the session.
document.addEventListener("chatlog:received", () => {
  showShares();
  offerTheEnd();
});
document.addEventListener("chatlog:later", offerTheEnd);
document.addEventListener("chatlog:replaced", () => {
  letters.clear(); // the observer counts those of the new part
  isFollowing = false;
  markUnread(null);
});
jump.addEventListener("click", () => follow());
pauseButton.addEventListener("click", togglePause);

// Scrolling up stops following; scrolling back to the end takes it up again, unless it was paused by hand.
let lastScroll = scrollY;
addEventListener("scroll", () => {
  const isUpwards = scrollY < lastScroll;
  lastScroll = scrollY;
  if (isFollowing && isUpwards && !isNearTheEnd()) isFollowing = false;
  else if (!isFollowing && isNearTheEnd() && isAtEnd() && pauseButton.getAttribute("aria-pressed") === "false" && state() === "running") follow();
}, { passive: true });

addEventListener("resize", () => isFollowing && goToTheEnd());
[...messages.children].forEach(note);
showShares();
tellSilence();
setInterval(tellSilence, 1000);
setInterval(() => {
  const length = document.querySelector("#length[data-ticks]");
  if (!length) return;
  length.textContent = words.duration(++length.dataset.seconds);
}, 1000);
offerTheEnd();
const isSentHere = location.hash || ["at", "before", "after", "find"].some((name) => new URLSearchParams(location.search).has(name));
if (state() === "running" && isAtEnd() && !isSentHere) follow();
