/**
 * @module How much a token counts in the loss of a mini-batch: the weight s of each response's tokens in Σ ℓ·s.
 *
 *     global-token   1 / (tokens of the mini-batch)
 *     token          1 / (tokens of the micro-batch · micro-batches)      the released code
 *     sequence       1 / (responses · tokens of the response)             Eq. 8
 *     constant       1 / (responses · longest response allowed)           Dr. GRPO (Liu et al., 2025)
 *
 * A masked response (cut off, where those are not to be learnt from) weighs 0 and is not counted.
 */
import { invariant } from "../core/errors.js";
import { zip } from "../core/zip.js";
import type { PairReading } from "./lessons.js";

/** How much a token counts in the loss. */
export type Aggregation = "global-token" | "token" | "sequence" | "constant";

export interface AggregationOptions {
  readonly aggregation: Aggregation;
  /** Responses cut off at the length limit weigh 0. */
  readonly masksTruncated: boolean;
  /** Tokens; read by `constant` alone. */
  readonly maxResponseLength: number;
}

type Sized = Pick<PairReading, "responses_R" | "isTruncated_R">;

/** Tokens of each response of a reading; 0 for one that does not count. */
function countedTokens({ responses_R, isTruncated_R }: Sized, masksTruncated: boolean): number[] {
  return zip(responses_R, isTruncated_R).map(([{ length }, isTruncated]) =>
    masksTruncated && isTruncated ? 0 : length,
  );
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const share = (whole: number) => (whole === 0 ? 0 : 1 / whole);

/**
 * Token weights of a mini-batch's responses.
 * @param microBatches the mini-batch's readings as they are computed, micro-batch by micro-batch
 * @returns `[micro-batch][reading][r]`; the weights of all tokens sum to 1 but for `constant`
 */
export function tokenWeights(
  microBatches: readonly (readonly Sized[])[],
  options: AggregationOptions,
): number[][][] {
  const { aggregation, masksTruncated, maxResponseLength } = options;
  const counted = microBatches.map((readings) =>
    readings.map((reading) => countedTokens(reading, masksTruncated)),
  );
  const total = sum(counted.flat(2));
  const responses = counted.flat(2).filter((tokens) => tokens > 0).length;
  invariant(
    aggregation !== "constant" || maxResponseLength > 0,
    "tokenWeights: constant needs a longest response",
  );
  return counted.map((readings) => {
    const tokensHere = sum(readings.flat());
    const weightOf = (tokens: number): number => {
      if (tokens === 0) return 0;
      if (aggregation === "global-token") return share(total);
      if (aggregation === "token") return share(tokensHere * microBatches.length);
      return share(responses * (aggregation === "sequence" ? tokens : maxResponseLength));
    };
    return readings.map((tokens_R) => tokens_R.map(weightOf));
  });
}
