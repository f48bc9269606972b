// The part of the session that is on the page: more of it towards either end while its reader scrolls there, or another part.
// A part goes in only where it belongs: next to what is there, without a hole and without a double.

import { isAtEnd, lastSequence, takeUp, tellReceived } from "./live.js";

const NEAR = "1200px 0px"; // more is there before its reader is

const messages = document.getElementById("messages");
const loaded = new WeakSet(); // rows that were asked for, and not heard
let shown = 0; // which part: what was asked for to stand beside another has no place any more
const underWay = new Map();

export function firstSequence() {
  return Number(messages.firstElementChild?.dataset.sequence ?? 0);
}

export function isLoaded(row) {
  return loaded.has(row);
}

export function findRow(sequence) {
  return document.getElementById(`message-${sequence}`);
}

export function say(name, values = {}) {
  const place = document.getElementById("told");
  place.textContent = place.dataset[name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
  place.hidden = false;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => (place.hidden = true), 4_000);
}

async function fetchPart(query) {
  const response = await fetch(location.pathname + query, { headers: { "HX-Request": "true" } });
  if (response.redirected) location.reload(); // to the login
  if (!response.ok) throw new Error(`${response.status} for ${query}`);
  const part = new DOMParser().parseFromString(await response.text(), "text/html");
  const rows = [...part.body.children].filter((element) => element.dataset.sequence).map((row) => document.adoptNode(row));
  rows.forEach((row) => loaded.add(row));
  return { rows, earlier: part.getElementById("earlier"), later: part.getElementById("later") };
}

// What is being read stays where it is on the screen, whatever comes above it: also while the browser, over some frames, finds
// out how high the new rows are. Scrolling meanwhile is the reader's, and left alone.
const MENDED_FRAMES = 30;
let held = null;
let heldAt = 0;
let frames = 0;
let landed = null; // the row that was gone to last: as long as it is in sight, it is the one that stays

function heightOf(row) {
  return row.getBoundingClientRect().top + scrollY;
}

function mend() {
  if (!held?.isConnected) return;
  scrollBy({ top: heightOf(held) - heldAt, behavior: "instant" });
  heldAt = heightOf(held);
}

function keepMending() {
  mend();
  frames -= 1;
  if (frames > 0) requestAnimationFrame(keepMending);
  else document.documentElement.classList.remove("inserting");
}

function hold(row) {
  held = row;
  heldAt = row ? heightOf(row) : 0;
  document.documentElement.classList.add("inserting"); // or the browser would mend it a second time
  if (frames <= 0) requestAnimationFrame(keepMending);
  frames = MENDED_FRAMES;
}

function isInSight(row) {
  if (!row?.isConnected) return false;
  const { top, bottom } = row.getBoundingClientRect();
  return bottom > 100 && top < innerHeight;
}

function keepPlace(change) {
  mend();
  hold(isInSight(landed) ? landed : [...messages.children].find((row) => row.getBoundingClientRect().bottom > 100));
  change();
  mend();
}

// Brings a row into the upper part of the screen, where it stays.
export function land(row) {
  landed = row;
  row.scrollIntoView({ block: "start", behavior: "instant" });
  hold(row);
}

function replaceSide(side, part) {
  document.getElementById(side).replaceWith(part[side]);
  observer.observe(part[side]);
}

const SIDES = {
  earlier: {
    query: () => `?before=${firstSequence()}`,
    fits: (rows) => Number(rows.at(-1).dataset.sequence) === firstSequence() - 1,
    insert: (rows) => keepPlace(() => messages.prepend(...rows)),
  },
  later: {
    query: () => `?after=${lastSequence()}`,
    fits: (rows) => Number(rows[0].dataset.sequence) === lastSequence() + 1,
    insert: (rows) => keepPlace(() => messages.append(...rows)),
  },
};

async function addPart(side) {
  const before = shown;
  const part = await fetchPart(SIDES[side].query());
  if (shown !== before || (part.rows.length && !SIDES[side].fits(part.rows))) return;
  if (part.rows.length) SIDES[side].insert(part.rows);
  if (part.rows.length || side === "later") replaceSide(side, part);
  if (side === "later" && isAtEnd()) arriveAtEnd();
}

function arriveAtEnd() {
  takeUp();
  tellReceived();
  document.dispatchEvent(new CustomEvent("chatlog:later"));
}

// Adds the next part on one side, `earlier` or `later`; nothing at the ends of the session.
export function load(side) {
  if (document.getElementById(side).hidden) return Promise.resolve();
  if (!underWay.has(side)) {
    const work = addPart(side)
      .catch(() => say("failed")) // the link stays, to try again
      .finally(() => underWay.delete(side));
    underWay.set(side, work);
  }
  return underWay.get(side);
}

async function replace(query) {
  const mine = ++shown;
  const part = await fetchPart(query);
  if (shown !== mine || !part.rows.length) return;
  messages.replaceChildren(...part.rows);
  replaceSide("earlier", part);
  replaceSide("later", part);
  document.dispatchEvent(new CustomEvent("chatlog:replaced"));
  if (isAtEnd()) arriveAtEnd();
}

// The address of a remark, in a session of any length.
export function addressOf(sequence) {
  return new URL(`?at=${sequence}#message-${sequence}`, location.href);
}

function rewriteAddress({ at, hash = location.hash }) {
  const address = new URL(location.href);
  for (const name of ["at", "before", "after"]) address.searchParams.delete(name);
  if (at) address.searchParams.set("at", at);
  address.hash = hash;
  history.replaceState(null, "", address);
}

// Shows a remark in its place, marked; what is around it is fetched if it is not here. Returns its row, or nothing.
export async function goTo(sequence) {
  try {
    if (!findRow(sequence)) await replace(`?at=${sequence}`);
  } catch {
    return say("failed");
  }
  const row = findRow(sequence);
  if (!row) return say("missing", { n: sequence });
  location.replace(`#${row.id}`); // marks it, which an address put there by a script would not
  rewriteAddress({ at: sequence });
  land(row);
  return row;
}

// Shows the newest part, or the one that begins the session.
export async function goToNewest() {
  if (isAtEnd()) return;
  try {
    await replace("");
  } catch {
    return say("failed");
  }
  rewriteAddress({ hash: "" });
}

export async function goToFirst() {
  if (firstSequence() > 1) return goTo(1);
}

const observer = new IntersectionObserver(async (entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    observer.unobserve(target);
    await load(target.id);
    // Nothing was added: not at once again, but when its reader comes back to it.
    const link = document.getElementById(target.id);
    if (link === target) setTimeout(() => observer.observe(target), 5_000);
  }
}, { rootMargin: NEAR });

document.addEventListener("click", (event) => {
  const side = event.target.closest("#earlier a, #later a")?.parentElement.id;
  if (!side) return;
  event.preventDefault();
  load(side);
});

addEventListener("hashchange", () => {
  const sequence = Number(location.hash.match(/^#message-(\d+)$/)?.[1]);
  if (sequence && !findRow(sequence)) goTo(sequence);
});

// Arrived with an address of a remark: one without a mark, or one that is in another part.
const wanted = Number(location.hash.match(/^#message-(\d+)$/)?.[1] ?? new URLSearchParams(location.search).get("at"));
if (wanted && (!location.hash || !findRow(wanted))) goTo(wanted);
else if (wanted) land(findRow(wanted));
for (const side of ["earlier", "later"]) observer.observe(document.getElementById(side));
