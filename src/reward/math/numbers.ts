/**
 * @module Reads the digits of a number token exactly, and numbers written as words.
 */
import type { Expression } from "../symbolic/expression.js";
import { UnsupportedExpression } from "../symbolic/unsupported.js";

/** Longer numbers are compared as text. */
const MOST_DIGITS = 300;

/** Decimals of at least ten significant digits were rounded by a machine: 0.3333333333 stands for 1/3. */
const LEAST_ROUNDED = 10n ** 9n;

const PATTERN = /^(\d*)(?:\.(\d*)(?:\((\d+)\))?)?(?:e([+-]?\d+))?$/;

function tens(power: number): bigint {
  return 10n ** BigInt(power);
}

/** @throws UnsupportedExpression when the number is too long or its exponent too large */
export function literalOf(text: string): Expression {
  const [, whole = "", decimals = "", repeating = "", exponentText = "0"] = PATTERN.exec(text) ?? [];
  const exponent = Number(exponentText);
  const length = whole.length + decimals.length + repeating.length + Math.abs(exponent);
  if (length > MOST_DIGITS) throw new UnsupportedExpression("number too long");
  const isWhole = decimals === "" && repeating === "" && exponent >= 0;
  if (isWhole) return { kind: "integer", value: BigInt(whole) * tens(exponent) };
  const scale = tens(decimals.length);
  const cycle = repeating === "" ? 1n : tens(repeating.length) - 1n;
  const top = BigInt(`0${whole}${decimals}`) * cycle + BigInt(`0${repeating}`);
  const [up, down] = exponent < 0 ? [1n, tens(-exponent)] : [tens(exponent), 1n];
  const isRounded = repeating === "" && top >= LEAST_ROUNDED;
  const rounded = isRounded ? { digits: top } : {};
  return { kind: "fraction", top: top * up, bottom: scale * cycle * down, ...rounded };
}

const SMALL =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty".split(
    " ",
  );
const TENS = "thirty forty fifty sixty seventy eighty ninety hundred".split(" ");

/** What a number word stands for: "five", "thirty". */
export const NUMBER_WORDS: ReadonlyMap<string, number> = new Map([
  ...SMALL.map((word, value) => [word, value] as const),
  ...TENS.map((word, at) => [word, 10 * (at + 3)] as const),
]);

/** Words that multiply the number before them. */
export const MULTIPLIERS: ReadonlyMap<string, bigint> = new Map([
  ["dozen", 12n],
  ["hundred", 100n],
  ["thousand", 1000n],
  ["million", tens(6)],
  ["billion", tens(9)],
  ["trillion", tens(12)],
]);
