import { describe, expect, it } from "vitest";
import { eager } from "../../src/compile/eager.js";
import { valueAndGrad } from "../../src/compile/grad.js";
import { jit } from "../../src/compile/jit.js";
import { type NdArray, ndarray, scalar, zeros } from "../../src/core/ndarray.js";
import { Rng } from "../../src/core/rng.js";
import { type Tensor, tf } from "../../src/core/tf.js";
import { largestGap } from "./compare.js";

const runtime = { threads: 1 };
const rng = Rng.fromSeed(5);

function normal(label: string, shape: readonly number[], scale: number): NdArray {
  const stream = rng.split(label);
  const size = shape.reduce((product, side) => product * side, 1);
  return ndarray(
    Array.from({ length: size }, () => scale * stream.normal()),
    shape,
  );
}

type Weights = Readonly<Record<string, Tensor>>;
const get = (weights: Weights, name: string) => weights[name] as Tensor;

/** Pre-norm attention with a causal mask, and a gated MLP, over one embedded sequence; the mean of the token losses. */
function blockLoss(weights: Weights, tokens: Tensor, labels: Tensor) {
  const [T, D] = [tokens.shape[0] as number, 8];
  const norm = (x: Tensor) => tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), 1e-6)));
  const heads = (x: Tensor) => tf.transpose(tf.reshape(x, [T, 2, D / 2]), [1, 0, 2]);
  let x = tf.gather(get(weights, "embedding"), tokens);
  const [q, k, v] = tf.split(tf.matMul(norm(x), get(weights, "qkv")), 3, 1).map(heads) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  const row = tf.expandDims(tf.range(0, T), 1);
  const mask = tf.mul(tf.cast(tf.less(row, tf.range(0, T)), "float32"), -1e9);
  const attention = tf.softmax(tf.add(tf.mul(tf.matMul(q, k, false, true), 0.5), mask));
  x = tf.add(x, tf.reshape(tf.transpose(tf.matMul(attention, v), [1, 0, 2]), [T, D]));
  const [gate, up] = tf.split(tf.matMul(norm(x), get(weights, "up")), 2, 1) as [Tensor, Tensor];
  x = tf.add(x, tf.matMul(tf.mul(tf.mul(gate, tf.sigmoid(gate)), up), get(weights, "down")));
  const logProbs = tf.logSoftmax(tf.matMul(x, get(weights, "embedding"), false, true));
  const hits = tf.mul(logProbs, tf.oneHot(labels, 11));
  return { loss: tf.neg(tf.div(tf.sum(hits), T)), aux: { probs: tf.exp(logProbs) } };
}

const block = {
  embedding: normal("embedding", [11, 8], 0.7),
  qkv: normal("qkv", [8, 24], 0.5),
  up: normal("up", [8, 24], 0.5),
  down: normal("down", [12, 8], 0.5),
};
const tokens = ndarray([3, 1, 4, 1, 5, 9], [6], "int32");
const labels = ndarray([1, 4, 1, 5, 9, 2], [6], "int32");

describe("valueAndGrad", () => {
  it("gives gradients that finite differences confirm, on a transformer block", async () => {
    const step = jit(valueAndGrad(blockLoss), { name: "block", runtime });
    const { grads, aux } = await step(block, tokens, labels);
    expect(aux.probs.shape).toEqual([6, 11]);
    const lossOnly = jit((weights: Weights, t: Tensor, l: Tensor) => blockLoss(weights, t, l).loss, {
      name: "loss",
      runtime,
    });
    for (const name of ["embedding", "qkv", "up", "down"] as const) {
      const { data, shape } = block[name];
      for (const at of [0, 13, data.length - 5]) {
        const losses = await Promise.all(
          [-1, 1].map(async (sign) => {
            const moved = ndarray(data, shape);
            moved.data[at] = (moved.data[at] as number) + sign * 0.01;
            return (await lossOnly({ ...block, [name]: moved }, tokens, labels)).data[0] as number;
          }),
        );
        const difference = ((losses[1] as number) - (losses[0] as number)) / 0.02;
        // float32 losses near 3 differ by 2e-7: the quotient is good to 1e-4.
        expect(Math.abs((grads[name]?.data[at] as number) - difference)).toBeLessThan(3e-4);
      }
    }
  });

  it("is the same compiled and on the cpu backend", async () => {
    const compiled = await jit(valueAndGrad(blockLoss), { name: "block", runtime })(block, tokens, labels);
    expect(largestGap(compiled, await eager(valueAndGrad(blockLoss))(block, tokens, labels))).toBeLessThan(
      1e-5,
    );
  });

  it("gives zeros for a parameter that the loss does not use", async () => {
    const f = valueAndGrad((weights: Weights) => ({ loss: tf.sum(tf.square(get(weights, "used"))) }));
    const host = { used: ndarray([3], [1]), idle: ndarray([1, 2], [2]) };
    for (const run of [jit(f, { name: "idle", runtime }), eager(f)]) {
      const { loss, grads } = await run(host);
      expect(loss.data[0]).toBe(9);
      expect([...(grads["used"]?.data ?? [])]).toEqual([6]); // d x² = 2x
      expect([...(grads["idle"]?.data ?? [])]).toEqual([0, 0]);
    }
  });
});

