/**
 * @module This project's side of the card's benchmark: what is timed, on arrays that stay where the graphs run.
 */
import { memoryFor } from "../../../src/compile/runtime/placed.js";
import type { Device, DeviceArray, RuntimeOptions } from "../../../src/compile/runtime/session.js";
import { CompileError, messageOf } from "../../../src/core/errors.js";
import { given } from "../../../src/core/given.js";
import { type Params, scalar } from "../../../src/core/ndarray.js";
import { createEngine } from "../../../src/engine/local/engine.js";
import { createLearner } from "../../../src/engine/local/learner.js";
import { createLocalPolicy } from "../../../src/engine/local/localPolicy.js";
import { localSettings } from "../../../src/engine/local/settings.js";
import type { Model } from "../../../src/model/load.js";
import { tokenPrompt } from "../../../src/model/prompt.js";
import { adamwScalars } from "../../../src/optim/adamw.js";
import { scratchFor, updateBlocks } from "../../../src/optim/adamwBlocks.js";
import type { Lesson } from "../../../src/policy/lessons.js";
import { lossSettings } from "../../../src/train/update.js";
import { ownRlStep, rlQuestions, rlSettings } from "../speed/rlStep.js";
import { ORDINARY, ownRollouts } from "../speed/rollouts.js";
import { type TextSizes, textBatch, textGradients, textParams } from "../speed/textLoss.js";
import {
  type Failed,
  type Job,
  LEARNING_RATE,
  type Measured,
  PREFILL,
  ROLLOUTS,
  type Series,
} from "./jobs.js";

/** What a job runs on. */
export interface Bench {
  readonly model: Model;
  readonly device: Device;
  readonly sizes: TextSizes;
  /** Called when a job's last round is over and all its memory is still taken. */
  readonly atEnd?: () => void;
}

type Found = Pick<Measured, "milliseconds" | "values" | "ready" | "notReplayed">;

/** Runs until as many are counted as asked for, or the time is over; one is counted in any case. */
async function repeated(
  { atEnd }: Bench,
  { warmUp, counted, seconds }: Series,
  run: () => Promise<{ readonly milliseconds: number; readonly value?: number }>,
): Promise<Found> {
  const end = performance.now() + 1000 * seconds;
  const milliseconds: number[] = [];
  const values: number[] = [];
  for (let round = 0; milliseconds.length < counted; round++) {
    const isLate = performance.now() > end;
    if (isLate && milliseconds.length > 0) break;
    const found = await run();
    // What is compiled in the first round is never counted.
    if (round >= (isLate ? 1 : warmUp)) milliseconds.push(found.milliseconds);
    if (found.value !== undefined) values.push(found.value);
  }
  atEnd?.();
  return { milliseconds, ...(values.length > 0 ? { values } : {}) };
}

const sided = (run: () => Promise<number>) => async () => ({ milliseconds: await run() });

/** A graph of the gradients, then AdamW in place; state never leaves the device, the loss is read back. */
async function timeStep(bench: Bench, runtime: RuntimeOptions, series: Series): Promise<Found> {
  const { model, sizes } = bench;
  const params = textParams(model);
  const options = { ...runtime, keepsMemory: true, plansMemory: true };
  const memory = await memoryFor(options);
  if (!memory) throw new CompileError("bench gpu: no memory by address: the C API is needed");
  const graph = textGradients(model.config, sizes, options);
  const made = (kinds: Params) => memory.block(kinds);
  const blocks = { params: made(params), grads: made(params), first: made(params), second: made(params) };
  const { rope, ...text } = textBatch(model.config, sizes, ORDINARY);
  const inputs = { ...text, ...rope };
  const [batch, result, scratch] = [made(inputs), made({ loss: scalar(0) }), scratchFor(memory)];
  blocks.params.write(params);
  batch.write(inputs);
  const { tokens, labels, cos, sin } = batch.arrays as Record<keyof typeof inputs, DeviceArray>;
  const { loss } = result.arrays as Record<"loss", DeviceArray>;
  const { arrays: grads } = blocks.grads;
  const args = [blocks.params.arrays, grads, { tokens, labels, rope: { cos, sin } }] as const;
  const bound = await graph.bind([...args], [grads, { loss }]);
  const host = { loss: scalar(0) };
  let steps = 0;
  try {
    const found = await repeated(bench, series, async () => {
      const start = performance.now();
      await bound.run();
      const at = adamwScalars(++steps, LEARNING_RATE);
      updateBlocks(memory, blocks, scratch, { ...at, maxGradNorm: Number.POSITIVE_INFINITY });
      result.readInto(host);
      return { milliseconds: performance.now() - start, value: host.loss.data[0] as number };
    });
    return { ...found, ...given({ notReplayed: graph.notReplayed() }) };
  } finally {
    bound.release();
    await graph.dispose();
    for (const each of [...Object.values(blocks), batch, result, scratch]) each.dispose();
  }
}

/** Tokens of each row that are its prompt; what is behind them is learned from. */
const PROMPT_TOKENS = 32;

