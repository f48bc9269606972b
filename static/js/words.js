// Words in the page's language, which the server hands over as data (see dashboard/script_words.py), and figures as it writes them.

const { lang } = document.documentElement;
const words = JSON.parse(document.getElementById("words").textContent);
const numbers = new Intl.NumberFormat(lang);
const plurals = new Intl.PluralRules(lang);
const UNITS = [["day", 86_400], ["h", 3_600], ["min", 60], ["s", 1]];

export function number(n) {
  return numbers.format(n);
}

// The words of that name, with what belongs in their places; where a number `n` decides the form, in that form.
export function get(name, values = {}) {
  const found = words[name];
  const text = typeof found === "string" ? found : found[plurals.select(values.n)] ?? found.other;
  return text.replace(/\{(\w+)\}/g, (_, place) => (typeof values[place] === "number" ? number(values[place]) : values[place]));
}

function split(seconds) {
  let left = Math.max(0, Math.floor(seconds));
  const counts = UNITS.map(([name, size]) => {
    const n = Math.floor(left / size);
    left %= size;
    return { name, n };
  });
  const largest = counts.findIndex(({ n }) => n);
  return counts.slice(largest); // of nothing, the last: `0 s`
}

function say({ name, n }) {
  return get(name, { n });
}

// The largest unit: `5 min`.
export function roughly(seconds) {
  return say(split(seconds)[0]);
}

// The two largest units: `5 min 50 s`.
export function duration(seconds) {
  const [larger, smaller] = split(seconds);
  return smaller?.n ? get("together", { larger: say(larger), smaller: say(smaller) }) : say(larger);
}

// `now` within a minute, then `5 min ago`.
export function ago(seconds) {
  return seconds < 60 ? get("now") : get("ago", { length: roughly(seconds) });
}
