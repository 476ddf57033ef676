/**
 * @module Values of an expression at complex points, principal branches: tells √x·√y from √(xy) and √(x²) from x, and
 * recognises identities that exact arithmetic does not see through, such as √(3+2√2) = 1+√2 or 2^x·2^x = 4^x.
 */
import { type Expression, type FunctionName, lettersOf } from "./expression.js";
import { UnsupportedExpression } from "./unsupported.js";

interface Complex {
  readonly re: number;
  readonly im: number;
}

function multiply(a: Complex, b: Complex): Complex {
  return { re: a.re * b.re - a.im * b.im, im: a.re * b.im + a.im * b.re };
}

function divide(a: Complex, b: Complex): Complex {
  const size = b.re * b.re + b.im * b.im;
  const product = multiply(a, { re: b.re, im: -b.im });
  return { re: product.re / size, im: product.im / size };
}

function log(a: Complex): Complex {
  return { re: Math.log(Math.hypot(a.re, a.im)), im: Math.atan2(a.im, a.re) };
}

function exp(a: Complex): Complex {
  const size = Math.exp(a.re);
  return { re: size * Math.cos(a.im), im: size * Math.sin(a.im) };
}

/** Principal power; small integer exponents by multiplication, which loses less. */
function power(base: Complex, exponent: Complex): Complex {
  if (exponent.im === 0 && Number.isInteger(exponent.re) && Math.abs(exponent.re) <= 64) {
    let product: Complex = { re: 1, im: 0 };
    for (let count = 0; count < Math.abs(exponent.re); count++) product = multiply(product, base);
    return exponent.re < 0 ? divide({ re: 1, im: 0 }, product) : product;
  }
  if (base.re === 0 && base.im === 0) return { re: exponent.re > 0 ? 0 : Number.NaN, im: 0 };
  return exp(multiply(exponent, log(base)));
}

function factorial(argument: Complex, step: 1 | 2): Complex {
  if (argument.im !== 0 || !Number.isInteger(argument.re) || argument.re < 0) {
    throw new UnsupportedExpression("factorial of something else than an integer");
  }
  let product = 1;
  for (let n = Math.min(argument.re, 400); n > 1; n -= step) product *= n;
  return { re: product, im: 0 };
}

const I: Complex = { re: 0, im: 1 };
const ONE: Complex = { re: 1, im: 0 };

function add(a: Complex, b: Complex, factor = 1): Complex {
  return { re: a.re + factor * b.re, im: a.im + factor * b.im };
}

function squareRoot(a: Complex): Complex {
  return power(a, { re: 0.5, im: 0 });
}

function sinh(a: Complex): Complex {
  return { re: Math.sinh(a.re) * Math.cos(a.im), im: Math.cosh(a.re) * Math.sin(a.im) };
}

function cosh(a: Complex): Complex {
  return { re: Math.cosh(a.re) * Math.cos(a.im), im: Math.sinh(a.re) * Math.sin(a.im) };
}

/** −i·sinh(i·a). */
function sin(a: Complex): Complex {
  return multiply({ re: 0, im: -1 }, sinh(multiply(I, a)));
}

function cos(a: Complex): Complex {
  return cosh(multiply(I, a));
}

/** −i·ln(i·a + √(1 − a²)). */
function arcsin(a: Complex): Complex {
  const root = squareRoot(add(ONE, multiply(a, a), -1));
  return multiply({ re: 0, im: -1 }, log(add(multiply(I, a), root)));
}

/** ½i·(ln(1 − i·a) − ln(1 + i·a)). */
function arctan(a: Complex): Complex {
  const turned = multiply(I, a);
  return multiply({ re: 0, im: 0.5 }, add(log(add(ONE, turned, -1)), log(add(ONE, turned)), -1));
}

/** A real function, at real points. */
function real(name: "floor" | "ceil", { re, im }: Complex): Complex {
  if (im !== 0) throw new UnsupportedExpression(`${name} of a complex number`);
  // 2.9999999999999996 is 3 after rounding errors; a step right there cannot be told.
  if (Math.abs(re - Math.round(re)) < 1e-9) return { re: Math.round(re), im: 0 };
  return { re: Math[name](re), im: 0 };
}

