/**
 * @module Numbers as people and models write them: thousands commas, TeX, units, percent signs. For `fixed` scoring.
 */
import { asciiForms } from "../../src/core/asciiForms.js";
import { isUnitWord } from "../../src/reward/math/units.js";
import { latexValue } from "./latexArithmetic.js";
import { pythonFloat } from "./python.js";
import { type Reading, RULE } from "./reading.js";
import { toNumber } from "./real.js";

const PLAIN = String.raw`[-+−]?(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+)`;
/** A number with a unit behind it: `14 cm`, `60°`, `12.5%`. */
const WITH_UNIT = new RegExp(
  String.raw`^(${PLAIN})\s*((?:[\p{L}°µ%/]|\\%)(?:[\p{L}°µ%²³/]|\\%|\^\{?\d\}?)*)$`,
  "u",
);
/** Letters behind a number that are no unit multiply it: x, πr, xy. */
const FACTOR = /^(?:.*π.*|pi|sqrt|(?![mgshLlNJWVAKCF])\p{L})(?:[²³]|\^\{?\d\}?)?$/u;
const TWO_LETTERS = /^\p{L}{2}$/u;

function isFactor(unit: string): boolean {
  return FACTOR.test(unit) || (TWO_LETTERS.test(unit) && !isUnitWord(unit));
}
/** TeX around a number that says nothing about its value. */
const DRESS =
  /\\(?:text|textbf|mathrm|mathbf|mbox)\s*\{([^{}]*)\}|\\[,;:! ()[\]]|\\?\$|[€£¥₹]|\^\s*\{?\s*\\circ\s*\}?|°/g;

/** Commas between groups of three digits. */
const GROUPS = /(?<=\d),(?=\d{3}(?!\d))/g;
/** Braces around all there is. */
const IN_BRACES = /^(?:\\?\{){1,9}([^{}]*?)(?:\\?\}){1,9}$/;
/** Groups of three digits with spaces between them. */
const SPACED_GROUPS = /^[-+−]?\d{1,3}(?:[ \u00a0\u2009\u202f]\d{3})+(?:\.\d+)?$/;
/** Two numbers side by side mean nothing but a mixed number. */
const SIDE_BY_SIDE = /\d\s+\d/;
const MIXED = /^([-+−–]?)(\d+)\s+(\d+)\s*\/\s*(\d+)$/;
const EMPHASIS = /^[\s*_`]+|[\s*_`]+$/g;

function plainNumber(text: string): number | undefined {
  const joined = SPACED_GROUPS.test(text) ? text.replaceAll(/\s/g, "") : text;
  return pythonFloat(joined.replaceAll(GROUPS, "").replace(/^[−–]/, "-"));
}

/** `1 1/2`, which a LaTeX reader takes for (1 + 1)/2. */
function mixedNumber(text: string): number | undefined {
  const [, sign = "", whole, top, bottom] = MIXED.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const value = Number(whole) + Number(top) / Number(bottom);
  return sign === "" || sign === "+" ? value : -value;
}

function latexNumber(text: string): number | undefined {
  const bare = text.replaceAll(GROUPS, "").replace(IN_BRACES, "$1");
  const value = SIDE_BY_SIDE.test(bare) ? undefined : latexValue(bare, "latex2sympy2_extended");
  return value === undefined ? undefined : toNumber(value);
}

/** The number a text is; undefined when it is none. Units are not compared: the question names them. */
export function numberOf(text: string): number | undefined {
  const bare = asciiForms(text).replaceAll(DRESS, "$1").replaceAll(EMPHASIS, "");
  const [, number, unit = ""] = WITH_UNIT.exec(bare) ?? [];
  const value =
    plainNumber(bare) ??
    (number === undefined || isFactor(unit) ? undefined : plainNumber(number)) ??
    mixedNumber(bare) ??
    latexNumber(bare);
  return value === undefined || !Number.isFinite(value) ? undefined : value;
}

/** Whole ones: not a part of a longer number, of a word, or of a list without spaces. */
const NUMBERS = new RegExp(String.raw`(?<![\p{L}\p{N}.]|\d,)${PLAIN}(?![\p{L}\p{N}]|[.,]\d)`, "gu");

/** The only number of a text, however often it stands there. */
export function onlyNumber(text: string): Reading | undefined {
  const found = new Set(text.match(NUMBERS) ?? []);
  const [only] = found;
  return found.size === 1 && only !== undefined ? { text: only, rule: RULE.onlyNumber } : undefined;
}

/** Whether two texts are the same number; undefined where one of them is none. */
export function sameValue(answer: string, gold: string, places?: number): boolean | undefined {
  const truth = numberOf(gold);
  const given = truth === undefined ? undefined : numberOf(answer);
  return given === undefined || truth === undefined ? undefined : sameNumber(given, truth, places);
}

/** Whether two numbers are the same after rounding to `places`; with `places` undefined, up to float noise. */
export function sameNumber(one: number, other: number, places?: number): boolean {
  const within = places === undefined ? 1e-9 * Math.max(1, Math.abs(other)) : 0.5 * 10 ** -places + 1e-9;
  return Math.abs(one - other) <= within;
}
