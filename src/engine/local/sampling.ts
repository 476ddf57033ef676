/**
 * @module Picks a token from a row of probabilities: greedy, or by temperature with top-k and top-p.
 *
 * Top-k and top-p are defined on the vocabulary in order of probability. That order is not made: tokens are counted and
 * weighed in buckets of like probability, and only the two buckets in which the cut and the draw fall are sorted. Sums
 * over buckets differ from sums in order by rounding, at most V·2⁻⁵³; where a comparison is closer than `MARGIN`, the
 * whole row is sorted after all. So the token is the one that sorting gives, always.
 */
import type { Decoding } from "../engine.js";

type Truncation = Pick<Decoding, "topP" | "topK">;

/** The most likely token; the first of equals. */
export function argmax(probs: ArrayLike<number>): number {
  let best = 0;
  for (let token = 1; token < probs.length; token++) {
    if ((probs[token] as number) > (probs[best] as number)) best = token;
  }
  return best;
}

/**
 * Inverse-transform sampling.
 * @param probs one row, summing to about 1
 * @param uniform in [0, 1)
 */
export function sampleToken(probs: ArrayLike<number>, uniform: number, truncation: Truncation): number {
  const { topP, topK } = truncation;
  if (topP >= 1 && topK <= 0) return draw(probs, uniform, probs.length, (at) => at);
  const selected = probs instanceof Float32Array ? selectToken(probs, uniform, truncation) : undefined;
  return selected ?? sampleSorted(probs, uniform, truncation);
}

/**
 * The token of `sampleToken` where sums in whatever order give it; undefined where rounding decides.
 * @param margin to the target of a sum over all tokens
 */
export function settledToken(
  probs: Float32Array,
  uniform: number,
  truncation: Truncation,
  margin: number = MARGIN,
): number | undefined {
  if (truncation.topP < 1 || truncation.topK > 0) return selectToken(probs, uniform, truncation);
  const isNear = (sum: number) => Math.abs(sum - uniform) < margin;
  let sum = 0;
  for (let token = 0; token < probs.length; token++) {
    const p = probs[token] as number;
    const before = sum;
    sum += p;
    if (p > 0 && uniform < sum) return isNear(before) || isNear(sum) ? undefined : token;
  }
  return undefined;
}

/** The same from the sorted vocabulary: 65 ms a token at 150,000 entries. */
export function sampleSorted(probs: ArrayLike<number>, uniform: number, truncation: Truncation): number {
  const tokens = nucleus(probs, truncation);
  const mass = tokens.reduce((sum, token) => sum + (probs[token] as number), 0);
  return draw(probs, uniform * mass, tokens.length, (at) => tokens[at] as number);
}

/** The token in which the running sum passes `target`. */
function draw(
  probs: ArrayLike<number>,
  target: number,
  count: number,
  tokenAt: (at: number) => number,
): number {
  let sum = 0;
  let last = -1;
  for (let at = 0; at < count; at++) {
    const token = tokenAt(at);
    const p = probs[token] as number;
    if (p <= 0) continue;
    sum += p;
    last = token;
    if (target < sum) return token;
  }
  return last < 0 ? argmax(probs) : last; // rounding left the sum just under the target
}

/** Token ids that top-k and top-p leave, most likely first (ties: smaller id first). */
function nucleus(probs: ArrayLike<number>, { topP, topK }: Truncation): number[] {
  const order = inOrder(
    probs,
    Array.from({ length: probs.length }, (_, token) => token),
  );
  const kept = topK > 0 ? order.slice(0, topK) : order;
  if (topP >= 1) return kept;
  let sum = 0;
  const end = kept.findIndex((token) => {
    sum += probs[token] as number;
    return sum >= topP;
  });
  return end < 0 ? kept : kept.slice(0, end + 1);
}

function inOrder(probs: ArrayLike<number>, tokens: number[]): number[] {
  return tokens.sort((a, b) => (probs[b] as number) - (probs[a] as number) || a - b);
}

/** Sums closer than this to what they are compared with may round either way. */
export const MARGIN = 1e-10;

/** By the upper 16 bits of a positive float32: numbers of one bucket differ by less than a hundredth. */
const BUCKETS = 1 << 15;