const CALLS: Readonly<Record<FunctionName, (argument: Complex) => Complex>> = {
  sqrt: squareRoot,
  ln: log,
  "!": (a) => factorial(a, 1),
  "!!": (a) => factorial(a, 2),
  exp,
  sin,
  cos,
  tan: (a) => divide(sin(a), cos(a)),
  arcsin,
  arccos: (a) => add({ re: Math.PI / 2, im: 0 }, arcsin(a), -1),
  arctan,
  sinh,
  cosh,
  tanh: (a) => divide(sinh(a), cosh(a)),
  abs: (a) => ({ re: Math.hypot(a.re, a.im), im: 0 }),
  floor: (a) => real("floor", a),
  ceil: (a) => real("ceil", a),
};

/** The real root of a real number where there is one, else the principal one. */
function nthRoot(index: number, argument: Complex): Complex {
  const isNegative = argument.im === 0 && argument.re < 0;
  if (!isNegative || index % 2 === 0) return power(argument, { re: 1 / index, im: 0 });
  return { re: -((-argument.re) ** (1 / index)), im: 0 };
}

/** Largest absolute value met on the way: what rounding errors are measured against. */
interface Scale {
  largest: number;
}

function valueAt(expression: Expression, values: ReadonlyMap<string, Complex>, scale: Scale): Complex {
  const value = combine(expression, values, scale);
  scale.largest = Math.max(scale.largest, Math.abs(value.re), Math.abs(value.im));
  return value;
}

function combine(expression: Expression, values: ReadonlyMap<string, Complex>, scale: Scale): Complex {
  switch (expression.kind) {
    case "integer":
      return { re: Number(expression.value), im: 0 };
    case "fraction":
      return { re: Number(expression.top) / Number(expression.bottom), im: 0 };
    case "decimal":
      return { re: expression.value, im: 0 };
    case "root":
      return nthRoot(expression.index, valueAt(expression.argument, values, scale));
    case "name":
      return expression.name === "pi" ? { re: Math.PI, im: 0 } : (values.get(expression.name) as Complex);
    case "call":
      return CALLS[expression.name](valueAt(expression.argument, values, scale));
    case "negate": {
      const { re, im } = valueAt(expression.argument, values, scale);
      return { re: -re, im: -im };
    }
    default: {
      const left = valueAt(expression.left, values, scale);
      const right = valueAt(expression.right, values, scale);
      if (expression.kind === "*") return multiply(left, right);
      if (expression.kind === "/") return divide(left, right);
      if (expression.kind === "**") return power(left, right);
      const sign = expression.kind === "+" ? 1 : -1;
      return { re: left.re + sign * right.re, im: left.im + sign * right.im };
    }
  }
}

/** Whether some part of it is meant for real numbers only: |x| is √(x²) there, ∛ has a sign. */
function isReal(expression: Expression): boolean {
  if (expression.kind === "root") return true;
  if (expression.kind === "call" && ["abs", "floor", "ceil"].includes(expression.name)) return true;
  if ("argument" in expression) return isReal(expression.argument);
  return "left" in expression && (isReal(expression.left) || isReal(expression.right));
}

/** Beyond this, rounding would hide a difference of one. */
const LARGEST = 1e9;

/** The point's value of the letter number `at`: in all four quadrants, or on both sides of 0. */
function pointValue(point: number, at: number, isOnLine: boolean): Complex {
  const size = 0.6 + 0.37 * point + 0.21 * at;
  if (isOnLine) return { re: (point + at) % 2 === 0 ? size : -size, im: 0 };
  const angle = (ANGLES[point] as number) + 1.3 * at;
  return { re: size * Math.cos(angle), im: size * Math.sin(angle) };
}

const ANGLES = [0.7, 2.2, -2.6, -0.9];

/** Whether the expression is 0 at points in all four quadrants, up to rounding. */
export function vanishes(expression: Expression): boolean {
  const names = lettersOf(expression);
  const isOnLine = isReal(expression);
  return ANGLES.every((_, point) => {
    const values = new Map(names.map((name, at) => [name, pointValue(point, at, isOnLine)]));
    const scale = { largest: 1e-3 };
    const { re, im } = valueAt(expression, values, scale);
    if (scale.largest > LARGEST) throw new UnsupportedExpression("numbers too large for a point test");
    if (!Number.isFinite(re) || !Number.isFinite(im)) throw new UnsupportedExpression("no value at a point");
    return Math.hypot(re, im) <= 1e-13 * scale.largest * 8;
  });
}

/** The real value of an expression, as a double; null when it has none, or letters. */
export function realValue(expression: Expression): number | null {
  if (lettersOf(expression).length > 0) return null;
  const { re, im } = valueAt(expression, new Map(), { largest: 0 });
  return Number.isFinite(re) && Math.abs(im) <= 1e-12 * Math.abs(re) ? re : null;
}
