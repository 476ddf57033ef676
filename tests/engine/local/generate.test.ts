import { beforeAll, describe, expect, it } from "vitest";
import { scalar } from "../../../src/core/ndarray.js";
import { Rng } from "../../../src/core/rng.js";
import { generate, type RolloutRequest } from "../../../src/engine/local/generate.js";
import { createLocalPolicy } from "../../../src/engine/local/localPolicy.js";
import type { LocalPolicy } from "../../../src/engine/local/policy.js";
import { argmax } from "../../../src/engine/local/sampling.js";
import type { Model } from "../../../src/model/load.js";
import { packPrompts } from "../../../src/model/transformer/pack.js";
import type { Rollout } from "../../../src/records.js";
import { type FakePrompt, fakeModel, fakePrompt } from "../../support/fakeModel.js";
import { testLearner } from "../../support/testLearner.js";

let model: Model;
let policy: LocalPolicy;
let prompts: FakePrompt[];

beforeAll(async () => {
  model = await fakeModel({ sharpness: 10, endWeight: 6 });
  prompts = await Promise.all([
    fakePrompt(model, { words: "How many red circles?", grids: [[4, 6]] }),
    fakePrompt(model, { words: "How many blue squares are there? Think in <think> </think>, then answer." }),
    fakePrompt(model, {
      words: "red and blue",
      grids: [
        [4, 4],
        [6, 4],
      ],
    }),
  ]);
});

const SAMPLING = { temperature: 1, isGreedy: false, topP: 1, topK: 0, maxTokens: 40 };
const GREEDY = { ...SAMPLING, isGreedy: true };

/** A stream per prompt (by its words, not its place) and response. */
const streamsFor = (given: readonly FakePrompt[], responses: number) =>
  given.map((prompt) =>
    Array.from({ length: responses }, (_, i) => Rng.fromSeed(5).split(prompt.tokens.join(), i).key),
  );

function sample(given: readonly FakePrompt[], request: Partial<RolloutRequest> = {}): Promise<Rollout[][]> {
  const responses = request.responses ?? 4;
  const streams = streamsFor(given, responses);
  return generate(policy, { prompts: given, responses, decoding: SAMPLING, streams, ...request });
}

const tokensOf = (rollouts: readonly (readonly Rollout[])[]) =>
  rollouts.map((each) => each.map(({ tokens }) => Array.from(tokens)));

/** The policy's probabilities after a prompt and some tokens, from the prompts' graph alone: no cache. */
async function uncached(given: readonly FakePrompt[]): Promise<Float32Array[]> {
  const ready = await policy.ready();
  const sampler = { temperature: scalar(1), tokenBias: ready.tokenBias };
  const { probs } = await ready.prefill(packPrompts(given, model), sampler);
  const V = model.config.vocabSize;
  return given.map((_, row) => Float32Array.from(probs.data.subarray(row * V, (row + 1) * V)));
}

