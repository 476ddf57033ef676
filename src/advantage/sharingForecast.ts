/**
 * @module What sharing would buy: the share of valid groups (right and wrong answers in one) that GRPO has with
 * N = m·n responses to the original question, that it has where each group is asked a drawn variant (data
 * augmentation), and that Share-GRPO has with n responses to each of m variants, from counted answers.
 *
 * With c of S answers right, the chance that n answers drawn from them without replacement are all right is
 * C(c, n) / C(S, n); over independent samples this is an unbiased estimate of pⁿ (Hoeffding 1948), where the
 * plug-in (c/S)ⁿ is not. Products over different variants are unbiased too. So
 *
 *     P̂(valid) = 1 − E[∏ C(c_j, n)/C(S, n)] − E[∏ C(S − c_j, n)/C(S, n)],
 *
 * the expectation over the m variants that training would draw: the original words first, m − 1 rewrites without
 * replacement, each turned into one of the views that were asked with probability p. Where wordings run out,
 * the question is asked in views, and where those run out again as it is.
 */
import { bootstrap } from "../core/bootstrap.js";
import { DataError } from "../core/errors.js";
import type { Rng } from "../core/rng.js";
import { type Interval, mean } from "../core/stats.js";
import type { QuestionCounts } from "./variantSpread.js";

/** The group that training would form of one question. */
export interface ForecastOptions {
  /** m, variants of a question. */
  readonly variants: number;
  /** n, responses per variant. */
  readonly responses: number;
  /** p, chance that a variant's picture is transformed. */
  readonly transformProbability: number;
}

/** C(correct, n) / C(samples, n): an unbiased estimate of pⁿ. 1 for n = 0. */
export function unbiasedPower(correct: number, samples: number, n: number): number {
  let value = 1;
  for (let drawn = 0; drawn < n; drawn++) value *= Math.max(0, correct - drawn) / (samples - drawn);
  return value;
}

/** Mean over all ways to take `count` of the values of their product: an elementary symmetric polynomial, normed. */
function meanProduct(values: readonly number[], count: number): number {
  const means = [1, ...Array.from({ length: count }, () => 0)];
  for (const [seen, value] of values.entries()) {
    // Of subsets of k among seen + 1 values, the share k / (seen + 1) holds the new one.
    for (let k = Math.min(count, seen + 1); k > 0; k--) {
      const share = k / (seen + 1);
      means[k] = (1 - share) * (means[k] ?? 0) + share * value * (means[k - 1] ?? 0);
    }
  }
  return means[count] ?? 0;
}

/** The variants by what training draws: as it is, in other words, in another view. */
interface Pools {
  readonly original: number;
  readonly rewrites: readonly number[];
  readonly views: readonly number[];
}

function poolsOf({ variants }: QuestionCounts): Pools {
  const [first, ...others] = variants;
  const upright = others.filter(({ transform }) => transform === "none");
  const views = others.filter(({ transform }) => transform !== "none");
  const counts = (list: typeof others) => list.map(({ correct }) => correct);
  return { original: first?.correct ?? 0, rewrites: counts(upright), views: counts(views) };
}

/** Chance of `turned` among `of` variants. */
function binomial(turned: number, of: number, p: number): number {
  let ways = 1;
  for (let at = 0; at < turned; at++) ways *= (of - at) / (at + 1);
  return ways * p ** turned * (1 - p) ** (of - turned);
}

/** Expectation of ∏ pⁿ over the variants drawn. @param pools counts of right answers, or of wrong ones */
function expectedPower(pools: Pools, samples: number, options: ForecastOptions): number {
  const { variants, responses, transformProbability } = options;
  const p = pools.views.length === 0 ? 0 : transformProbability;
  const powers = (counts: readonly number[]) =>
    counts.map((count) => unbiasedPower(count, samples, responses));
  const [rewrites, views] = [powers(pools.rewrites), powers(pools.views)];
  let total = 0;
  for (const isTurned of [false, true]) {
    for (let turned = 0; turned < variants; turned++) {
      const chance = (isTurned ? p : 1 - p) * binomial(turned, variants - 1, p);
      const words = Math.min(variants - 1 - turned, rewrites.length);
      const wanted = variants - (isTurned ? 0 : 1) - words;
      const seen = Math.min(wanted, views.length);
      const asItIs = variants - words - seen;
      const original = unbiasedPower(pools.original, samples, asItIs * responses);
      total += chance * original * meanProduct(rewrites, words) * meanProduct(views, seen);
    }
  }
  return total;
}

