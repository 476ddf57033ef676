/**
 * @module What both graders read mathematics into: a tree of numbers, names, functions and the four operations.
 */

/** Functions of one argument. `!` is the factorial, `!!` the double factorial, `abs` the absolute value. */
export const FUNCTIONS = [
  "sqrt",
  "ln",
  "!",
  "!!",
  "exp",
  "sin",
  "cos",
  "tan",
  "arcsin",
  "arccos",
  "arctan",
  "sinh",
  "cosh",
  "tanh",
  "abs",
  "floor",
  "ceil",
] as const;
export type FunctionName = (typeof FUNCTIONS)[number];

export type Expression =
  | { readonly kind: "integer"; readonly value: bigint }
  /**
   * An exact number that is written as a decimal: 0.25 is 25/100. The denominator is positive. Where it has so many
   * digits that a machine will have rounded it, `digits` are these as a whole number.
   */
  | { readonly kind: "fraction"; readonly top: bigint; readonly bottom: bigint; readonly digits?: bigint }
  /** A decimal as a double: the reference grader's reading. */
  | { readonly kind: "decimal"; readonly value: number }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "call"; readonly name: FunctionName; readonly argument: Expression }
  /** The real root where there is one (∛−8 = −2), else the principal one; index at least 3. */
  | { readonly kind: "root"; readonly index: number; readonly argument: Expression }
  | { readonly kind: "negate"; readonly argument: Expression }
  | {
      readonly kind: "+" | "-" | "*" | "/" | "**";
      readonly left: Expression;
      readonly right: Expression;
    };

/** Names of letters in an expression, each once, sorted; π is no letter. */
export function lettersOf(expression: Expression): string[] {
  const names = new Set<string>();
  const pending = [expression];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (next.kind === "name" && next.name !== "pi") names.add(next.name);
    else if ("argument" in next) pending.push(next.argument);
    else if ("left" in next) pending.push(next.left, next.right);
  }
  return [...names].sort();
}

/** Replaces a name by an expression. */
export function substitute(expression: Expression, name: string, by: Expression): Expression {
  if (expression.kind === "name") return expression.name === name ? by : expression;
  if ("argument" in expression) return { ...expression, argument: substitute(expression.argument, name, by) };
  if (!("left" in expression)) return expression;
  const left = substitute(expression.left, name, by);
  return { ...expression, left, right: substitute(expression.right, name, by) };
}
