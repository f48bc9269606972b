// `/` goes to the search box, on every page. Among hits, arrows or j and k go from one to the next; Enter opens it, as any link.

const STEPS = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };

function goToBox() {
  const box = [...document.querySelectorAll("[data-search-box]")].find((candidate) => candidate.checkVisibility());
  if (!box) return document.querySelector(".to-search")?.click(); // no room for it on this screen: its page has one
  box.focus();
  box.select();
}

function move(step, from) {
  const hits = [...document.querySelectorAll("a.hit")];
  const here = hits.indexOf(from.closest("a.hit"));
  const next = here < 0 ? hits[0] : hits[here + step];
  if (next) next.focus();
  else if (here === 0) goToBox();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const types = event.target.closest("input, textarea, select, [contenteditable], dialog");
  const step = STEPS[event.key];
  if (event.key === "/" && !types) {
    event.preventDefault();
    goToBox();
  } else if (step && document.querySelector("a.hit") && (!types || (types.matches(".search-form input") && event.key === "ArrowDown"))) {
    event.preventDefault();
    move(step, event.target);
  }
});
