// The figures, kept up to date while somebody looks; and one stop of the Tab key for each chart, arrows within it.

import { morph } from "./morph.js";

const EVERY = 15_000; // ms
const figures = document.getElementById("usage");
const trouble = document.getElementById("trouble");
const parser = new DOMParser();
let last = "";

async function update() {
  if (document.hidden) return;
  try {
    const response = await fetch(figures.dataset.address, { cache: "no-cache" });
    if (response.redirected) return location.reload(); // logged out meanwhile: the login comes, and leads back here
    if (!response.ok) throw new Error(`${response.status}`);
    take(await response.text());
    tell("");
  } catch {
    tell(figures.dataset.lost);
  }
}

function take(html) {
  if (html === last) return;
  last = html;
  const fresh = figures.cloneNode(false);
  fresh.append(...parser.parseFromString(html, "text/html").body.childNodes);
  morph(figures, fresh);
  rove();
}

function tell(text) {
  trouble.textContent = text;
  trouble.hidden = !text;
}

// -- the keyboard: left and right from bar to bar, down into the parts of one, up to the whole of it

function bars(plot) {
  return [...plot.querySelectorAll(".column")];
}

// Without this script every bar is a stop.
function rove() {
  for (const plot of figures.querySelectorAll(".bars .plot")) {
    const all = bars(plot);
    const current = plot.contains(document.activeElement) ? document.activeElement : all.find((bar) => bar.tabIndex === 0 && bar.hasAttribute("tabindex"));
    for (const bar of all) bar.setAttribute("tabindex", "-1");
    (current ?? all.at(-1))?.setAttribute("tabindex", "0");
  }
}

function neighbour(link, key) {
  const group = link.closest("g");
  const links = [...group.querySelectorAll("a")];
  const all = bars(group.closest(".plot"));
  const here = all.indexOf(links[0]);
  switch (key) {
    case "ArrowLeft": return all[here - 1];
    case "ArrowRight": return all[here + 1];
    case "Home": return all[0];
    case "End": return all.at(-1);
    case "ArrowUp": return links[links.indexOf(link) + 1]; // parts begin at the bottom
    case "ArrowDown": return links[links.indexOf(link) - 1];
  }
}

figures.addEventListener("keydown", (event) => {
  const link = event.target.closest(".bars .plot a");
  if (!link || event.ctrlKey || event.metaKey || event.altKey) return;
  const next = neighbour(link, event.key);
  if (!next) return;
  event.preventDefault();
  for (const other of link.closest(".plot").querySelectorAll('[tabindex="0"]')) other.setAttribute("tabindex", "-1");
  next.setAttribute("tabindex", "0");
  next.focus();
});

// -- names of zones to choose from, once somebody wants to

document.querySelector("[name=tz]").addEventListener("focus", () => {
  const names = Intl.supportedValuesOf?.("timeZone") ?? [];
  document.getElementById("zones").replaceChildren(...["UTC", ...names].map((name) => new Option(name, name)));
}, { once: true });

rove();
setInterval(update, EVERY);
document.addEventListener("visibilitychange", update);
