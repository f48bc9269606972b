// Times in the reader's zone, told to the server in a cookie; and "5 min ago" stays true while the page is open.

import { ago } from "./words.js";

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const { documentElement: root } = document;

function tellZone() {
  if (!zone || document.cookie.split("; ").includes(`timezone=${zone}`)) return;
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `timezone=${zone}; path=/; max-age=31536000; samesite=lax${secure}`;
}

// A page that was made before the server knew the zone: what its times show, they show in the zone now.
function moveIntoZone() {
  const clock = new Intl.DateTimeFormat("en-CA", { dateStyle: "short", timeStyle: "medium", hourCycle: "h23", timeZone: zone });
  const short = new Intl.DateTimeFormat(root.lang, { timeZoneName: "short", timeZone: zone });
  for (const time of document.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    const { year, month, day, hour, minute, second } = Object.fromEntries(clock.formatToParts(at).map(({ type, value }) => [type, value]));
    const name = short.formatToParts(at).find(({ type }) => type === "timeZoneName").value;
    const move = (text) => text
      .replace(/\d{4}-\d\d-\d\d/, `${year}-${month}-${day}`)
      .replace(/\b\d\d:\d\d(:\d\d)?( [A-Z+\-\d:]+)?/, (_, seconds, abbreviation) => `${hour}:${minute}${seconds ? `:${second}` : ""}${abbreviation ? ` ${name}` : ""}`);
    if (!time.childElementCount) time.textContent = move(time.textContent);
    if (time.title) time.title = move(time.title);
  }
  for (const place of document.querySelectorAll("[data-zone-name]")) place.textContent = zone;
}

function refresh() {
  for (const time of document.querySelectorAll("time[data-relative]")) {
    time.textContent = ago((Date.now() - Date.parse(time.dateTime)) / 1000);
  }
}

tellZone();
if (zone && zone !== root.dataset.zone) moveIntoZone();
refresh();
setInterval(refresh, 15_000);
