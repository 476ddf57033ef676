import { beforeAll, describe, expect, it } from "vitest";
import { jit } from "../../../src/compile/jit.js";
import { type NdArray, ndarray } from "../../../src/core/ndarray.js";
import { type Tensor, tf } from "../../../src/core/tf.js";
import type { ModelConfig } from "../../../src/model/modelConfig.js";
import { attendRows } from "../../../src/model/transformer/attention.js";
import { attendSharedPrefix, causalMask, MASKED } from "../../../src/model/transformer/prefix.js";
import { largestDifference, loadGolden } from "../parity.js";

let config: ModelConfig;
beforeAll(async () => {
  config = (await loadGolden("qwen25vl/tied")).model.config;
});

const [U, P, R, T] = [2, 4, 3, 2];
/** Tokens of each prompt; the rest is padding. */
const LENGTHS = [4, 2];

/** Rows of the packed axis that a prompt and its response r occupy when read alone. */
function rowsOf(u: number, r: number): number[] {
  const prompt = Array.from({ length: LENGTHS[u] as number }, (_, p) => u * P + p);
  const response = Array.from({ length: T }, (_, t) => U * P + (u * R + r) * T + t);
  return [...prompt, ...response];
}

type Mix = (q: Tensor, k: Tensor, v: Tensor) => Tensor;

