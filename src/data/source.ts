/**
 * @module Where training questions come from: an index names one, the same for the same index, so that a resumed run
 * goes on where it stopped.
 */
import { ConfigError } from "../core/errors.js";
import { Rng } from "../core/rng.js";
import type { Question } from "../records.js";
import type { Dataset } from "./dataset.js";
import type { KeptQuestions } from "./keptQuestions.js";
import { fingerprintOf } from "./rowContent.js";

/** Where a run takes its questions from: training questions by place, held-out ones by index. */
export interface QuestionSource {
  /** Question `index` of the training order, from 0, without end. */
  train(index: number): Promise<Question>;
  /** Held-out question `index`, from 0. */
  heldout(index: number): Promise<Question>;
  /** Every training question once, or a share of an endless set, for checks of words and answers: without images. */
  all(): AsyncIterable<Question>;
  /** Held-out questions there are; absent: without end. */
  readonly heldoutCount?: number;
  /** What is asked, where it could change between a run and its resumption. */
  readonly kept?: KeptQuestions;
}

/** Which question of a finite set is asked when. */
export interface EpochOrder {
  /** Questions asked in each epoch: whole batches, the rest is dropped. */
  readonly perEpoch: number;
  /** @param index from 0, counting all epochs */
  at(index: number): { readonly epoch: number; readonly question: number };
}

export interface EpochOrderOptions {
  /** Questions of the set. */
  readonly count: number;
  /** Questions of a rollout step. */
  readonly batch: number;
  readonly seed: number;
}

/**
 * A new shuffle every epoch, keyed by seed and epoch. As in the released code the last, partial batch of an epoch is
 * dropped, so no batch holds a question twice.
 * @throws ConfigError when there are fewer questions than a batch holds
 */
export function epochOrder({ count, batch, seed }: EpochOrderOptions): EpochOrder {
  if (count < batch) {
    throw new ConfigError(
      `train.questionsPerStep: ${batch} questions a step, but the data has ${count}: lower it or add data`,
    );
  }
  const perEpoch = Math.floor(count / batch) * batch;
  const rng = Rng.fromSeed(seed).split("order");
  const numbers = Array.from({ length: count }, (_, at) => at);
  let shuffled = { epoch: -1, order: numbers };
  return {
    perEpoch,
    at(index) {
      const epoch = Math.floor(index / perEpoch);
      if (shuffled.epoch !== epoch) shuffled = { epoch, order: rng.split(epoch).shuffle(numbers) };
      return { epoch, question: shuffled.order[index % perEpoch] as number };
    },
  };
}

/** Questions of data files as a trainer asks for them. */
export function datasetSource(
  train: Dataset,
  heldout: Dataset | undefined,
  { batch, seed }: Omit<EpochOrderOptions, "count">,
): QuestionSource {
  const order = epochOrder({ count: train.count, batch, seed });
  return {
    train: (index) => train.question(order.at(index).question),
    heldout: (index) => {
      if (!heldout) throw new ConfigError("data.validation: missing: no held-out questions");
      return heldout.question(index);
    },
    all: () => train.all(),
    heldoutCount: heldout?.count ?? 0,
    kept: { train: train.kept, ...(heldout ? { heldout: heldout.kept } : {}) },
  };
}

/** Questions that both sets hold: same words, answer and images. */
export function sharedQuestions(a: Dataset, b: Dataset): number {
  const known = new Set(a.survey.kept.map(({ content }) => fingerprintOf(content)));
  return b.survey.kept.filter(({ content }) => known.has(fingerprintOf(content))).length;
}
