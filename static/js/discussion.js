// Reading along: the page follows the newest remark until its reader scrolls up; shares of the words; one speaker only.

import { lastSequence } from "./live.js";

const NEAR_THE_END = 120; // pixels
const QUIET_AFTER = 5; // seconds

const messages = document.getElementById("messages");
const jump = document.getElementById("jump");
const pauseButton = document.getElementById("pause");
const quiet = document.getElementById("quiet");
const letters = new Map(); // of each speaker on this page

let isFollowing = false;
let firstUnread = null;
let only = null;
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

export function follow() {
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
  firstUnread.dataset.unread = `${count} new`;
  jump.querySelector("span").textContent = count;
  jump.hidden = false;
}

function note(row) {
  const { source, letters: count } = row.dataset;
  letters.set(source, (letters.get(source) ?? 0) + Number(count));
  row.classList.toggle("other", only !== null && source !== only);
}

function showShares() {
  const all = [...letters.values()].reduce((sum, count) => sum + count, 0) || 1;
  for (const button of document.querySelectorAll("[data-only]")) {
    const share = (letters.get(button.dataset.only) ?? 0) / all;
    button.querySelector(".share").textContent = `${Math.round(100 * share)}%`;
    button.querySelector(".part-of").setAttribute("width", 100 * share);
    button.setAttribute("aria-pressed", button.dataset.only === only);
  }
}

function showOnly(source) {
  only = source === only ? null : source;
  for (const row of messages.children) row.classList.toggle("other", only !== null && row.dataset.source !== only);
  showShares();
}

function tellSilence() {
  pauseButton.hidden = state() !== "running";
  const seconds = Math.round((Date.now() - heardAt) / 1000);
  quiet.hidden = state() !== "running" || seconds < QUIET_AFTER;
  quiet.textContent = `quiet for ${seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min`}`;
}

new MutationObserver((changes) => {
  const rows = changes.flatMap((change) => [...change.addedNodes]).filter((node) => node.dataset?.sequence);
  if (!rows.length) return;
  rows.forEach(note);
  showShares();
  const isNew = rows.at(-1) === messages.lastElementChild;
  document.getElementById("empty").hidden = true;
  if (!isNew) return; // earlier remarks, asked for
  heardAt = Date.now();
  tellSilence();
  if (isFollowing) return goToTheEnd();
  if (!firstUnread) markUnread(rows[0]);
  countUnread();
}).observe(messages, { childList: true });

// The side is sent anew with each change of the session.
document.addEventListener("chatlog:received", showShares);
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-only]");
  if (button) showOnly(button.dataset.only);
});
jump.addEventListener("click", follow);
pauseButton.addEventListener("click", togglePause);

// Scrolling up stops following; scrolling back to the end takes it up again, unless it was paused by hand.
let lastScroll = scrollY;
addEventListener("scroll", () => {
  const isUpwards = scrollY < lastScroll;
  lastScroll = scrollY;
  if (isFollowing && isUpwards && !isNearTheEnd()) isFollowing = false;
  else if (!isFollowing && isNearTheEnd() && pauseButton.getAttribute("aria-pressed") === "false" && state() === "running") follow();
}, { passive: true });

addEventListener("resize", () => isFollowing && goToTheEnd());
[...messages.children].forEach(note);
showShares();
tellSilence();
setInterval(tellSilence, 1000);
setInterval(() => {
  const length = document.querySelector("#length[data-ticks]");
  if (!length) return;
  const seconds = ++length.dataset.seconds;
  const [h, min, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  length.textContent = h ? `${h} h ${min} min` : min ? `${min} min ${s} s` : `${s} s`;
}, 1000);
if (state() === "running" && !location.hash) follow();
