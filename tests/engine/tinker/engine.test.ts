import sharp from "sharp";
import { afterEach, describe, expect, it } from "vitest";
import { given } from "../../../src/core/given.js";
import { Rng } from "../../../src/core/rng.js";
import { zip } from "../../../src/core/zip.js";
import type { Engine, LossSettings } from "../../../src/engine/engine.js";
import { openTinkerEngine } from "../../../src/engine/tinker/engine.js";
import { startTinkerServer } from "../../../src/engine/tinker/serve/server.js";
import type { Lesson } from "../../../src/policy/lessons.js";
import { SURROGATE_DEFAULTS } from "../../../src/policy/surrogate.js";
import type { Prompt } from "../../../src/records.js";
import { temporaryFolder } from "../../support/fakeModel.js";
import { fastClock } from "../../support/tinkerScene.js";
import { TOY, type ToyOptions, toyBackend } from "../../support/toyBackend.js";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

interface Stage {
  readonly engine: Engine;
  readonly tables: () => Float64Array;
  readonly url: string;
  readonly paths: readonly string[];
}

async function stage(
  toy: ToyOptions = {},
  loss: "native" | "surrogate" = "surrogate",
  {
    vocabulary = TOY.vocabulary,
    updateLoss,
  }: { readonly vocabulary?: number; readonly updateLoss?: LossSettings["loss"] } = {},
): Promise<Stage> {
  const backend = toyBackend(toy);
  const paths: string[] = [];
  const server = await startTinkerServer({
    backend,
    version: "test",
    onRequest: ({ path }) => void paths.push(path),
  });
  open.push(server);
  const engine = await openTinkerEngine({
    ...{
      ...given({ updateLoss }),
      url: server.url,
      baseModel: "",
      rank: 8,
      seed: 1,
      loss,
      imageToken: TOY.pad,
      vocabulary,
      clock: fastClock(),
    },
  });
  open.push(engine);
  return { engine, tables: () => backend.tables(), url: server.url, paths };
}

const prompt = (name: string, ...tokens: number[]): Prompt => ({
  ...{ id: name, name, pieces: [{ kind: "tokens", tokens: Int32Array.from(tokens) }] },
});
const PROMPTS = [prompt("question 1, variant 0", 4, 5, 6), prompt("question 1, variant 1", 7, 8)];
const DECODING = { temperature: 1, isGreedy: false, topP: 1, topK: 0, maxTokens: 6 };
const LOSS: LossSettings = { ...SURROGATE_DEFAULTS, dualClip: null, temperature: 1, entropyCoefficient: 0 };
const STEP = {
  ...{
    step: 1,
    learningRate: 0.05,
    maxGradNorm: 100,
    weightDecay: 0.01,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
  },
};

function request(seed = 3) {
  const streams = PROMPTS.map((_, p) => [0, 1, 2].map((r) => Rng.fromSeed(seed).split(p, r).key));
  return { prompts: PROMPTS, responses: 3, decoding: DECODING, streams };
}

/** Every response under every prompt, with old log-probs a little off, so that ratios are not 1. */
async function lessonsOf(engine: Engine): Promise<Lesson[]> {
  const responses = (await engine.sampler.sample(request())).flat().map(({ tokens }) => tokens);
  const readings = PROMPTS.map((one) => ({ prompt: one, responses_R: responses }));
  const old = await engine.learner.logProbs({ readings, of: "policy", temperature: 1 });
  const tokens = 2 * responses.reduce((sum, { length }) => sum + length, 0);
  return zip(readings, old).map(([reading, logProbs_R]) => ({
    ...reading,
    advantages_R: responses.map((_, r) => [1.2, -0.7, 0.4, -1.5, 0.9, -0.3][r] ?? 0),
    oldLogProbs_R: logProbs_R.map((values, r) => values.map((value) => value + 0.25 * ((r % 3) - 1))),
    weights_R: responses.map(() => 1 / tokens),
  }));
}

