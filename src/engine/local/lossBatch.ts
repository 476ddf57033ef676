/**
 * @module Host numbers of a micro-batch: what the loss needs beside the packed tokens.
 */
import { type NdArray, scalar, zeros } from "../../core/ndarray.js";
import type { Tensor } from "../../core/tf.js";
import { type PackedUnits, sizesOf } from "../../model/transformer/pack.js";
import type { UpdateUnit } from "../../policy/units.js";

/** A packed micro-batch with what the loss needs; `Array` is NdArray on the host and Tensor in a compiled function. */
export interface LossBatch<Array = Tensor> {
  readonly packed: PackedUnits<Array>;
  /** `[U, R]`, or `[U, R, T]` where cross pairs carry importance weights */
  readonly advantages: Array;
  /** `[U, R, T]` */
  readonly oldLogProbs: Array;
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

/** Rows of numbers of each unit as `[U, R, T]`, zeros behind them. */
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

/** Advantages per response; per token, times their weights, where a unit has weights. */
function advantagesOf(units: readonly UpdateUnit[], sizes: { U: number; R: number; T: number }): NdArray {
  if (units.every(({ importance }) => importance === undefined)) {
    return perResponse(
      units.map(({ advantages }) => advantages),
      sizes.U,
      sizes.R,
    );
  }
  const weighted = units.map(({ advantages, responses, importance }) =>
    responses.map((response, r) =>
      Float32Array.from({ length: response.length }, (_, t) => {
        return (advantages[r] as number) * (importance?.[r]?.[t] ?? 1);
      }),
    ),
  );
  return perToken(weighted, sizes);
}

/**
 * @param weights_U_R token weight of each response, from `tokenWeights`
 * @param klCoefficient β; without one the loss has no KL term
 */
export function lossBatch(
  units: readonly UpdateUnit[],
  packed: PackedUnits<NdArray>,
  weights_U_R: readonly (readonly number[])[],
  klCoefficient?: number,
): LossBatch<NdArray> {
  const sizes = sizesOf(packed);
  const old = units.map(({ oldLogProbs }) => oldLogProbs);
  const reference = units.flatMap(({ referenceLogProbs }) => (referenceLogProbs ? [referenceLogProbs] : []));
  const referenceLogProbs = reference.length === units.length ? perToken(reference, sizes) : undefined;
  return {
    packed,
    advantages: advantagesOf(units, sizes),
    oldLogProbs: perToken(old, sizes),
    scale: perResponse(weights_U_R, sizes.U, sizes.R),
    ...(klCoefficient === undefined
      ? {}
      : { kl: { ...(referenceLogProbs ? { referenceLogProbs } : {}), coefficient: scalar(klCoefficient) } }),
  };
}
