/**
 * @module The run around the steps: evaluate, train, log, checkpoint, resume, stop on request.
 */
import {
  listCheckpoints,
  loadCheckpoint,
  pruneCheckpoints,
  saveCheckpoint,
} from "../checkpoint/checkpoint.js";
import type { RunConfig } from "../config/schema.js";
import { CheckpointError } from "../core/errors.js";
import type { OnProgress } from "../core/progress.js";
import { Rng } from "../core/rng.js";
import type { Model } from "../model/load.js";
import { learningRateMultiplier } from "../optim/schedule.js";
import { createLearner, type Learner } from "../policy/learner.js";
import type { Question } from "../records.js";
import { createLocalPolicy, type LocalPolicy } from "../rollout/localPolicy.js";
import { evaluate } from "./evaluate.js";
import { stepMetrics } from "./measure.js";
import type { RunFolder } from "./runFolder.js";
import { trainStep } from "./step.js";
import { stopwatch } from "./stopwatch.js";

/** Where questions come from: index → question, the same for the same index. */
export interface QuestionSource {
  train(index: number): Promise<Question>;
  heldout(index: number): Promise<Question>;
}

export interface TrainOptions {
  readonly config: RunConfig;
  readonly model: Model;
  readonly questions: QuestionSource;
  readonly run: RunFolder;
  readonly isResume: boolean;
  readonly onProgress?: OnProgress;
  /** Called after every finished step. */
  readonly onStep?: (step: number, metrics: Readonly<Record<string, number>>) => void;
  /** Aborted: the step in progress is finished and saved, then training stops. */
  readonly signal?: AbortSignal;
  /** Milliseconds from any origin. */
  readonly now: () => number;
  /** Resident memory of the process, bytes. */
  readonly memory: () => { readonly residentBytes: number; readonly peakBytes: number };
}

export interface TrainOutcome {
  readonly step: number;
  readonly isFinished: boolean;
}

interface Position {
  readonly step: number;
  readonly questionsSeen: number;
  readonly optimizerSteps: number;
}

/**
 * Trains until the configured number of steps, or until asked to stop.
 * @throws CheckpointError when resuming a run of other settings
 */
export async function train(options: TrainOptions): Promise<TrainOutcome> {
  const { config, model, run } = options;
  const started = await start(options);
  const { learner } = started;
  let { position } = started;
  const policy = createLocalPolicy(model);
  await run.truncateAfter(position.step);
  if (!(await run.hasEvaluation("before"))) await evaluateHeldout(policy, options, "before", position.step);
  while (position.step < config.train.steps && !options.signal?.aborted) {
    position = await oneStep(policy, learner, position, options);
    const isLast = position.step === config.train.steps;
    if (isLast || position.step % config.train.saveEvery === 0 || options.signal?.aborted) {
      await save(learner, position, options);
    }
  }
  const isFinished = position.step >= config.train.steps;
  if (isFinished && !options.signal?.aborted && !(await run.hasEvaluation("after"))) {
    await evaluateHeldout(policy, options, "after", position.step);
  }
  return { step: position.step, isFinished };
}

/** A fresh start, or the newest whole checkpoint of this very run. */
async function start(options: TrainOptions): Promise<{ learner: Learner; position: Position }> {
  const { config, model, run } = options;
  const learnerOptions = { ...config.update, temperature: config.rollout.temperature };
  const newest = options.isResume ? (await listCheckpoints(run.checkpoints)).at(-1) : undefined;
  if (!newest) {
    return {
      learner: createLearner(model, learnerOptions),
      position: { step: 0, questionsSeen: 0, optimizerSteps: 0 },
    };
  }
  const { state, params, first, second } = await loadCheckpoint(newest);
  if (state.configDigest !== run.configDigest) {
    throw new CheckpointError(
      `${newest}: belongs to a run with other settings: resume with the same preset and arguments, or start anew in another --out`,
    );
  }
  for (const [name, array] of Object.entries(params)) model.params[name]?.data.set(array.data);
  return { learner: createLearner(model, learnerOptions, { first, second }), position: state };
}

async function oneStep(
  policy: LocalPolicy,
  learner: Learner,
  position: Position,
  options: TrainOptions,
): Promise<Position> {
  const { config, run, now } = options;
  const step = position.step + 1;
  const B = config.train.questionsPerStep;
  const questions = await Promise.all(
    Array.from({ length: B }, (_, at) => options.questions.train(position.questionsSeen + at)),
  );
  const watch = stopwatch(now);
  const multiplier = learningRateMultiplier(position.step, { warmupSteps: config.update.warmupSteps });
  const learningRate = config.update.learningRate * multiplier;
  const result = await watch.time("step", () =>
    trainStep(questions, {
      config,
      policy,
      learner,
      learningRate,
      optimizerSteps: position.optimizerSteps,
      rng: Rng.fromSeed(config.seed).split("step", step),
      stopwatch: watch,
      ...(options.onProgress ? { onProgress: options.onProgress } : {}),
    }),
  );
  const metrics = stepMetrics(result, { learningRate, seconds: watch.seconds, ...options.memory() });
  await run.appendStep(step, metrics, result.groups.slice(0, config.train.loggedQuestions));
  options.onStep?.(step, metrics);
  return {
    step,
    questionsSeen: position.questionsSeen + B,
    optimizerSteps: position.optimizerSteps + result.updates.filter((update) => update.isApplied).length,
  };
}

async function save(
  learner: Learner,
  position: Position,
  { config, model, run }: TrainOptions,
): Promise<void> {
  const { params, first, second } = learner;
  const state = { ...position, configDigest: run.configDigest };
  await saveCheckpoint(run.checkpoints, { state, params, first, second }, model.dir);
  await pruneCheckpoints(run.checkpoints, config.train.keepCheckpoints);
}

async function evaluateHeldout(
  policy: LocalPolicy,
  options: TrainOptions,
  label: "before" | "after",
  step: number,
): Promise<void> {
  const { config, run, onProgress } = options;
  const count = config.train.evaluateQuestions;
  if (count === 0) return;
  const questions = await Promise.all(
    Array.from({ length: count }, (_, at) => options.questions.heldout(at)),
  );
  const evaluation = await evaluate(policy, questions, {
    formatPrompt: config.expand.formatPrompt,
    maxResponseLength: config.rollout.maxResponseLength,
    ...(onProgress ? { onProgress: (event) => onProgress({ ...event, phase: `evaluate ${label}` }) } : {}),
  });
  await run.appendEvaluation(label, step, evaluation, questions);
}