describe("attendSharedPrefix", () => {
  const S = U * (P + R * T);
  const wave = (seed: number, heads: number) =>
    tf.reshape(tf.sin(tf.range(seed, seed + 3 * S * heads * 8, 3)), [S, heads, 8]);

  function packed(q: Tensor, k: Tensor, v: Tensor): Tensor {
    const hidden = LENGTHS.map((length) => Array.from({ length: P }, (_, p) => (p < length ? 0 : MASKED)));
    return attendSharedPrefix(config, { U, P, R, T }, tf.tensor2d(hidden))(0, q, k, v);
  }

  /** One prompt and one response as a row of their own. */
  function alone(inputs: readonly Tensor[], rows: readonly number[]): Tensor {
    const [q, k, v] = inputs.map((x) => tf.gather(x, [...rows])) as [Tensor, Tensor, Tensor];
    const length = rows.length;
    return attendRows(tf.reshape(causalMask(length), [1, length, length]), { B: 1, S: length })(0, q, k, v);
  }

  it("equals rows of prompt and response, in values and gradients", () => {
    const inputs = [wave(1, 4), wave(2, 2), wave(3, 2)];
    const all = packed(...(inputs as [Tensor, Tensor, Tensor]));
    for (let u = 0; u < U; u++) {
      for (let r = 0; r < R; r++) {
        const rows = rowsOf(u, r);
        const found = tf.gather(all, rows).dataSync();
        expect(largestDifference(found, alone(inputs, rows).dataSync()), `u ${u}, r ${r}`).toBeLessThan(1e-5);
      }
    }
    // The same loss both ways: every response row once.
    const weight = (u: number, r: number) => Math.cos(1 + u * R + r);
    const responses = (mixed: Tensor, from: number) =>
      tf.sum(tf.square(tf.slice(mixed, [from, 0, 0], [T, -1, -1])));
    const loss = (each: (u: number, r: number) => Tensor) => {
      const terms = LENGTHS.flatMap((_, u) =>
        Array.from({ length: R }, (__, r) => tf.mul(each(u, r), weight(u, r))),
      );
      return terms.reduce((sum, term) => tf.add(sum, term));
    };
    const together = tf.grads((q: Tensor, k: Tensor, v: Tensor) => {
      const mixed = packed(q, k, v);
      return loss((u, r) => responses(mixed, U * P + (u * R + r) * T));
    })(inputs);
    const apart = tf.grads((q: Tensor, k: Tensor, v: Tensor) =>
      loss((u, r) => responses(alone([q, k, v], rowsOf(u, r)), LENGTHS[u] as number)),
    )(inputs);
    together.forEach((gradient, at) => {
      expect(largestDifference(gradient.dataSync(), (apart[at] as Tensor).dataSync())).toBeLessThan(1e-5);
    });
  });

  it("has the same values and gradients compiled", async () => {
    const inputs = [wave(1, 4), wave(2, 2), wave(3, 2)];
    const gradients = (q: Tensor, k: Tensor, v: Tensor) =>
      tf.grads((...given: Tensor[]) => tf.sum(tf.square(packed(...(given as [Tensor, Tensor, Tensor])))))([
        q,
        k,
        v,
      ]);
    const compiled = jit(gradients, { name: "sharedPrefix" });
    const host = inputs.map((x) => ndarray(x.dataSync(), x.shape)) as [NdArray, NdArray, NdArray];
    const found = await compiled(...host);
    await compiled.dispose();
    const eager = gradients(...(inputs as [Tensor, Tensor, Tensor]));
    expect(found).toHaveLength(3);
    found.forEach((gradient, at) => {
      expect(largestDifference(gradient.data, (eager[at] as Tensor).dataSync())).toBeLessThan(1e-5);
    });
  });

  it("reads prompts alone when there are no responses", () => {
    const cut = (x: Tensor) => tf.slice(x, 0, U * P);
    const inputs = [cut(wave(1, 4)), cut(wave(2, 2)), cut(wave(3, 2))] as [Tensor, Tensor, Tensor];
    const all = attendSharedPrefix(config, { U, P, R: 0, T: 0 }, tf.zeros([U, P]))(0, ...inputs);
    const rows = [P, P + 1];
    expect(largestDifference(tf.gather(all, rows).dataSync(), alone(inputs, rows).dataSync())).toBeLessThan(
      1e-5,
    );
  });

  it.each([
    [270, "four blocks of unequal size"],
    [193, "three"],
    [128, "two"],
    [65, "one"],
  ])("reads a prompt of %d tokens as one row, in values and gradients: %s", (length) => {
    const sizes = { U: 2, P: length, R: 0, T: 0 };
    const wave = (seed: number, heads: number) =>
      tf.reshape(tf.sin(tf.range(seed, seed + 3 * 2 * length * heads * 8, 3)), [2 * length, heads, 8]);
    const inputs = [wave(1, 4), wave(2, 2), wave(3, 2)];
    const mask = tf.reshape(causalMask(length), [1, length, length]);
    const [blocks, whole] = [
      attendSharedPrefix(config, sizes, tf.zeros([2, length])),
      attendRows(mask, { B: 2, S: length }),
    ].map((attend) => (q: Tensor, k: Tensor, v: Tensor) => attend(0, q, k, v)) as [Mix, Mix];
    const [q, k, v] = inputs as [Tensor, Tensor, Tensor];
    expect(largestDifference(blocks(q, k, v).dataSync(), whole(q, k, v).dataSync())).toBeLessThan(1e-5);
    const gradients = (mix: Mix) =>
      tf.grads((...given: Tensor[]) => tf.sum(tf.square(mix(...(given as [Tensor, Tensor, Tensor])))))(
        inputs,
      );
    const [found, expected] = [gradients(blocks), gradients(whole)];
    expect(found).toHaveLength(3);
    found.forEach((gradient, at) => {
      const difference = largestDifference(gradient.dataSync(), (expected[at] as Tensor).dataSync());
      expect(difference).toBeLessThan(1e-5);
    });
  });

  it.each([
    { U: 1, P: 3, R: 1, T: 1, why: "one response of one token per prompt" },
    { U: 3, P: 2, R: 2, T: 3, why: "several prompts without padding" },
  ])("equals rows of prompt and response: $why", ({ U, P, R, T }) => {
    const S = U * (P + R * T);
    const wave = (seed: number, heads: number) =>
      tf.reshape(tf.sin(tf.range(seed, seed + 3 * S * heads * 8, 3)), [S, heads, 8]);
    const inputs = [wave(4, 4), wave(5, 2), wave(6, 2)] as const;
    const all = attendSharedPrefix(config, { U, P, R, T }, tf.zeros([U, P]))(0, ...inputs);
    for (let u = 0; u < U; u++) {
      for (let r = 0; r < R; r++) {
        const prompt = Array.from({ length: P }, (_, p) => u * P + p);
        const rows = [...prompt, ...Array.from({ length: T }, (_, t) => U * P + (u * R + r) * T + t)];
        const found = tf.gather(all, rows).dataSync();
        expect(largestDifference(found, alone(inputs, rows).dataSync()), `u ${u}, r ${r}`).toBeLessThan(1e-5);
      }
    }
  });
});
