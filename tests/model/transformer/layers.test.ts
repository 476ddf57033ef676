import { describe, expect, it } from "vitest";
import { ModelError } from "../../../src/core/errors.js";
import { type Tensor, tf } from "../../../src/core/tf.js";
import { gelu, linear, rmsNorm, swiglu } from "../../../src/model/transformer/layers.js";
import { largestDifference } from "../parity.js";

/** Central differences of a sum of squares, in float32: the step trades rounding against curvature. */
function numericGradient(f: (x: Tensor) => Tensor, x: Tensor): number[] {
  const step = 1e-2;
  const values = Array.from(x.dataSync());
  const at = (index: number, by: number) => {
    const moved = values.map((value, other) => (other === index ? value + by : value));
    return tf.sum(tf.square(f(tf.tensor(moved, x.shape)))).dataSync()[0] as number;
  };
  return values.map((_, index) => (at(index, step) - at(index, -step)) / (2 * step));
}

const x = tf.tensor2d([
  [0.5, -1, 2],
  [1.5, 0.25, -0.75],
]);

describe("linear", () => {
  it("multiplies by the transposed weight and adds the bias if there is one", () => {
    const weight = tf.tensor2d([[1, 2, 3]]);
    // 0.5 − 2 + 6 = 4.5; 1.5 + 0.5 − 2.25 = −0.25.
    expect(Array.from(linear({ "a.weight": weight }, "a", x).dataSync())).toEqual([4.5, -0.25]);
    const biased = linear({ "a.weight": weight, "a.bias": tf.tensor1d([1]) }, "a", x);
    expect(Array.from(biased.dataSync())).toEqual([5.5, 0.75]);
  });

  it("names the parameter that is missing", () => {
    expect(() => linear({}, "model.layers.0.mlp.up_proj", x)).toThrow(ModelError);
    expect(() => linear({}, "model.layers.0.mlp.up_proj", x)).toThrow(
      /model\.layers\.0\.mlp\.up_proj\.weight/,
    );
  });
});

describe("rmsNorm", () => {
  it("divides by the root mean square and scales", () => {
    // mean([3, 4]²) = 12.5: 3/√12.5 · 2 and 4/√12.5 · 1.
    const found = rmsNorm({ "n.weight": tf.tensor1d([2, 1]) }, "n", tf.tensor2d([[3, 4]]), 0);
    expect(largestDifference(found.dataSync(), [6 / Math.sqrt(12.5), 4 / Math.sqrt(12.5)])).toBeLessThan(
      1e-6,
    );
  });

  it("has the gradients that finite differences find", () => {
    const weight = tf.tensor1d([1, 0.5, -2]);
    const ofInput = (input: Tensor) => rmsNorm({ "n.weight": weight }, "n", input, 1e-2);
    const ofWeight = (w: Tensor) => rmsNorm({ "n.weight": w }, "n", x, 1e-2);
    for (const [f, at] of [
      [ofInput, x],
      [ofWeight, weight],
    ] as const) {
      const gradient = tf.grad((input: Tensor) => tf.sum(tf.square(f(input))))(at);
      expect(largestDifference(gradient.dataSync(), numericGradient(f, at))).toBeLessThan(5e-3);
    }
  });

  it("keeps a row of zeros finite, its gradient too", () => {
    const gradient = tf.grad((input: Tensor) =>
      tf.sum(rmsNorm({ "n.weight": tf.ones([2]) }, "n", input, 1e-6)),
    )(tf.zeros([1, 2]));
    expect(Array.from(gradient.dataSync(), Number.isFinite)).toEqual([true, true]);
  });
});

describe("swiglu", () => {
  const named = (gate: Tensor, up: Tensor) => ({
    "m.gate_proj.weight": gate,
    "m.up_proj.weight": up,
    "m.down_proj.weight": tf.tensor2d([[2]]),
  });
  const [gate, up] = [tf.tensor2d([[1, 0, 0]]), tf.tensor2d([[0, 1, 1]])];

  it("gates, multiplies and projects", () => {
    // First row: gate 0.5, up 1: 2 · 0.5/(1 + e^−0.5) · 1. Second: gate 1.5, up −0.5.
    const silu = (value: number) => value / (1 + Math.exp(-value));
    const found = swiglu(named(gate, up), "m", x).dataSync();
    expect(largestDifference(found, [2 * silu(0.5), -silu(1.5)])).toBeLessThan(1e-6);
  });

  it("has the gradient that finite differences find", () => {
    const f = (input: Tensor) => swiglu(named(gate, up), "m", input);
    const gradient = tf.grad((input: Tensor) => tf.sum(tf.square(f(input))))(x);
    expect(largestDifference(gradient.dataSync(), numericGradient(f, x))).toBeLessThan(5e-3);
  });
});

describe("gelu", () => {
  it("is x times the normal distribution function", () => {
    // Φ(1) = 0.8413447, Φ(−2) = 0.0227501.
    const found = gelu(tf.tensor1d([0, 1, -2])).dataSync();
    expect(largestDifference(found, [0, 0.8413447, -0.0455003])).toBeLessThan(1e-6);
  });
});
