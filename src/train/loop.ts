/**
 * @module The run around the steps: evaluate, train, log, checkpoint, resume, stop on request.
 */

import type { RunConfig } from "../config/schema.js";
import { CheckpointError } from "../core/errors.js";
import { given } from "../core/given.js";
import type { OnProgress, ProgressEvent } from "../core/progress.js";
import { Rng } from "../core/rng.js";
import type { QuestionSource } from "../data/source.js";
import type { Engine } from "../engine/engine.js";
import type { Processor } from "../model/processor.js";
import { adaptKlCoefficient } from "../policy/kl.js";
import { builtInRewarder, type Rewarder } from "../reward/rewarder.js";
import { evaluate } from "./evaluate.js";
import { learningRateAt, lengthNote } from "./learningRate.js";
import {
  listCheckpoints,
  pruneCheckpoints,
  readTrainState,
  restoreCheckpoint,
  saveCheckpoint,
  type TrainState,
} from "./run/checkpoint.js";
import { measuredKl, stepMetrics } from "./run/measure.js";
import type { StepMetrics } from "./run/metrics.js";
import type { RunFolder } from "./run/runFolder.js";
import { type StepResult, trainStep } from "./step.js";
import { stopwatch } from "./stopwatch.js";

/** What a run needs: settings, engine, processor, questions, a folder. */
export interface TrainOptions {
  readonly config: RunConfig;
  readonly engine: Engine;
  readonly processor: Processor;
  readonly questions: QuestionSource;
  readonly run: RunFolder;
  /** What rewards responses; default: the built-in reward of the config. */
  readonly rewarder?: Rewarder;
  readonly isResume: boolean;
  readonly onProgress?: OnProgress;
  /** Called after every finished step. */
  readonly onStep?: (step: number, metrics: StepMetrics) => void;
  /** Called after every checkpoint that is written, and waited for: what it adds to the folder is no part of a resume. */
  readonly onCheckpoint?: (folder: string, step: number) => Promise<unknown>;
  /** Told what a step could not do as asked, in sentences. */
  readonly onNote?: (note: string) => void;
  /**
   * Aborted: the step in progress ends within a micro-batch, as if it had not begun, and what was finished before it is
   * saved. (Where the engine cannot go back, a step whose weights have begun to move is finished.)
   */
  readonly signal?: AbortSignal;
  /** Milliseconds from any origin. */
  readonly now: () => number;
}

/** How far a run came. */
export interface TrainOutcome {
  readonly step: number;
  /** All steps are done and the last evaluation is written. */
  readonly isFinished: boolean;
}

/** Where a run stands between two steps. */
type Position = Omit<TrainState, "configDigest">;

function startOf(config: RunConfig): Position {
  return { step: 0, questionsSeen: 0, optimizerSteps: 0, ...initialKlCoefficient(config) };
}

/**
 * Trains until the configured number of steps, or until asked to stop.
 * @throws CheckpointError when resuming a run of other settings
 */
export async function train(options: TrainOptions): Promise<TrainOutcome> {
  const { config, run, signal } = options;
  let position = options.isResume ? await resume(options) : startOf(config);
  const former = await run.keepLength(position.step);
  if (former !== undefined) options.onNote?.(lengthNote(former, position.step, config));
  await run.truncateAfter(position.step);
  if (!(await evaluateOnce(options, "before", position.step)))
    return { step: position.step, isFinished: false };
  while (position.step < config.train.steps && !signal?.aborted) {
    const next = await oneStep(position, options).catch((error: unknown) => {
      if (signal?.aborted && error === signal.reason) return undefined;
      throw error;
    });
    position = next ?? position;
    const isLast = position.step === config.train.steps;
    if (isLast || signal?.aborted || position.step % config.train.saveEvery === 0)
      await save(position, options);
  }
  const isDone = position.step >= config.train.steps && (await evaluateOnce(options, "after", position.step));
  return { step: position.step, isFinished: isDone };
}

/** Loads the newest whole checkpoint of this very run; without one, starts from the beginning. */
async function resume({ config, engine, run }: TrainOptions): Promise<Position> {
  const newest = (await listCheckpoints(run.checkpoints)).at(-1);
  if (!newest) return startOf(config);
  const { configDigest, ...position } = await readTrainState(newest);
  if (configDigest !== run.configDigest) {
    throw new CheckpointError(
      `${newest}: belongs to a run with other settings: resume with the same preset and arguments, or start anew in another --out`,
    );
  }
  await restoreCheckpoint(newest, engine.learner);
  await engine.publish();
  return position;
}

