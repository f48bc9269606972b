// How far its reader has come: the line where they left last time, and word to the server of what has been on the screen.
// Only what was on a screen that somebody could see counts as read; that the page was opened does not.

import { findRow, goTo, land } from "./windows.js";

const EVERY = 2_000;

const messages = document.getElementById("messages");
const link = document.getElementById("since");
const mark = Number(messages.dataset.mark);
let seen = mark;
let told = mark;
let timer = null;

function showLine() {
  if (messages.dataset.since) findRow(mark + 1)?.setAttribute("data-since", messages.dataset.since);
}

// The remark at the lower end of the screen; at the end of the page, the last one.
function lowestInView() {
  const last = messages.lastElementChild;
  if (last?.getBoundingClientRect().bottom <= innerHeight) return last;
  const x = messages.getBoundingClientRect().left + 60;
  for (let y = innerHeight - 4; y > 100; y -= 40) {
    const row = document.elementsFromPoint(x, y).find((element) => element.parentElement === messages);
    if (row) return row;
  }
  return null;
}

function look() {
  if (document.visibilityState !== "visible") return;
  seen = Math.max(seen, Number(lowestInView()?.dataset.sequence ?? 0));
  if (seen > told) timer ??= setTimeout(tell, EVERY);
}

function tell() {
  clearTimeout(timer);
  timer = null;
  if (seen <= told) return;
  const body = new FormData();
  body.set("sequence", seen);
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  // A mark that got lost is made good by the next one.
  fetch("read", { method: "POST", body, keepalive: true, headers: { "X-CSRFToken": token } }).catch(() => {});
  told = seen;
}

let isDue = false;
function lookSoon() {
  if (isDue) return;
  isDue = true;
  setTimeout(() => {
    isDue = false;
    look();
  }, 250);
}

showLine();
new MutationObserver(() => {
  showLine();
  lookSoon();
}).observe(messages, { childList: true });
addEventListener("scroll", lookSoon, { passive: true });
document.addEventListener("visibilitychange", () => (document.visibilityState === "visible" ? lookSoon() : tell()));
addEventListener("pagehide", tell);
link?.querySelector("a").addEventListener("click", async (event) => {
  event.preventDefault();
  if (await goTo(mark + 1)) link.hidden = true;
});
lookSoon();

// A discussion that is over opens where its reader left; one that runs is followed at its end, as ever.
const isRunning = document.getElementById("session-state").dataset.state === "running";
const left = link && !isRunning && !location.hash && !location.search && findRow(mark + 1);
if (left) land(left);
