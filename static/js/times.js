// "5 min ago" stays true while the page is open.

const UNITS = [["days", 86_400], ["h", 3_600], ["min", 60]];

function ago(seconds) {
  for (const [name, size] of UNITS) {
    const count = Math.floor(seconds / size);
    if (count >= 1) return `${count} ${name === "days" && count === 1 ? "day" : name} ago`;
  }
  return "now";
}

function refresh() {
  for (const time of document.querySelectorAll("time[data-relative]")) {
    time.textContent = ago((Date.now() - Date.parse(time.dateTime)) / 1000);
  }
}

refresh();
setInterval(refresh, 15_000);