async function oneStep({ engine, tables }: Stage, loss: LossSettings = LOSS, parts = 1) {
  const lessons = await lessonsOf(engine);
  const size = Math.ceil(lessons.length / parts);
  const sums = [];
  for (let at = 0; at < lessons.length; at += size) {
    sums.push(await engine.learner.accumulate(lessons.slice(at, at + size), loss));
  }
  const { gradNorm } = await engine.learner.apply(STEP);
  return {
    gradNorm,
    tables: tables().slice(),
    loss: sums.reduce((total, each) => total + each.loss, 0),
    sums,
  };
}

function expectClose(a: Float64Array, b: Float64Array): void {
  for (const [weight, other] of zip([...a], [...b])) expect(weight).toBeCloseTo(other, 5);
}

describe("openTinkerEngine", () => {
  it("samples with log-probs that the learner finds again, at the step they are of", async () => {
    const { engine } = await stage();
    const rollouts = await engine.sampler.sample(request());
    expect(rollouts.map((each) => each.length)).toEqual([3, 3]);
    const readings = zip(PROMPTS, rollouts).map(([one, rollouts_N]) => ({
      ...{ prompt: one, responses_R: rollouts_N.map(({ tokens }) => tokens) },
    }));
    const found = await engine.learner.logProbs({ readings, of: "policy", temperature: 1 });
    for (const [rollouts_N, logProbs_N] of zip(rollouts, found)) {
      for (const [rollout, logProbs] of zip(rollouts_N, logProbs_N))
        expect(logProbs).toEqual(rollout.logProbs);
    }
    expect(rollouts.flat().map(({ policyStep }) => policyStep)).toEqual([0, 0, 0, 0, 0, 0]);
    await engine.learner.apply(STEP);
    expect((await engine.sampler.sample(request()))[0]?.[0]?.policyStep).toBe(1);
  });

  it("gives every prompt a seed of its own", async () => {
    const { engine } = await stage();
    const same = [prompt("a", 4, 5), prompt("b", 4, 5)];
    const rollouts = await engine.sampler.sample({ ...request(), prompts: same });
    const tokens = rollouts.map((rollouts_N) => rollouts_N.map((rollout) => rollout.tokens.join()).join(" "));
    expect(tokens[0]).not.toBe(tokens[1]);
  });

  it("does the same step where the server sums and where it takes means, in one call or in several", async () => {
    const sum = await oneStep(await stage({ aggregation: "sum" }));
    const mean = await oneStep(await stage({ aggregation: "mean" }));
    const parts = await oneStep(await stage({ aggregation: "mean" }), LOSS, 2);
    expect(mean.gradNorm / sum.gradNorm).toBeCloseTo(1, 5);
    expectClose(mean.tables, sum.tables);
    expectClose(parts.tables, sum.tables);
    expect(parts.loss).toBeCloseTo(sum.loss, 5);
  });

  it.each(["sum", "mean"] as const)(
    "does the same step by the server's own clip and by the exact path (%s)",
    async (aggregation) => {
      const exact = await oneStep(await stage({ aggregation }));
      const native = await oneStep(await stage({ aggregation }, "native"));
      expect(native.gradNorm / exact.gradNorm).toBeCloseTo(1, 5);
      expectClose(native.tables, exact.tables);
      expect(native.sums).toEqual(exact.sums);
    },
  );

  it("needs no forward pass of its own for a step's first mini-batch", async () => {
    const { engine, paths } = await stage();
    const lessons = await lessonsOf(engine);
    const before = paths.filter((path) => path === "/forward").length;
    await engine.learner.accumulate(lessons, LOSS);
    expect(paths.filter((path) => path === "/forward")).toHaveLength(before);
    await engine.learner.apply(STEP);
    await engine.learner.accumulate(lessons, LOSS);
    expect(paths.filter((path) => path === "/forward")).toHaveLength(before + 1);
  });

  it.each(["surrogate", "native"] as const)(
    "learns without old log-probs as with those of now, for one forward pass (%s)",
    async (path) => {
      const step = async ({ engine, tables, paths }: Stage, lessons: readonly Lesson[]) => {
        const { logProbs, ...sums } = await engine.learner.accumulate(lessons, LOSS);
        const forwards = paths.filter((each) => each === "/forward").length;
        const { gradNorm } = await engine.learner.apply(STEP);
        return { sums, logProbs, gradNorm, forwards, tables: tables().slice() };
      };
      const [told, untold] = [await stage({}, path), await stage({}, path)];
      const lessons = await lessonsOf(told.engine);
      const now = await told.engine.learner.logProbs({ readings: lessons, of: "policy", temperature: 1 });
      const before = untold.paths.filter((each) => each === "/forward").length;
      const a = await step(
        told,
        zip(lessons, now).map(([lesson, oldLogProbs_R]) => ({ ...lesson, oldLogProbs_R })),
      );
      const b = await step(
        untold,
        lessons.map(({ oldLogProbs_R: _, ...lesson }) => lesson),
      );
      expect(b.forwards).toBe(before + 1);
      expect(b.logProbs).toEqual(now);
      expect(b.sums).toEqual(a.sums);
      expect(b.gradNorm).toBeCloseTo(a.gradNorm, 6);
      expect(b.gradNorm).toBeGreaterThan(0.01);
      expectClose(b.tables, a.tables);
    },
  );

  it.each(["sum", "mean"] as const)(
    "does the same step without the pairs that have no advantage (%s)",
    async (aggregation) => {
      const [whole, part] = [await stage({ aggregation }), await stage({ aggregation })];
      const lessons = (await lessonsOf(whole.engine)).map((lesson) => ({
        ...lesson,
        advantages_R: [0, -0.7, 0, 0, 0.9, 0],
      }));
      const kept = <T>(values: readonly T[] = []) => values.filter((_, r) => r === 1 || r === 4);
      const short = lessons.map((lesson) => ({
        prompt: lesson.prompt,
        ...{ responses_R: kept(lesson.responses_R), advantages_R: kept(lesson.advantages_R) },
        ...{ oldLogProbs_R: kept(lesson.oldLogProbs_R), weights_R: kept(lesson.weights_R) },
      }));
      const norms = [];
      for (const [{ engine }, each] of [
        [whole, lessons],
        [part, short],
      ] as const) {
        await engine.learner.accumulate(each, LOSS);
        norms.push((await engine.learner.apply(STEP)).gradNorm);
      }
      expect(norms[1]).toBeCloseTo(norms[0] as number, 6);
      expect(norms[0]).toBeGreaterThan(0.01);
      expectClose(part.tables(), whole.tables());
    },
  );

  it("refuses losses that the server has not, where its own was asked for", async () => {
    const { engine } = await stage({}, "native");
    const lessons = await lessonsOf(engine);
    await expect(engine.learner.accumulate(lessons, { ...LOSS, dualClip: 3 })).rejects.toThrow(
      /engine\.loss=native: the server's own loss has no update\.dualClip=3; engine\.loss=surrogate computes it here/,
    );
  });

  it("reads the policy that training began with after steps", async () => {
    const made = await stage();
    const lessons = await lessonsOf(made.engine);
    const ask = { readings: lessons, temperature: 1 } as const;
    const before = await made.engine.learner.logProbs({ ...ask, of: "policy" });
    await oneStep(made);
    expect(await made.engine.learner.logProbs({ ...ask, of: "reference" })).toEqual(before);
    expect(await made.engine.learner.logProbs({ ...ask, of: "policy" })).not.toEqual(before);
  });

  it("goes on from a checkpoint to the very same weights", async () => {
    const made = await stage();
    const folder = await temporaryFolder();
    await oneStep(made);
    await made.engine.learner.save(folder);
    const straight = await oneStep(made);
    await made.engine.learner.restore(folder, 1);
    expect((await made.engine.sampler.sample(request()))[0]?.[0]?.policyStep).toBe(1);
    const again = await oneStep(made);
    expect(again.gradNorm).toBe(straight.gradNorm);
  });

  it("says so when the server has lost a checkpoint, and when the folder holds another kind of policy", async () => {
    const folder = await temporaryFolder();
    const first = await stage();
    await first.engine.learner.save(folder);
    const other = await stage();
    await expect(other.engine.learner.restore(folder, 0)).rejects.toThrow(
      /no longer has tinker:\/\/.*weights and moments are kept there alone/,
    );
    await expect(first.engine.learner.restore(await temporaryFolder(), 0)).rejects.toThrow(
      /not the state of a policy on a server/,
    );
  });

  it("refuses a server that drops images before anything is sampled", async () => {
    const png = await sharp({ create: { width: 56, height: 56, channels: 3, background: "red" } })
      .png()
      .toBuffer();
    const image = { kind: "bytes", bytes: new Uint8Array(png) } as const;
    const shown: Prompt = {
      ...{ id: "shown", name: "question 2, variant 0" },
      pieces: [
        { kind: "tokens", tokens: Int32Array.of(4) },
        { ...{ kind: "image", image, digest: "d", size: { width: 56, height: 56 }, tokens: 4 } },
        { kind: "tokens", tokens: Int32Array.of(5, 6) },
      ],
    };
    const asked = { prompts: [shown], responses: 2, decoding: DECODING };
    const seeing = await stage();
    expect((await seeing.engine.sampler.sample(asked))[0]).toHaveLength(2);
    const blind = await stage({ ignoresImages: true });
    await expect(blind.engine.sampler.sample(asked)).rejects.toThrow(
      /ignores images: a prompt with a black image/,
    );
    expect(blind.paths).not.toContain("/asample");
  });

  it("refuses tokens of another model than the one whose tokenizer writes the prompts", async () => {
    const asked = { prompts: PROMPTS, responses: 4, decoding: DECODING };
    // Rows that the model has for no token of its tokenizer's may be drawn; twice as many has no model.
    const padded = await stage({}, "surrogate", { vocabulary: TOY.vocabulary / 2 });
    expect((await padded.engine.sampler.sample(asked))[0]).toHaveLength(4);
    const other = await stage({}, "surrogate", { vocabulary: 2 });
    await expect(other.engine.sampler.sample(asked)).rejects.toThrow(
      /question 1, variant \d: a response has token \d+, the tokenizer of `model` knows 2: set model to the folder/,
    );
  });

  it("says which models there are where none is named and several are served", async () => {
    const backend = { ...toyBackend(), models: ["a/one", "a/two"] };
    const server = await startTinkerServer({ backend, version: "test" });
    open.push(server);
    const settings = {
      url: server.url,
      baseModel: "",
      rank: 8,
      seed: 1,
      loss: "surrogate",
      imageToken: 3,
      vocabulary: 16,
    } as const;
    await expect(openTinkerEngine(settings)).rejects.toThrow(
      /engine\.baseModel: missing: http.* serves a\/one, a\/two: name one/,
    );
  });

  it("catches a server that computes another loss than asked for: the exact path does not use it", async () => {
    const honest = await oneStep(await stage());
    const twisted = await oneStep(await stage({ lossAs: { ppo: "cross_entropy" } }));
    expectClose(twisted.tables, honest.tables);
  });

  it.each([
    { why: "another loss under its name", toy: { lossAs: { ppo: "cross_entropy" } }, isRefused: true },
    { why: "thresholds of its own", toy: { ignoresLossConfig: true }, isRefused: true },
    {
      why: "another loss that is not asked for",
      toy: { lossAs: { cispo: "cross_entropy" } },
      isRefused: false,
    },
  ] as const)(
    "asks a server with $why for its own clip or refuses it: $isRefused",
    async ({ toy, isRefused }) => {
      const made = await stage(toy, "native");
      const lessons = await lessonsOf(made.engine);
      const learnt = made.engine.learner.accumulate(lessons, LOSS);
      if (!isRefused) return void (await learnt);
      await expect(learnt).rejects.toThrow(
        /engine\.loss=native: http.* computes something else under the name ppo, or refuses it; engine\.loss=surrogate/,
      );
      expect(made.paths.filter((path) => path === "/optim_step")).toHaveLength(8);
    },
  );

  it("tries no other loss than the one that training names, where it names one", async () => {
    const trials = async (updateLoss?: LossSettings["loss"]) => {
      const { paths } = await stage({}, "native", given({ updateLoss }));
      return paths.filter((path) => path === "/optim_step").length;
    };
    const base = await trials("gspo");
    expect(await trials("clip")).toBe(base + 2);
    expect(await trials()).toBe(base + 4);
  });
});
