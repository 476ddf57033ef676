/**
 * @module `sharegrpo bench grader`: how many verdicts a second each grader gives on one core, and where the two differ.
 */
import { readFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { z } from "zod";
import { makeFolder, writeFileAtomic } from "../../../src/core/files/atomic.js";
import { packageRoot } from "../../../src/core/files/packageRoot.js";
import { quantile } from "../../../src/core/stats.js";
import { formatMarkdownTable, formatNumber, formatTable, type Table } from "../../../src/report/table.js";
import { GRADER_NAMES, GRADERS, type GraderName } from "../../../src/reward/graders.js";
import { DIFFERENCES } from "./differences.js";

const pairSchema = z.object({ given: z.string(), truth: z.string(), correct: z.boolean() });
const fileSchema = z.object({ grade_answer: z.array(pairSchema) });
type GoldenPair = z.output<typeof pairSchema>;

export interface GraderBenchOptions {
  /** Counted rounds; the first ones warm up. */
  readonly rounds: number;
  /** Where `grader.json` and `grader.md` are written. */
  readonly results: string;
  readonly print: (text: string) => void;
}

export interface GraderRate {
  readonly grader: GraderName;
  /** Verdicts a second of one core's time: median and extremes of the rounds. */
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** Passes over the pairs in one round: long enough for the clock of processor time. */
const PASSES = 100;
const WARM_UP_ROUNDS = 3;

/** The reference's test pairs. */
export async function goldenPairs(): Promise<readonly GoldenPair[]> {
  const path = join(packageRoot(), "tests", "golden", "mathruler.json");
  return fileSchema.parse(JSON.parse(await readFile(path, "utf8"))).grade_answer;
}

/** Verdicts a second of this process's own time, so that others on the machine count less. */
function rateOf(grader: GraderName, pairs: readonly GoldenPair[]): number {
  const grade = GRADERS[grader];
  const start = process.cpuUsage();
  for (let pass = 0; pass < PASSES; pass++) for (const { given, truth } of pairs) grade(given, truth);
  const { user, system } = process.cpuUsage(start);
  return (1e6 * PASSES * pairs.length) / (user + system);
}

function measure(grader: GraderName, pairs: readonly GoldenPair[], rounds: number): GraderRate {
  for (let round = 0; round < WARM_UP_ROUNDS; round++) rateOf(grader, pairs);
  const rates = Array.from({ length: rounds }, () => rateOf(grader, pairs));
  const rounded = [0.5, 0, 1].map((q) => Math.round(quantile(rates, q)));
  const [median = Number.NaN, low = Number.NaN, high = Number.NaN] = rounded;
  return { grader, median, low, high };
}

function rateTable(rates: readonly GraderRate[]): Table {
  return {
    head: ["grader", "verdicts/s, median", "lowest", "highest"],
    rows: rates.map(({ grader, median, low, high }) => [grader, ...[median, low, high].map(formatNumber)]),
  };
}

function differenceTable(): Table {
  return {
    head: ["given", "truth", "mathruler", "math", "why"],
    rows: DIFFERENCES.flatMap(({ why, correct, pairs }) =>
      pairs.map(([given, truth]) => [
        `\`${given.replaceAll("|", "\\|")}\``,
        `\`${truth}\``,
        correct ? "wrong" : "correct",
        correct ? "correct" : "wrong",
        why,
      ]),
    ),
  };
}

/** Measures, prints and writes. */
export async function benchGrader({ rounds, results, print }: GraderBenchOptions): Promise<void> {
  const pairs = await goldenPairs();
  const rates = GRADER_NAMES.map((grader) => measure(grader, pairs, rounds));
  const differing = DIFFERENCES.reduce((sum, { pairs: listed }) => sum + listed.length, 0);
  const notes = [
    `Machine: one core (${cpus()[0]?.model.trim() ?? "unknown processor"}), Node ${process.versions.node}; processor time of the process`,
    `Pairs: the ${pairs.length} of \`tests/golden/mathruler.json\`, ${PASSES} passes a round, ${rounds} rounds after ${WARM_UP_ROUNDS}`,
    `The graders differ on ${differing} of these pairs, each on purpose`,
  ];
  print([formatTable(rateTable(rates)), "", ...notes].join("\n"));
  await makeFolder(results);
  const command = "npm run bench -- grader";
  const text = [
    "# Graders",
    "",
    `Command: \`${command}\``,
    "",
    formatMarkdownTable(rateTable(rates)),
    "",
    ...notes.map((note) => `- ${note}`),
    "",
    "## Where `math` decides otherwise",
    "",
    formatMarkdownTable(differenceTable()),
    "",
  ];
  await writeFileAtomic(join(results, "grader.md"), text.join("\n"));
  const json = { command, notes, rates, differences: DIFFERENCES };
  await writeFileAtomic(join(results, "grader.json"), `${JSON.stringify(json, undefined, 2)}\n`);
}
