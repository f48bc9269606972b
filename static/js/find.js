// Find in the session: the server says which remarks match, this goes from one to the next and marks the words in those shown.

import { findWords } from "./matching.js";
import { findRow, firstSequence, goTo } from "./windows.js";
import { lastSequence } from "./live.js";

const form = document.getElementById("find");
const box = form.elements.q;
const place = document.getElementById("find-place");
const messages = document.getElementById("messages");

let asked = null; // the text that the answer below is for
let found = { sequences: [], terms: [], problem: "" };
let here = -1; // which of the matches

async function ask() {
  const text = box.value.trim();
  const response = await fetch(`find?${new URLSearchParams({ q: text })}`, { headers: { Accept: "application/json" } });
  if (!response.ok || response.redirected) throw new Error(response.status);
  const answer = await response.json();
  if (text !== box.value.trim()) return false; // typed on meanwhile
  [asked, found, here] = [text, answer, -1];
  paint();
  return true;
}

function tellPlace() {
  const { sequences, problem } = found;
  const words = sequences.length === 1000 ? form.dataset.cut : form.dataset.place;
  place.textContent = problem || words.replace("{n}", here + 1).replace("{all}", sequences.length.toLocaleString());
}

// The first match from what is on the screen on, forwards, or backwards before it.
function nearest(step) {
  const rows = [...messages.children];
  const top = Number(rows.find((row) => row.getBoundingClientRect().bottom > 130)?.dataset.sequence ?? 0);
  const at = Number(location.hash.match(/^#message-(\d+)$/)?.[1] ?? 0);
  const from = at && findRow(at) ? at : top;
  const index = found.sequences.findIndex((sequence) => sequence >= from);
  if (step > 0) return index < 0 ? 0 : index;
  return (index < 0 ? found.sequences.length : index) - 1;
}

export async function step(by) {
  if (form.hidden) return;
  try {
    if (asked !== box.value.trim() && !(await ask())) return;
  } catch {
    place.textContent = form.dataset.failed;
    return;
  }
  const all = found.sequences.length;
  if (all) {
    here = ((here < 0 ? nearest(by) : here + by) + all) % all;
    await goTo(found.sequences[here]);
    paint();
  }
  tellPlace();
}

// Marks are ranges over the text: the remarks themselves stay as the server made them.
function paint() {
  if (!CSS.highlights) return;
  const isOpen = !form.hidden && found.sequences.length;
  const [first, last] = [firstSequence(), lastSequence()];
  const rows = isOpen ? found.sequences.filter((n) => n >= first && n <= last).map(findRow).filter(Boolean) : [];
  const ranges = rows.map((row) => [row, findWords(found.terms, row.querySelector(".body"))]);
  const current = findRow(found.sequences[here]);
  CSS.highlights.set("find", new Highlight(...ranges.filter(([row]) => row !== current).flatMap(([, marks]) => marks)));
  CSS.highlights.set("find-here", new Highlight(...ranges.filter(([row]) => row === current).flatMap(([, marks]) => marks)));
  const fold = isOpen && current?.querySelector("details.fold:not([open]), .unfold input:not(:checked)");
  if (fold) fold.matches("details") ? (fold.open = true) : (fold.checked = true);
}

export function openFind() {
  form.hidden = false;
  box.focus();
  box.select();
}

export function closeFind() {
  form.hidden = true;
  asked = null;
  found = { sequences: [], terms: [], problem: "" };
  place.textContent = "";
  paint();
  const address = new URL(location.href);
  address.searchParams.delete("find");
  history.replaceState(null, "", address);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  step(1);
});
form.addEventListener("keydown", (event) => {
  if (event.key === "Escape") closeFind();
  else if (event.key === "Enter" && event.shiftKey) {
    event.preventDefault();
    step(-1);
  }
});
document.getElementById("find-next").addEventListener("click", () => step(1));
document.getElementById("find-previous").addEventListener("click", () => step(-1));
document.getElementById("find-close").addEventListener("click", closeFind);
document.addEventListener("click", (event) => event.target.closest("#find-open") && (event.preventDefault(), openFind()));
new MutationObserver(paint).observe(messages, { childList: true });

// Arrived with words: from a search, on the remark it found.
if (!form.hidden && box.value.trim()) step(1);
else if (!form.hidden) openFind();
