/**
 * @module Truncated importance weights for cross pairs: response (j, i) was sampled under prompt j but is read under
 * prompt k, and Eq. 8 corrects for nothing. Off by default; an option of this project, not of the paper.
 */
import { invariant } from "../core/errors.js";
import { zip } from "../core/zip.js";

/**
 * Weight per token, min(cap, π_old(token | Q_k) / π_old(token | Q_j)); 1 for an own-variant pair.
 * @param logProbs_T old log-probs of the same tokens under prompt k and under the prompt that produced them
 * @param cap largest weight, at least 1
 */
export function crossTokenWeights(
  logProbs_T: { readonly underPrompt: readonly number[]; readonly underOwn: readonly number[] },
  cap: number,
): number[] {
  invariant(cap >= 1, `crossTokenWeights: cap ${cap} is at least 1`);
  return zip(logProbs_T.underPrompt, logProbs_T.underOwn).map(([prompt, own]) =>
    Math.min(cap, Math.exp(prompt - own)),
  );
}
