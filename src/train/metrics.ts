/**
 * @module Every number that a training step logs, defined once: what it is, in which unit, which way is better, and
 * what TRL and EasyR1 call it.
 *
 * Names are `stage/quantity`. Means are over the responses of a step unless the formula says otherwise. A response
 * counts once, however many pairs it takes part in.
 */
import { invariant } from "../core/errors.js";

/** Which way a metric should go: `flat` should not drift, `none` is neither good nor bad. */
export type Direction = "up" | "down" | "flat" | "none";

export interface MetricDefinition {
  readonly formula: string;
  /** `share` is a number in [0, 1]. */
  readonly unit: "share" | "tokens" | "tokens/s" | "nats" | "seconds" | "bytes" | "count" | "1";
  readonly direction: Direction;
  readonly trl?: string;
  readonly easyR1?: string;
}

const REWARD_METRICS = {
  "reward/overall": {
    formula: "mean of w·accuracy + (1 − w)·format",
    unit: "1",
    direction: "up",
    trl: "reward",
    easyR1: "reward/overall",
  },
  "reward/accuracy": {
    formula: "share of responses whose extracted answer equals the gold answer",
    unit: "share",
    direction: "up",
    trl: "rewards/accuracy/mean",
    easyR1: "reward/accuracy",
  },
  "reward/format": {
    formula: "share of responses in the asked-for format",
    unit: "share",
    direction: "up",
    trl: "rewards/format/mean",
    easyR1: "reward/format",
  },
  "reward/std": {
    formula: "mean over questions of the sample standard deviation of the pooled m·n rewards",
    unit: "1",
    direction: "none",
    trl: "reward_std",
  },
  frac_reward_zero_std: {
    formula:
      "share of (question, variant) groups whose n rewards are all equal = 1 − advantage/valid_share_local",
    unit: "share",
    direction: "down",
    trl: "frac_reward_zero_std",
  },
} as const satisfies Record<string, MetricDefinition>;

const ADVANTAGE_METRICS = {
  "advantage/valid_share_pooled": {
    formula: "share of questions whose pooled m·n rewards are not all equal",
    unit: "share",
    direction: "up",
  },
  "advantage/valid_share_local": {
    formula: "share of (question, variant) groups whose n rewards are not all equal",
    unit: "share",
    direction: "up",
  },
  "advantage/valid_share_rows": {
    formula: "share of pairs whose advantage is not 0",
    unit: "share",
    direction: "up",
  },
  "advantage/valid_share_pooled_accuracy": {
    formula: "as valid_share_pooled, on accuracy alone",
    unit: "share",
    direction: "up",
  },
  "advantage/valid_share_local_accuracy": {
    formula: "as valid_share_local, on accuracy alone",
    unit: "share",
    direction: "up",
  },
} as const satisfies Record<string, MetricDefinition>;

const LENGTH_METRICS = {
  "response_length/mean": {
    formula: "mean number of response tokens, end token included",
    unit: "tokens",
    direction: "none",
    trl: "completions/mean_length",
    easyR1: "response_length/mean",
  },
  "response_length/max": {
    formula: "longest response",
    unit: "tokens",
    direction: "none",
    trl: "completions/max_length",
    easyR1: "response_length/max",
  },
  "response_length/min": {
    formula: "shortest response",
    unit: "tokens",
    direction: "none",
    trl: "completions/min_length",
    easyR1: "response_length/min",
  },
  "response_length/clip_ratio": {
    formula: "share of responses stopped by the length limit",
    unit: "share",
    direction: "down",
    trl: "completions/clipped_ratio",
    easyR1: "response_length/clip_ratio",
  },
  "prompt_length/mean": {
    formula: "mean number of prompt tokens of a variant, image tokens included",
    unit: "tokens",
    direction: "none",
    easyR1: "prompt_length/mean",
  },
} as const satisfies Record<string, MetricDefinition>;

