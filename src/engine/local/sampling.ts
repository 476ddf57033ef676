/**
 * @module Picks a token from a row of probabilities: greedy, or by temperature with top-k and top-p.
 */

export interface Sampling {
  /** > 0; probabilities are already at this temperature. Greedy picks the most likely token whatever it is. */
  readonly temperature: number;
  readonly isGreedy: boolean;
  /** Keep the smallest set of tokens whose probability reaches this; 1 keeps all. */
  readonly topP: number;
  /** Keep this many most likely tokens; 0 keeps all. */
  readonly topK: number;
  /** Response tokens at most. */
  readonly maxTokens: number;
}

/** The most likely token; the first of equals. */
export function argmax(probs: ArrayLike<number>): number {
  let best = 0;
  for (let token = 1; token < probs.length; token++) {
    if ((probs[token] as number) > (probs[best] as number)) best = token;
  }
  return best;
}

/** Token ids that top-k and top-p leave, most likely first (ties: smaller id first). */
function nucleus(probs: ArrayLike<number>, topP: number, topK: number): number[] {
  const order = Array.from({ length: probs.length }, (_, token) => token).sort(
    (a, b) => (probs[b] as number) - (probs[a] as number) || a - b,
  );
  const kept = topK > 0 ? order.slice(0, topK) : order;
  let sum = 0;
  const end = kept.findIndex((token) => {
    sum += probs[token] as number;
    return sum >= topP;
  });
  return end < 0 ? kept : kept.slice(0, end + 1);
}

/**
 * Inverse-transform sampling.
 * @param probs one row, summing to about 1
 * @param uniform in [0, 1)
 */
export function sampleToken(
  probs: ArrayLike<number>,
  uniform: number,
  { topP, topK }: Pick<Sampling, "topP" | "topK">,
): number {
  const isTruncated = topP < 1 || topK > 0;
  const tokens = isTruncated ? nucleus(probs, topP, topK) : undefined;
  const count = tokens?.length ?? probs.length;
  let mass = 1;
  if (tokens) mass = tokens.reduce((sum, token) => sum + (probs[token] as number), 0);
  const target = uniform * mass;
  let sum = 0;
  let last = -1;
  for (let at = 0; at < count; at++) {
    const token = tokens ? (tokens[at] as number) : at;
    const p = probs[token] as number;
    if (p <= 0) continue;
    sum += p;
    last = token;
    if (target < sum) return token;
  }
  return last < 0 ? argmax(probs) : last; // rounding left the sum just under the target
}