describe("the gradient of a gather", () => {
  it("adds what rows that are read twice give, compiled and on every backend", async () => {
    const f = valueAndGrad((weights: Weights, ids: Tensor, factors: Tensor) => ({
      loss: tf.sum(tf.mul(tf.gather(get(weights, "rows"), ids), factors)),
    }));
    const args = [ndarray([2, 0, 2], [3], "int32"), ndarray([1, 2, 3, 4, 5, 6], [3, 2])] as const;
    const runs = [jit(f, { name: "gather", runtime }), eager(f), eager(f, { backend: "wasm" })];
    for (const run of runs) {
      const { grads } = await run({ rows: zeros([4, 2]) }, ...args);
      expect([...(grads["rows"]?.data ?? [])]).toEqual([3, 4, 0, 0, 1 + 5, 2 + 6, 0, 0]);
    }
  });
});

/** Two layers, squared error, one AdamW step; step number and rate are arguments, so one graph serves all steps. */
function trainStep(
  state: { weights: Weights; first: Weights; second: Weights },
  batch: { x: Tensor; y: Tensor },
  t: Tensor,
) {
  const { loss, grads } = valueAndGrad((weights: Weights) => {
    const hidden = tf.tanh(tf.add(tf.matMul(batch.x, get(weights, "w1")), get(weights, "b1")));
    const found = tf.matMul(hidden, get(weights, "w2"));
    return { loss: tf.mean(tf.square(tf.sub(found, batch.y))) };
  })(state.weights);
  const next = Object.entries(state.weights).map(([name, weight]) => {
    const gradient = get(grads, name);
    const first = tf.add(tf.mul(get(state.first, name), 0.9), tf.mul(gradient, 0.1));
    const second = tf.add(tf.mul(get(state.second, name), 0.99), tf.mul(tf.square(gradient), 0.01));
    const root = tf.sqrt(tf.div(second, tf.sub(1, tf.pow(0.99, t))));
    const change = tf.div(tf.div(first, tf.sub(1, tf.pow(0.9, t))), tf.add(root, 1e-8));
    return [name, { weight: tf.sub(tf.mul(weight, 0.999), tf.mul(change, 0.02)), first, second }] as const;
  });
  const pick = (part: "weight" | "first" | "second") =>
    Object.fromEntries(next.map(([name, parts]) => [name, parts[part]]));
  return [{ weights: pick("weight"), first: pick("first"), second: pick("second") }, loss] as const;
}

describe("a training step", () => {
  const initial = () => {
    const weights = { w1: normal("w1", [4, 16], 0.5), b1: zeros([16]), w2: normal("w2", [16, 2], 0.3) };
    const moments = () => ({ w1: zeros([4, 16]), b1: zeros([16]), w2: zeros([16, 2]) });
    return { weights, first: moments(), second: moments() };
  };
  const batch = { x: normal("x", [12, 4], 1), y: normal("y", [12, 2], 1) };

  it("repeated twenty times, agrees compiled in place and eagerly on cpu and wasm within 1e-4", async () => {
    const state = initial();
    const step = jit(trainStep, { name: "step", donate: { 0: 0 }, runtime });
    const losses: number[] = [];
    for (let t = 1; t <= 20; t++) losses.push((await step(state, batch, scalar(t)))[1].data[0] as number);
    expect(losses[19]).toBeLessThan(0.6 * (losses[0] as number));
    for (const backend of ["cpu", "wasm"] as const) {
      let expected = initial();
      const eagerStep = eager(trainStep, { backend });
      for (let t = 1; t <= 20; t++)
        expected = (await eagerStep(expected, batch, scalar(t)))[0] as typeof expected;
      expect(largestGap(state, expected)).toBeLessThan(1e-4);
    }
  });
});