/** The batch as readings of one response each, good and bad in turn; every token weighs the same. */
function lessonsOf({ model, sizes }: Bench): Lesson[] {
  const { rows, length } = sizes;
  const { tokens } = textBatch(model.config, sizes, ORDINARY);
  return Array.from({ length: rows }, (_, row) => {
    const text = Int32Array.from(tokens.data.subarray(row * length, (row + 1) * length));
    return {
      prompt: tokenPrompt(text.slice(0, PROMPT_TOKENS), `row ${row}`),
      responses_R: [text.slice(PROMPT_TOKENS)],
      advantages_R: [row % 2 === 0 ? 1 : -1],
      weights_R: [1 / (rows * (length - PROMPT_TOKENS))],
    };
  });
}

/** The learner's own gradients and optimizer step on as many tokens, in one micro-batch. */
async function timeLearner(bench: Bench, runtime: RuntimeOptions, series: Series): Promise<Found> {
  const config = rlSettings();
  const local = localSettings(config);
  const learner = createLearner(bench.model, {
    ...{ ...local, ...runtime },
    ...{ microBatch: bench.sizes.rows, frozen: "vision" },
  });
  const lessons = lessonsOf(bench);
  const loss = lossSettings(config);
  let step = 0;
  try {
    return await repeated(bench, series, async () => {
      const start = performance.now();
      await learner.accumulate(lessons, loss);
      const { gradNorm } = await learner.apply({
        ...config.update,
        learningRate: LEARNING_RATE,
        step: ++step,
      });
      return { milliseconds: performance.now() - start, value: gradNorm };
    });
  } finally {
    await learner.close();
  }
}

/** Prompts read, or read and answered, by `generate` as a run calls it; weights are placed once. */
async function timeRollouts(
  bench: Bench,
  runtime: RuntimeOptions,
  { part, series }: { readonly part: "prefill" | "decode"; readonly series: Series },
): Promise<Found> {
  const policy = createLocalPolicy(bench.model, { runtime });
  const start = performance.now();
  const { dispose, ...ready } = await policy.ready();
  const placing = performance.now() - start;
  const workload = part === "prefill" ? PREFILL : ROLLOUTS;
  const kept = { model: policy.model, ready: () => Promise.resolve(ready) };
  try {
    const { run } = ownRollouts(kept, workload, workload.newTokens);
    const found = await repeated(bench, series, sided(run));
    return { ...found, ready: placing, ...given({ notReplayed: policy.notReplayed?.() }) };
  } finally {
    dispose?.();
  }
}

/** A step as a run has it: rollouts, rewards, gradients and AdamW by the local engine. */
async function timeRlStep(bench: Bench, runtime: RuntimeOptions, series: Series): Promise<Found> {
  const { model } = bench;
  const engine = createEngine(model, { ...localSettings(rlSettings()), ...runtime });
  try {
    const questions = await rlQuestions(model.processor);
    return await repeated(bench, series, sided(ownRlStep(engine, model.processor, questions).side.run));
  } finally {
    await engine.close();
  }
}

/** The card's name, and bytes of it that are in use, whoever uses them; undefined on the processor. */
async function lookAtCard(device: Device): Promise<{ name: string; used: () => number } | undefined> {
  if (device !== "cuda") return undefined;
  const [{ default: koffi }, { openCard }] = await Promise.all([
    import("koffi"),
    import("../../../src/compile/runtime/capi/card.js"),
  ]);
  const card = openCard(koffi);
  const used = () => {
    const { free, total } = card.memory();
    return total - free;
  };
  return { name: card.name, used };
}

function timeOne(bench: Bench, { part, precision, series }: Job): Promise<Found> {
  // On the processor, too: there the benchmark is tried, not measured.
  const runtime = { device: bench.device, precision, keepsArrays: true };
  if (part === "step") return timeStep(bench, runtime, series);
  if (part === "replay") return timeStep(bench, { ...runtime, replays: true }, series);
  if (part === "learner") return timeLearner(bench, runtime, series);
  if (part === "rl") return timeRlStep(bench, runtime, series);
  return timeRollouts(bench, runtime, { part, series });
}

/**
 * Does jobs one after another. The runtime keeps what it has taken until its sessions are closed, so that what is in
 * use after a job's last round is the most that there was.
 * @param tell what a job found, or why it found nothing
 */
export async function doJobs(
  bench: Bench,
  jobs: readonly Job[],
  tell: (found: Measured | Failed) => void,
): Promise<void> {
  const card = await lookAtCard(bench.device);
  const idle = card?.used() ?? 0;
  for (const job of jobs) {
    const { part, precision } = job;
    let bytes: number | undefined;
    const atEnd = () => {
      bytes = card && card.used() - idle;
    };
    try {
      const found = await timeOne({ ...bench, atEnd }, job);
      tell({ part, precision, ...found, ...given({ bytes, card: card?.name }) });
    } catch (error) {
      tell({ part, precision, error: messageOf(error) });
    }
  }
}
