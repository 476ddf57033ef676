/**
 * @module What the clipped loss looks like: loss over the ratio π/π_old, and estimates of KL over the log-ratio.
 */
import { mean } from "../core/stats.js";
import { tf } from "../core/tf.js";
import { KL_ESTIMATORS, klPerToken } from "../policy/kl.js";
import { POLICY_LOSS_DEFAULTS, type PolicyLossOptions, policyLoss } from "../policy/loss.js";
import type { Pair } from "../records.js";
import { COLOURS, type Figure, type JsonObject } from "./figure.js";
import { formatNumber } from "./table.js";

export interface SurrogatePoint {
  readonly ratio: number;
  /** Loss of one token of this ratio. */
  readonly loss: number;
  /** −∂loss/∂log π: how hard the token's probability is pushed up (negative: down). */
  readonly push: number;
}

/** Loss and push of single tokens, by the loss that trains. Runs eagerly on the active TensorFlow.js backend. */
export function surrogateCurve(
  ratios: readonly number[],
  advantage: number,
  options: Partial<PolicyLossOptions> = {},
): SurrogatePoint[] {
  return ratios.map((ratio) =>
    tf.tidy(() => {
      const one = (value: number) => tf.tensor2d([[value]]);
      const lossOf = (logProbs: ReturnType<typeof one>) =>
        policyLoss(
          { logProbs, oldLogProbs: one(0), advantages: one(advantage), mask: one(1), scale: tf.scalar(1) },
          { ...POLICY_LOSS_DEFAULTS, ...options },
        ).loss as tf.Scalar;
      const { value, grad } = tf.valueAndGrad(lossOf)(one(Math.log(ratio)));
      return { ratio, loss: value.dataSync()[0] ?? 0, push: -(grad.dataSync()[0] ?? 0) };
    }),
  );
}

const RATIOS = Array.from({ length: 161 }, (_, at) => 0.02 + at * 0.025);

/** Push on a token over its ratio, for a good and a bad response: flat where clip or dual clip holds it. */
export function clipFigure(options: Partial<PolicyLossOptions> = {}): Figure {
  const good = surrogateCurve(RATIOS, 1, options);
  const bad = surrogateCurve(RATIOS, -1, options);
  const line = (name: string, points: readonly SurrogatePoint[], colour: string) => ({
    type: "scatter",
    mode: "lines",
    name,
    x: points.map(({ ratio }) => ratio),
    y: points.map(({ push }) => push),
    line: { color: colour, width: 2 },
  });
  const { clipLow, clipHigh, dualClip } = { ...POLICY_LOSS_DEFAULTS, ...options };
  const edges = [1 - clipLow, 1 + clipHigh, dualClip].filter((edge) => edge < 4);
  return {
    id: "clip",
    title: "How hard a token is pushed",
    caption: "−∂loss/∂log π for an advantage of ±1.",
    data: [line("advantage +1", good, COLOURS.blue), line("advantage −1", bad, COLOURS.vermillion)],
    layout: {
      xaxis: { title: { text: "ratio π/π<sub>old</sub>" }, range: [0, 4] },
      yaxis: { title: { text: "push on log π" } },
      shapes: edges.map((edge) => ({
        type: "line",
        x0: edge,
        x1: edge,
        yref: "paper",
        y0: 0,
        y1: 1,
        line: { color: COLOURS.grey, width: 1, dash: "dot" },
      })),
    },
    table: {
      head: ["ratio", "push at +1", "push at −1"],
      rows: good
        .map(({ ratio, push }, at) => [ratio.toFixed(2), formatNumber(push), formatNumber(bad[at]?.push)])
        .filter((_, at) => at % 20 === 0),
    },
  };
}

const DIFFERENCES = Array.from({ length: 121 }, (_, at) => -3 + at * 0.05);
const KL_COLOURS = [COLOURS.blue, COLOURS.vermillion, COLOURS.green, COLOURS.purple] as const;

