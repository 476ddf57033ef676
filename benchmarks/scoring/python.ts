/**
 * @module Text and numbers as Python reads them, where VLMEvalKit's verdicts depend on it: white space, `int()`,
 * `float()`.
 */

/** What `str.split()` and `str.strip()` take for white space: JavaScript's `\s` differs by five characters. */
const SPACE = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const SPACES = new RegExp(`${SPACE}+`);
const SPACE_AROUND = new RegExp(`^${SPACE}+|${SPACE}+$`, "g");

/** `text.split()`: the runs between white space. */
export function splitWords(text: string): string[] {
  return text.split(SPACES).filter((word) => word !== "");
}

/** `text.strip()`. */
export function strip(text: string): string {
  return text.replace(SPACE_AROUND, "");
}

/** Where five runs of mathematical digits touch; elsewhere runs of ten stand alone. */
const MATHEMATICAL_ZERO = 0x1d7ce;

/** The value of a decimal digit of any script: Unicode numbers them in runs of ten. */
function digitValue(digit: string): number {
  const code = digit.codePointAt(0) ?? 0;
  if (code >= MATHEMATICAL_ZERO && code < MATHEMATICAL_ZERO + 50) return (code - MATHEMATICAL_ZERO) % 10;
  let zero = code;
  while (/\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero--;
  return code - zero;
}

function asciiDigits(text: string): string {
  return text.replace(/[^\P{Nd}0-9]/gu, (digit) => String(digitValue(digit)));
}

const INTEGER = /^[+-]?\d+(?:_\d+)*$/;
const FLOAT = /^[+-]?(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+(?:_\d+)*)?$/;
const SPECIAL = /^([+-]?)(?:(inf(?:inity)?)|nan)$/i;
/** Longer texts are no numbers that anyone meant; Python itself refuses integers beyond 4,300 digits. */
const LONGEST = 4300;

/** `int(text)`, or undefined where Python raises ValueError. */
export function pythonInt(text: string): bigint | undefined {
  const digits = asciiDigits(strip(text));
  if (digits.length > LONGEST || !INTEGER.test(digits)) return undefined;
  return BigInt(digits.replaceAll("_", "").replace("+", ""));
}

/** `float(text)`, or undefined where Python raises ValueError. */
export function pythonFloat(text: string): number | undefined {
  const digits = asciiDigits(strip(text));
  if (digits.length > LONGEST) return undefined;
  if (FLOAT.test(digits)) return Number(digits.replaceAll("_", ""));
  const special = SPECIAL.exec(digits);
  if (!special) return undefined;
  if (special[2] === undefined) return Number.NaN;
  return special[1] === "-" ? -Infinity : Infinity;
}
