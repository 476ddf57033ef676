/**
 * @module The paper's Figure 1(b) at our scale: reward and valid-advantage ratio of Share-GRPO and GRPO, step by step,
 * at equal responses per question (N = m·n) and equal optimizer steps, over several seeds.
 *
 * Reward is the mean over sampled responses, so Share-GRPO's curve is over transformed and rewritten questions, GRPO's
 * over the questions as they are. The valid-advantage ratio counts questions whose N rewards are not all equal.
 */
import { join } from "node:path";
import { makeFolder, writeFileAtomic } from "../../../src/core/files/atomic.js";
import { mean } from "../../../src/core/stats.js";
import { runningMean, seriesOf } from "../../../src/report/figure.js";
import { drawSvg, pngOf } from "../../../src/report/notebook/drawing.js";
import { plot } from "../../../src/report/notebook/plot.js";
import { formatMarkdownTable, formatPoints, type Table } from "../../../src/report/table.js";
import { type Figure1b, QUANTITIES, type Quantity, type SeedCurve } from "./figure1bCurves.js";
import { figure1bPlot } from "./figure1bPlot.js";
import { ALGORITHMS } from "./learning.js";
import { accuracyOf, finishedRun, meanOverSeeds, type RunResult, type SeedsOptions } from "./runs.js";

const WINDOW = 5;

/** Curves over the steps that every seed has. */
export function seedCurve(runs: readonly RunResult[], quantity: Quantity): SeedCurve {
  const smoothed = runs.map(({ steps }) => runningMean(seriesOf(steps, QUANTITIES[quantity]), WINDOW));
  const length = Math.min(...smoothed.map((values) => values.length));
  const at = Array.from({ length }, (_, step) => smoothed.map((values) => values[step] ?? Number.NaN));
  return {
    algorithm: runs[0]?.arm.name ?? "",
    quantity,
    steps: at.map((_, step) => step + 1),
    mean: at.map(mean),
    low: at.map((values) => Math.min(...values)),
    high: at.map((values) => Math.max(...values)),
  };
}

function tableOf({ curves, outcomes }: Figure1b): Table {
  const algorithms = [...new Set(curves.map(({ algorithm }) => algorithm))];
  const rows = algorithms.map((algorithm) => {
    const own = outcomes.filter((outcome) => outcome.algorithm === algorithm);
    const { value, low, high } = meanOverSeeds(own.map(({ before, after }) => after - before));
    const ends = (quantity: Quantity) => {
      const { mean: values = [] } =
        curves.find((curve) => curve.algorithm === algorithm && curve.quantity === quantity) ?? {};
      const middle = values[Math.floor(values.length / 2)];
      return [values[0], middle, values.at(-1)].map((each) => (each ?? Number.NaN).toFixed(2)).join(" → ");
    };
    const gain = `${formatPoints(value)} [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`;
    return [algorithm, ends("reward"), ends("validShare"), gain];
  });
  return {
    head: ["algorithm", "reward: first → middle → last", "valid-advantage ratio", "held-out gain, points"],
    rows,
  };
}

function markdownOf(figure: Figure1b): string {
  return [
    "# Figure 1(b) at our scale",
    "",
    "Share-GRPO and GRPO on drawn scenes with the bundled tiny policy, at equal responses per question and equal",
    `optimizer steps, seeds ${figure.seeds.join(", ")}. Curves are running means over ${figure.window} steps; the last column is`,
    "the gain in greedy held-out accuracy with a 95 % t interval over seeds. Share-GRPO's reward is over rewritten and",
    "transformed questions, GRPO's over the questions as they are, so the two rewards differ in what they measure.",
    "",
    `Command: \`${figure.command}\``,
    "",
    formatMarkdownTable(tableOf(figure)),
    "",
    "![Reward and valid-advantage ratio, ours and the paper's](figure1b.png)",
    "",
  ].join("\n");
}

/** Runs what is missing and writes `figure1b.json`, `.md` and `.png` after every seed. */
export async function benchFigure1b(options: SeedsOptions): Promise<Figure1b> {
  const { seeds, settings, runs, results } = options;
  await makeFolder(results);
  const finished: RunResult[] = [];
  let figure: Figure1b | undefined;
  for (const [at, seed] of seeds.entries()) {
    for (const algorithm of ALGORITHMS) {
      const arm = { ...algorithm, settings: [...algorithm.settings, ...settings] };
      finished.push(await finishedRun(arm, seed, runs));
    }
    figure = figureOf(finished, seeds.slice(0, at + 1), settings);
    await writeFileAtomic(join(results, "figure1b.json"), `${JSON.stringify(figure)}\n`);
    await writeFileAtomic(join(results, "figure1b.md"), markdownOf(figure));
    await writeFileAtomic(
      join(results, "figure1b.png"),
      await pngOf(await drawSvg(plot(figure1bPlot(figure)))),
    );
    options.print(formatMarkdownTable(tableOf(figure)));
  }
  return figure as Figure1b;
}

function figureOf(
  finished: readonly RunResult[],
  seeds: readonly number[],
  settings: readonly string[],
): Figure1b {
  const curves = ALGORITHMS.flatMap(({ id }) => {
    const own = finished.filter(({ arm }) => arm.id === id);
    return (Object.keys(QUANTITIES) as Quantity[]).map((quantity) => seedCurve(own, quantity));
  });
  return {
    command: ["npm run bench -- figure1b --seeds", seeds.join(","), ...settings].join(" "),
    seeds,
    window: WINDOW,
    curves,
    outcomes: finished.map(({ arm, seed, before, after }) => ({
      algorithm: arm.name,
      seed,
      before: accuracyOf(before),
      after: accuracyOf(after),
    })),
  };
}