describe.each([
  ["on the host", {}],
  ["where graphs run", { keepsArrays: true }],
])("generate, with keys and values %s", (_, runtime) => {
  beforeAll(() => {
    policy = createLocalPolicy(model, { runtime });
  });

  it("ends every response at its first end token or at the limit, and returns none empty", async () => {
    const rollouts = (await sample(prompts, { responses: 12 })).flat();
    const isEnd = (token: number) => model.config.tokens.eos.includes(token);
    for (const { tokens, logProbs, stopReason } of rollouts) {
      expect(tokens.length).toBeGreaterThan(0);
      expect(tokens.length).toBeLessThanOrEqual(40);
      expect(logProbs).toHaveLength(tokens.length);
      expect(tokens.slice(0, -1).some(isEnd)).toBe(false);
      expect(stopReason).toBe(isEnd(tokens.at(-1) as number) ? "eos" : "length");
      if (stopReason === "length") expect(tokens).toHaveLength(40);
    }
    // Both ends are met, and lengths differ, so that rows were retired and the cache has grown beyond its first slots.
    expect(new Set(rollouts.map(({ stopReason }) => stopReason)).size).toBe(2);
    expect(new Set(rollouts.map(({ tokens }) => tokens.length)).size).toBeGreaterThan(5);
  });

  it("gives a response the same tokens whatever is sampled beside it, in whatever order", async () => {
    const together = await sample(prompts);
    const few = await sample(prompts, { maxRows: 4 });
    expect(tokensOf(few)).toEqual(tokensOf(together));
    const reversed = await sample([...prompts].reverse());
    expect(tokensOf(reversed.reverse())).toEqual(tokensOf(together));
    const alone = await sample(prompts.slice(1, 2));
    expect(tokensOf(alone)).toEqual(tokensOf(together).slice(1, 2));
    const fewer = await sample(prompts, { responses: 2 });
    expect(tokensOf(fewer)).toEqual(tokensOf(together).map((each) => each.slice(0, 2)));
    const logProbs = (rollouts: Rollout[][]) => rollouts.flat(2).flatMap((each) => Array.from(each.logProbs));
    logProbs(few).forEach((logProb, at) => {
      expect(logProb).toBeCloseTo(logProbs(together)[at] as number, 4);
    });
  });

  it("gives other tokens to other streams", async () => {
    const rollouts = (await sample(prompts)).flat().map(({ tokens }) => tokens.join());
    // Short ones may coincide.
    expect(new Set(rollouts).size).toBeGreaterThan(rollouts.length - 3);
  });

  it("greedy takes the most likely token of an uncached forward pass at every place", async () => {
    const [[rollout]] = (await sample(prompts.slice(0, 1), {
      responses: 1,
      decoding: { ...GREEDY, maxTokens: 12 },
      streams: [],
    })) as [[Rollout]];
    const [prompt] = prompts as [FakePrompt];
    const longer = Array.from(rollout.tokens, (_, t) => ({
      ...prompt,
      tokens: Int32Array.from([...prompt.tokens, ...rollout.tokens.subarray(0, t)]),
    }));
    const rows = await uncached(longer);
    expect(rows.map(argmax)).toEqual(Array.from(rollout.tokens));
    rows.forEach((row, t) => {
      expect(Math.log(row[rollout.tokens[t] as number] as number)).toBeCloseTo(
        rollout.logProbs[t] as number,
        4,
      );
    });
  });

  it("greedy, top-k 1 and a very small top-p agree", async () => {
    const short = { ...SAMPLING, maxTokens: 8 };
    const greedy = await sample(prompts, { responses: 2, decoding: { ...short, isGreedy: true } });
    expect(tokensOf(greedy)[0]?.[0]).toEqual(tokensOf(greedy)[0]?.[1]);
    for (const change of [{ topK: 1 }, { topP: 1e-6 }]) {
      const sampled = await sample(prompts, { responses: 2, decoding: { ...short, ...change } });
      expect(tokensOf(sampled)).toEqual(tokensOf(greedy));
    }
  });

  it.each([1, 0.7])(
    "returns the log-probabilities that the learner computes at temperature %d",
    async (temperature) => {
      const learner = testLearner(model, { rollout: { temperature } });
      const rollouts = await sample(prompts, { decoding: { ...SAMPLING, temperature } });
      const units = rollouts.map((each, at) => ({
        prompt: prompts[at] as FakePrompt,
        responses_R: each.map(({ tokens }) => tokens),
      }));
      const recomputed = await learner.logProbs(units);
      rollouts.forEach((each, u) => {
        each.forEach(({ logProbs }, r) => {
          const other = recomputed[u]?.[r] as Float32Array;
          expect(other).toHaveLength(logProbs.length);
          logProbs.forEach((logProb, t) => {
            expect(
              Math.abs(logProb - (other[t] as number)),
              `unit ${u}, response ${r}, token ${t}`,
            ).toBeLessThan(1e-4);
          });
        });
      });
    },
  );

  it("never samples image markers or rows of the vocabulary that have no token", async () => {
    const { image, video, visionStart, visionEnd } = model.config.tokens;
    const [row] = (await uncached(prompts.slice(0, 1))) as [Float32Array];
    const forbidden = [image, video, visionStart, visionEnd];
    for (let token = model.processor.size; token < model.config.vocabSize; token++) forbidden.push(token);
    expect(forbidden.map((token) => row[token])).toEqual(forbidden.map(() => 0));
    expect(row.filter((p) => p === 0)).toHaveLength(forbidden.length);
    // Nearly uniform, so that a hole in the mask would be hit: 300 tokens, 64 · 24 draws.
    const hot = { ...SAMPLING, temperature: 50, maxTokens: 24 };
    const tokens = (await sample(prompts.slice(0, 1), { responses: 64, decoding: hot })).flat(2);
    const seen = new Set(tokens.flatMap((each) => Array.from(each.tokens)));
    expect(forbidden.filter((token) => seen.has(token))).toEqual([]);
    expect(seen.size).toBeGreaterThan(200);
  });

  it("samples as often as the probabilities say", async () => {
    const [row] = (await uncached(prompts.slice(1, 2))) as [Float32Array];
    const rollouts = await sample(prompts.slice(1, 2), {
      responses: 1000,
      maxRows: 1000,
      decoding: { ...SAMPLING, maxTokens: 1 },
    });
    const counts = new Map<number, number>();
    for (const { tokens } of rollouts.flat())
      counts.set(tokens[0] as number, (counts.get(tokens[0] as number) ?? 0) + 1);
    const likely = Array.from(row.keys()).filter((token) => (row[token] as number) > 0.01);
    expect(likely.length).toBeGreaterThanOrEqual(3);
    for (const token of likely) {
      const p = row[token] as number;
      // Four standard deviations of a binomial share.
      expect(Math.abs((counts.get(token) ?? 0) / 1000 - p), `token ${token}`).toBeLessThan(
        4 * Math.sqrt((p * (1 - p)) / 1000),
      );
    }
  });

  it("stops at one token where the limit says so, also when it is no end token", async () => {
    const rollouts = await sample(prompts, { decoding: { ...SAMPLING, maxTokens: 1 } });
    expect(rollouts.flat().map(({ tokens }) => tokens.length)).toEqual(new Array(12).fill(1));
    expect(rollouts.flat().some(({ stopReason }) => stopReason === "length")).toBe(true);
  });

  it("takes no prompts, and refuses prompts without streams", async () => {
    expect(await sample([])).toEqual([]);
    await expect(sample(prompts, { streams: [] })).rejects.toThrow("no stream for response 0 of prompt 0");
  });

  it("reports progress and stops between groups of prompts when asked", async () => {
    const control = new AbortController();
    const events: [number, number][] = [];
    const stopped = sample(prompts, {
      responses: 1,
      maxRows: 1,
      decoding: { ...SAMPLING, maxTokens: 1 },
      signal: control.signal,
      onProgress: ({ done, total }) => {
        events.push([done, total]);
        if (done === 2) control.abort(new Error("enough"));
      },
    });
    await expect(stopped).rejects.toThrow("enough");
    expect(events).toEqual([
      [1, 3],
      [2, 3],
    ]);
  });
});