/** The same counts of wrong answers. */
function wrongOf({ samples, variants }: QuestionCounts): QuestionCounts {
  return { samples, variants: variants.map((each) => ({ ...each, correct: samples - each.correct })) };
}

/** One minus all-right minus all-wrong. */
function validOf(question: QuestionCounts, allRight: (question: QuestionCounts) => number): number {
  return 1 - allRight(question) - allRight(wrongOf(question));
}

/** GRPO: N = m·n responses to the question as it is. */
function grpoValid(question: QuestionCounts, { variants, responses }: ForecastOptions): number {
  return validOf(question, (counts) =>
    unbiasedPower(poolsOf(counts).original, counts.samples, variants * responses),
  );
}

/** GRPO on augmented data: N = m·n responses to one drawn variant, any wording alike. */
function augmentedValid(question: QuestionCounts, options: ForecastOptions): number {
  return validOf(question, (counts) => {
    const { original, rewrites, views } = poolsOf(counts);
    const p = views.length === 0 ? 0 : options.transformProbability;
    const average = (list: readonly number[]) =>
      list.reduce(
        (sum, each) => sum + unbiasedPower(each, counts.samples, options.variants * options.responses),
        0,
      ) / Math.max(1, list.length);
    return (1 - p) * average([original, ...rewrites]) + p * average(views);
  });
}

/** Share-GRPO: n responses to each of m variants. */
function sharedValid(question: QuestionCounts, options: ForecastOptions): number {
  return validOf(question, (counts) => expectedPower(poolsOf(counts), counts.samples, options));
}

/** Predicted shares of valid groups, counting right and wrong answers, with 95 % bootstrap intervals over questions. */
export interface SharingForecast {
  readonly grpo: Interval;
  readonly augmented: Interval;
  readonly shared: Interval;
  /** shared − grpo, paired by question. */
  readonly gain: Interval;
  /** shared − augmented, paired by question. */
  readonly gainOverAugmented: Interval;
}

/**
 * What each way to ask is expected to find valid.
 * @throws DataError for fewer samples than a group of GRPO has, or no questions
 */
export function sharingForecast(
  questions: readonly QuestionCounts[],
  options: ForecastOptions,
  rng: Rng,
): SharingForecast {
  const group = options.variants * options.responses;
  const fewest = Math.min(...questions.map(({ samples }) => samples));
  if (questions.length === 0 || fewest < group)
    throw new DataError(
      `sharingForecast: groups of ${group} responses need as many samples of each variant, got ${fewest}`,
    );
  const values = questions.map((question) => ({
    grpo: grpoValid(question, options),
    augmented: augmentedValid(question, options),
    shared: sharedValid(question, options),
  }));
  const meanOf = (name: string, of: (value: (typeof values)[number]) => number) =>
    bootstrap(values.map(of), mean, { rng: rng.split("forecast", name) });
  return {
    grpo: meanOf("grpo", (value) => value.grpo),
    augmented: meanOf("augmented", (value) => value.augmented),
    shared: meanOf("shared", (value) => value.shared),
    gain: meanOf("gain", (value) => value.shared - value.grpo),
    gainOverAugmented: meanOf("gainOverAugmented", (value) => value.shared - value.augmented),
  };
}

const points = (share: number) => `${share < 0 ? "−" : "+"}${Math.abs(100 * share).toFixed(1)}`;

/** One sentence for who decides whether to share. */
export function sharingVerdict({ gain }: SharingForecast): string {
  const size = `${points(gain.value)} points [${points(gain.low)}, ${points(gain.high)}] of valid groups at equal responses`;
  if (gain.low > 0)
    return `Variants differ in difficulty for this policy, and sharing turns that into more groups that teach: ${size}.`;
  if (gain.high < 0)
    return `Sharing would make fewer groups teach: ${size}: more questions become too hard in other words or views than cease to be too easy.`;
  return `Sharing will hardly change how many groups teach: ${size}, which may be none.`;
}
