// The live connection: htmx swaps what comes in; this module sees to it that nothing is missing, doubled or out of order.
// Whatever happens to the connection, the next one asks for what comes after the last remark on the page.
//
// A page that shows an earlier part of a long session is connected too, but regards whatever is newer as received: it hears how
// the session goes on and takes in no remark, for there would be a hole before it. When its reader has come to the end, it takes
// up from the last remark on the page, by a new connection if anything was left out meanwhile.

import * as words from "./words.js";

const RELOAD = 4409;
// The server says why in words before it closes with one of these; coming back would change nothing.
const FINAL = { 4400: "live.stopped", 4401: "live.logged-out", 4403: "live.refused", 4404: "live.not-found", 4429: "live.too-many" };
// At the latest after 64 kB, and each page at a point of its own: hundreds that have received the same would all answer at once.
const ACKNOWLEDGE_BYTES = 64 * 1024 * (0.5 + Math.random() / 2);
const FIRST_DELAY = 500;
const LONGEST_DELAY = 15_000;
const STABLE_AFTER = 10_000;
// The extension reconnects by itself on four of the close codes; this module does on all, so its timer must never come.
const NEVER = 2 ** 31 - 1;

const messages = document.getElementById("messages");
const pill = document.getElementById("connection");
const encoder = new TextEncoder();

let socket = null; // the extension's handle of the connection
let isConnecting = false;
let isOpen = false;
let isFinal = false;
let attempts = 0;
let timer = null;
let stableTimer = null;
let unacknowledged = 0;
let lostAt = null; // the last remark received when the connection was lost, until it is caught up
let current = null; // the connection itself: of one that was given up for another, the end is no news
let told = 0; // the last remark that this connection will not send again

export function lastSequence() {
  return Number(messages?.lastElementChild?.dataset.sequence ?? 0);
}

// Whether the newest remark is on the page, as far as anybody knew when its last part was made.
export function isAtEnd() {
  return document.getElementById("later")?.hidden ?? true;
}

// The newest remark there is, as far as the page has heard.
export function newestSequence() {
  return Math.max(lastSequence(), told, Number(document.getElementById("session-state")?.dataset.count ?? 0));
}

// The reader has come to the end of the session: nothing that was left out before may be missing.
export function takeUp() {
  if (isAtEnd() && told > lastSequence()) connectAgain();
}

// Asks for everything anew: something that came was not taken in.
export function connectAgain() {
  if (isOpen) socket.reconnect();
}

htmx.config.wsReconnectDelay = () => NEVER;
htmx.createWebSocket = (address) => {
  const url = new URL(address);
  if (messages) {
    told = isAtEnd() ? lastSequence() : newestSequence();
    url.searchParams.set("after", told);
  }
  current = new WebSocket(url);
  return current;
};

document.body.addEventListener("htmx:wsConnecting", () => {
  isConnecting = true;
});

document.body.addEventListener("htmx:wsOpen", (event) => {
  socket = event.detail.socketWrapper;
  isConnecting = false;
  isOpen = true;
  unacknowledged = 0;
  stableTimer = setTimeout(() => (attempts = 0), STABLE_AFTER);
  if (messages) takeUp();
  if (lostAt === null || !messages) {
    lostAt = null;
    show("live", words.get("live.connected"));
  }
});

document.body.addEventListener("htmx:wsClose", (event) => {
  if (event.detail.event.target !== current) return;
  socket = event.detail.socketWrapper;
  isConnecting = isOpen = false;
  clearTimeout(stableTimer);
  const { code } = event.detail.event;
  if (code === RELOAD) return reload();
  if (code in FINAL) {
    isFinal = true;
    return show("lost", words.get(FINAL[code]));
  }
  lostAt ??= received();
  show("waiting", words.get("live.lost"));
  comeBack(Math.random() * Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** attempts));
  attempts += 1;
});

document.body.addEventListener("htmx:wsBeforeMessage", (event) => {
  const range = event.detail.message.match(/^<ol [^>]*data-first="(\d+)" data-last="(\d+)"/);
  if (!range) return;
  const [first, last] = [Number(range[1]), Number(range[2])];
  if (!isAtEnd()) {
    event.preventDefault();
    told = Math.max(told, last);
    event.detail.socketWrapper.send(JSON.stringify({ received: told }));
    document.dispatchEvent(new CustomEvent("chatlog:later"));
    return;
  }
  if (last <= lastSequence()) event.preventDefault();
  else if (first > lastSequence() + 1) {
    event.preventDefault();
    event.detail.socketWrapper.reconnect();
  }
});

// A frame that begins with remarks which are here already: only the others go in.
document.body.addEventListener("htmx:oobBeforeSwap", (event) => {
  if (event.detail.target !== messages) return;
  for (const row of [...event.detail.fragment.querySelectorAll("[data-sequence]")]) {
    if (Number(row.dataset.sequence) <= lastSequence()) row.remove();
  }
});

document.body.addEventListener("htmx:wsAfterMessage", (event) => {
  unacknowledged += encoder.encode(event.detail.message).length;
  if (unacknowledged >= ACKNOWLEDGE_BYTES) {
    unacknowledged = 0;
    event.detail.socketWrapper.send(JSON.stringify({ received: lastSequence() }));
  }
  if (messages) tellReceived();
  if (lostAt !== null && isCaughtUp()) tellResumed();
  document.dispatchEvent(new CustomEvent("chatlog:received"));
});

for (const happening of ["online", "visibilitychange"]) {
  (happening === "online" ? window : document).addEventListener(happening, () => {
    if (timer !== null && document.visibilityState === "visible") comeBack(0);
  });
}

function comeBack(delay) {
  clearTimeout(timer);
  timer = setTimeout(() => {
    timer = null;
    if (!isConnecting && !isOpen && !isFinal) socket.reconnect();
  }, delay);
}

// The state of the session is sent to whoever has caught up, and only then.
function isCaughtUp() {
  const state = document.getElementById("session-state");
  return isOpen && state !== null && received() >= Number(state.dataset.count);
}

function received() {
  return isAtEnd() ? lastSequence() : told;
}

export function tellReceived() {
  if (!isAtEnd()) return; // the state says how many there are
  const state = document.getElementById("session-state");
  const [have, count] = [lastSequence(), Number(state.dataset.count)];
  if (state.dataset.state !== "running" && have >= count) return;
  const all = Math.max(have, count);
  document.getElementById("count").textContent = words.number(all);
  document.getElementById("received").textContent = words.get("live.received", { n: have, all });
}

function tellResumed() {
  const caughtUp = received() - lostAt;
  lostAt = null;
  show("live", caughtUp > 0 ? words.get("live.caught-up", { n: caughtUp }) : words.get("live.resumed"));
  setTimeout(() => isOpen && lostAt === null && show("live", words.get("live.connected")), 8_000);
}

function show(state, words) {
  if (!pill) return;
  pill.className = `pill ${state}`;
  pill.textContent = words;
}

// What is on the page is of another time than what is stored. Once; a second time would be a loop.
function reload() {
  const before = Number(sessionStorage.getItem("reloaded") ?? 0);
  if (Date.now() - before < 10_000) return show("lost", words.get("live.out-of-step"));
  sessionStorage.setItem("reloaded", Date.now());
  location.reload();
}

if (messages) tellReceived();
