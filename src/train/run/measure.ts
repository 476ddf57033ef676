/**
 * @module The metrics of one step, from what the step returned. Names and formulas are defined in metrics.ts.
 */
import { validAdvantageRatios, validRowRatio } from "../../advantage/valid.js";
import { regroup } from "../../core/regroup.js";
import { mean, std } from "../../core/stats.js";
import { zip } from "../../core/zip.js";
import type { EngineReport } from "../../engine/engine.js";
import type { QuestionGroup, Response } from "../../records.js";
import type { StepResult } from "../step.js";
import type { UpdateStats } from "../update.js";
import type { OwnMetrics, RewardPartName, StepMetrics } from "./metrics.js";

export interface StepFacts extends EngineReport {
  readonly learningRate: number;
  /** β, where KL is on. */
  readonly klCoefficient?: number;
  /** Seconds by part, from the stopwatch. */
  readonly seconds: Readonly<Record<string, number>>;
}

type Part<Prefix extends string> = Pick<OwnMetrics, Extract<keyof OwnMetrics, `${Prefix}/${string}`>>;

const responsesOf = (groups: readonly QuestionGroup[]): Response[] =>
  groups.flatMap((group) => group.responses.flat());
const lengthOf = ({ rollout }: Response): number => rollout.tokens.length;
const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
const largest = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), -Infinity);
const smallest = (values: readonly number[]): number => values.reduce((a, b) => Math.min(a, b), Infinity);

/** Names and numbers of one row of metrics.jsonl. */
export function stepMetrics(result: StepResult, facts: StepFacts): StepMetrics {
  return {
    ...rewardParts(result),
    ...rewardMetrics(result),
    ...advantageMetrics(result),
    ...lengthMetrics(result),
    ...policyMetrics(result, facts),
    ...workMetrics(result, facts),
    ...termMetrics(result, facts),
  };
}

function rewardMetrics({ groups, scores_Q_M_N }: StepResult): Part<"reward"> & Part<"score"> {
  const responses = responsesOf(groups);
  const reward = (part: "overall" | "accuracy" | "format") => responses.map((each) => each.reward[part]);
  const scores = scores_Q_M_N.flat(2);
  return {
    "reward/overall": mean(reward("overall")),
    "reward/accuracy": mean(reward("accuracy")),
    "reward/format": mean(reward("format")),
    "reward/max": largest(reward("overall")),
    "reward/min": smallest(reward("overall")),
    "score/mean": mean(scores),
    "score/max": largest(scores),
    "score/min": smallest(scores),
    "reward/std": mean(scores_Q_M_N.map((scores_M_N) => std(scores_M_N.flat()))),
  };
}

/** Mean of each part that a custom reward names, over the responses that have it. */
function rewardParts({ groups }: StepResult): Readonly<Record<RewardPartName, number>> {
  const values = new Map<RewardPartName, number[]>();
  for (const { reward } of responsesOf(groups)) {
    for (const [part, value] of Object.entries(reward.parts ?? {})) {
      const name = `reward/${part}` as const;
      values.set(name, [...(values.get(name) ?? []), value]);
    }
  }
  return Object.fromEntries([...values].map(([name, each]) => [name, mean(each)]));
}

/** Every pair's advantage with the length of its response. */
function weightedAdvantages({ pairs, responses }: QuestionGroup): { advantage: number; tokens: number }[] {
  return pairs.map(({ j, i, advantage }) => ({
    advantage,
    tokens: responses[j]?.[i]?.rollout.tokens.length ?? 0,
  }));
}

function advantageMetrics({
  groups,
  scores_Q_M_N,
}: StepResult): Part<"advantage"> & Pick<StepMetrics, "frac_reward_zero_std"> {
  const parts_Q_M_N = zip(groups, scores_Q_M_N).map(([group, scores_M_N]) =>
    zip(group.responses, scores_M_N).map(([responses_N, scores_N]) =>
      zip(responses_N, scores_N).map(([{ reward }, overall]) => ({ overall, accuracy: reward.accuracy })),
    ),
  );
  const valid = validAdvantageRatios(parts_Q_M_N);
  const weighted = groups.flatMap(weightedAdvantages);
  const advantages = weighted.map(({ advantage }) => advantage);
  const sum = total(weighted.map(({ advantage, tokens }) => advantage * tokens));
  return {
    frac_reward_zero_std: valid.fracRewardZeroStd,
    "advantage/mean": sum / total(weighted.map(({ tokens }) => tokens)),
    "advantage/max": largest(advantages),
    "advantage/min": smallest(advantages),
    "advantage/valid_share_pooled": valid.question,
    "advantage/valid_share_local": valid.local,
    "advantage/valid_share_rows": validRowRatio(groups.flatMap((group) => group.pairs)),
    "advantage/valid_share_pooled_accuracy": valid.accuracy,
    "advantage/valid_share_local_accuracy": valid.accuracyLocal,
  };
}

function lengthMetrics({
  groups,
  promptLengths,
}: StepResult): Part<"response_length"> & Part<"prompt_length"> {
  const responses = responsesOf(groups);
  const lengths = responses.map(lengthOf);
  return {
    "response_length/mean": mean(lengths),
    "response_length/max": largest(lengths),
    "response_length/min": smallest(lengths),
    "response_length/clip_ratio": mean(
      responses.map(({ rollout }) => (rollout.stopReason === "length" ? 1 : 0)),
    ),
    "prompt_length/mean": mean(promptLengths),
    "prompt_length/max": largest(promptLengths),
    "prompt_length/min": smallest(promptLengths),
  };
}