async function oneStep(position: Position, options: TrainOptions): Promise<Position> {
  const { config, engine, processor, run, now, onProgress } = options;
  const step = position.step + 1;
  const watch = stopwatch(now);
  const learningRate = learningRateAt(position.step, config);
  const cursor = { next: position.questionsSeen };
  const nextQuestions = (count: number) =>
    Promise.all(Array.from({ length: count }, () => options.questions.train(cursor.next++)));
  const questions = await nextQuestions(config.train.questionsPerStep);
  const note = `step ${step} of ${config.train.steps}`;
  const result = await watch.time("step", () =>
    trainStep(questions, {
      config,
      engine,
      processor,
      learningRate,
      optimizerSteps: position.optimizerSteps,
      rng: Rng.fromSeed(config.seed).split("step", step),
      stopwatch: watch,
      moreQuestions: nextQuestions,
      ...given({
        klCoefficient: position.klCoefficient,
        rewarder: options.rewarder,
        signal: options.signal,
        onProgress: onProgress && ((event: ProgressEvent) => onProgress({ ...event, note })),
      }),
    }),
  );
  await engine.publish();
  const metrics = stepMetrics(result, {
    learningRate,
    ...given({ klCoefficient: position.klCoefficient }),
    seconds: watch.seconds,
    ...(await engine.report()),
  });
  for (const text of result.notes) options.onNote?.(`step ${step}: ${text}`);
  await run.appendStep(step, metrics, result.groups.slice(0, config.train.loggedQuestions));
  options.onStep?.(step, metrics);
  const applied = result.updates.filter((update) => update.isApplied).length;
  return {
    step,
    questionsSeen: cursor.next,
    optimizerSteps: position.optimizerSteps + applied,
    ...nextKlCoefficient(position, result, config),
  };
}

/** β at the start; undefined where nothing reads it. */
function initialKlCoefficient({ kl }: RunConfig): Pick<Position, "klCoefficient"> {
  return kl.use === "off" ? {} : { klCoefficient: kl.coefficient };
}

/** β of the next step: moved by the adaptive controller, by the KL that this step measured. */
function nextKlCoefficient(
  { klCoefficient }: Position,
  result: StepResult,
  { kl }: RunConfig,
): Pick<Position, "klCoefficient"> {
  if (klCoefficient === undefined) return {};
  const measured = measuredKl(result);
  if (kl.controller === "fixed" || !Number.isFinite(measured)) return { klCoefficient };
  const samples = result.groups.reduce((sum, { responses }) => sum + responses.flat().length, 0);
  return { klCoefficient: adaptKlCoefficient(klCoefficient, { kl: measured, samples }, kl) };
}

/** Writes a checkpoint, unless there is one of this step. */
async function save(position: Position, options: TrainOptions): Promise<void> {
  const { config, engine, run, onCheckpoint } = options;
  const newest = (await listCheckpoints(run.checkpoints)).at(-1);
  if (position.step === 0 || (newest && (await readTrainState(newest)).step >= position.step)) return;
  const state = { ...position, configDigest: run.configDigest };
  const folder = await saveCheckpoint(run.checkpoints, state, engine.learner);
  await onCheckpoint?.(folder, position.step);
  await pruneCheckpoints(run.checkpoints, config.train.keepCheckpoints);
}

/** Evaluates unless the run already has this evaluation. Returns false when it was interrupted. */
async function evaluateOnce(
  options: TrainOptions,
  label: "before" | "after",
  step: number,
): Promise<boolean> {
  const { config, run, onProgress, signal } = options;
  const count = Math.min(config.train.evaluateQuestions, options.questions.heldoutCount ?? Infinity);
  if (count === 0 || (await run.hasEvaluation(label, step))) return true;
  if (signal?.aborted) return false;
  const indices = Array.from({ length: count }, (_, at) => at);
  const questions = await Promise.all(indices.map((index) => options.questions.heldout(index)));
  const limits = {
    formatPrompt: config.expand.formatPrompt,
    maxResponseLength: config.rollout.maxResponseLength,
    rewarder: options.rewarder ?? builtInRewarder(config.reward),
  };
  try {
    const watch = given({
      signal,
      onProgress:
        onProgress && ((event: ProgressEvent) => onProgress({ ...event, phase: `evaluate ${label}` })),
    });
    const evaluation = await evaluate(options, questions, { ...limits, ...watch });
    await run.appendEvaluation(label, step, evaluation, questions);
    return true;
  } catch (error) {
    if (signal?.aborted && error === signal.reason) return false;
    throw error;
  }
}
