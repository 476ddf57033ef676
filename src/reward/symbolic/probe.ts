/**
 * @module Values of an expression at complex points, principal branches: tells √x·√y from √(xy) and √(x²) from x, and
 * recognises identities that exact arithmetic does not see through, such as √(3+2√2) = 1+√2 or 2^x·2^x = 4^x.
 */
import type { Expression } from "./parse.js";
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

function call(name: "sqrt" | "ln" | "!", argument: Complex): Complex {
  if (name === "ln") return log(argument);
  if (name === "sqrt") return power(argument, { re: 0.5, im: 0 });
  if (argument.im !== 0 || !Number.isInteger(argument.re) || argument.re < 0) {
    throw new UnsupportedExpression("factorial of something else than an integer");
  }
  let product = 1;
  for (let n = 2; n <= Math.min(argument.re, 171); n++) product *= n;
  return { re: product, im: 0 };
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
    case "decimal":
      return { re: expression.value, im: 0 };
    case "name":
      return expression.name === "pi" ? { re: Math.PI, im: 0 } : (values.get(expression.name) as Complex);
    case "call":
      return call(expression.name, valueAt(expression.argument, values, scale));
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

function namesIn(expression: Expression): string[] {
  switch (expression.kind) {
    case "integer":
    case "decimal":
      return [];
    case "name":
      return expression.name === "pi" ? [] : [expression.name];
    case "call":
    case "negate":
      return namesIn(expression.argument);
    default:
      return [...namesIn(expression.left), ...namesIn(expression.right)];
  }
}

/** Beyond this, rounding would hide a difference of one. */
const LARGEST = 1e9;

/** Whether the expression is 0 at points in all four quadrants, up to rounding. */
export function vanishes(expression: Expression): boolean {
  const names = [...new Set(namesIn(expression))].sort();
  return [0.7, 2.2, -2.6, -0.9].every((angle, point) => {
    const values = new Map(
      names.map((name, at) => {
        const turned = angle + 1.3 * at;
        const size = 0.6 + 0.37 * point + 0.21 * at;
        return [name, { re: size * Math.cos(turned), im: size * Math.sin(turned) }];
      }),
    );
    const scale = { largest: 1e-3 };
    const { re, im } = valueAt(expression, values, scale);
    if (scale.largest > LARGEST) throw new UnsupportedExpression("numbers too large for a point test");
    if (!Number.isFinite(re) || !Number.isFinite(im)) throw new UnsupportedExpression("no value at a point");
    return Math.hypot(re, im) <= 1e-13 * scale.largest * 8;
  });
}
