/**
 * @module LaTeX to plain text, as far as answers need it: what pylatexenc 2.10 prints, its losses included.
 *
 * Fractions become numerator/denominator without grouping, the index of a root is dropped, superscripts keep their
 * caret and lose their braces, and a macro that is not known prints nothing (its arguments stay).
 */
import { own } from "../../core/own.js";
import { MATH_ALPHABETS, SYMBOLS } from "./latexSymbols.js";
import { isSpaceAt } from "./pythonSpace.js";

/** Groups nested deeper are not converted: the caller keeps the LaTeX. */
const DEEPEST = 60;

/** Macros that print their argument and nothing else. */
const TRANSPARENT = new Set([
  "text",
  "textbf",
  "textit",
  "textrm",
  "textsf",
  "texttt",
  "mathrm",
  "operatorname",
]);

/** Accents print a combining character after their argument. */
const ACCENTS: Readonly<Record<string, string>> = {
  vec: "\u20d7",
  hat: "\u0302",
  bar: "\u0305",
  dot: "\u0307",
  ddot: "\u0308",
  tilde: "\u0303",
};

/** Runs of characters that TeX prints as one. */
const LIGATURES = [
  ["---", "—"],
  ["--", "–"],
  ["``", "“"],
  ["''", "”"],
] as const;

/** Macros whose argument is not printed. */
const SILENT = new Set(["mbox", "hspace", "vspace"]);

/** The text and how far it is read; every function here moves `at`. */
interface Reader {
  readonly source: string;
  at: number;
}

/** `\name` or `\` and one character; white space after a name is swallowed. */
function readMacro(reader: Reader): string {
  const rest = /^[a-zA-Z]+/.exec(reader.source.slice(reader.at + 1, reader.at + 41));
  const name = rest ? rest[0] : (reader.source[reader.at + 1] ?? "");
  reader.at += 1 + name.length;
  if (rest) skipSpaces(reader);
  return name;
}

function skipSpaces(reader: Reader): void {
  while (isSpaceAt(reader.source, reader.at)) reader.at++;
}

/** One argument: a braced group, a macro, or a single character. */
function readArgument(reader: Reader, depth: number): string {
  skipSpaces(reader);
  const unit = reader.source[reader.at];
  if (unit === undefined || unit === "}") return "";
  if (unit === "{") return readGroup(reader, depth);
  if (unit === "\\") return bareMacro(readMacro(reader));
  reader.at++;
  return unit;
}

/** A macro that is itself an argument takes none: `\sqrt\pi` is √(π), but `\sqrt\textbf{a}` is √() and then a. */
function bareMacro(name: string): string {
  if (name === "frac") return "%s/%s";
  if (name === "sqrt") throw new RangeError("latexToText: root without radicand");
  return own(SYMBOLS, name) ?? "";
}

/** Everything up to the closing brace; an unclosed group ends with the text. */
function readGroup(reader: Reader, depth: number): string {
  reader.at++;
  const content = readUntilBrace(reader, depth + 1);
  reader.at++;
  return content;
}

/** Skips `[…]` if it follows. */
function skipOption(reader: Reader): void {
  skipSpaces(reader);
  if (reader.source[reader.at] !== "[") return;
  const end = reader.source.indexOf("]", reader.at);
  if (end < 0) throw new RangeError("latexToText: [ without ]");
  reader.at = end + 1;
}

function inAlphabet(text: string, alphabet: { readonly upper: number; readonly lower: number }): string {
  return text.replace(/[A-Za-z]/g, (letter) => {
    const code = letter.charCodeAt(0);
    const [base, first] = code < 91 ? [alphabet.upper, 65] : [alphabet.lower, 97];
    return String.fromCodePoint(base + code - first);
  });
}

function expandMacro(reader: Reader, depth: number): string {
  const name = readMacro(reader);
  if (name === "frac") {
    const numerator = readArgument(reader, depth);
    return `${numerator}/${readArgument(reader, depth)}`;
  }
  if (name === "sqrt") {
    skipOption(reader);
    return `√(${readArgument(reader, depth)})`;
  }
  if (TRANSPARENT.has(name)) return readArgument(reader, depth);
  if (SILENT.has(name)) {
    readArgument(reader, depth);
    return "";
  }
  const alphabet = own(MATH_ALPHABETS, name);
  if (alphabet) return inAlphabet(readArgument(reader, depth), alphabet);
  const accent = own(ACCENTS, name);
  if (accent) return (readArgument(reader, depth) + accent).normalize("NFC");
  return own(SYMBOLS, name) ?? "";
}

function readUntilBrace(reader: Reader, depth: number): string {
  if (depth > DEEPEST) throw new RangeError("latexToText: groups nested too deep");
  const parts: string[] = [];
  while (reader.at < reader.source.length) {
    const unit = reader.source[reader.at] as string;
    if (unit === "}" && depth > 0) break;
    if (unit === "\\") parts.push(expandMacro(reader, depth));
    else if (unit === "{") parts.push(readGroup(reader, depth));
    else {
      const ligature = LIGATURES.find(([run]) => run[0] === unit && reader.source.startsWith(run, reader.at));
      reader.at += ligature ? ligature[0].length : 1;
      if (ligature) parts.push(ligature[1]);
      else if (unit === "%") skipComment(reader);
      else if (unit === "~") parts.push("\u00a0");
      else if (unit !== "}" && unit !== "$") parts.push(unit);
    }
  }
  return parts.join("");
}

function skipComment(reader: Reader): void {
  const end = reader.source.indexOf("\n", reader.at);
  reader.at = end < 0 ? reader.source.length : end + 1;
}

/** The text, or null when groups are nested deeper than any answer's or an option is not closed. */
export function latexToText(latex: string): string | null {
  const opened = latex.match(/[{\\]/g)?.length ?? 0;
  if (opened > 2000) return null;
  try {
    return readUntilBrace({ source: latex, at: 0 }, 0);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