/** A row's tokens counted and weighed by bucket. */
interface Buckets {
  readonly bits: Uint32Array;
  readonly counts: Int32Array;
  readonly masses: Float64Array;
}

function bucketsOf(probs: Float32Array): Buckets {
  const bits = new Uint32Array(probs.buffer, probs.byteOffset, probs.length);
  const counts = new Int32Array(BUCKETS);
  const masses = new Float64Array(BUCKETS);
  for (let token = 0; token < probs.length; token++) {
    const p = probs[token] as number;
    if (!(p > 0)) continue;
    const bucket = (bits[token] as number) >>> 16;
    counts[bucket] = (counts[bucket] as number) + 1;
    masses[bucket] = (masses[bucket] as number) + p;
  }
  return { bits, counts, masses };
}

/** A bucket's tokens, most likely first. */
function tokensIn(probs: Float32Array, { bits, counts }: Buckets, bucket: number): number[] {
  const tokens = new Array<number>(counts[bucket] as number);
  let filled = 0;
  for (let token = 0; filled < tokens.length; token++) {
    if ((bits[token] as number) >>> 16 === bucket) tokens[filled++] = token;
  }
  return inOrder(probs, tokens);
}

/** What is kept: all buckets above `bucket`, and the first tokens of that one. */
interface Cut {
  readonly bucket: number;
  readonly tokens: readonly number[];
  /** Of everything kept. */
  readonly mass: number;
}

/** Where top-k and top-p cut; undefined where rounding decides. */
function cutOf(probs: Float32Array, buckets: Buckets, { topP, topK }: Truncation): Cut | undefined {
  const most = topK > 0 ? topK : Number.POSITIVE_INFINITY;
  const share = topP >= 1 ? Number.POSITIVE_INFINITY : topP;
  let [count, mass] = [0, 0];
  for (let bucket = BUCKETS - 1; bucket >= 0; bucket--) {
    const inBucket = buckets.counts[bucket] as number;
    if (inBucket === 0) continue;
    const after = mass + (buckets.masses[bucket] as number);
    if (Math.abs(after - share) < MARGIN) return undefined;
    if (after > share || count + inBucket >= most) {
      const tokens = tokensIn(probs, buckets, bucket);
      return cutBucket(probs, tokens, { bucket, mass, share, most: most - count });
    }
    count += inBucket;
    mass = after;
  }
  return { bucket: -1, tokens: [], mass }; // nothing is cut
}

function cutBucket(
  probs: Float32Array,
  tokens: readonly number[],
  from: { readonly bucket: number; readonly mass: number; readonly share: number; readonly most: number },
): Cut | undefined {
  let { mass } = from;
  for (const [at, token] of tokens.entries()) {
    mass += probs[token] as number;
    if (Math.abs(mass - from.share) < MARGIN) return undefined;
    if (mass > from.share || at + 1 >= from.most) {
      return { bucket: from.bucket, tokens: tokens.slice(0, at + 1), mass };
    }
  }
  return { bucket: from.bucket, tokens, mass };
}

/** The token that sampling from the sorted row gives; undefined where rounding decides. */
function selectToken(probs: Float32Array, uniform: number, truncation: Truncation): number | undefined {
  const buckets = bucketsOf(probs);
  const cut = cutOf(probs, buckets, truncation);
  if (!cut) return undefined;
  const target = uniform * cut.mass;
  let sum = 0;
  for (let bucket = BUCKETS - 1; bucket >= Math.max(0, cut.bucket); bucket--) {
    if (buckets.counts[bucket] === 0) continue;
    const isCut = bucket === cut.bucket;
    const after = isCut ? cut.mass : sum + (buckets.masses[bucket] as number);
    if (Math.abs(after - target) < MARGIN) return undefined;
    if (after > target) {
      return tokenPassing(probs, isCut ? cut.tokens : tokensIn(probs, buckets, bucket), sum, target);
    }
    sum = after;
  }
  return undefined;
}

function tokenPassing(
  probs: Float32Array,
  tokens: readonly number[],
  before: number,
  target: number,
): number | undefined {
  let sum = before;
  for (const token of tokens) {
    sum += probs[token] as number;
    if (Math.abs(sum - target) < MARGIN) return undefined;
    if (sum > target) return token;
  }
  return undefined;
}