const POLICY_METRICS = {
  "policy/loss": {
    formula: "token mean of the clipped surrogate loss, mean over the step's updates",
    unit: "1",
    direction: "none",
    trl: "loss",
    easyR1: "actor/pg_loss",
  },
  "policy/clip_share_high": {
    formula: "share of response tokens whose gradient the clip of the ratio removed (either side)",
    unit: "share",
    direction: "none",
    trl: "clip_ratio/region_mean",
    easyR1: "actor/pg_clipfrac_higher",
  },
  "policy/clip_share_low": {
    formula: "share of response tokens with negative advantage whose loss the dual clip capped",
    unit: "share",
    direction: "none",
    easyR1: "actor/pg_clipfrac_lower",
  },
  "policy/kl_approx": {
    formula: "token mean of log π_old − log π, mean over the step's updates",
    unit: "nats",
    direction: "none",
    easyR1: "actor/ppo_kl",
  },
  "policy/ratio_deviation_first": {
    formula: "largest |π/π_old − 1| over response tokens before the step's first update; 0 but for rounding",
    unit: "1",
    direction: "down",
  },
  "policy/grad_norm": {
    formula: "global norm of the gradient before clipping, mean over the step's updates",
    unit: "1",
    direction: "none",
    trl: "grad_norm",
    easyR1: "actor/grad_norm",
  },
  "policy/learning_rate": {
    formula: "learning rate of the step",
    unit: "1",
    direction: "none",
    trl: "learning_rate",
    easyR1: "actor/lr",
  },
  "policy/entropy": {
    formula: "−mean log π of the sampled tokens: a one-sample estimate",
    unit: "nats",
    direction: "none",
    trl: "entropy",
    easyR1: "actor/entropy_loss",
  },
  "policy/updates_skipped": {
    formula: "updates left out because the gradient was not finite",
    unit: "count",
    direction: "down",
  },
} as const satisfies Record<string, MetricDefinition>;

const WORK_METRICS = {
  "rollout/tokens_per_second": {
    formula: "response tokens sampled / timing_s/rollout",
    unit: "tokens/s",
    direction: "up",
  },
  "rollout/log_prob_gap": {
    formula: "largest |log π of the sampler − log π of the learner| over sampled tokens",
    unit: "nats",
    direction: "down",
    trl: "sampling/sampling_logp_difference/max",
  },
  "timing_s/expand": { formula: "making variants and prompts", unit: "seconds", direction: "down" },
  "timing_s/rollout": { formula: "sampling", unit: "seconds", direction: "down", easyR1: "timing_s/gen" },
  "timing_s/reward": {
    formula: "grading and advantages",
    unit: "seconds",
    direction: "down",
    easyR1: "timing_s/reward",
  },
  "timing_s/old_log_probs": {
    formula: "log π_old of every pair",
    unit: "seconds",
    direction: "down",
    easyR1: "timing_s/old",
  },
  "timing_s/update": {
    formula: "all updates of the step",
    unit: "seconds",
    direction: "down",
    easyR1: "timing_s/update_actor",
  },
  "timing_s/step": {
    formula: "the whole step",
    unit: "seconds",
    direction: "down",
    trl: "step_time",
    easyR1: "timing_s/step",
  },
  "perf/resident_bytes": {
    formula: "resident size of the process at the end of the step",
    unit: "bytes",
    direction: "flat",
    easyR1: "perf/cpu_memory_used_gb",
  },
  "perf/peak_bytes": {
    formula: "largest resident size since the process began",
    unit: "bytes",
    direction: "flat",
  },
} as const satisfies Record<string, MetricDefinition>;

const EVALUATION_METRICS = {
  "eval/accuracy": {
    formula: "share of held-out questions answered correctly, greedy",
    unit: "share",
    direction: "up",
    easyR1: "val/accuracy_reward",
  },
  "eval/format": {
    formula: "share of held-out responses in the asked-for format, greedy",
    unit: "share",
    direction: "up",
    easyR1: "val/format_reward",
  },
} as const satisfies Record<string, MetricDefinition>;

/** All metrics by name, in the order in which they are shown. */
export const METRICS = {
  ...REWARD_METRICS,
  ...ADVANTAGE_METRICS,
  ...LENGTH_METRICS,
  ...POLICY_METRICS,
  ...WORK_METRICS,
  ...EVALUATION_METRICS,
} as const;

export type MetricName = keyof typeof METRICS;
type OccasionalName = keyof typeof EVALUATION_METRICS;

/** What every step logs; evaluations only where one was made. */
export type StepMetrics = Readonly<Record<Exclude<MetricName, OccasionalName>, number>> &
  Readonly<Partial<Record<OccasionalName, number>>>;

export function isMetricName(name: string): name is MetricName {
  return Object.hasOwn(METRICS, name);
}

/** The definition of a metric, or undefined for a name that is not one. */
export function metricDefinition(name: string): MetricDefinition | undefined {
  return isMetricName(name) ? METRICS[name] : undefined;
}

/**
 * Refuses a row with a name that is not defined here; `step` and `epoch` belong to the row.
 * @throws Error naming every unknown metric
 */
export function assertKnown(record: Readonly<Record<string, unknown>>): void {
  const unknown = Object.keys(record).filter(
    (name) => name !== "step" && name !== "epoch" && !isMetricName(name),
  );
  invariant(
    unknown.length === 0,
    `metrics: unknown name: ${unknown.join(", ")}; define it in train/metrics.ts`,
  );
}
