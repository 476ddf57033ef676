import { appendFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { resolveConfig } from "../../src/config/load.js";
import type { RunConfig } from "../../src/config/schema.js";
import { CheckpointError } from "../../src/core/errors.js";
import { readJsonl } from "../../src/core/files/jsonl.js";
import type { Engine } from "../../src/engine/engine.js";
import { createEngine } from "../../src/engine/local/engine.js";
import { localSettings } from "../../src/engine/local/settings.js";
import { writeWeights } from "../../src/engine/local/weightFiles.js";
import { loadModel } from "../../src/model/load.js";
import { type TrainOptions, type TrainOutcome, train } from "../../src/train/loop.js";
import { METRICS, OCCASIONAL_METRICS } from "../../src/train/run/metrics.js";
import { RunFolder } from "../../src/train/run/runFolder.js";
import { temporaryFolder } from "../support/fakeModel.js";
import { taughtQuestion, writeTaughtModel } from "../support/taughtModel.js";

const SETTINGS = {
  expand: { variants: 2, transformProbability: 0 },
  rollout: { responses: 4, maxResponseLength: 16 },
  update: { learningRate: 3e-3, optimizerStepsPerRollout: 2 },
  train: { steps: 4, questionsPerStep: 4, saveEvery: 2, evaluateQuestions: 4, loggedQuestions: 2 },
};
const GRPO = { ...SETTINGS, expand: { variants: 1 }, update: { ...SETTINGS.update, algorithm: "grpo" } };

let dir: string;
let model: string;

beforeAll(async () => {
  dir = await temporaryFolder();
  model = join(dir, "model");
  await writeTaughtModel(model, resolveConfig({}, "defaults").expand.formatPrompt);
}, 300_000);

interface Run
  extends Partial<Pick<TrainOptions, "signal" | "onStep" | "onCheckpoint" | "onNote" | "isResume">> {
  readonly settings?: object;
  readonly wrapEngine?: (engine: Engine) => Engine;
}

/** A run of its own process, as far as it can tell: model, engine and run folder are opened anew; clock and memory stand still. */
async function run(
  name: string,
  { settings = SETTINGS, isResume = false, wrapEngine = (engine) => engine, ...rest }: Run = {},
): Promise<TrainOutcome> {
  const config: RunConfig = resolveConfig(settings, "test");
  const loaded = await loadModel(model);
  const engine = wrapEngine(createEngine(loaded, localSettings(config)));
  return train({
    config,
    engine: { ...engine, report: () => Promise.resolve({ residentBytes: 1, peakBytes: 1 }) },
    processor: loaded.processor,
    questions: {
      train: (index) => Promise.resolve(taughtQuestion(index)),
      heldout: (index) => Promise.resolve(taughtQuestion(1000 + index)),
      async *all() {
        yield taughtQuestion(0);
      },
    },
    run: await RunFolder.open(join(dir, name), config, { isResume }),
    isResume,
    now: () => 0,
    ...rest,
  });
}

/** Runs until `step` is done, then asks to stop. */
function runUntil(name: string, step: number, more: Run = {}): Promise<TrainOutcome> {
  const control = new AbortController();
  return run(name, { ...more, signal: control.signal, onStep: (at) => at === step && control.abort() });
}

const bytes = (...path: string[]) => readFile(join(dir, ...path));
const rowsOf = async (name: string, file: string) =>
  (await readJsonl(join(dir, name, file))).records as readonly Record<string, unknown>[];

/** A machine that does other things too must not fail a test of whole runs. */
const PATIENCE = { timeout: 240_000 };

describe("train", PATIENCE, () => {
  it("stopped after a step and resumed, ends with the bytes of an uninterrupted run", async () => {
    expect(await run("whole")).toEqual({ step: 4, isFinished: true });
    expect(await runUntil("parts", 1)).toEqual({ step: 1, isFinished: false });
    expect(await readdir(join(dir, "parts", "checkpoints"))).toEqual(["step-000001"]);
    expect(await run("parts", { isResume: true })).toEqual({ step: 4, isFinished: true });
    for (const name of ["metrics.jsonl", "rollouts.jsonl", "evaluations.jsonl", "config.yaml"]) {
      expect(await bytes("parts", name), name).toEqual(await bytes("whole", name));
    }
    for (const name of await readdir(join(dir, "whole", "checkpoints", "step-000004"))) {
      const at = ["checkpoints", "step-000004", name];
      expect(await bytes("parts", ...at), name).toEqual(await bytes("whole", ...at));
    }
    // Not for want of training: rewards differed, and the weights moved.
    const shares = (await rowsOf("whole", "metrics.jsonl")).map(
      (row) => row["advantage/valid_share_pooled"] as number,
    );
    expect(Math.max(...shares)).toBeGreaterThan(0.4);
    const first = await readFile(join(model, "model.safetensors"));
    expect(await bytes("whole", "checkpoints", "step-000004", "model.safetensors")).not.toEqual(first);
  });

  it("logs every metric of every step once, with ratios of 1 before each first update", async () => {
    const rows = await rowsOf("whole", "metrics.jsonl");
    expect(rows.map(({ step }) => step)).toEqual([1, 2, 3, 4]);
    const always = Object.keys(METRICS).filter((name) => !Object.hasOwn(OCCASIONAL_METRICS, name));
    for (const row of rows) {
      expect(Object.keys(row).sort()).toEqual(["step", ...always].sort());
      expect(row["policy/ratio_deviation_first"]).toBeLessThan(1e-4);
      expect(row["rollout/log_prob_gap"]).toBeLessThan(1e-4);
      expect(row["policy/updates_skipped"]).toBe(0);
    }
  });

  it("evaluates the same held-out questions before and after", async () => {
    const evaluations = await rowsOf("whole", "evaluations.jsonl");
    expect(evaluations.map(({ label, step, total }) => ({ label, step, total }))).toEqual([
      { label: "before", step: 0, total: 4 },
      { label: "after", step: 4, total: 4 },
    ]);
  });

  it("writes whole rollouts: every response under its variant, none empty", async () => {
    const rollouts = await rowsOf("whole", "rollouts.jsonl");
    expect(rollouts).toHaveLength(8);
    for (const row of rollouts) {
      const responses = row["responses"] as { tokens: number; j: number; i: number }[];
      expect(responses.map(({ j, i }) => [j, i])).toEqual(
        [0, 1].flatMap((j) => [0, 1, 2, 3].map((i) => [j, i])),
      );
      expect(responses.every(({ tokens }) => tokens > 0)).toBe(true);
    }
  });

  it("tells of every checkpoint when it is whole; what is added to it does not hinder a resume", async () => {
    const told: string[] = [];
    const onCheckpoint = async (folder: string, step: number) => {
      expect(await readdir(folder)).toContain("manifest.json");
      await writeFile(join(folder, "README.md"), `step ${step}`);
      told.push(`${step} ${relative(dir, folder)}`);
    };
    await runUntil("told", 2, { onCheckpoint });
    await run("told", { isResume: true, onCheckpoint });
    expect(told).toEqual([2, 4].map((step) => `${step} ${join("told", "checkpoints", `step-00000${step}`)}`));
    expect(String(await bytes("told", "checkpoints", "step-000004", "README.md"))).toBe("step 4");
  });

  it("goes on from the last checkpoint when the process died, and drops the rows after it", async () => {
    await runUntil("died", 2);
    // Two rows of a step whose checkpoint was never written, the second torn.
    await appendFile(join(dir, "died", "metrics.jsonl"), '{"step":3,"reward/overall":0.9}\n{"step":4,"rew');
    expect(await run("died", { isResume: true })).toEqual({ step: 4, isFinished: true });
    expect(await bytes("died", "metrics.jsonl")).toEqual(await bytes("whole", "metrics.jsonl"));
  });

  it("has nothing left to do when a finished run is resumed", async () => {
    const before = await bytes("whole", "metrics.jsonl");
    const steps: number[] = [];
    const outcome = await run("whole", { isResume: true, onStep: (step) => steps.push(step) });
    expect(outcome).toEqual({ step: 4, isFinished: true });
    expect(steps).toEqual([]);
    expect(await bytes("whole", "metrics.jsonl")).toEqual(before);
    expect(await rowsOf("whole", "evaluations.jsonl")).toHaveLength(2);
  });

  it("given more steps, a finished run ends with the bytes of one that was begun for them", async () => {
    const shorter = { ...SETTINGS, train: { ...SETTINGS.train, steps: 3 } };
    expect(await run("longer", { settings: shorter })).toEqual({ step: 3, isFinished: true });
    const notes: string[] = [];
    const more = { isResume: true, onNote: (note: string) => notes.push(note) };
    expect(await run("longer", more)).toEqual({ step: 4, isFinished: true });
    expect(notes).toEqual([expect.stringMatching(/^train\.steps was 3, now 4: the constant learning rate/)]);
    for (const name of ["metrics.jsonl", "rollouts.jsonl", "config.yaml"]) {
      expect(await bytes("longer", name), name).toEqual(await bytes("whole", name));
    }
    for (const name of ["model.safetensors", "optimizer.safetensors", "state.json"]) {
      const at = ["checkpoints", "step-000004", name];
      expect(await bytes("longer", ...at), name).toEqual(await bytes("whole", ...at));
    }
    const [before, middle, after] = await rowsOf("longer", "evaluations.jsonl");
    expect(middle).toMatchObject({ label: "after", step: 3 });
    expect([before, after]).toEqual(await rowsOf("whole", "evaluations.jsonl"));
  });

  it("refuses fewer steps than it has done, and leaves the folder as it was", async () => {
    const fewer = { ...SETTINGS, train: { ...SETTINGS.train, steps: 3 } };
    const settings = await bytes("whole", "config.yaml");
    const resumed = run("whole", { settings: fewer, isResume: true });
    await expect(resumed).rejects.toBeInstanceOf(CheckpointError);
    await expect(resumed).rejects.toThrow("train.steps: 3 is less than the 4 steps that the run has done");
    expect(await bytes("whole", "config.yaml")).toEqual(settings);
    expect(await rowsOf("whole", "metrics.jsonl")).toHaveLength(4);
  });

  /** A run whose engine aborts it inside the call that is named, in its second step. */
  function runAborting(name: string, method: "sample" | "logProbs" | "accumulate", call: number) {
    const control = new AbortController();
    const reason = new Error("stop");
    let calls = 0;
    const wrapEngine = (engine: Engine): Engine => {
      const counted =
        <Args extends unknown[], Result>(own: string, run: (...args: Args) => Promise<Result>) =>
        (...args: Args) => {
          if (own === method && ++calls === call) control.abort(reason);
          return run(...args);
        };
      return {
        ...engine,
        sampler: { sample: counted("sample", engine.sampler.sample) },
        learner: {
          ...engine.learner,
          logProbs: counted("logProbs", engine.learner.logProbs),
          accumulate: counted("accumulate", engine.learner.accumulate),
        },
      };
    };
    return run(name, { signal: control.signal, wrapEngine });
  }

  // Calls before step 2: one evaluation and one rollout; one pass of log-probs; two gradients.
  it.each([
    ["sample", 3],
    ["logProbs", 2],
    ["accumulate", 3],
    ["accumulate", 4],
  ] as const)(
    "asked to stop inside %s (call %d) saves the step before, and resumes to the same bytes",
    async (method, call) => {
      const name = `aborted-${method}-${call}`;
      expect(await runAborting(name, method, call)).toEqual({ step: 1, isFinished: false });
      expect(await readdir(join(dir, name, "checkpoints"))).toEqual(["step-000001"]);
      expect(await rowsOf(name, "metrics.jsonl")).toHaveLength(1);
      expect(await run(name, { isResume: true })).toEqual({ step: 4, isFinished: true });
      expect(await bytes(name, "metrics.jsonl")).toEqual(await bytes("whole", "metrics.jsonl"));
      const weights = ["checkpoints", "step-000004", "model.safetensors"];
      expect(await bytes(name, ...weights)).toEqual(await bytes("whole", ...weights));
    },
  );

  it("finishes a step whose weights have moved where the engine cannot go back", async () => {
    const control = new AbortController();
    const wrapEngine = (engine: Engine): Engine => ({
      ...engine,
      abilities: { ...engine.abilities, can: [] },
      learner: {
        ...engine.learner,
        apply: async (step) => {
          const applied = await engine.learner.apply(step);
          if (step.step === 3) control.abort(new Error("stop"));
          return applied;
        },
        rollback: () => Promise.reject(new Error("cannot")),
      },
    });
    expect(await run("no-rollback", { signal: control.signal, wrapEngine })).toEqual({
      step: 2,
      isFinished: false,
    });
  });

  it("goes on where a change of engine settings is all that differs", async () => {
    await runUntil("moved", 1);
    const settings = { ...SETTINGS, engine: { kind: "local" } };
    expect(await run("moved", { isResume: true, settings })).toEqual({ step: 4, isFinished: true });
  });

  it("does nothing when asked to stop before it begins", async () => {
    const outcome = await run("never", { signal: AbortSignal.abort() });
    expect(outcome).toEqual({ step: 0, isFinished: false });
    expect(await readdir(join(dir, "never"))).not.toContain("metrics.jsonl");
  });

  it("refuses a damaged checkpoint, with the file and the cure", async () => {
    await runUntil("damaged", 2);
    const path = join(dir, "damaged", "checkpoints", "step-000002", "optimizer.safetensors");
    const content = await readFile(path);
    content[content.length - 1] = (content.at(-1) as number) ^ 1;
    await writeFile(path, content);
    const resumed = run("damaged", { isResume: true });
    await expect(resumed).rejects.toThrow(CheckpointError);
    await expect(resumed).rejects.toThrow(`${path}: has changed since it was written: delete step-000002`);
  });

  it("refuses to resume with other settings, and to start anew over a run", async () => {
    const others = run("whole", { isResume: true, settings: { ...SETTINGS, seed: 2 } });
    await expect(others).rejects.toThrow(CheckpointError);
    await expect(others).rejects.toThrow("the run was started with other settings: seed: 1, now 2; resume");
    await expect(run("whole")).rejects.toThrow("already holds a run: continue it with --resume");
  });

  it("trains plain GRPO through the same steps: one prompt per response, no global term for others", async () => {
    const outcome = await run("grpo", { settings: { ...GRPO, train: { ...SETTINGS.train, steps: 1 } } });
    expect(outcome).toEqual({ step: 1, isFinished: true });
    const rollouts = await rowsOf("grpo", "rollouts.jsonl");
    expect(rollouts.every((row) => (row["variants"] as unknown[]).length === 1)).toBe(true);
    const [row] = await rowsOf("grpo", "metrics.jsonl");
    expect(row?.["policy/ratio_deviation_first"]).toBeLessThan(1e-4);
  });
});

/** One short step; what every combination must have in common. */
async function oneStep(name: string, settings: object): Promise<Record<string, unknown>> {
  const short = { train: { ...SETTINGS.train, steps: 1, evaluateQuestions: 0 } };
  await run(name, { settings: { ...SETTINGS, ...short, ...settings } });
  const [row = {}] = await rowsOf(name, "metrics.jsonl");
  return row;
}

describe("train, by its settings", PATIENCE, () => {
  it.each([
    ["paper", { mode: "paper" }, 2, 3e-3],
    ["code", { mode: "code" }, 4, 0],
  ])(
    "mode %s runs as printed or released, with a ratio of 1 at first",
    async (mode, settings, steps, rate) => {
      const row = await oneStep(mode, settings);
      expect(row["policy/learning_rate"]).toBe(rate);
      expect(row["policy/ratio_deviation_first"]).toBeLessThan(1e-4);
      const state = await readFile(join(dir, mode, "checkpoints", "step-000001", "state.json"), "utf8");
      expect(JSON.parse(state)).toMatchObject({ optimizerSteps: steps });
    },
  );

  it("runs a baseline with another loss, cut-off responses masked and an over-long penalty", async () => {
    const row = await oneStep("baseline", {
      update: { ...SETTINGS.update, algorithm: "reinforce++", loss: "cispo", masksTruncated: true },
      rollout: { ...SETTINGS.rollout, topK: 20 },
      reward: { overlongBuffer: 16 },
    });
    expect(row["score/mean"]).toBeLessThan(row["reward/overall"] as number);
    expect(row["advantage/mean"]).toBeCloseTo(0, 6);
    expect(row["policy/grad_norm"]).toBeGreaterThan(0);
  });

  it("takes KL off the reward: 0 at the first step, when the policy is the reference", async () => {
    const row = await oneStep("kl-reward", { kl: { use: "reward", coefficient: 0.5 } });
    expect(Math.abs(row["policy/kl_reference"] as number)).toBeLessThan(1e-6);
    expect(row["score/mean"]).toBeCloseTo(row["reward/overall"] as number, 5);
    expect(row["policy/kl_coefficient"]).toBe(0.5);
  });

  it("asks further questions for those that teach nothing, and says when it gave up", async () => {
    const notes: string[] = [];
    const filter = { kind: "mean", low: 0.98, high: 0.99, maxTries: 2 };
    const settings = { ...SETTINGS, rollout: { ...SETTINGS.rollout, filter } };
    const train = { ...SETTINGS.train, steps: 1, evaluateQuestions: 0 };
    await run("filter", { settings: { ...settings, train }, onNote: (note) => notes.push(note) });
    const [row] = await rowsOf("filter", "metrics.jsonl");
    expect(row).toMatchObject({ "rollout/questions_asked": 8, "rollout/passed_share": 0 });
    expect(notes).toEqual([
      expect.stringContaining("step 1: rollout.filter: 0 of 8 questions passed, 4 are needed"),
    ]);
    const state = await readFile(join(dir, "filter", "checkpoints", "step-000001", "state.json"), "utf8");
    expect(JSON.parse(state)).toMatchObject({ questionsSeen: 8 });
  });

  it("resumes exactly with an adaptive KL term, an entropy bonus and importance weights", async () => {
    const settings = {
      ...SETTINGS,
      advantage: { crossImportanceCap: 2, crossWeight: 0.5 },
      update: { ...SETTINGS.update, entropyCoefficient: 0.01 },
      kl: { use: "loss", controller: "adaptive", coefficient: 0.2, target: 100, horizon: 100 },
      train: { ...SETTINGS.train, steps: 2, saveEvery: 1, evaluateQuestions: 0 },
    };
    await run("terms", { settings });
    const control = new AbortController();
    await run("terms-parts", { settings, signal: control.signal, onStep: () => control.abort() });
    await run("terms-parts", { settings, isResume: true });
    expect(await bytes("terms-parts", "metrics.jsonl")).toEqual(await bytes("terms", "metrics.jsonl"));
    const weights = ["checkpoints", "step-000002", "model.safetensors"];
    expect(await bytes("terms-parts", ...weights)).toEqual(await bytes("terms", ...weights));
    const rows = await rowsOf("terms", "metrics.jsonl");
    expect(rows[0]?.["policy/kl_coefficient"]).toBe(0.2);
    // KL starts far below its target: β shrinks by 20 % · 32 responses / 100.
    expect(rows[1]?.["policy/kl_coefficient"]).toBeCloseTo(0.2 * (1 - 0.2 * 0.32), 12);
    expect(rows[1]?.["policy/entropy_full"]).toBeGreaterThan(0);
  });

  it("refuses a checkpoint of another model when its files are sound", async () => {
    const config = resolveConfig(SETTINGS, "test");
    const loaded = await loadModel(model);
    const engine = createEngine(loaded, localSettings(config));
    const { "model.norm.weight": _, ...rest } = loaded.params;
    const folder = join(dir, "other");
    await mkdir(folder);
    await writeWeights(folder, { params: rest, first: rest, second: rest }, loaded);
    await expect(engine.learner.restore(folder, 0)).rejects.toThrow(
      `${folder}: model.safetensors: parameters do not fit config.json: missing: model.norm.weight`,
    );
  });
});
