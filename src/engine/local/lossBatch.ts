/**
 * @module Host numbers of a micro-batch: what the loss needs beside the packed tokens.
 */
import { given } from "../../core/given.js";
import { type NdArray, scalar, zeros } from "../../core/ndarray.js";
import type { Tensor } from "../../core/tf.js";
import { type PackedUnits, sizesOf } from "../../model/transformer/pack.js";
import type { Lesson, Reading } from "../../policy/lessons.js";
import type { Placed } from "../../policy/microBatches.js";

/** A packed micro-batch with what the loss needs; `Array` is NdArray on the host and Tensor in a compiled function. */
export interface LossBatch<Array = Tensor> {
  readonly packed: PackedUnits<Array>;
  /** `[U, R]`, or `[U, R, T]` where cross pairs carry importance weights */
  readonly advantages: Array;
  /** `[U, R, T]`; zeros where the policy of now is the old one */
  readonly oldLogProbs: Array;
  /** `[U, R]`: 1 where the policy of now is the old one, else 0 */
  readonly isOnPolicy: Array;
  /** `[U, R]`: weight of each token of a response */
  readonly scale: Array;
  /** Present when the loss has a KL term. */
  readonly kl?: {
    /** `[U, R, T]`; absent where the reference policy itself is read, for KL over the whole vocabulary. */
    readonly referenceLogProbs?: Array;
    /** `[]`: β */
    readonly coefficient: Array;
  };
}

/** Rows of numbers of each lesson as `[U, R, T]`, zeros behind them. */
function perToken(
  rows_U_R: readonly (readonly ArrayLike<number>[])[],
  { U, R, T }: { readonly U: number; readonly R: number; readonly T: number },
): NdArray {
  const array = zeros([U, R, T]);
  rows_U_R.forEach((rows_R, u) => {
    rows_R.forEach((row, r) => {
      array.data.set(row, (u * R + r) * T);
    });
  });
  return array;
}

function perResponse(rows_U: readonly (readonly number[])[], U: number, R: number): NdArray {
  const array = zeros([U, R]);
  rows_U.forEach((row, u) => {
    array.data.set(row, u * R);
  });
  return array;
}

/**
 * Puts the rows of `[U, R, T]` numbers of a micro-batch, cut to the responses' lengths, where its readings stand in the call.
 * @param perReading `[reading][r][t]`; the rows are copies
 */
export function placeRows(
  perReading: Float32Array[][],
  batch: readonly Placed<Reading>[],
  { R, T }: { readonly R: number; readonly T: number },
  values: NdArray["data"],
): void {
  for (const [u, { at, reading }] of batch.entries()) {
    perReading[at] = reading.responses_R.map(({ length }, r) => {
      const row = (u * R + r) * T;
      return Float32Array.from(values.subarray(row, row + length));
    });
  }
}

/** Advantages per response; per token, times their weights, where a lesson has weights. */
function advantagesOf(lessons: readonly Lesson[], sizes: { U: number; R: number; T: number }): NdArray {
  if (lessons.every(({ importance_R }) => importance_R === undefined)) {
    return perResponse(
      lessons.map(({ advantages_R }) => advantages_R),
      sizes.U,
      sizes.R,
    );
  }
  const weighted = lessons.map(({ advantages_R, responses_R, importance_R }) =>
    responses_R.map((response, r) =>
      Float32Array.from({ length: response.length }, (_, t) => {
        return (advantages_R[r] as number) * (importance_R?.[r]?.[t] ?? 1);
      }),
    ),
  );
  return perToken(weighted, sizes);
}

/** @param klCoefficient β; without one the loss has no KL term */
export function lossBatch(
  lessons: readonly Lesson[],
  packed: PackedUnits<NdArray>,
  klCoefficient?: number,
): LossBatch<NdArray> {
  const sizes = sizesOf(packed);
  const reference = lessons.flatMap(({ referenceLogProbs_R }) =>
    referenceLogProbs_R ? [referenceLogProbs_R] : [],
  );
  const referenceLogProbs = reference.length === lessons.length ? perToken(reference, sizes) : undefined;
  return {
    packed,
    advantages: advantagesOf(lessons, sizes),
    oldLogProbs: perToken(
      lessons.map(({ oldLogProbs_R }) => oldLogProbs_R ?? []),
      sizes,
    ),
    isOnPolicy: perResponse(
      lessons.map(({ oldLogProbs_R, responses_R }) => responses_R.map(() => (oldLogProbs_R ? 0 : 1))),
      sizes.U,
      sizes.R,
    ),
    scale: perResponse(
      lessons.map(({ weights_R }) => weights_R),
      sizes.U,
      sizes.R,
    ),
    ...(klCoefficient === undefined
      ? {}
      : { kl: { ...given({ referenceLogProbs }), coefficient: scalar(klCoefficient) } }),
  };
}
