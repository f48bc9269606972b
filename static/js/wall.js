// The silences on the wall go on by themselves, by the server's clock: the two may differ.

import * as words from "./words.js";

const ahead = Date.now() - Date.parse(document.querySelector("[data-now]").dataset.now);

function tick() {
  for (const time of document.querySelectorAll("[data-silent]")) {
    const silence = words.duration((Date.now() - ahead - Date.parse(time.dateTime)) / 1000);
    if (time.textContent !== silence) time.textContent = silence;
  }
}

function tellRunning() {
  const n = Number(document.getElementById("wall").dataset.running);
  document.title = `${words.get("wall.running", { n })} · chatlog`;
}

function refresh() {
  tick();
  tellRunning();
}

document.addEventListener("chatlog:received", refresh);
refresh();
setInterval(tick, 1000);
