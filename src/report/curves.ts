/**
 * @module The curves of a training run, in the order in which one reads them.
 */
import type { StepRecord } from "../core/files/runRecords.js";
import { isRewardPart } from "../train/run/metrics.js";
import { COLOURS, type CurveOptions, curve, type Figure, memoryFigure, plotText } from "./figure.js";

const CURVES: readonly CurveOptions[] = [
  {
    id: "reward",
    title: "Reward and its parts",
    caption: "Mean over the step's sampled responses; higher is better.",
    axis: "reward (0 to 1)",
    range: "share",
    lines: [
      { metric: "reward/overall", name: "overall", colour: COLOURS.blue },
      { metric: "reward/accuracy", name: "accuracy", colour: COLOURS.vermillion },
      { metric: "reward/format", name: "format", colour: COLOURS.green },
    ],
  },
  {
    id: "valid-share",
    title: "Valid advantages",
    caption:
      "Share of groups whose rewards differ, so that they teach something. Pooled: all responses of a question, as Share-GRPO compares them; local: those of one variant.",
    axis: "valid share of groups",
    range: "share",
    lines: [
      { metric: "advantage/valid_share_pooled", name: "pooled", colour: COLOURS.blue },
      { metric: "advantage/valid_share_local", name: "local", colour: COLOURS.vermillion },
    ],
  },
  {
    id: "response-length",
    title: "Response length",
    caption: "Response tokens of a step: mean, shortest and longest.",
    axis: "length (tokens)",
    range: "zero",
    lines: [
      { metric: "response_length/mean", name: "mean", colour: COLOURS.blue },
      { metric: "response_length/max", name: "longest", colour: COLOURS.grey, isThin: true },
      { metric: "response_length/min", name: "shortest", colour: COLOURS.grey, dash: "dot", isThin: true },
    ],
  },
  {
    id: "truncated",
    title: "Truncated responses",
    caption: "Share of responses stopped by the length limit; lower is better.",
    axis: "share of responses",
    range: "zero",
    lines: [{ metric: "response_length/clip_ratio", name: "truncated", colour: COLOURS.vermillion }],
  },
  {
    id: "clip-share",
    title: "Clip fraction",
    caption: "Share of response tokens whose gradient the clip removed, and whose loss the dual clip capped.",
    axis: "share of tokens",
    range: "zero",
    lines: [
      { metric: "policy/clip_share_high", name: "clipped ratio", colour: COLOURS.blue },
      { metric: "policy/clip_share_low", name: "dual clip", colour: COLOURS.vermillion },
    ],
  },
  {
    id: "grad-norm",
    title: "Gradient norm",
    caption: "Global norm before clipping, mean over the step's updates.",
    axis: "gradient norm",
    range: "zero",
    lines: [{ metric: "policy/grad_norm", name: "gradient norm", colour: COLOURS.blue }],
  },
  {
    id: "learning-rate",
    title: "Learning rate",
    caption: "As used in the step.",
    axis: "learning rate",
    range: "zero",
    lines: [{ metric: "policy/learning_rate", name: "learning rate", colour: COLOURS.blue, isThin: true }],
  },
  {
    id: "entropy",
    title: "Entropy",
    caption:
      "One-sample estimate from the sampled tokens. A fall to 0 means that the policy has stopped exploring.",
    axis: "entropy (nats per token)",
    range: "zero",
    lines: [{ metric: "policy/entropy", name: "entropy", colour: COLOURS.green }],
  },
  {
    id: "consistency",
    title: "Sampler against learner",
    caption:
      "Largest disagreement of a step: log-probs of sampling against training, over the responses learnt from; and the ratio before the first update, exactly 1 and so not drawn where that update finds the old log-probs itself. Rounding only; lower is better.",
    axis: "largest deviation",
    range: "log",
    lines: [
      { metric: "policy/ratio_deviation_first", name: "|π/π_old − 1|", colour: COLOURS.blue, isThin: true },
      {
        metric: "rollout/log_prob_gap",
        name: "log-prob gap (nats)",
        colour: COLOURS.vermillion,
        isThin: true,
      },
    ],
  },
  {
    id: "rollout-speed",
    title: "Rollout speed",
    caption: "Response tokens sampled per second; higher is better.",
    axis: "speed (tokens/s)",
    range: "zero",
    lines: [{ metric: "rollout/tokens_per_second", name: "tokens/s", colour: COLOURS.purple }],
  },
  {
    id: "seconds",
    title: "Where the time goes",
    caption: "Seconds of a step by part.",
    axis: "time (s)",
    range: "zero",
    lines: [
      { metric: "timing_s/step", name: "whole step", colour: COLOURS.grey, isThin: true },
      { metric: "timing_s/rollout", name: "rollout", colour: COLOURS.purple, isThin: true },
      { metric: "timing_s/old_log_probs", name: "old log-probs", colour: COLOURS.orange, isThin: true },
      { metric: "timing_s/update", name: "update", colour: COLOURS.blue, isThin: true },
    ],
  },
];

const PART_COLOURS = Object.values(COLOURS);

/** What a custom reward measured besides; nothing where there is none. */
function rewardPartsCurve(steps: readonly StepRecord[]): readonly CurveOptions[] {
  const names = [...new Set(steps.flatMap((step) => Object.keys(step).filter(isRewardPart)))];
  if (names.length === 0) return [];
  const lines = names.map((metric, at) => ({
    metric,
    name: plotText(metric.slice("reward/".length)),
    colour: PART_COLOURS[at % PART_COLOURS.length] ?? COLOURS.grey,
  }));
  const caption = "What the custom reward names; mean over the responses that have it.";
  return [{ id: "reward-parts", title: "Parts of the custom reward", caption, axis: "mean", lines }];
}

/** All curves of a run. */
export function trainingFigures(steps: readonly StepRecord[]): Figure[] {
  const [reward, ...others] = CURVES;
  const options = [...(reward ? [reward] : []), ...rewardPartsCurve(steps), ...others];
  return [...options.map((each) => curve(steps, each)), memoryFigure(steps)];
}
