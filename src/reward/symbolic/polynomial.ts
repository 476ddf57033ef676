/**
 * @module Polynomials in named atoms with scalar coefficients. An atom may carry a relation, atom² = polynomial, which
 * products apply: √2·√2 = 2, √(x+1)² = x+1.
 */
import {
  addScalars,
  divideScalars,
  isZeroScalar,
  multiplyScalars,
  ONE,
  rational,
  type Scalar,
} from "./scalar.js";
import { UnsupportedExpression } from "./unsupported.js";

/** Something that is not taken apart: a letter, π, √2, i, √(x+1), ln 2, 2^x. */
export interface Atom {
  /** Unique name; equal names are equal atoms. */
  readonly name: string;
  /** atom² as a polynomial, for roots. */
  readonly square?: Polynomial;
}

interface Term {
  readonly coefficient: Scalar;
  /** Sorted by atom name, powers at least 1. */
  readonly factors: readonly (readonly [Atom, number])[];
}

/** Terms by the name of their product of atoms; no coefficient is 0. */
export type Polynomial = ReadonlyMap<string, Term>;

/** Work left in one test: products of terms. Counted down. */
export interface Budget {
  products: number;
}

const MOST_TERMS = 300;
const MINUS_ONE = rational(-1n);

function keyOf(factors: Term["factors"]): string {
  return factors.map(([atom, power]) => `${atom.name}^${power}`).join("·");
}

/** Adds terms into `sum`, which this module created. */
function accumulate(sum: Map<string, Term>, term: Term): void {
  const key = keyOf(term.factors);
  const present = sum.get(key);
  const coefficient = present ? addScalars(present.coefficient, term.coefficient) : term.coefficient;
  if (isZeroScalar(coefficient)) sum.delete(key);
  else sum.set(key, { coefficient, factors: term.factors });
  if (sum.size > MOST_TERMS) throw new UnsupportedExpression("too many terms");
}

export function constant(value: Scalar): Polynomial {
  return isZeroScalar(value) ? new Map() : new Map([["", { coefficient: value, factors: [] }]]);
}

export function atomic(atom: Atom): Polynomial {
  const factors = [[atom, 1]] as const;
  return new Map([[keyOf(factors), { coefficient: ONE, factors }]]);
}

export function add(a: Polynomial, b: Polynomial): Polynomial {
  const sum = new Map(a);
  for (const term of b.values()) accumulate(sum, term);
  return sum;
}

export function scale(a: Polynomial, by: Scalar): Polynomial {
  const scaled = new Map<string, Term>();
  for (const { coefficient, factors } of a.values()) {
    accumulate(scaled, { coefficient: multiplyScalars(coefficient, by), factors });
  }
  return scaled;
}

export function negate(a: Polynomial): Polynomial {
  return scale(a, rational(-1n));
}

/** Product of two products of atoms: what remains, and the squares that relations turned into polynomials. */
function mergeFactors(a: Term["factors"], b: Term["factors"]) {
  if (a.length === 0) return { factors: b, squares: [] };
  if (b.length === 0) return { factors: a, squares: [] };
  const powers = new Map(a.map(([atom, power]) => [atom.name, [atom, power] as const]));
  for (const [atom, power] of b) powers.set(atom.name, [atom, power + (powers.get(atom.name)?.[1] ?? 0)]);
  const factors: (readonly [Atom, number])[] = [];
  const squares: Polynomial[] = [];
  for (const [atom, power] of [...powers.values()].sort(([x], [y]) => (x.name < y.name ? -1 : 1))) {
    const { square } = atom;
    const left = square ? power % 2 : power;
    if (square) squares.push(...Array.from({ length: (power - left) / 2 }, () => square));
    if (left > 0) factors.push([atom, left]);
  }
  return { factors, squares };
}

export function multiply(a: Polynomial, b: Polynomial, budget: Budget): Polynomial {
  const product = new Map<string, Term>();
  for (const left of a.values()) {
    for (const right of b.values()) {
      if (--budget.products < 0) throw new UnsupportedExpression("too much work");
      const coefficient = multiplyScalars(left.coefficient, right.coefficient);
      const { factors, squares } = mergeFactors(left.factors, right.factors);
      let part: Polynomial = new Map([[keyOf(factors), { coefficient, factors }]]);
      for (const square of squares) part = multiply(part, square, budget);
      for (const term of part.values()) accumulate(product, term);
    }
  }
  return product;
}

/** The value of a polynomial without atoms, else null. */
export function constantOf(a: Polynomial): Scalar | null {
  if (a.size === 0) return rational(0n);
  const only = a.get("");
  return a.size === 1 && only ? only.coefficient : null;
}

/** The coefficients. */
export function coefficients(a: Polynomial): Scalar[] {
  return [...a.values()].map((term) => term.coefficient);
}

/** A name that equal polynomials share. */
export function nameOf(a: Polynomial): string {
  return [...a]
    .sort(([x], [y]) => (x < y ? -1 : 1))
    .map(([key, { coefficient: c }]) => `${typeof c === "number" ? `~${c}` : `${c.top}/${c.bottom}`}*${key}`)
    .join("+");
}

/** The number c with a = c·b, or null when there is none. Neither may be 0. */
export function ratioOf(a: Polynomial, b: Polynomial): Scalar | null {
  if (a.size !== b.size) return null;
  let ratio: Scalar | null = null;
  for (const [key, { coefficient }] of a) {
    const other = b.get(key)?.coefficient;
    if (other === undefined) return null;
    const own = divideScalars(coefficient, other);
    if (ratio !== null && !isZeroScalar(addScalars(own, multiplyScalars(ratio, MINUS_ONE)))) return null;
    ratio = own;
  }
  return ratio;
}
