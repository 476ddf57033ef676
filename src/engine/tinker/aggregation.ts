/**
 * @module How a server makes one loss of many tokens, found out and folded into the advantages.
 *
 *     sum    Σ over all tokens of w·ℓ                                       hosted service, SkyRL's GPU backends
 *     mean   mean over sequences of (Σ w·ℓ / Σ w), over all accumulated     SkyRL's JAX backend
 *
 * Every loss of the wire is homogeneous in the advantage: c·ℓ(A) = ℓ(c·A) for c ≥ 0. So a token that is to weigh c
 * in the sum gets A·c where the server sums, and A·c·S·L where it takes means, S being all sequences since the last
 * optimizer step and L the tokens of this one that have weight.
 */
import { ModelError } from "../../core/errors.js";
import { datumOf, type WirePrompt } from "./datum.js";
import type { FutureWatch } from "./futures.js";
import type { TrainingModel } from "./model.js";
import { STILL } from "./wire.js";

export type WireAggregation = "sum" | "mean";

/** What a response's tokens are weighed by on their way to a server, so that they weigh `weight` there. */
export function advantageFactor(
  weight: number,
  { aggregation, sequences, tokens }: { aggregation: WireAggregation; sequences: number; tokens: number },
): number {
  return aggregation === "sum" ? weight : weight * sequences * tokens;
}

/** Norms of one sequence and of two may differ by this share from 1 : 1 or 1 : 2. */
const TOLERANCE = 0.02;

/**
 * Two steps of rate 0: on one sequence, and on it twice. The norm doubles where the server sums.
 *
 * Adam's moments move even so: probe a model that is not trained afterwards.
 * @returns undefined where the server tells no norm
 * @throws ModelError when it does neither
 */
export async function probeAggregation(
  model: TrainingModel,
  prompt: WirePrompt,
  watch?: FutureWatch,
): Promise<WireAggregation | undefined> {
  const response = prompt.tokens.slice(0, 2);
  const ones = [1, 1];
  // log π_old = log π would need another pass; any old value gives the same two norms but for a common factor.
  const datum = datumOf(prompt, response, { advantages: ones, logProbs: [-5, -5] });
  const norm = async (times: number): Promise<number | undefined> => {
    await model.forwardBackward({ data: new Array(times).fill(datum), loss: "importance_sampling" }, watch);
    return (await model.optimStep(STILL, watch)).gradNorm;
  };
  const [once, twice] = [await norm(1), await norm(2)];
  if (once === undefined || twice === undefined) return undefined;
  const ratio = twice / once;
  if (Math.abs(ratio - 1) < TOLERANCE) return "mean";
  if (Math.abs(ratio - 2) < 2 * TOLERANCE) return "sum";
  throw new ModelError(
    `tinker: unknown aggregation: a sequence sent twice has ${ratio.toFixed(3)} times the gradient norm of it sent once; expected 1 (a mean) or 2 (a sum)`,
  );
}
