/**
 * @module Asks a policy questions in every wording and several views, and counts the right answers of each: what
 * `advantage/variantSpread.ts` and `advantage/sharingForecast.ts` reckon with.
 *
 * A question is asked in its own words and in each rewrite, with the picture as it is; and in `views` drawn ways with a
 * transformed picture, each in one of the wordings. So a rewrite can be held against the original, a view against the same
 * words without it, and any group that training would draw can be put together of what was counted.
 */
import type { QuestionCounts, VariantCount } from "../advantage/variantSpread.js";
import { given } from "../core/given.js";
import type { Rng } from "../core/rng.js";
import { mean } from "../core/stats.js";
import { zip } from "../core/zip.js";
import { type VariantChoice, variantOf, waysOf } from "../expand/expand.js";
import type { Question, Response } from "../records.js";
import { askVariants, type SampleContext } from "./sampleGroups.js";
import type { SampledGroup } from "./stepContext.js";

/** One variant: how often it was answered rightly, with what rewards, and what the answers were. */
export interface AskedVariant extends VariantCount {
  /** Overall reward of each response. */
  readonly rewards: readonly number[];
  /** What was read out of each response; null where there was no answer. */
  readonly answers: readonly (string | null)[];
}

/** One question with all variants that were asked. */
export interface AskedVariants extends QuestionCounts {
  readonly id: string;
  readonly category: string;
  readonly variants: readonly AskedVariant[];
}

export interface AskVariantsOptions {
  /** Views of each question, each in a drawn wording; fewer where fewer transforms are allowed. */
  readonly views: number;
  /** Questions sampled at once; default 4. */
  readonly atOnce?: number;
}

/** The plain question first, then its rewrites, then views: different transforms, wordings drawn. */
export function choicesOf(
  question: Question,
  views: number,
  { expand, rng }: { readonly expand: SampleContext["config"]["expand"]; readonly rng: Rng },
): VariantChoice[] {
  const { wordings, transforms } = waysOf(question, expand);
  const draws = rng.split("views", question.id);
  const seen = draws.shuffle(transforms).slice(0, views);
  return [
    ...wordings.map((wording) => ({ wording, transform: "none" as const })),
    ...seen.map((transform) => ({ wording: draws.pick(wordings), transform })),
  ].map((choice, index) => ({ ...choice, index }));
}

function countsOf({ question, variants, responses }: SampledGroup): AskedVariants {
  const asked = zip(variants, responses).map(([{ wording, transform }, responses_N]) => ({
    wording,
    transform,
    correct: responses_N.filter(({ reward }) => reward.accuracy > 0.5).length,
    rewards: responses_N.map(({ reward }) => reward.overall),
    answers: responses_N.map(answerOf),
  }));
  const samples = responses[0]?.length ?? 0;
  return { id: question.id, category: question.category, samples, variants: asked };
}

const answerOf = ({ reward: { extracted } }: Response): string | null =>
  extracted.kind === "answer" ? extracted.text.trim() : null;

/**
 * Asks every question in all its ways, `config.rollout.responses` times each.
 * @throws DataError when a question's markers and images disagree, or an image cannot be read
 */
export async function askAllVariants(
  questions: readonly Question[],
  { views, atOnce = 4 }: AskVariantsOptions,
  context: SampleContext,
): Promise<AskedVariants[]> {
  const { config, rng, onProgress, signal } = context;
  const asked: AskedVariants[] = [];
  for (let first = 0; first < questions.length; first += atOnce) {
    signal?.throwIfAborted();
    const some = questions.slice(first, first + atOnce);
    const variants_Q_M = await Promise.all(
      some.map((question) =>
        Promise.all(
          choicesOf(question, views, { expand: config.expand, rng }).map((choice) =>
            variantOf(question, choice, config.expand, rng.split("variant", question.id)),
          ),
        ),
      ),
    );
    const quiet = { ...context, onProgress: undefined };
    asked.push(...(await askVariants(some, variants_Q_M, given(quiet))).map(countsOf));
    onProgress?.({ phase: "variants", done: asked.length, total: questions.length });
  }
  return asked;
}

/**
 * Share of pairs of a question's variants whose first answers read the same, mean over questions; no answer is like
 * none. Meant for greedy decoding. NaN where no question has two variants.
 */
export function consistencyOf(questions: readonly AskedVariants[]): number {
  const shares = questions.flatMap(({ variants }) => {
    const answers = variants.map(({ answers: [first] }) => first ?? null);
    const pairs = answers.flatMap((a, at) => answers.slice(at + 1).map((b) => a !== null && a === b));
    return pairs.length === 0 ? [] : [pairs.filter(Boolean).length / pairs.length];
  });
  return mean(shares);
}
