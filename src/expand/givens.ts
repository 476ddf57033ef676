/**
 * @module What a question states and a rewrite must state too: numbers and symbols.
 */
import { IMAGE_MARKER } from "../model/prompt.js";

const SMALL_NUMBERS = [
  "zero",
  "one",
  "two",
  "three",
  "four",
  "five",
  "six",
  "seven",
  "eight",
  "nine",
  "ten",
  "eleven",
  "twelve",
];

/** The words, and the markers that stand before them. */
export function splitLeadingMarkers(text: string): { readonly markers: string; readonly words: string } {
  const markers = /^(?:\s*<image>)*\s*/.exec(text)?.[0] ?? "";
  return { markers, words: text.slice(markers.length) };
}

/** Letters and digits of a text, lower case, single spaces: what is left when layout does not count. */
export function plain(text: string): string {
  return text
    .normalize("NFKC")
    .toLowerCase()
    .replaceAll(IMAGE_MARKER, " ")
    .replace(/[\s,.;:!?"'“”‘’()[\]$]+/g, " ")
    .trim();
}

/** Numbers in digits, by value: `1,000`, `1000` and `1000.0` are one number. */
export function numbersOf(text: string): Set<number> {
  const grouped = text
    .replaceAll(IMAGE_MARKER, " ")
    .replace(/(?<![\d.,])\d{1,3}(?:(?:,|\{,\}|\\,)\d{3})+(?!\d)/g, (number) => number.replace(/\D/g, ""));
  return new Set([...grouped.matchAll(/\d+(?:\.\d+)?/g)].map(([digits]) => Number(digits)));
}

/** Numbers from zero to twelve that are written out. */
export function numberWordsOf(text: string): Set<number> {
  const words = new Set(text.toLowerCase().match(/[a-z]+/g) ?? []);
  return new Set(SMALL_NUMBERS.flatMap((word, value) => (words.has(word) ? [value] : [])));
}

/** Greek letters and constants by name, whether written as LaTeX or as a letter. */
const GREEK: Readonly<Record<string, string>> = {
  α: "alpha",
  β: "beta",
  γ: "gamma",
  δ: "delta",
  ε: "epsilon",
  θ: "theta",
  λ: "lambda",
  μ: "mu",
  π: "pi",
  ρ: "rho",
  σ: "sigma",
  τ: "tau",
  φ: "phi",
  ω: "omega",
  Δ: "Delta",
  Σ: "Sigma",
  Ω: "Omega",
};
const GREEK_NAMES = new Set(Object.values(GREEK));
/** `\Delta ABC` and `△ABC` are words for "triangle"; the others are words that are written large for emphasis. */
const NOT_GIVEN = new Set(
  "Delta ALL AND EACH EXCEPT FALSE IN IS LEAST MOST NO NONE NOT ONLY OR THE TRUE YES".split(" "),
);

function latexNames(text: string): string[] {
  return [...text.matchAll(/\\([a-zA-Z]+)/g)].flatMap(([, name = ""]) =>
    GREEK_NAMES.has(name) ? [name] : [],
  );
}

/**
 * Symbols a question is about: points and figures (`A`, `ABC`), variables (`x`), Greek letters. Units and words are
 * none. Single letters count inside formulas; outside, `a`, `A` and `I` may be words and do not.
 */
export function symbolsOf(text: string): Set<string> {
  const bare = text
    .replaceAll(IMAGE_MARKER, " ")
    .replace(/\\(?:text|mathrm|operatorname)\s*\{[^{}]*\}/g, " ");
  const formulas = [...bare.matchAll(/\$+([^$]+)\$+|\\\(([\s\S]+?)\\\)|\\\[([\s\S]+?)\\\]/g)];
  const inFormulas = formulas.map(([, a, b, c]) => a ?? b ?? c ?? "").join(" ");
  const withoutCommands = (part: string) => part.replace(/\\[a-zA-Z]+/g, " ");
  const letters = withoutCommands(inFormulas).match(/(?<![a-zA-Z])[a-zA-Z](?![a-zA-Z])/g) ?? [];
  const names = withoutCommands(bare).match(/(?<![a-zA-Z])[A-Z]{2,5}(?![a-zA-Z])/g) ?? [];
  const alone = withoutCommands(bare).match(/(?<![\w'’.]|\d )(?:[b-hj-zB-HJ-Z])(?![\w'’])/g) ?? [];
  const greek = [...bare].flatMap((letter) => GREEK[letter] ?? []);
  const all = [...letters, ...names, ...alone, ...greek, ...latexNames(bare)];
  return new Set(all.filter((symbol) => !NOT_GIVEN.has(symbol)));
}

/** Whether a symbol stands in a text, by itself or as a Greek letter in either notation. */
export function hasSymbol(text: string, symbol: string): boolean {
  if (GREEK_NAMES.has(symbol)) return symbolsOf(text).has(symbol);
  return new RegExp(`(?<![a-zA-Z])${symbol}(?![a-zA-Z])`).test(text);
}
