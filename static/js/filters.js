// Only one speaker, or only some kinds of remarks: the others on the page are hidden and counted. In the address, for a link.

const messages = document.getElementById("messages");
const line = document.getElementById("filtered");
const query = new URLSearchParams(location.search);

let only = query.get("by");
let kinds = query.has("kind") ? new Set(query.getAll("kind")) : null; // all of them

function buttons() {
  return [...document.querySelectorAll("[data-kinds]")];
}

// The kind of remark as its button names it; a word of the writer's own counts as an event.
function kindOf(kind) {
  const button = buttons().find((candidate) => candidate.dataset.kinds.split(" ").includes(kind));
  return (button ?? document.querySelector('[data-kinds~="event"]')).dataset.kinds.split(" ")[0];
}

function isOther({ dataset }) {
  return (only !== null && dataset.source !== only) || (kinds !== null && !kinds.has(kindOf(dataset.kind ?? "text")));
}

function paintButtons() {
  for (const button of document.querySelectorAll("[data-only]")) button.setAttribute("aria-pressed", button.dataset.only === only);
  for (const button of buttons()) button.setAttribute("aria-pressed", kinds === null || kinds.has(button.dataset.kinds.split(" ")[0]));
}

function count() {
  line.hidden = only === null && kinds === null;
  if (line.hidden) return;
  const shown = messages.children.length - messages.getElementsByClassName("other").length;
  const text = document.getElementById("told").dataset.filtered;
  line.firstElementChild.textContent = text.replace("{n}", shown).replace("{all}", messages.children.length);
}

function paint(rows = messages.children) {
  for (const row of rows) row.classList.toggle("other", isOther(row));
  count();
}

function change() {
  const address = new URL(location.href);
  for (const name of ["by", "kind"]) address.searchParams.delete(name);
  if (only !== null) address.searchParams.set("by", only);
  for (const kind of kinds ?? []) address.searchParams.append("kind", kind);
  history.replaceState(null, "", address);
  paintButtons();
  paint();
}

function toggleKind(kind) {
  const all = buttons().map((button) => button.dataset.kinds.split(" ")[0]);
  kinds ??= new Set(all);
  if (!kinds.delete(kind)) kinds.add(kind);
  if (!kinds.size || kinds.size === all.length) kinds = null;
  change();
}

export function showAll() {
  only = kinds = null;
  change();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-only], [data-kinds]");
  if (!button) return;
  if (button.dataset.kinds) return toggleKind(button.dataset.kinds.split(" ")[0]);
  only = button.dataset.only === only ? null : button.dataset.only;
  change();
});
line.querySelector("button").addEventListener("click", showAll);
document.addEventListener("chatlog:received", paintButtons); // the side is sent anew with each change of the session
new MutationObserver((changes) => {
  if (only === null && kinds === null) return;
  paint(changes.flatMap((change) => [...change.addedNodes]).filter((node) => node.dataset?.sequence));
}).observe(messages, { childList: true });

if (kinds) kinds = new Set([...kinds].map(kindOf));
paintButtons();
paint();
