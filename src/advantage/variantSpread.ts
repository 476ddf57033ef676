/**
 * @module How far variants of a question differ in difficulty for a policy: the variance between their success
 * probabilities, and the share of it in the variance of single answers.
 *
 * Answer s to variant v of question q is x_qvs ∈ {0, 1}, with p̂_qv its mean over S samples and p̂_q the mean over the
 * V_q variants. Within each question, one-way analysis of variance of answers in variants; sums pooled over questions:
 *
 *     MSW = Σ S·p̂_qv·(1 − p̂_qv) / Σ V_q·(S − 1)      MSB = Σ S·(p̂_qv − p̂_q)² / Σ (V_q − 1)
 *     σ²_variant = (MSB − MSW) / S                     ICC = σ²_variant / (σ²_variant + MSW)
 *
 * This is the analysis-of-variance estimator of the intraclass correlation, which Ridout, Demétrio and Firth,
 * "Estimating intraclass correlation for binary data", Biometrics 55 (1999) 137–148, found among the best of twenty.
 * σ²_variant is unbiased, so it is a little below 0 about as often as above where variants do not differ.
 */
import { bootstrap } from "../core/bootstrap.js";
import { DataError } from "../core/errors.js";
import type { Rng } from "../core/rng.js";
import { type Interval, mean } from "../core/stats.js";
import type { TransformName } from "../records.js";

/** How often a policy answered one variant rightly. */
export interface VariantCount {
  /** `"original"`, or which entry of `Question.rewrites` the words come from. */
  readonly wording: "original" | number;
  readonly transform: TransformName | "none";
  readonly correct: number;
}

/** One question: its variants, each answered `samples` times. */
export interface QuestionCounts {
  readonly samples: number;
  /** The first is the question in its own words with its picture as it is. */
  readonly variants: readonly VariantCount[];
}

/** Sums of squares of one question. */
interface Sums {
  readonly within: number;
  readonly withinFreedom: number;
  readonly between: number;
  readonly betweenFreedom: number;
}

function sumsOf({ samples, variants }: QuestionCounts): Sums {
  const shares = variants.map(({ correct }) => correct / samples);
  const centre = mean(shares);
  return {
    within: shares.reduce((sum, share) => sum + samples * share * (1 - share), 0),
    withinFreedom: variants.length * (samples - 1),
    between: shares.reduce((sum, share) => sum + samples * (share - centre) ** 2, 0),
    betweenFreedom: variants.length - 1,
  };
}

function components(sums: readonly Sums[], samples: number): { variant: number; within: number } {
  const total = (of: (each: Sums) => number) => sums.reduce((sum, each) => sum + of(each), 0);
  const within = total((each) => each.within) / total((each) => each.withinFreedom);
  const between = total((each) => each.between) / total((each) => each.betweenFreedom);
  return { variant: (between - within) / samples, within };
}

/** How far variants of a question differ, with 95 % bootstrap intervals over questions. */
export interface VariantSpread {
  /** σ²_variant: variance of success probabilities between variants of a question. */
  readonly variance: Interval;
  /** Share of σ²_variant in the variance of single answers to variants of a question. */
  readonly intraclass: Interval;
}

/**
 * Variance components of counted answers.
 * @throws DataError for differing numbers of samples, fewer than two of them, or nothing to compare
 */
export function variantSpread(questions: readonly QuestionCounts[], rng: Rng): VariantSpread {
  const [samples = 0] = questions.map((question) => question.samples);
  if (samples < 2 || questions.some((question) => question.samples !== samples))
    throw new DataError("variantSpread: every variant must be answered equally often, at least twice");
  if (questions.every(({ variants }) => variants.length < 2))
    throw new DataError("variantSpread: no question has two variants: give rewrites, or views of its image");
  const sums = questions.map(sumsOf);
  const of = (name: string, statistic: (parts: { variant: number; within: number }) => number) =>
    bootstrap(sums, (drawn) => statistic(components(drawn, samples)), { rng: rng.split("spread", name) });
  return {
    variance: of("variance", ({ variant }) => variant),
    intraclass: of("intraclass", ({ variant, within }) => variant / (variant + within)),
  };
}

/** What asking otherwise does to the chance of a right answer. */
export interface Contrast {
  /** `"rewrite 2"`, a transform's name, or one of the two groups as a whole. */
  readonly name: string;
  /** Questions that were asked so. */
  readonly questions: number;
  /** Mean over questions of p̂ asked so − p̂ as it was, in [−1, 1]; with a 95 % bootstrap interval over questions. */
  readonly difference: Interval;
}

interface Difference {
  readonly name: string;
  readonly group: string;
  readonly value: number;
}

/** A rewrite against the original words; a view against the same words with the picture as it is. */
function differencesOf({ samples, variants }: QuestionCounts): Difference[] {
  const upright = new Map(
    variants.filter(({ transform }) => transform === "none").map((each) => [each.wording, each]),
  );
  return variants.flatMap((each) => {
    const isView = each.transform !== "none";
    const plain = upright.get(isView ? each.wording : "original");
    if (!plain || plain === each) return [];
    return [
      {
        name: isView ? each.transform : `rewrite ${Number(each.wording) + 1}`,
        group: isView ? ANY_TRANSFORM : ANY_REWRITE,
        value: (each.correct - plain.correct) / samples,
      },
    ];
  });
}

const ANY_REWRITE = "any rewrite";
const ANY_TRANSFORM = "any transform";

/** Each rewrite and each transform against the same question without it, and all of either kind together. */
export function variantContrasts(questions: readonly QuestionCounts[], rng: Rng): Contrast[] {
  const differences_Q = questions.map(differencesOf);
  const all = differences_Q.flat();
  const named = (group: string) => [
    group,
    ...[...new Set(all.filter((each) => each.group === group).map(({ name }) => name))].sort(),
  ];
  return [...named(ANY_REWRITE), ...named(ANY_TRANSFORM)].flatMap((name) => {
    const means = differences_Q.flatMap((differences) => {
      const own = differences.filter((each) => each.name === name || each.group === name);
      return own.length === 0 ? [] : [mean(own.map(({ value }) => value))];
    });
    if (means.length === 0) return [];
    return [
      {
        name,
        questions: means.length,
        difference: bootstrap(means, mean, { rng: rng.split("contrast", name) }),
      },
    ];
  });
}

/** Share of right answers: asked as the data set does, and over all variants that were asked. */
export function successRates(questions: readonly QuestionCounts[]): { original: number; variants: number } {
  const share = (pick: (question: QuestionCounts) => readonly VariantCount[]) => {
    const shares = questions.map((question) =>
      mean(pick(question).map(({ correct }) => correct / question.samples)),
    );
    return mean(shares);
  };
  return {
    original: share(({ variants }) => variants.slice(0, 1)),
    variants: share(({ variants }) => variants),
  };
}
