/**
 * @module Every number that a training step logs, defined once: what it is, in which unit, which way is better, and
 * what TRL and EasyR1 call it.
 *
 * Names are `stage/quantity`. Means are over the responses of a step unless the formula says otherwise. A response
 * counts once, however many pairs it takes part in.
 */
import { invariant } from "../../core/errors.js";
import type { MetricDefinition } from "./metricDefinition.js";
import { WORK_METRICS } from "./workMetrics.js";

const REWARD_METRICS = {
  "reward/overall": {
    formula: "mean of (1 − w)·accuracy + w·format",
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
  "reward/max": {
    formula: "largest overall reward of a response",
    unit: "1",
    direction: "up",
    easyR1: "critic/score/max",
  },
  "reward/min": {
    formula: "smallest overall reward of a response",
    unit: "1",
    direction: "up",
    easyR1: "critic/score/min",
  },
  "score/mean": {
    formula: "mean of what is compared: overall reward − over-long penalty − β·Σ KL",
    unit: "1",
    direction: "up",
    easyR1: "critic/rewards/mean",
  },
  "score/max": {
    formula: "largest score of a response",
    unit: "1",
    direction: "up",
    easyR1: "critic/rewards/max",
  },
  "score/min": {
    formula: "smallest score of a response",
    unit: "1",
    direction: "up",
    easyR1: "critic/rewards/min",
  },
  "reward/std": {
    formula: "mean over questions of the sample standard deviation of the pooled m·n scores",
    unit: "1",
    direction: "none",
    trl: "reward_std",
  },
  frac_reward_zero_std: {
    formula:
      "share of (question, variant) groups whose n scores are all equal = 1 − advantage/valid_share_local",
    unit: "share",
    direction: "down",
    trl: "frac_reward_zero_std",
  },
} as const satisfies Record<string, MetricDefinition>;

const ADVANTAGE_METRICS = {
  "advantage/mean": {
    formula: "mean over the response tokens of all pairs of the pair's advantage: long responses weigh more",
    unit: "1",
    direction: "flat",
    easyR1: "critic/advantages/mean",
  },
  "advantage/max": {
    formula: "largest advantage of a pair",
    unit: "1",
    direction: "none",
    easyR1: "critic/advantages/max",
  },
  "advantage/min": {
    formula: "smallest advantage of a pair",
    unit: "1",
    direction: "none",
    easyR1: "critic/advantages/min",
  },
  "advantage/valid_share_pooled": {
    formula: "share of questions whose pooled m·n scores are not all equal",
    unit: "share",
    direction: "up",
  },
  "advantage/valid_share_local": {
    formula: "share of (question, variant) groups whose n scores are not all equal",
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
  "prompt_length/max": {
    formula: "longest prompt",
    unit: "tokens",
    direction: "none",
    easyR1: "prompt_length/max",
  },
  "prompt_length/min": {
    formula: "shortest prompt",
    unit: "tokens",
    direction: "none",
    easyR1: "prompt_length/min",
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
    formula:
      "share of the response tokens read whose gradient the clip of the ratio removed (either side); pairs of advantage 0 are not read unless a KL or entropy term reads all",
    unit: "share",
    direction: "none",
    trl: "clip_ratio/region_mean",
    easyR1: "actor/pg_clipfrac_higher",
  },
  "policy/clip_share_low": {
    formula: "share of the response tokens read with negative advantage whose loss the dual clip capped",
    unit: "share",
    direction: "none",
    easyR1: "actor/pg_clipfrac_lower",
  },
  "policy/kl_approx": {
    formula: "mean over the tokens read of log π_old − log π, mean over the step's updates",
    unit: "nats",
    direction: "none",
    easyR1: "actor/ppo_kl",
  },
  "policy/ratio_deviation_first": {
    formula:
      "largest |π/π_old − 1| over response tokens before the step's first update; exactly 0 where that update finds log π_old itself, 0 but for rounding where advantage.crossImportanceCap asks for it before",
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
    formula: "−mean log π of the tokens read: a one-sample estimate",
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

/** Logged where a KL term, a KL penalty or an entropy bonus is on. */
const TERM_METRICS = {
  "policy/kl_reference": {
    formula:
      "kl.estimator of KL(π ‖ initial policy): token mean in the loss; mean over responses of token means in the reward",
    unit: "nats",
    direction: "none",
    trl: "kl",
    easyR1: "actor/kl_loss",
  },
  "policy/kl_coefficient": {
    formula: "β of the step",
    unit: "1",
    direction: "none",
    easyR1: "actor/kl_coef",
  },
  "policy/entropy_full": {
    formula: "token mean of −Σ p·log p over the vocabulary, mean over the step's updates",
    unit: "nats",
    direction: "none",
  },
  "timing_s/reference": {
    formula: "log π of every pair under the initial policy",
    unit: "seconds",
    direction: "down",
    easyR1: "timing_s/ref",
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
  ...TERM_METRICS,
  ...EVALUATION_METRICS,
} as const;

/** Logged only where what they measure is on, or an evaluation was made. */
export const OCCASIONAL_METRICS = { ...TERM_METRICS, ...EVALUATION_METRICS } as const;

export type MetricName = keyof typeof METRICS;
type OccasionalName = keyof typeof OCCASIONAL_METRICS;

/** What a custom reward measured besides, `reward/<part>`. */
export type RewardPartName = `reward/${string}`;

const REWARD_PART: MetricDefinition = {
  formula: "mean over the responses that have it of a part that the custom reward names",
  unit: "1",
  direction: "none",
};

/** What every step logs; terms only where they are on. */
export type OwnMetrics = Readonly<Record<Exclude<MetricName, OccasionalName>, number>> &
  Readonly<Partial<Record<OccasionalName, number>>>;
/** The same, with the parts of a custom reward. */
export type StepMetrics = OwnMetrics & { readonly [name: RewardPartName]: number };

export function isMetricName(name: string): name is MetricName {
  return Object.hasOwn(METRICS, name);
}

/** Whether a name is that of a custom reward's part. */
export function isRewardPart(name: string): name is RewardPartName {
  return name.startsWith("reward/") && !isMetricName(name);
}

/** The definition of a metric, or undefined for a name that is not one. */
export function metricDefinition(name: string): MetricDefinition | undefined {
  if (isMetricName(name)) return METRICS[name];
  return isRewardPart(name) ? REWARD_PART : undefined;
}

/**
 * Refuses a row with a name that is not defined here; `step` and `epoch` belong to the row.
 * @throws Error naming every unknown metric
 */
export function assertKnown(record: Readonly<Record<string, unknown>>): void {
  const unknown = Object.keys(record).filter(
    (name) => name !== "step" && name !== "epoch" && metricDefinition(name) === undefined,
  );
  invariant(
    unknown.length === 0,
    `metrics: unknown name: ${unknown.join(", ")}; define it in train/run/metrics.ts`,
  );
}

/** Names that EasyR1 logs and that have no metric of their own here, with the reason. */
export const EASYR1_NAMES_ELSEWHERE: Readonly<Record<string, string>> = {
  "critic/score/mean": "reward/overall",
  "critic/returns/mean": "advantage/mean: a response is rewarded once, at its end",
  "critic/returns/max": "advantage/max",
  "critic/returns/min": "advantage/min",
  "critic/kl": "policy/kl_reference",
  "critic/kl_coef": "policy/kl_coefficient",
  "prompt_length/clip_ratio": "prompts are never cut",
  "perf/time_per_step": "timing_s/step",
  "timing_s/validation": "took of evaluations: evaluations.jsonl",
  "timing_s/save_checkpoint": "checkpoints are written after the step's row",
  "val/reward_score": "evaluations.jsonl",
  "val/overall_reward": "evaluations.jsonl",
  "critic/values/*, critic/vf_*, critic/grad_norm, critic/lr, timing_*/values, timing_*/update_critic, perf/mfu_critic":
    "there is no critic",
  "global_seqlen/*, timing_s/gen_max": "there is one process, nothing to balance",
  "perf/mfu_actor, perf/max_memory_allocated_gb, perf/max_memory_reserved_gb":
    "graphs run on the CPU, whose peak is not known",
};
