/**
 * @module What sharing costs: whole rollout steps of the bundled policy on drawn scenes, in an engine's process as a run
 * has it, with as many responses each. GRPO asks each question once; Share-GRPO reads every response under m prompts.
 */
import { resolveConfig } from "../../../src/config/load.js";
import { PRESETS } from "../../../src/config/presets.js";
import type { RunConfigInput } from "../../../src/config/schema.js";
import { Rng } from "../../../src/core/rng.js";
import { quantile } from "../../../src/core/stats.js";
import { zip } from "../../../src/core/zip.js";
import { sceneQuestion } from "../../../src/data/scenes/draw.js";
import { sceneStream } from "../../../src/data/scenes/sets.js";
import { localSettings } from "../../../src/engine/local/settings.js";
import { startEngine } from "../../../src/engine/process/engineInProcess.js";
import type { Model } from "../../../src/model/load.js";
import { formatNumber, type Table } from "../../../src/report/table.js";
import { stepMetrics } from "../../../src/train/run/measure.js";
import { trainStep } from "../../../src/train/step.js";
import { stopwatch } from "../../../src/train/stopwatch.js";
import { interleave, type Repetitions, type Timing } from "./interleave.js";
import { medianParts, type StepParts } from "./stepParts.js";

const QUESTIONS = 16;
/** Responses to each question, whatever their variants. */
const RESPONSES = 12;

interface Arm {
  readonly name: string;
  readonly settings: RunConfigInput;
}

const share = (variants: number, name: string, advantage: RunConfigInput["advantage"] = {}): Arm => {
  const { tiny } = PRESETS;
  const rollout = { ...tiny.rollout, responses: RESPONSES / variants };
  return { name, settings: { ...tiny, expand: { variants }, rollout, advantage } };
};

/** The first is what the others are compared with. */
const ARMS: readonly Arm[] = [
  { name: "GRPO, n = 12", settings: PRESETS["tiny-grpo"] },
  share(2, "Share-GRPO, m = 2, n = 6"),
  share(4, "Share-GRPO, m = 4, n = 3"),
  share(2, "m = 2, n = 6, own-variant pairs only", { crossWeight: 0 }),
];

export interface ArmCost {
  readonly timing: Timing;
  readonly parts: StepParts;
  /** Median of what the step would have taken without sharing, as the metrics estimate it, milliseconds. */
  readonly unshared: number;
}

export interface StepCostResult {
  readonly questions: number;
  readonly responses: number;
  readonly arms: readonly ArmCost[];
}

/** Steps of an arm on other questions each time; a learning rate of 0 leaves the policy as it is. */
function sideOf({ name, settings }: Arm, model: Model) {
  const config = resolveConfig(settings, name);
  const engine = startEngine({ model: model.dir, local: localSettings(config) });
  const stream = sceneStream({ seed: 5, split: "train" });
  const seconds: Readonly<Record<string, number>>[] = [];
  const unshared: number[] = [];
  const run = async () => {
    const step = seconds.length;
    const indices = Array.from({ length: QUESTIONS }, (_, at) => QUESTIONS * step + at);
    const questions = await Promise.all(indices.map((at) => sceneQuestion(stream.at(at))));
    const watch = stopwatch(() => performance.now());
    const context = { config, engine, processor: model.processor, stopwatch: watch };
    const at = { learningRate: 0, optimizerSteps: 0, rng: Rng.fromSeed(9).split("step", step) };
    const moreQuestions = () => Promise.resolve([]);
    const result = await watch.time("step", () => trainStep(questions, { ...context, ...at, moreQuestions }));
    seconds.push(watch.seconds);
    unshared.push(
      1000 * stepMetrics(result, { learningRate: 0, seconds: watch.seconds })["timing_s/step_unshared"],
    );
    return 1000 * (watch.seconds["step"] ?? Number.NaN);
  };
  return { side: { name, run }, seconds, unshared, close: () => engine.close() };
}

export interface StepCostOptions {
  readonly model: Model;
  readonly repetitions: Repetitions;
  readonly onRound?: (done: number, total: number) => void;
}

export async function benchStepCost({
  model,
  repetitions,
  onRound,
}: StepCostOptions): Promise<StepCostResult> {
  const sides = ARMS.map((arm) => sideOf(arm, model));
  try {
    const timings = await interleave(
      sides.map(({ side }) => side),
      repetitions,
      onRound,
    );
    const arms = zip(sides, timings).map(([{ seconds, unshared }, timing]) => ({
      ...{ timing, parts: medianParts(seconds, repetitions) },
      unshared: quantile(unshared.slice(repetitions.warmUp), 0.5),
    }));
    return { questions: QUESTIONS, responses: RESPONSES, arms };
  } finally {
    await Promise.all(sides.map((each) => each.close()));
  }
}

/** Each arm's step and its parts, and how many times the first's it takes. */
export function stepCostTable({ arms }: StepCostResult): Table {
  const first = arms[0];
  const ms = (milliseconds: number) => `${formatNumber(Math.round(milliseconds))} ms`;
  return {
    head: [
      "a whole step",
      "median",
      "times GRPO's",
      "rollouts",
      "old log-probs",
      "update",
      "without sharing (estimate)",
    ],
    rows: arms.map(({ timing, parts, unshared }) => [
      timing.name,
      ms(timing.median),
      `${(timing.median / (first?.timing.median ?? Number.NaN)).toFixed(2)}×`,
      ms(1000 * parts.rollout),
      ms(1000 * parts.old_log_probs),
      ms(1000 * parts.update),
      ms(unshared),
    ]),
  };
}
