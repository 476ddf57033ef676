/**
 * @module The metrics of what a step costs: time, throughput, memory.
 */
import type { MetricDefinition } from "./metricDefinition.js";

const TIMING_METRICS = {
  "timing_s/expand": { formula: "making variants and prompts", unit: "seconds", direction: "down" },
  "timing_s/rollout": { formula: "sampling", unit: "seconds", direction: "down", easyR1: "timing_s/gen" },
  "timing_s/reward": {
    formula: "grading, and penalties on top of rewards",
    unit: "seconds",
    direction: "down",
    easyR1: "timing_s/reward",
  },
  "timing_s/advantages": {
    formula: "advantages and pairs",
    unit: "seconds",
    direction: "down",
    easyR1: "timing_s/adv",
  },
  "timing_s/old_log_probs": {
    formula: "log π_old of the pairs of all mini-batches but the first, which finds its own",
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
  "timing_s/step_unshared": {
    formula:
      "estimate of the same step without sharing: timing_s/step with old_log_probs, reference and update times perf/pass_tokens_unshared / perf/pass_tokens",
    unit: "seconds",
    direction: "none",
  },
} as const satisfies Record<string, MetricDefinition>;

const PER_TOKEN_METRICS = {
  "timing_per_token_ms/rollout": {
    formula: "timing_s/rollout / sampled tokens",
    unit: "ms/token",
    direction: "down",
    easyR1: "timing_per_token_ms/gen",
  },
  "timing_per_token_ms/reward": {
    formula: "timing_s/reward / sampled tokens",
    unit: "ms/token",
    direction: "down",
    easyR1: "timing_per_token_ms/reward",
  },
  "timing_per_token_ms/advantages": {
    formula: "timing_s/advantages / perf/tokens",
    unit: "ms/token",
    direction: "down",
    easyR1: "timing_per_token_ms/adv",
  },
  "timing_per_token_ms/old_log_probs": {
    formula: "timing_s/old_log_probs / perf/tokens",
    unit: "ms/token",
    direction: "down",
    easyR1: "timing_per_token_ms/old",
  },
  "timing_per_token_ms/update": {
    formula: "timing_s/update / perf/tokens",
    unit: "ms/token",
    direction: "down",
    easyR1: "timing_per_token_ms/update_actor",
  },
} as const satisfies Record<string, MetricDefinition>;

export const WORK_METRICS = {
  "rollout/tokens_per_second": {
    formula: "response tokens sampled / timing_s/rollout",
    unit: "tokens/s",
    direction: "up",
  },
  "rollout/log_prob_gap": {
    formula:
      "largest |log π of the sampler − log π of the learner| over the responses learnt from under their own prompt: the first mini-batch by the update's own pass, the others by that for log π_old",
    unit: "nats",
    direction: "down",
    trl: "sampling/sampling_logp_difference/max",
  },
  "rollout/policy_lag": {
    formula: "most optimizer steps by which the weights that sampled a response are behind the learner's",
    unit: "count",
    direction: "down",
  },
  "rollout/questions_asked": {
    formula: "questions sampled for the step, those that rollout.filter put aside included",
    unit: "count",
    direction: "down",
  },
  "rollout/passed_share": {
    formula: "questions that rollout.filter let pass / rollout/questions_asked",
    unit: "share",
    direction: "up",
  },
  ...TIMING_METRICS,
  ...PER_TOKEN_METRICS,
  "perf/tokens": {
    formula: "tokens read by one pass over the step's pairs as rows: prompt and response of every pair",
    unit: "tokens",
    direction: "none",
    easyR1: "perf/total_num_tokens",
  },
  "perf/pass_tokens": {
    formula: "tokens that a pass over what was learnt from reads: each prompt once with its responses",
    unit: "tokens",
    direction: "down",
  },
  "perf/pass_tokens_unshared": {
    formula: "the same with own-variant pairs only",
    unit: "tokens",
    direction: "none",
  },
  "perf/tokens_per_second": {
    formula: "perf/tokens / timing_s/step",
    unit: "tokens/s",
    direction: "up",
    easyR1: "perf/throughput",
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
