/**
 * @module Reads matrices, sums of their multiples, and systems of equations that are set like a matrix.
 */
import type { Expression } from "../symbolic/expression.js";
import type { Answer, Group, Matrix, ReadPart, Value } from "./answer.js";
import { over, times } from "./functions.js";
import { isEnclosed, positions, split } from "./split.js";
import type { Token } from "./tokens.js";

/** [[1,2],[3,4]] is a matrix. */
export function groupOrMatrix(group: Group): Answer {
  const rows = group.elements.map((element) =>
    element.kind === "group" && element.open === "[" && element.close === "]" ? element.elements : null,
  );
  const isMatrix = group.open === "[" && rows.every((row) => row !== null && row.length === rows[0]?.length);
  return isMatrix ? { kind: "matrix", rows: rows.map((row) => row ?? []) } : group;
}

/** A brace before it that is not closed belongs to a system. */
function withoutBrace(tokens: readonly Token[]): readonly Token[] {
  const isOpen =
    tokens[0]?.text === "\\{" && tokens[1]?.text === "\\begin" && tokens.at(-1)?.text === "\\end";
  return isOpen ? tokens.slice(1) : tokens;
}

/** Equations below each other are a list of them. */
function systemOf(rows: readonly (readonly Token[])[], read: ReadPart): Answer | null {
  if (!rows.every((row) => row.some(({ text }) => text === "="))) return null;
  const equations = rows.map((row) => read(row.filter(({ text }) => text !== "&")));
  const isSystem = equations.every(({ kind }) => kind === "labelled" || kind === "relation");
  return isSystem ? { kind: "collection", form: "list", elements: equations } : null;
}

export function readMatrix(whole: readonly Token[], read: ReadPart): Answer | null {
  const tokens = withoutBrace(whole);
  const [first, last] = [tokens[0], tokens.at(-1)];
  if (first?.text !== "\\begin" || last?.text !== "\\end" || !isEnclosed(tokens)) return null;
  const rows = split(tokens.slice(1, -1), ({ text }) => text === "\\\\").filter((row) => row.length > 0);
  const system = systemOf(rows, read);
  return (
    system ?? { kind: "matrix", rows: rows.map((row) => split(row, ({ text }) => text === "&").map(read)) }
  );
}

const BRACKETS = new Set(["\\begin", "(", "[", "{"]);

/** A matrix with a factor before it or none: 2A, ½A. Null for anything else. */
function multipleOf(tokens: readonly Token[], read: ReadPart): Matrix | null {
  const at = tokens.findIndex(({ text }, from) => BRACKETS.has(text) && isEnclosed(tokens.slice(from)));
  if (at < 0) return null;
  const answer = read(tokens.slice(at));
  if (answer.kind !== "matrix") return null;
  const factor = tokens.slice(0, tokens[at - 1]?.text === "*" ? at - 1 : at);
  if (factor.length === 0) return at === 0 ? answer : null;
  const size = plainOf(read(factor));
  return size && mapped(answer, (cell) => times(size, cell));
}

/** Sums and differences of matrices and of their multiples, element by element. */
export function readMatrixSum(tokens: readonly Token[], read: ReadPart): Answer | null {
  if (!tokens.some(({ text }) => text === "\\begin")) return null;
  const isSign = ({ text }: Token) => text === "+" || text === "-";
  const signs = positions(tokens, isSign).map((at) => tokens[at]?.text);
  const isSigned = signs.length > 0 && tokens[0] !== undefined && isSign(tokens[0]);
  const parts = split(tokens, isSign).slice(isSigned ? 1 : 0);
  if (parts.length === 1 && !isSigned && BRACKETS.has(tokens[0]?.text ?? "")) return null;
  const [first, ...others] = parts.map((part) => multipleOf(part, read));
  const start = isSigned && signs[0] === "-" ? first && mapped(first, negated) : first;
  const left = isSigned ? signs.slice(1) : signs;
  return others.reduce<Matrix | null>(
    (sum, next, at) => sum && next && added(sum, next, left[at] === "-" ? "-" : "+"),
    start ?? null,
  );
}

function negated(argument: Expression): Expression {
  return { kind: "negate", argument };
}

function unitless(expression: Expression): Value {
  return { kind: "value", expression, unit: null, unitTokens: [] };
}

/** Null for a matrix of anything but numbers and letters. */
function mapped({ rows }: Matrix, change: (cell: Expression) => Expression): Matrix | null {
  const changed = rows.map((row) =>
    row.flatMap((cell) => {
      const plain = plainOf(cell);
      return plain ? [unitless(change(plain))] : [];
    }),
  );
  return changed.every((row, at) => row.length === rows[at]?.length)
    ? { kind: "matrix", rows: changed }
    : null;
}

/** Null for matrices of different shapes, or of anything but numbers and letters. */
function added(a: Matrix, b: Matrix, kind: "+" | "-"): Matrix | null {
  const isSameShape = a.rows.map((row) => row.length).join() === b.rows.map((row) => row.length).join();
  const others = b.rows.flat().map(plainOf);
  if (!isSameShape || others.includes(null)) return null;
  let at = 0;
  return mapped(a, (left) => ({ kind, left, right: others[at++] ?? left }));
}

function plainOf(answer: Answer): Expression | null {
  if (answer.kind === "value" && answer.unit === null) return answer.expression;
  if (answer.kind === "ratio" && answer.parts.length === 2 && answer.parts[0] && answer.parts[1])
    return over(answer.parts[0], answer.parts[1]);
  return answer.kind === "choice" && answer.content === null ? { kind: "name", name: answer.letter } : null;
}
