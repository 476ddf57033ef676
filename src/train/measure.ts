/**
 * @module The metrics of one step, from what the step returned. Names and formulas are defined in metrics.ts.
 */
import { validAdvantageRatios, validRowRatio } from "../advantage/valid.js";
import { mean, std } from "../core/stats.js";
import type { StepMetrics } from "./metrics.js";
import type { StepResult } from "./step.js";

export interface StepFacts {
  readonly learningRate: number;
  /** Seconds by part, from the stopwatch. */
  readonly seconds: Readonly<Record<string, number>>;
  readonly residentBytes: number;
  readonly peakBytes: number;
}

/** Names and numbers of one row of metrics.jsonl. */
export function stepMetrics(result: StepResult, facts: StepFacts): StepMetrics {
  const { groups, updates } = result;
  const responses = groups.flatMap((group) => group.responses.flat());
  const lengths = responses.map(({ rollout }) => rollout.tokens.length);
  const rewards_Q_M_N = groups.map((group) =>
    group.responses.map((responses_N) => responses_N.map((response) => response.reward)),
  );
  const valid = validAdvantageRatios(rewards_Q_M_N);
  const pairs = groups.flatMap((group) => group.pairs);
  const prompts = groups.reduce((count, group) => count + group.variants.length, 0);
  const applied = updates.filter((update) => update.isApplied);
  const seconds = (part: string) => facts.seconds[part] ?? 0;
  const reward = (part: "overall" | "accuracy" | "format") =>
    mean(responses.map((each) => each.reward[part]));
  const update = (part: "loss" | "clipShareHigh" | "clipShareLow" | "klApprox" | "gradNorm" | "entropy") =>
    mean(applied.map((each) => each[part]));
  return {
    "reward/overall": reward("overall"),
    "reward/accuracy": reward("accuracy"),
    "reward/format": reward("format"),
    "reward/std": mean(rewards_Q_M_N.map((rewards) => std(rewards.flat().map(({ overall }) => overall)))),
    frac_reward_zero_std: valid.fracRewardZeroStd,
    "advantage/valid_share_pooled": valid.question,
    "advantage/valid_share_local": valid.local,
    "advantage/valid_share_rows": validRowRatio(pairs),
    "advantage/valid_share_pooled_accuracy": valid.accuracy,
    "advantage/valid_share_local_accuracy": valid.accuracyLocal,
    "response_length/mean": mean(lengths),
    "response_length/max": Math.max(...lengths),
    "response_length/min": Math.min(...lengths),
    "response_length/clip_ratio": mean(
      responses.map(({ rollout }) => (rollout.stopReason === "length" ? 1 : 0)),
    ),
    "prompt_length/mean": result.promptTokens / prompts,
    "policy/loss": update("loss"),
    "policy/clip_share_high": update("clipShareHigh"),
    "policy/clip_share_low": update("clipShareLow"),
    "policy/kl_approx": update("klApprox"),
    "policy/ratio_deviation_first": updates[0]?.ratioDeviation ?? Number.NaN,
    "policy/grad_norm": update("gradNorm"),
    "policy/learning_rate": facts.learningRate,
    "policy/entropy": update("entropy"),
    "policy/updates_skipped": updates.length - applied.length,
    "rollout/tokens_per_second": lengths.reduce((sum, length) => sum + length, 0) / seconds("rollout"),
    "rollout/log_prob_gap": result.logProbGap,
    "timing_s/expand": seconds("expand"),
    "timing_s/rollout": seconds("rollout"),
    "timing_s/reward": seconds("reward"),
    "timing_s/old_log_probs": seconds("old_log_probs"),
    "timing_s/update": seconds("update"),
    "timing_s/step": seconds("step"),
    "perf/resident_bytes": facts.residentBytes,
    "perf/peak_bytes": facts.peakBytes,
  };
}
