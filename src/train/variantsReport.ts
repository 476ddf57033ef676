/**
 * @module What asking all variants of questions says about sharing: spread, forecast, what drawn groups show, and which
 * ways of asking carry the difference, as one document.
 */
import {
  type ForecastOptions,
  type SharingForecast,
  sharingForecast,
  sharingVerdict,
} from "../advantage/sharingForecast.js";
import { validAdvantageRatios } from "../advantage/valid.js";
import {
  type Contrast,
  successRates,
  type VariantSpread,
  variantContrasts,
  variantSpread,
} from "../advantage/variantSpread.js";
import type { Rng } from "../core/rng.js";
import { type Interval, wilson } from "../core/stats.js";
import { type AskedVariant, type AskedVariants, consistencyOf } from "./variants.js";

/** Valid groups among drawn ones, by the whole reward (format included), as training counts them. */
export interface ObservedShares {
  readonly grpo: Interval;
  readonly shared: Interval;
}

/** What `sharegrpo variants` finds; `sharing` is absent where samples are too few for it. */
export interface VariantsReport {
  readonly questions: number;
  readonly samples: number;
  /** Variants asked, over all questions. */
  readonly asked: number;
  /** Shares of right answers: to questions as they are, and over all variants. */
  readonly success: { readonly original: number; readonly variants: number };
  /** Share of pairs of variants of a question whose first answers read the same. */
  readonly consistency: number;
  readonly contrasts: readonly Contrast[];
  readonly sharing?: {
    readonly group: ForecastOptions;
    readonly spread: VariantSpread;
    readonly predicted: SharingForecast;
    readonly observed: ObservedShares;
    readonly verdict: string;
  };
}

/** m variants as training would draw them from those that were asked. */
function drawVariants(
  { variants }: AskedVariants,
  { variants: m, transformProbability }: ForecastOptions,
  rng: Rng,
): AskedVariant[] {
  const upright = variants.filter(({ transform }) => transform === "none");
  const [original, ...rewrites] = upright;
  const views = rng.shuffle(variants.filter(({ transform }) => transform !== "none"));
  const words = [original, ...rng.shuffle(rewrites)];
  return Array.from({ length: m }, (_, at) => {
    const plain = words[at];
    const view = !plain || rng.uniform() < transformProbability ? views.pop() : undefined;
    return view ?? plain ?? original;
  }).filter((variant) => variant !== undefined);
}

function observedShares(
  questions: readonly AskedVariants[],
  group: ForecastOptions,
  rng: Rng,
): ObservedShares {
  const { variants: m, responses: n } = group;
  const take = ({ rewards }: AskedVariant, count: number) =>
    rewards.slice(0, count).map((overall) => ({ overall, accuracy: overall }));
  const shareOf = (groups: readonly ReturnType<typeof take>[][]) =>
    wilson(Math.round(validAdvantageRatios(groups).question * groups.length), groups.length);
  return {
    grpo: shareOf(questions.map(({ variants }) => variants.slice(0, 1).map((each) => take(each, m * n)))),
    shared: shareOf(
      questions.map((question) =>
        drawVariants(question, group, rng.split("observed", question.id)).map((each) => take(each, n)),
      ),
    ),
  };
}

/** All that the counts say. @throws DataError when there is no question */
export function variantsReport(
  questions: readonly AskedVariants[],
  group: ForecastOptions,
  rng: Rng,
): VariantsReport {
  const samples = questions[0]?.samples ?? 0;
  const base = {
    questions: questions.length,
    samples,
    asked: questions.reduce((sum, { variants }) => sum + variants.length, 0),
    success: successRates(questions),
    consistency: consistencyOf(questions),
    contrasts: variantContrasts(questions, rng),
  };
  if (samples < Math.max(2, group.variants * group.responses)) return base;
  const predicted = sharingForecast(questions, group, rng);
  const spread = variantSpread(questions, rng);
  const observed = observedShares(questions, group, rng);
  return { ...base, sharing: { group, spread, predicted, observed, verdict: sharingVerdict(predicted) } };
}
