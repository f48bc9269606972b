// The live connection: htmx swaps what comes in; this module sees to it that nothing is missing, doubled or out of order.
// Whatever happens to the connection, the next one asks for what comes after the last remark on the page.

const RELOAD = 4409;
// The server says why in words before it closes with one of these; coming back would change nothing.
const FINAL = { 4400: "stopped", 4401: "logged out", 4403: "refused", 4404: "not found", 4429: "too many pages" };
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
let lostAt = null; // the last remark on the page when the connection was lost, until it is caught up

export function lastSequence() {
  return Number(messages?.lastElementChild?.dataset.sequence ?? 0);
}

htmx.config.wsReconnectDelay = () => NEVER;
htmx.createWebSocket = (address) => {
  const url = new URL(address);
  if (messages) url.searchParams.set("after", lastSequence());
  return new WebSocket(url);
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
  if (lostAt === null || !messages) {
    lostAt = null;
    show("live", "connected");
  }
});

document.body.addEventListener("htmx:wsClose", (event) => {
  socket = event.detail.socketWrapper;
  isConnecting = isOpen = false;
  clearTimeout(stableTimer);
  const { code } = event.detail.event;
  if (code === RELOAD) return reload();
  if (code in FINAL) {
    isFinal = true;
    return show("lost", FINAL[code]);
  }
  lostAt ??= lastSequence();
  show("waiting", "connection lost, trying again");
  comeBack(Math.random() * Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** attempts));
  attempts += 1;
});

document.body.addEventListener("htmx:wsBeforeMessage", (event) => {
  const range = event.detail.message.match(/^<ol [^>]*data-first="(\d+)" data-last="(\d+)"/);
  if (!range) return;
  const [first, last] = [Number(range[1]), Number(range[2])];
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
  return isOpen && state !== null && lastSequence() >= Number(state.dataset.count);
}

function tellReceived() {
  const state = document.getElementById("session-state");
  const [have, count] = [lastSequence(), Number(state.dataset.count)];
  if (state.dataset.state !== "running" && have >= count) return;
  const all = Math.max(have, count);
  document.getElementById("count").textContent = all.toLocaleString("en");
  document.getElementById("received").textContent = `${have.toLocaleString("en")} of ${all.toLocaleString("en")} received`;
}

function tellResumed() {
  const caughtUp = lastSequence() - lostAt;
  lostAt = null;
  show("live", caughtUp > 0 ? `resumed, ${caughtUp.toLocaleString("en")} caught up` : "resumed");
  setTimeout(() => isOpen && lostAt === null && show("live", "connected"), 8_000);
}

function show(state, words) {
  if (!pill) return;
  pill.className = `pill ${state}`;
  pill.textContent = words;
}

// What is on the page is of another time than what is stored. Once; a second time would be a loop.
function reload() {
  const before = Number(sessionStorage.getItem("reloaded") ?? 0);
  if (Date.now() - before < 10_000) return show("lost", "out of step; reload the page");
  sessionStorage.setItem("reloaded", Date.now());
  location.reload();
}

if (messages) tellReceived();
