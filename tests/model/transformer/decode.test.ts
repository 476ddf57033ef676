import { beforeAll, describe, expect, it } from "vitest";
import { type NdArray, ndarray, scalar } from "../../../src/core/ndarray.js";
import { KvCache } from "../../../src/engine/local/kvCache.js";
import { createLocalPolicy } from "../../../src/engine/local/localPolicy.js";
import type { ReadyPolicy } from "../../../src/engine/local/policy.js";
import type { Model } from "../../../src/model/load.js";
import type { PatchedPrompt } from "../../../src/model/patchPrompt.js";
import { packPrompts } from "../../../src/model/transformer/pack.js";
import { mropeTables } from "../../../src/model/transformer/rope.js";
import { fakeModel, fakePrompt } from "../../support/fakeModel.js";
import { largestDifference } from "../parity.js";

let model: Model;
let policy: ReadyPolicy;
let prompts: PatchedPrompt[];

async function setUp(family: "qwen2_5_vl" | "qwen3_vl"): Promise<void> {
  model = await fakeModel({ family, sharpness: 6 });
  policy = await createLocalPolicy(model).ready();
  prompts = await Promise.all([
    fakePrompt(model, { words: "How many red circles?", grids: [[4, 6]] }),
    fakePrompt(model, { words: "blue squares" }),
    fakePrompt(model, {
      words: "red and blue",
      grids: [
        [6, 4],
        [4, 4],
      ],
    }),
  ]);
}

const sampler = () => ({ temperature: scalar(0.8), tokenBias: policy.tokenBias });

/** The token that row `row` is fed at step t: any, but not an image's. */
const tokenAt = (row: number, t: number) => 10 + ((37 * row + 11 * t) % 240);

function ropeAt(positions: readonly number[]) {
  const flat = Int32Array.from([...positions, ...positions, ...positions]);
  return mropeTables(flat, model.config);
}

const rowOf = (probs: NdArray, row: number) => {
  const V = model.config.vocabSize;
  return Array.from(probs.data.subarray(row * V, (row + 1) * V), Math.log);
};

/** log p of the next token after a prompt and the first `count` tokens of a row, without any cache. */
async function uncached(
  cases: readonly { prompt: number; row: number; count: number }[],
): Promise<number[][]> {
  const longer = cases.map(({ prompt, row, count }): PatchedPrompt => {
    const { tokens, images } = prompts[prompt] as PatchedPrompt;
    const fed = Array.from({ length: count }, (_, t) => tokenAt(row, t));
    return { tokens: Int32Array.from([...tokens, ...fed]), images };
  });
  const { probs } = await policy.prefill(packPrompts(longer, model, { minLength: 64 }), sampler());
  return longer.map((_, at) => rowOf(probs, at));
}

/** Six steps of R rows under each prompt; before some of them only these prompts and rows are kept. */
async function expectUncached(R: number, kept: Record<number, [number[], number[]]>): Promise<void> {
  const packed = packPrompts(prompts, model);
  const start = await policy.prefill(packed, sampler());
  let cache = KvCache.create({ ...start, mask: packed.mask }, model.config, { responses: R, slots: 2 });
  // What each row of the batch is: its prompt, and which of all responses.
  let rows = prompts.flatMap((_, prompt) =>
    Array.from({ length: R }, (__, r) => ({ prompt, row: R * prompt + r })),
  );
  for (let t = 0; t < 6; t++) {
    const [keptUnits, keptRows] = kept[t] ?? [];
    if (keptUnits && keptRows) {
      cache = cache.keeping(keptUnits, keptRows);
      rows = keptRows.map((at) => rows[at] as (typeof rows)[number]);
    }
    const tokens = ndarray(
      rows.map(({ row }) => tokenAt(row, t)),
      [rows.length],
      "int32",
    );
    const rope = ropeAt(rows.map(({ prompt }) => (packed.next[prompt] as number) + t));
    const step = await policy.decodeStep({ tokens, rope, cache }, sampler());
    cache.append(step.keys, step.values);
    const expected = await uncached(rows.map((each) => ({ ...each, count: t + 1 })));
    rows.forEach((_, at) => {
      const [found, wanted] = [rowOf(step.probs, at), expected[at] as number[]];
      const allowed = wanted.map((logProb) => (Number.isFinite(logProb) ? logProb : 0));
      const got = found.map((logProb) => (Number.isFinite(logProb) ? logProb : 0));
      expect(largestDifference(got, allowed), `step ${t}, row ${at}`).toBeLessThan(1e-4);
    });
  }
  expect(cache.length).toBe(6);
}

describe.each(["qwen2_5_vl", "qwen3_vl"] as const)("decodeStep of %s", (family) => {
  beforeAll(() => setUp(family));

  it("equals a forward pass without a cache, through retired prompts, reordered rows and a grown cache", () =>
    expectUncached(2, {
      2: [
        [0, 1, 2],
        [1, 0, 2, 3, 5, 4],
      ], // rows change places
      3: [
        [0, 2],
        [0, 1, 4, 5],
      ], // the text prompt goes
      4: [
        [0, 1],
        [1, 2],
      ], // one row of each stays
    }));

  it("equals one, too, where each row has a prompt of its own", () =>
    expectUncached(1, {
      2: [
        [2, 0, 1],
        [2, 0, 1],
      ],
      4: [
        [0, 2],
        [0, 2],
      ],
    }));
});

describe("prefill", () => {
  beforeAll(() => setUp("qwen2_5_vl"));

  it("gives a prompt the same probabilities alone and beside others", async () => {
    const together = await policy.prefill(packPrompts(prompts, model), sampler());
    for (const [at, prompt] of prompts.entries()) {
      const alone = await policy.prefill(packPrompts([prompt], model), sampler());
      const V = model.config.vocabSize;
      const row = together.probs.data.subarray(at * V, (at + 1) * V);
      expect(largestDifference(row, alone.probs.data)).toBeLessThan(1e-5);
    }
  });

  it("gives the same probabilities in a longer bucket and with filled-up rows", async () => {
    const [exact, padded] = [
      await policy.prefill(packPrompts(prompts, model), sampler()),
      await policy.prefill(packPrompts(prompts, model, { rows: 4, minLength: 90 }), sampler()),
    ];
    expect(
      largestDifference(exact.probs.data, padded.probs.data.subarray(0, exact.probs.data.length)),
    ).toBeLessThan(1e-5);
  });

  it("sums to 1, and a lower temperature sharpens it", async () => {
    const packed = packPrompts(prompts, model);
    const at = async (temperature: number) => {
      const { probs } = await policy.prefill(packed, { ...sampler(), temperature: scalar(temperature) });
      return Array.from(probs.data.subarray(0, model.config.vocabSize));
    };
    const [warm, cold] = [await at(1), await at(0.5)];
    expect(warm.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);
    // p^(1/T) renormalised: at T = 1/2, squares.
    const squares = warm.reduce((sum, p) => sum + p * p, 0);
    expect(
      largestDifference(
        cold,
        warm.map((p) => (p * p) / squares),
      ),
    ).toBeLessThan(1e-5);
  });
});
