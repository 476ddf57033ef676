/**
 * @module Does training help, and how does Share-GRPO compare with GRPO at equal responses and equal optimizer steps?
 *
 * The held-out questions are the same for all runs, asked before and after.
 */
import { join } from "node:path";
import { makeFolder, writeFileAtomic } from "../../../src/core/files/atomic.js";
import { type Interval, mean, wilson } from "../../../src/core/stats.js";
import { zip } from "../../../src/core/zip.js";
import {
  formatInterval,
  formatMarkdownTable,
  formatPoints,
  formatTable,
  type Table,
} from "../../../src/report/table.js";
import {
  type Arm,
  accuracyOf,
  finishedRun,
  meanOverSeeds,
  pairedBySeed,
  pointsOf,
  type SeedsOptions,
} from "./runs.js";

/** All weights beside an adapter, layer by layer; an adapter's rate is ten times that of all weights. */
export const WEIGHTS_TRAINED: readonly Arm[] = [
  { id: "tiny", preset: "tiny", name: "all weights", settings: [] },
  {
    id: "tiny-lora",
    preset: "tiny",
    name: "adapter of rank 16",
    settings: ["lora.rank=16", "update.learningRate=2e-3"],
  },
];

/** Equal responses per question (m·n = 12), equal optimizer steps. */
export const ALGORITHMS: readonly Arm[] = [
  { id: "tiny", preset: "tiny", name: "Share-GRPO (m = 2, n = 6)", settings: [] },
  { id: "tiny-grpo", preset: "tiny-grpo", name: "GRPO (n = 12)", settings: [] },
];

interface LearningRow {
  readonly algorithm: string;
  readonly seed: number;
  readonly questions: number;
  readonly before: Interval;
  readonly after: Interval;
  /** Percentage points. */
  readonly gain: number;
}

async function measure(arm: Arm, seed: number, runs: string): Promise<LearningRow> {
  const { before, after } = await finishedRun(arm, seed, runs);
  return {
    algorithm: arm.name,
    seed,
    questions: after.total,
    before: wilson(before.correct, before.total),
    after: wilson(after.correct, after.total),
    gain: 100 * (accuracyOf(after) - accuracyOf(before)),
  };
}

function tableOf(rows: readonly LearningRow[], arms: readonly Arm[]): Table {
  const lines = rows.map((row) => [
    row.algorithm,
    String(row.seed),
    formatInterval(row.before),
    formatInterval(row.after),
    formatPoints(row.gain / 100),
  ]);
  const byArm = arms.map(({ name }) => rows.filter((row) => row.algorithm === name));
  const means = zip(arms, byArm).flatMap(([{ name }, own]) => {
    if (own.length === 0) return [];
    const percent = (values: readonly number[]) => `${(100 * mean(values)).toFixed(1)} %`;
    const [before, after] = [own.map((row) => row.before.value), own.map((row) => row.after.value)];
    const gain = meanOverSeeds(own.map((row) => row.gain / 100));
    return [[name, "mean", percent(before), percent(after), pointsOf(gain)]];
  });
  const gains = (own: readonly LearningRow[]) => new Map(own.map(({ seed, gain }) => [seed, gain / 100]));
  const [first = [], second = []] = byArm;
  const name = "the second less the first";
  const paired =
    second.length === 0
      ? []
      : [[name, "by seed", "–", "–", pointsOf(pairedBySeed(gains(second), gains(first)))]];
  return {
    head: ["algorithm", "seed", "before", "after", "points"],
    rows: [...lines, ...means, ...paired],
  };
}

/** A comparison of arms: what its page is called and says. */
interface Comparison {
  /** Of the command and of the files. */
  readonly name: string;
  readonly arms: readonly Arm[];
  readonly title: string;
  readonly sentence: string;
}

/** Runs all seeds of both algorithms, prints and writes the table after each. */
export function benchLearning(options: SeedsOptions): Promise<void> {
  return compareArms(options, {
    name: "learning",
    arms: ALGORITHMS,
    title: "Learning on drawn scenes",
    sentence: "Both algorithms see as many questions and responses and take as many optimizer steps.",
  });
}

/** The same for training all weights and training an adapter layer by layer. */
export function benchLora(options: SeedsOptions): Promise<void> {
  return compareArms(options, {
    name: "lora",
    arms: WEIGHTS_TRAINED,
    title: "Learning with an adapter",
    sentence: "Share-GRPO on all weights as one graph, and on an adapter of the decoder layer by layer.",
  });
}

async function compareArms(options: SeedsOptions, comparison: Comparison): Promise<void> {
  await makeFolder(options.results);
  const rows: LearningRow[] = [];
  for (const each of comparison.arms) {
    const arm = { ...each, settings: [...each.settings, ...options.settings] };
    for (const seed of options.seeds) {
      rows.push(await measure(arm, seed, options.runs));
      await write(rows, options, comparison);
    }
  }
  options.print(formatTable(tableOf(rows, comparison.arms)));
}

async function write(
  rows: readonly LearningRow[],
  { results, settings, seeds }: SeedsOptions,
  { name, arms, title, sentence }: Comparison,
): Promise<void> {
  const command = `npm run bench -- ${name} --seeds ${seeds.join(",")}${settings.length > 0 ? ` ${settings.join(" ")}` : ""}`;
  const questions = rows[0]?.questions ?? 0;
  const text = [
    `# ${title}`,
    "",
    `Greedy accuracy of the bundled tiny policy on the same ${questions} held-out questions before and after training, with`,
    `95 % Wilson intervals; means over seeds with t intervals. ${sentence}`,
    "",
    `Command: \`${command}\``,
    "",
    formatMarkdownTable(tableOf(rows, arms)),
    "",
  ].join("\n");
  await writeFileAtomic(join(results, `${name}.md`), text);
  await writeFileAtomic(
    join(results, `${name}.json`),
    `${JSON.stringify({ command, rows }, undefined, 2)}\n`,
  );
}
