/**
 * @module Functions by the names they are written with, as expressions.
 */
import type { Expression, FunctionName } from "../symbolic/expression.js";

export function integer(value: number | bigint): Expression {
  return { kind: "integer", value: BigInt(value) };
}

export const ONE = integer(1);

export function call(name: FunctionName, argument: Expression): Expression {
  return { kind: "call", name, argument };
}

export function over(left: Expression, right: Expression): Expression {
  return { kind: "/", left, right };
}

export function times(left: Expression, right: Expression): Expression {
  return { kind: "*", left, right };
}

/** Functions by name. */
export const FUNCTIONS: Readonly<Record<string, (argument: Expression) => Expression>> = {
  sqrt: (a) => call("sqrt", a),
  cbrt: (argument) => ({ kind: "root", index: 3, argument }),
  ln: (a) => call("ln", a),
  log: (a) => logarithm(a, integer(10)),
  lg: (a) => logarithm(a, integer(10)),
  exp: (a) => call("exp", a),
  abs: (a) => call("abs", a),
  floor: (a) => call("floor", a),
  ceil: (a) => call("ceil", a),
  sin: (a) => call("sin", a),
  cos: (a) => call("cos", a),
  tan: (a) => call("tan", a),
  cot: (a) => over(ONE, call("tan", a)),
  sec: (a) => over(ONE, call("cos", a)),
  csc: (a) => over(ONE, call("sin", a)),
  arcsin: (a) => call("arcsin", a),
  arccos: (a) => call("arccos", a),
  arctan: (a) => call("arctan", a),
  asin: (a) => call("arcsin", a),
  acos: (a) => call("arccos", a),
  atan: (a) => call("arctan", a),
  sinh: (a) => call("sinh", a),
  cosh: (a) => call("cosh", a),
  tanh: (a) => call("tanh", a),
};

export function logarithm(argument: Expression, base: Expression): Expression {
  return over(call("ln", argument), call("ln", base));
}

/** Whether a word is a function, which what follows belongs to. */
export function isFunctionWord(word: string): boolean {
  return Object.hasOwn(FUNCTIONS, word) || Object.hasOwn(FUNCTIONS, word.toLowerCase());
}
