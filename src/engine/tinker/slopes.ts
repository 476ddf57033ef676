/**
 * @module The exact path of any loss through a server that has only `importance_sampling`: with g = ∂ℓ/∂log π of each
 * token at the policy of now, a sequence sent with logprobs = log π and advantages = −g has ratio 1 everywhere, so its
 * gradient is Σ g·∇log π, which is ∇ℓ.
 *
 * The formulas are those of src/policy, differentiated by TensorFlow.js's tape on the host: dual clip, GSPO, SAPO, CISPO,
 * one ratio per response, and KL estimates come with them. One more forward pass is the price.
 */
import { eager } from "../../compile/eager.js";
import { valueAndGrad } from "../../compile/grad.js";
import type { KlEstimator } from "../../config/schema.js";
import { type NdArray, ndarray, scalar, zeros } from "../../core/ndarray.js";
import { type Tensor, tf } from "../../core/tf.js";
import { klLoss, klPerToken } from "../../policy/kl.js";
import { type SurrogateOptions, surrogateLoss } from "../../policy/surrogate.js";
import type { LossSums } from "../engine.js";

/** A response under a prompt; `[L]` each. */
export interface LossRow {
  /** log π of now, nats. */
  readonly logProbs: Float32Array;
  readonly oldLogProbs: Float32Array;
  /** Advantage of each token: the response's, times importance weights where there are any. */
  readonly advantages: ArrayLike<number>;
  /** Of each token in the loss. */
  readonly weight: number;
  /** Where the loss has a KL term. */
  readonly referenceLogProbs?: Float32Array;
}

export interface SlopeOptions extends SurrogateOptions {
  readonly kl?: { readonly term: KlEstimator; readonly coefficient: number };
}

export interface Slopes {
  /** `[row][L]`: ∂ℓ/∂log π. */
  readonly slopes: readonly Float32Array[];
  readonly sums: LossSums;
}

interface Batch {
  readonly old: Tensor;
  readonly advantages: Tensor;
  readonly mask: Tensor;
  readonly scale: Tensor;
  readonly reference?: Tensor;
}

/** Rows at once: a padded `[rows, longest]` array each, on the host. */
const ROWS = 256;

/** `[rows, T]`, zeros behind each row. */
function padded(rows: readonly ArrayLike<number>[], T: number): NdArray {
  const array = zeros([rows.length, T]);
  rows.forEach((row, r) => {
    array.data.set(Array.from(row), r * T);
  });
  return array;
}

/** Loss and sums as functions of log π. */
function lossOf(options: SlopeOptions) {
  return ({ logProbs }: Readonly<Record<string, Tensor>>, batch: Batch, coefficient: Tensor) => {
    const { old, advantages, mask, scale, reference } = batch;
    const inputs = { logProbs: logProbs as Tensor, oldLogProbs: old, advantages, mask, scale };
    const { loss, stats } = surrogateLoss(inputs, options);
    const aux: Record<string, Tensor> = { ...stats, loss };
    if (!reference || !options.kl) return { loss, aux };
    const kl = klPerToken(inputs.logProbs, reference, options.kl.term);
    aux["referenceKlSum"] = tf.sum(tf.mul(kl, mask));
    return { loss: tf.add(loss, klLoss(kl, { mask, scale, coefficient })), aux };
  };
}

async function slopesOfBatch(rows: readonly LossRow[], options: SlopeOptions): Promise<Slopes> {
  const T = Math.max(...rows.map(({ logProbs }) => logProbs.length));
  const of = (pick: (row: LossRow) => ArrayLike<number>) => padded(rows.map(pick), T);
  const hasReference = options.kl !== undefined && rows.every((row) => row.referenceLogProbs);
  const batch = {
    old: of(({ oldLogProbs }) => oldLogProbs),
    advantages: of(({ advantages }) => advantages),
    mask: of(({ logProbs }) => new Float32Array(logProbs.length).fill(1)),
    scale: ndarray(
      Float32Array.from(rows, ({ weight }) => weight),
      [rows.length, 1],
    ),
    ...(hasReference ? { reference: of((row) => row.referenceLogProbs ?? []) } : {}),
  };
  const differentiate = eager(valueAndGrad(lossOf(options)));
  const { aux, grads } = await differentiate(
    { logProbs: of(({ logProbs }) => logProbs) },
    batch,
    scalar(options.kl?.coefficient ?? 0),
  );
  const gradient = Float32Array.from(grads["logProbs"]?.data ?? []);
  const value = (name: string) => aux[name]?.data[0] ?? 0;
  return {
    slopes: rows.map(({ logProbs }, r) =>
      Float32Array.from(gradient.subarray(r * T, r * T + logProbs.length)),
    ),
    sums: {
      ...{ loss: value("loss"), clippedLow: value("clippedLow"), clippedHigh: value("clippedHigh") },
      ...{ klSum: value("klSum"), entropySum: value("entropySum"), maxLogRatio: value("maxLogRatio") },
      ...("referenceKlSum" in aux ? { referenceKlSum: value("referenceKlSum") } : {}),
    },
  };
}

/** Sums of two batches as those of one. */
export function addSums(a: LossSums, b: LossSums): LossSums {
  const kl = (a.referenceKlSum ?? 0) + (b.referenceKlSum ?? 0);
  const hasKl = a.referenceKlSum !== undefined || b.referenceKlSum !== undefined;
  return {
    loss: a.loss + b.loss,
    clippedLow: a.clippedLow + b.clippedLow,
    clippedHigh: a.clippedHigh + b.clippedHigh,
    klSum: a.klSum + b.klSum,
    entropySum: a.entropySum + b.entropySum,
    maxLogRatio: Math.max(a.maxLogRatio, b.maxLogRatio),
    ...(hasKl ? { referenceKlSum: kl } : {}),
  };
}

/** ∂ℓ/∂log π of every token, and what the loss counts. */
export async function slopesOf(rows: readonly LossRow[], options: SlopeOptions): Promise<Slopes> {
  const slopes: Float32Array[] = [];
  let sums: LossSums = { loss: 0, clippedLow: 0, clippedHigh: 0, klSum: 0, entropySum: 0, maxLogRatio: 0 };
  for (let first = 0; first < rows.length; first += ROWS) {
    const batch = await slopesOfBatch(rows.slice(first, first + ROWS), options);
    slopes.push(...batch.slopes);
    sums = addSums(sums, batch.sums);
  }
  return { slopes, sums };
}
