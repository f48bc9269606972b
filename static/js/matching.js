// Where words occur in what is on the page, as nearly as a browser can tell what the server's rule (chatlog/domain/search.py)
// finds: half- and full-width, case and accents do not matter, a word of a script with spaces counts from where a word begins.

const MARKS = /[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f]/gu;
const UNSPACED = "\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}\\p{Script=Tibetan}ー々";
const SPACED = `(?![${UNSPACED}])[\\p{L}\\p{N}]`;
const CLUSTER = /[^][\p{M}\uff9e\uff9f]*/gu;

function formOf(cluster) {
  const folded = cluster.normalize("NFKD").toLowerCase().replaceAll("ß", "ss").replaceAll("ς", "σ").normalize("NFKD");
  return folded.replace(MARKS, "").normalize("NFC").replace(/\s+/gu, " ");
}

// A text in its search form, and where each of its letters came from.
function trace(text) {
  let form = "";
  const [starts, ends] = [[], []];
  for (const { 0: cluster, index } of text.matchAll(CLUSTER)) {
    const piece = formOf(cluster);
    if (piece === " " && form.endsWith(" ")) continue;
    form += piece;
    for (let n = 0; n < piece.length; n += 1) {
      starts.push(index);
      ends.push(index + cluster.length);
    }
  }
  return { form, starts, ends };
}

function patternOf([text, isQuoted]) {
  const begins = new RegExp(`^${SPACED}`, "u").test(text);
  const ends = isQuoted && new RegExp(`${SPACED}$`, "u").test(text);
  const letters = text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  return new RegExp(`${begins ? `(?<!${SPACED})` : ""}${letters}${ends ? `(?!${SPACED})` : ""}`, "gu");
}

// Ranges over the words inside an element.
export function findWords(terms, element) {
  const patterns = terms.map(patternOf);
  const ranges = [];
  const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const { form, starts, ends } = trace(node.data);
    for (const pattern of patterns) {
      for (const { 0: word, index } of form.matchAll(pattern)) {
        const range = new Range();
        range.setStart(node, starts[index]);
        range.setEnd(node, ends[index + word.length - 1]);
        ranges.push(range);
      }
    }
  }
  return ranges;
}
