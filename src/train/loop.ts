/**
 * @module The run around the steps: evaluate, train, log, checkpoint, resume, stop on request.
 */
import {
  listCheckpoints,
  pruneCheckpoints,
  readTrainState,
  type TrainState,
} from "../checkpoint/checkpoint.js";
import type { RunConfig } from "../config/schema.js";
import { CheckpointError } from "../core/errors.js";
import type { OnProgress } from "../core/progress.js";
import { Rng } from "../core/rng.js";
import type { QuestionSource } from "../data/source.js";
import type { Processor } from "../model/processor.js";
import { learningRateMultiplier } from "../optim/schedule.js";
import type { Engine } from "./engine.js";
import { evaluate } from "./evaluate.js";
import { stepMetrics } from "./measure.js";
import type { StepMetrics } from "./metrics.js";
import type { RunFolder } from "./runFolder.js";
import { trainStep } from "./step.js";
import { stopwatch } from "./stopwatch.js";

export interface TrainOptions {
  readonly config: RunConfig;
  readonly engine: Engine;
  readonly processor: Processor;
  readonly questions: QuestionSource;
  readonly run: RunFolder;
  readonly isResume: boolean;
  readonly onProgress?: OnProgress;
  /** Called after every finished step. */
  readonly onStep?: (step: number, metrics: StepMetrics) => void;
  /** Aborted: the step in progress is finished and saved, then training stops. */
  readonly signal?: AbortSignal;
  /** Milliseconds from any origin. */
  readonly now: () => number;
}

export interface TrainOutcome {
  readonly step: number;
  /** All steps are done and the last evaluation is written. */
  readonly isFinished: boolean;
}

/** Where a run stands between two steps. */
type Position = Omit<TrainState, "configDigest">;

const START: Position = { step: 0, questionsSeen: 0, optimizerSteps: 0 };

/**
 * Trains until the configured number of steps, or until asked to stop.
 * @throws CheckpointError when resuming a run of other settings
 */
export async function train(options: TrainOptions): Promise<TrainOutcome> {
  const { config, run, signal } = options;
  let position = options.isResume ? await resume(options) : START;
  await run.truncateAfter(position.step);
  if (!(await evaluateOnce(options, "before", position.step)))
    return { step: position.step, isFinished: false };
  while (position.step < config.train.steps && !signal?.aborted) {
    position = await oneStep(position, options);
    const isLast = position.step === config.train.steps;
    if (isLast || position.step % config.train.saveEvery === 0 || signal?.aborted)
      await save(position, options);
  }
  const isDone = position.step >= config.train.steps && (await evaluateOnce(options, "after", position.step));
  return { step: position.step, isFinished: isDone };
}

/** Loads the newest whole checkpoint of this very run; without one, starts from the beginning. */
async function resume({ engine, run }: TrainOptions): Promise<Position> {
  const newest = (await listCheckpoints(run.checkpoints)).at(-1);
  if (!newest) return START;
  const { configDigest, ...position } = await readTrainState(newest);
  if (configDigest !== run.configDigest) {
    throw new CheckpointError(
      `${newest}: belongs to a run with other settings: resume with the same preset and arguments, or start anew in another --out`,
    );
  }
  await engine.restore(newest);
  return position;
}

async function oneStep(position: Position, options: TrainOptions): Promise<Position> {
  const { config, engine, processor, run, now, onProgress } = options;
  const step = position.step + 1;
  const B = config.train.questionsPerStep;
  const indices = Array.from({ length: B }, (_, at) => position.questionsSeen + at);
  const questions = await Promise.all(indices.map((index) => options.questions.train(index)));
  const watch = stopwatch(now);
  const multiplier = learningRateMultiplier(position.step, { warmupSteps: config.update.warmupSteps });
  const learningRate = config.update.learningRate * multiplier;
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
      ...(onProgress ? { onProgress: (event) => onProgress({ ...event, note }) } : {}),
    }),
  );
  const metrics = stepMetrics(result, { learningRate, seconds: watch.seconds, ...(await engine.memory()) });
  await run.appendStep(step, metrics, result.groups.slice(0, config.train.loggedQuestions));
  options.onStep?.(step, metrics);
  const applied = result.updates.filter((update) => update.isApplied).length;
  return {
    step,
    questionsSeen: position.questionsSeen + B,
    optimizerSteps: position.optimizerSteps + applied,
  };
}

async function save(position: Position, { config, engine, run }: TrainOptions): Promise<void> {
  await engine.save(run.checkpoints, { ...position, configDigest: run.configDigest });
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
  if (count === 0 || (await run.hasEvaluation(label))) return true;
  if (signal?.aborted) return false;
  const indices = Array.from({ length: count }, (_, at) => at);
  const questions = await Promise.all(indices.map((index) => options.questions.heldout(index)));
  const limits = {
    formatPrompt: config.expand.formatPrompt,
    maxResponseLength: config.rollout.maxResponseLength,
  };
  try {
    const evaluation = await evaluate(options, questions, {
      ...limits,
      ...(signal ? { signal } : {}),
      ...(onProgress ? { onProgress: (event) => onProgress({ ...event, phase: `evaluate ${label}` }) } : {}),
    });
    await run.appendEvaluation(label, step, evaluation, questions);
    return true;
  } catch (error) {
    if (signal?.aborted && error === signal.reason) return false;
    throw error;
  }
}