/** The estimates of KL(π ‖ π_ref) of one token over d = log π_ref − log π. */
export function klFigure(): Figure {
  const curves = KL_ESTIMATORS.map((estimator) => ({
    estimator,
    values: tf.tidy(() => {
      const logProbs = tf.tensor2d(DIFFERENCES.map((difference) => [-difference]));
      return [...klPerToken(logProbs, tf.zerosLike(logProbs), estimator).dataSync()];
    }),
  }));
  return {
    id: "kl",
    title: "Estimates of KL from one token",
    caption: "d = log π_ref − log π.",
    data: curves.map(({ estimator, values }, at) => ({
      type: "scatter",
      mode: "lines",
      name: estimator,
      x: DIFFERENCES,
      y: values,
      line: { color: KL_COLOURS[at] ?? COLOURS.grey, width: 2 },
    })),
    layout: {
      xaxis: { title: { text: "d = log π<sub>ref</sub> − log π" } },
      yaxis: { title: { text: "estimate (nats)" }, range: [-3.1, 6] },
    },
    table: {
      head: ["d", ...KL_ESTIMATORS],
      rows: DIFFERENCES.flatMap((difference, at) =>
        at % 20 === 0
          ? [[difference.toFixed(1), ...curves.map(({ values }) => formatNumber(values[at]))]]
          : [],
      ),
    },
  };
}

/** A pair after an update. */
export interface PairChange extends Pair {
  /** Of the response's log π under the pair's prompt, nats. */
  readonly change: number;
}

/** Mean change of the pairs whose advantage has a sign. */
function meanChange(pairs: readonly PairChange[], sign: 1 | -1): number {
  return mean(pairs.filter(({ advantage }) => Math.sign(advantage) === sign).map(({ change }) => change));
}

/** The mean changes below and above an advantage of 0, as two level lines. */
function meanLines(pairs: readonly PairChange[]): JsonObject {
  const advantages = pairs.map(({ advantage }) => advantage);
  const [below, above] = [meanChange(pairs, -1), meanChange(pairs, 1)];
  const levels = [
    { ends: [Math.min(0, ...advantages), 0], level: below },
    { ends: [0, Math.max(0, ...advantages)], level: above },
  ].filter(({ level }) => Number.isFinite(level));
  return {
    type: "scatter",
    mode: "lines",
    name: "mean where A < 0, where A > 0",
    x: levels.flatMap(({ ends }) => [...ends, null]),
    y: levels.flatMap(({ level }) => [level, level, null]),
    line: { color: "#333a40", width: 2 },
  };
}

/**
 * How much each response's log π changed, over its advantage: pairs under the own prompt and under others, and the mean
 * of all of them.
 */
export function pairChangeFigure(pairs: readonly PairChange[], title = "One update, all pairs"): Figure {
  const parts = [
    { name: "own prompt", colour: COLOURS.blue, pairs: pairs.filter(({ j, k }) => j === k) },
    { name: "another variant's prompt", colour: COLOURS.orange, pairs: pairs.filter(({ j, k }) => j !== k) },
  ];
  return {
    id: "pair-change",
    title,
    caption: "Each point is a pair.",
    data: [
      ...parts.map((part) => ({
        type: "scatter",
        mode: "markers",
        name: part.name,
        x: part.pairs.map(({ advantage }) => advantage),
        y: part.pairs.map(({ change }) => change),
        marker: { color: part.colour, size: 6, opacity: 0.7 },
      })),
      meanLines(pairs),
    ],
    layout: {
      showlegend: true,
      hovermode: "closest",
      xaxis: { title: { text: "advantage" } },
      yaxis: { title: { text: "change of log π (nats)" } },
    },
    table: {
      head: ["pairs", "count", "mean change where A > 0", "where A < 0"],
      rows: parts.map((part) => [
        part.name,
        String(part.pairs.length),
        formatNumber(meanChange(part.pairs, 1)),
        formatNumber(meanChange(part.pairs, -1)),
      ]),
    },
  };
}
