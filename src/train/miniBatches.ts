/**
 * @module From a rollout step's readings to what its optimizer steps learn from: cut into mini-batches, weighed, and
 * without the pairs that have nothing to teach.
 *
 * A pair teaches nothing where its advantage is exactly 0, as in a question whose responses all scored the same: its
 * surrogate loss and gradient are 0. It still counts in what the loss is divided by. Terms of KL and entropy read every
 * pair, and importance weights of cross pairs read the own ones: with them none is left out.
 */
import { sharesResponses } from "../advantage/estimate.js";
import type { RunConfig } from "../config/schema.js";
import { given } from "../core/given.js";
import { zip } from "../core/zip.js";
import { promptLength } from "../model/prompt.js";
import { tokenWeights } from "../policy/aggregate.js";
import type { Lesson, PairReading } from "../policy/lessons.js";
import { microBatches } from "../policy/microBatches.js";

/** A reading with what the loss needs, as far as it is known, but the weights: those depend on the mini-batch. */
export type UnweightedLesson = PairReading & Omit<Lesson, "weights_R">;
/** A reading that an optimizer step learns from. */
export type PairLesson = PairReading & Lesson;

type Settings = Pick<RunConfig, "update" | "rollout" | "kl" | "advantage">;

/** Mini-batches of a rollout step; the released code takes m times as many, since a question has m·m·n rows. */
export function miniBatchCount({ update, expand }: Pick<RunConfig, "update" | "expand">): number {
  const isScaled = update.scalesStepsByVariants && sharesResponses(update.algorithm);
  return update.optimizerStepsPerRollout * (isScaled ? expand.variants : 1);
}

/** The lessons of one mini-batch, with the weight of each response's tokens. */
function weigh(lessons: readonly UnweightedLesson[], { update, rollout }: Settings): PairLesson[] {
  const batches = microBatches(lessons, update.microBatchUnits);
  const readings = batches.map((batch) => batch.map(({ reading }) => reading));
  const { maxResponseLength } = rollout;
  const weights = tokenWeights(readings, { ...update, maxResponseLength }).flat();
  const placed = new Map(zip(batches.flat(), weights).map(([{ at }, weights_R]) => [at, weights_R]));
  return lessons.map((lesson, at) => ({ ...lesson, weights_R: placed.get(at) ?? [] }));
}

/** The responses of a lesson for which `keeps` holds. */
function pick(lesson: PairLesson, keeps: (r: number) => boolean): PairLesson {
  const { pairs_R, responses_R, advantages_R, isTruncated_R, weights_R } = lesson;
  const { oldLogProbs_R, referenceLogProbs_R, importance_R } = lesson;
  const kept = <T>(values_R: readonly T[]): T[] => values_R.filter((_, r) => keeps(r));
  return {
    prompt: lesson.prompt,
    ...{ pairs_R: kept(pairs_R), responses_R: kept(responses_R), advantages_R: kept(advantages_R) },
    ...{ isTruncated_R: kept(isTruncated_R), weights_R: kept(weights_R) },
    ...given({
      oldLogProbs_R: oldLogProbs_R && kept(oldLogProbs_R),
      referenceLogProbs_R: referenceLogProbs_R && kept(referenceLogProbs_R),
      importance_R: importance_R && kept(importance_R),
    }),
  };
}

/** Bound on the weight of a token that another policy than the old one sampled; null: the old one did. */
export function samplerCap({ rollout }: Pick<RunConfig, "rollout">): number | null {
  return rollout.server === "" ? null : rollout.importanceCap;
}

/** Without the pairs that teach nothing; where none does, one reading stays: an optimizer steps on a gradient of zeros. */
function teaching(lessons: readonly PairLesson[], config: Settings): PairLesson[] {
  const { update, kl, advantage } = config;
  const isWeighted = advantage.crossImportanceCap !== null || samplerCap(config) !== null;
  const readsAll = kl.use === "loss" || update.entropyCoefficient > 0 || isWeighted;
  if (readsAll) return [...lessons];
  const teaches = ({ advantages_R, weights_R }: PairLesson, r: number) =>
    advantages_R[r] !== 0 && weights_R[r] !== 0;
  const picked = lessons.map((lesson) => pick(lesson, (r) => teaches(lesson, r)));
  const left = picked.filter(({ responses_R }) => responses_R.length > 0);
  return left.length > 0 ? left : lessons.slice(0, 1);
}

/** Tokens of one pass over lessons, each prompt once with the responses read under it. */
export interface PassTokens {
  readonly all: number;
  /** The same with own-variant pairs only: what would be read without sharing. */
  readonly own: number;
}

export function passTokens(lessons: readonly PairReading[]): PassTokens {
  const tokens = { all: 0, own: 0 };
  for (const { prompt, pairs_R, responses_R } of lessons) {
    const length = promptLength(prompt);
    const paired = zip(pairs_R, responses_R);
    const own = paired.filter(([{ j, k }]) => j === k);
    const read = (pairs: typeof paired) =>
      pairs.length === 0 ? 0 : pairs.reduce((sum, [, response]) => sum + response.length, length);
    tokens.all += read(paired);
    tokens.own += read(own);
  }
  return tokens;
}

/** One mini-batch: weighed over all of its pairs, then without those that teach nothing. */
export function miniBatch(lessons: readonly UnweightedLesson[], config: Settings): PairLesson[] {
  return teaching(weigh(lessons, config), config);
}

/** The mini-batches of a rollout step, in the order of its readings. */
export function miniBatches(readings: readonly PairReading[], config: RunConfig): PairLesson[][] {
  const size = Math.ceil(readings.length / miniBatchCount(config));
  return Array.from({ length: Math.ceil(readings.length / size) }, (_, at) =>
    miniBatch(readings.slice(at * size, (at + 1) * size), config),
  );
}
