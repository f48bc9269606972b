// What belongs to this person, put onto the rows that come in live: those are the same for everybody. And small comforts.

import { connectAgain } from "./live.js";

const list = document.getElementById("list");
const starred = document.getElementById("starred");
const mine = new Map(); // by session: { star: "true" or "false", read: how far, or undefined }

function remember(row) {
  mine.set(row.dataset.session, { star: starOf(row).getAttribute("aria-pressed"), read: row.dataset.read });
}

function starOf(row) {
  return row.querySelector(".star");
}

function dress(row) {
  const known = mine.get(row.dataset.session);
  if (!known) return remember(row); // it has only just begun
  const star = starOf(row);
  star.setAttribute("aria-pressed", known.star);
  star.value = known.star === "true" ? "0" : "1";
  if (known.read === undefined) return;
  row.dataset.read = known.read;
  const count = Number(row.dataset.count) - Number(known.read);
  const label = row.querySelector(".new");
  label.hidden = count <= 0;
  label.textContent = list.dataset.new.replace("%s", count.toLocaleString(document.documentElement.lang));
}

// A starred session has its place in the group on top; a row of it that came in live takes the place of the one there.
function moveUp(row) {
  const there = [...(starred?.children ?? [])].find((other) => other.dataset.session === row.dataset.session);
  if (there && there !== row) there.replaceWith(row);
}

function takeIn() {
  for (const row of list.querySelectorAll(".session")) {
    dress(row);
    moveUp(row);
  }
  if (starred) [...starred.children].forEach(dress);
}

// While somebody edits a session, no row may be taken from under their hands, nor while an answer is on its way: it would come
// into a row that is no longer there. Afterwards the list is sent anew.
const EDITED = ".session :is(.edit-form, .htmx-request)";
let isBehind = false;
document.body.addEventListener("htmx:oobBeforeSwap", (event) => {
  if (!document.querySelector(EDITED) || event.detail.target.id === "notice") return;
  event.detail.shouldSwap = false;
  isBehind = true;
});

function showAnew() {
  if (list.hasAttribute("ws-connect")) connectAgain();
  else location.reload();
}

function closeForm(form) {
  form?.remove();
  catchUp();
}

function catchUp() {
  if (!isBehind || document.querySelector(EDITED)) return;
  isBehind = false;
  connectAgain();
}

document.querySelectorAll(".session").forEach(remember);
document.addEventListener("chatlog:received", takeIn);

// Until it has settled, a new row bears the marks of the old one, that a request is under way among them.
document.body.addEventListener("htmx:afterSettle", catchUp);

// A star was pressed: what the page was rendered with is no longer so.
document.body.addEventListener("htmx:afterRequest", (event) => {
  setTimeout(catchUp); // once the form is gone with the answer
  // A row that was taken off here and brought back before the list was read again is no news to the server.
  if (event.detail.requestConfig.elt.closest("#notice")) showAnew();
  const star = event.detail.requestConfig.elt.closest(".star"); // by now it is no longer on the page
  if (!star || !event.detail.successful) return;
  mine.get(star.closest(".session").dataset.session).star = star.value === "1" ? "true" : "false";
  document.querySelectorAll(".session").forEach(dress);
});

// The edit form is closed without a way through another page.
document.addEventListener("click", (event) => {
  const cancel = event.target.closest(".session .edit-form .cancel");
  if (!cancel) return;
  event.preventDefault();
  const row = cancel.closest(".session");
  closeForm(cancel.closest(".edit-form"));
  row.querySelector(".edit").focus();
});
document.addEventListener("click", (event) => {
  const edit = event.target.closest(".session .edit");
  const open = edit?.closest(".session").querySelector(".edit-form");
  if (open) {
    event.preventDefault();
    event.stopImmediatePropagation();
    closeForm(open);
  }
}, true);

// Filters apply as they are chosen; whoever goes on with the keyboard goes on where they were.
const form = document.querySelector(".filters form");
form.addEventListener("change", (event) => {
  if (event.target.value === "" && event.target.matches("[list]")) return;
  sessionStorage.setItem("filter", `${event.target.name}=${event.target.type === "checkbox" ? event.target.value : ""}`);
  form.requestSubmit();
});
// Empty fields would only make the address longer.
form.addEventListener("submit", () => {
  for (const field of form.elements) if (field.name && field.value === "") field.disabled = true;
});
addEventListener("pageshow", () => {
  for (const field of form.elements) field.disabled = false;
});
const [name, value] = (sessionStorage.getItem("filter") ?? "").split("=");
sessionStorage.removeItem("filter");
if (name) [...form.elements].find((field) => field.name === name && (!value || field.value === value) && field.type !== "hidden")?.focus();
if (matchMedia("(min-width: 1001px)").matches) document.getElementById("filters").open = true;