function policyMetrics(
  { updates }: StepResult,
  { learningRate }: StepFacts,
): Omit<Part<"policy">, keyof ReturnType<typeof termMetrics>> {
  const applied = updates.filter((update) => update.isApplied);
  const update = (part: "loss" | "clipShareHigh" | "clipShareLow" | "klApprox" | "gradNorm" | "entropy") =>
    mean(applied.map((each) => each[part]));
  return {
    "policy/loss": update("loss"),
    "policy/clip_share_high": update("clipShareHigh"),
    "policy/clip_share_low": update("clipShareLow"),
    "policy/kl_approx": update("klApprox"),
    "policy/ratio_deviation_first": updates[0]?.ratioDeviation ?? Number.NaN,
    "policy/grad_norm": update("gradNorm"),
    "policy/learning_rate": learningRate,
    "policy/entropy": update("entropy"),
    "policy/updates_skipped": updates.length - applied.length,
  };
}

/** Tokens of all pairs as rows of their own: what a pass without shared prompts would read. */
function rowTokens({ groups, promptLengths }: StepResult): number {
  const prompts_Q_K = regroup(
    promptLengths,
    groups.map(({ variants }) => variants),
  );
  return total(
    zip(groups, prompts_Q_K).map(([group, prompts_K]) => {
      const responses = total(weightedAdvantages(group).map(({ tokens }) => tokens));
      return responses + total(group.pairs.map(({ k }) => prompts_K[k] ?? 0));
    }),
  );
}

/** What the step would have taken with own-variant pairs only: passes over the pairs cost what their tokens do. */
function unsharedSeconds({ passTokens: { all, own } }: StepResult, { seconds }: StepFacts): number {
  const passes = ["old_log_probs", "reference", "update"].map((part) => seconds[part] ?? 0);
  return (seconds["step"] ?? 0) - total(passes) * (1 - own / all);
}

function workMetrics(
  result: StepResult,
  facts: StepFacts,
): Part<"rollout"> &
  Omit<Part<"timing_s">, "timing_s/reference"> &
  Part<"timing_per_token_ms"> &
  Part<"perf"> {
  const seconds = (part: string) => facts.seconds[part] ?? 0;
  const sampled = total(responsesOf(result.groups).map(lengthOf));
  const tokens = rowTokens(result);
  return {
    "rollout/tokens_per_second": sampled / seconds("rollout"),
    "rollout/log_prob_gap": result.logProbGap,
    "rollout/policy_lag": result.policyLag,
    "rollout/questions_asked": result.questionsAsked,
    "rollout/passed_share": result.questionsPassed / result.questionsAsked,
    "timing_s/expand": seconds("expand"),
    "timing_s/rollout": seconds("rollout"),
    "timing_s/reward": seconds("reward"),
    "timing_s/advantages": seconds("advantages"),
    "timing_s/old_log_probs": seconds("old_log_probs"),
    "timing_s/update": seconds("update"),
    "timing_s/step": seconds("step"),
    "timing_s/step_unshared": unsharedSeconds(result, facts),
    "timing_per_token_ms/rollout": (1000 * seconds("rollout")) / sampled,
    "timing_per_token_ms/reward": (1000 * seconds("reward")) / sampled,
    "timing_per_token_ms/advantages": (1000 * seconds("advantages")) / tokens,
    "timing_per_token_ms/old_log_probs": (1000 * seconds("old_log_probs")) / tokens,
    "timing_per_token_ms/update": (1000 * seconds("update")) / tokens,
    "perf/tokens": tokens,
    "perf/pass_tokens": result.passTokens.all,
    "perf/pass_tokens_unshared": result.passTokens.own,
    "perf/tokens_per_second": tokens / seconds("step"),
    "perf/resident_bytes": facts.residentBytes ?? Number.NaN,
    "perf/peak_bytes": facts.peakBytes ?? Number.NaN,
  };
}

/** Mean over the step's updates of a number that only some losses have. */
function meanOf(updates: readonly UpdateStats[], part: "referenceKl" | "fullEntropy"): number {
  return mean(updates.flatMap((update) => update[part] ?? []));
}

/** KL to the reference policy as the step measured it, nats; NaN where it was not. */
export function measuredKl({ rewardKl, updates }: Pick<StepResult, "rewardKl" | "updates">): number {
  return rewardKl ?? meanOf(updates, "referenceKl");
}

function termMetrics(result: StepResult, { klCoefficient, seconds }: StepFacts) {
  const hasEntropy = result.updates.some(({ fullEntropy }) => fullEntropy !== undefined);
  return {
    ...(klCoefficient === undefined
      ? {}
      : {
          "policy/kl_reference": measuredKl(result),
          "policy/kl_coefficient": klCoefficient,
          "timing_s/reference": seconds["reference"] ?? 0,
        }),
    ...(hasEntropy ? { "policy/entropy_full": meanOf(result.updates, "fullEntropy") } : {}),
  };
}
