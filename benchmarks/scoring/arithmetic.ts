/**
 * @module Plain arithmetic as Python's `eval` computes it, read by a grammar: model text is never run.
 *
 * Numbers (with `_`, exponents, hexadecimal), `+ - * / // % **`, the bitwise `^` that Python takes a caret for, signs,
 * parentheses, and the names that the caller gives. Everything else has no value, as where Python raises an error or
 * returns what has no difference to a number.
 *
 * Departures from `eval`: comparisons (`3<5` is 1 in Python), calls (`round(5.2)`), complex numbers, `& | ~ << >>`.
 */

export type Variables = Readonly<Record<string, number>>;

/** Longer texts, or more brackets within each other, have no value. */
const LONGEST = 2000;
const DEEPEST = 50;

type Operator = (left: number, right: number) => number | undefined;

/** Exact while integers fit into a double; a larger power or product is rounded, a zero divisor has no value. */
const OPERATORS: Readonly<Record<string, { readonly level: number; readonly apply: Operator }>> = {
  "^": { level: 1, apply: exclusiveOr },
  "+": { level: 2, apply: (left, right) => left + right },
  "-": { level: 2, apply: (left, right) => left - right },
  "*": { level: 3, apply: (left, right) => left * right },
  "/": { level: 3, apply: (left, right) => (right === 0 ? undefined : left / right) },
  "//": { level: 3, apply: (left, right) => (right === 0 ? undefined : Math.floor(left / right)) },
  "%": {
    level: 3,
    apply: (left, right) => (right === 0 ? undefined : left - right * Math.floor(left / right)),
  },
};
const UNARY_LEVEL = 4;

function exclusiveOr(left: number, right: number): number | undefined {
  if (!Number.isSafeInteger(left) || !Number.isSafeInteger(right)) return undefined;
  return Number(BigInt(left) ^ BigInt(right));
}

const TOKEN =
  /[ \t]*(?:(?<number>0[xX][0-9a-fA-F]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?)|(?<name>[A-Za-z]\w*)|(?<sign>\*\*|\/\/|[-+*/%^()]))/y;

interface Token {
  readonly kind: "number" | "name" | "sign";
  readonly text: string;
}

function tokensOf(text: string): Token[] | undefined {
  const tokens: Token[] = [];
  const source = text.trimEnd();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < source.length) {
    const groups = TOKEN.exec(source)?.groups;
    if (!groups) return undefined;
    const { number, name, sign } = groups;
    if (number !== undefined) tokens.push({ kind: "number", text: number });
    else if (name !== undefined) tokens.push({ kind: "name", text: name });
    else tokens.push({ kind: "sign", text: sign ?? "" });
  }
  return tokens;
}

/** An integer may not start with 0, underscores stand between digits. */
function numberOf(text: string): number | undefined {
  if (/^0[0_]*[1-9][\d_]*$/.test(text) || /__|_(?!\d)|^_|\._/.test(text)) return undefined;
  return Number(text.replaceAll("_", ""));
}

/** Where reading stands. */
interface Cursor {
  readonly tokens: readonly Token[];
  readonly variables: Variables;
  at: number;
}

function isSign(cursor: Cursor, sign: string): boolean {
  const token = cursor.tokens[cursor.at];
  return token?.kind === "sign" && token.text === sign;
}

function readAtom(cursor: Cursor, depth: number): number | undefined {
  const token = cursor.tokens[cursor.at++];
  if (token?.kind === "number") return numberOf(token.text);
  if (token?.kind === "name") {
    return Object.hasOwn(cursor.variables, token.text) ? cursor.variables[token.text] : undefined;
  }
  if (token?.text !== "(") return undefined;
  const value = readExpression(cursor, 0, depth + 1);
  if (!isSign(cursor, ")")) return undefined;
  cursor.at++;
  return value;
}

/** A power binds its base tighter than a sign, its exponent less tight: `-2**-1` is `-(2**(-1))`. */
function readPower(cursor: Cursor, depth: number): number | undefined {
  const base = readAtom(cursor, depth);
  if (base === undefined || !isSign(cursor, "**")) return base;
  cursor.at++;
  const exponent = readExpression(cursor, UNARY_LEVEL, depth + 1);
  if (exponent === undefined || (base === 0 && exponent < 0)) return undefined;
  const value = base ** exponent;
  return Number.isNaN(value) ? undefined : value;
}

function readUnary(cursor: Cursor, depth: number): number | undefined {
  const isMinus = isSign(cursor, "-");
  if (!isMinus && !isSign(cursor, "+")) return readPower(cursor, depth);
  cursor.at++;
  const value = readExpression(cursor, UNARY_LEVEL, depth + 1);
  return value !== undefined && isMinus ? -value : value;
}

/** Operators of at least `level`, from the left. */
function readExpression(cursor: Cursor, level: number, depth: number): number | undefined {
  if (depth > DEEPEST) return undefined;
  let left = readUnary(cursor, depth);
  for (;;) {
    const token = cursor.tokens[cursor.at];
    const operator =
      token?.kind === "sign" && Object.hasOwn(OPERATORS, token.text) ? OPERATORS[token.text] : undefined;
    if (left === undefined || !operator || operator.level < level || level >= UNARY_LEVEL) return left;
    cursor.at++;
    const right = readExpression(cursor, operator.level + 1, depth + 1);
    left = right === undefined ? undefined : operator.apply(left, right);
  }
}

/** The value of `text`; undefined where Python has none or it is no number. */
export function pythonValue(text: string, variables: Variables = {}): number | undefined {
  const tokens = text.length > LONGEST ? undefined : tokensOf(text);
  if (!tokens || tokens.length === 0) return undefined;
  const cursor: Cursor = { tokens, variables, at: 0 };
  const value = readExpression(cursor, 0, 0);
  return cursor.at === tokens.length ? value : undefined;
}
