/**
 * @module The numbers that R1-ShareVL published (arXiv 2505.16673), as printed, and those that others measured on its
 * released weights. Percent correct; null where the paper prints a dash.
 *
 * They are single runs without error bars; the checkpoint was the best of six on the reported benchmark (Table 7), and
 * neighbouring checkpoints differ by more than most ablations.
 */
import type { BenchmarkName } from "../records.js";

/** Columns of the main table, in its order. */
export const PAPER_COLUMNS = [
  "MathVista",
  "MMStar",
  "MMMU",
  "MathVerse",
  "MathVision",
  "AI2D",
] as const satisfies readonly BenchmarkName[];

export type PaperGroup = "closed" | "reasoning" | "7B" | "32B";

export interface PaperRow {
  readonly model: string;
  readonly group: PaperGroup;
  /** In the order of `PAPER_COLUMNS`. */
  readonly scores: readonly (number | null)[];
  /** Measured by the paper's authors with VLMEvalKit on official weights (the paper's asterisk). */
  readonly measuredByAuthors: readonly BenchmarkName[];
  /** As printed; null where the paper prints a dash. */
  readonly average: number | null;
}

type Cell = number | null | `${number}*`;

function row(group: PaperGroup, model: string, cells: readonly Cell[], average: number | null): PaperRow {
  return {
    model,
    group,
    scores: cells.map((cell) => (cell === null ? null : Number(String(cell).replace("*", "")))),
    measuredByAuthors: PAPER_COLUMNS.filter((_, at) => typeof cells[at] === "string"),
    average,
  };
}

/** Table 1: all 17 rows. */
export const MAIN_TABLE: readonly PaperRow[] = [
  row("closed", "GPT-4o", [63.8, 65.1, 70.7, 50.8, 30.4, 84.9], 60.9),
  row("closed", "Claude 3.7 Sonnet", [66.8, null, 71.8, 52.0, 41.3, null], null),
  row("closed", "Kimi 1.5", [70.1, null, 68.0, null, 31.0, null], null),
  row("reasoning", "LLaVA-Reasoner-8B", [50.6, 54.0, 40.0, null, null, 78.5], null),
  row("reasoning", "LLaVA-CoT-11B", [54.8, 57.6, null, null, null, 78.7], null),
  row("reasoning", "Mulberry-7B", [63.1, 61.3, 55.0, null, null, null], null),
  row("7B", "Qwen2.5-VL-7B", [68.2, 63.9, 58.6, 49.2, 25.1, 83.9], 58.1),
  row("7B", "X-REASONER-7B", [69.0, null, 56.4, null, 29.6, null], null),
  row("7B", "R1-Onevision-7B", [64.1, null, null, 47.1, 29.9, null], null),
  row("7B", "Vision-R1-7B", [73.5, "64.3*", "54.2*", 52.4, "29.4*", "84.2*"], 59.7),
  row("7B", "OpenVLThinker-7B", [70.2, 63.2, 51.9, 47.9, 29.6, 82.7], 57.6),
  row("7B", "MM-Eureka-7B", [73.0, "65.1*", "55.3*", 50.3, 26.9, "84.1*"], 59.1),
  row("7B", "ThinkLite-7B", [74.3, 63.7, 53.1, 52.2, 29.9, 83.0], 59.3),
  row("7B", "R1-ShareVL-7B", [75.4, 67.0, 58.1, 52.8, 29.5, 84.5], 61.2),
  row("32B", "Qwen2.5-VL-32B", [74.7, 69.5, 70.0, 49.9, 38.4, "84.6*"], 64.5),
  row("32B", "MM-Eureka-32B", [74.8, "67.3*", "64.6*", 56.5, 34.4, "85.4*"], 63.8),
  row("32B", "R1-ShareVL-32B", [77.6, 70.2, 70.1, 59.0, 40.3, 86.2], 67.2),
];

/** One of the paper's smaller tables: named settings and their scores. */
export interface AblationTable {
  readonly table: number;
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly { readonly name: string; readonly scores: readonly number[] }[];
}

function mathVista(table: number, title: string, scores: Readonly<Record<string, number>>): AblationTable {
  const rows = Object.entries(scores).map(([name, score]) => ({ name, scores: [score] }));
  return { table, title, columns: ["MathVista"], rows };
}

/** Tables 2 to 9, all of the 7B model. */
export const ABLATIONS: readonly AblationTable[] = [
  mathVista(2, "Components", {
    "Qwen2.5-VL-7B": 68.2,
    GRPO: 72.8,
    "+ offline variants, global advantage": 73.9,
    "+ online variants": 74.8,
    "+ local advantage (Share-GRPO)": 75.4,
  }),
  {
    table: 3,
    title: "With dynamic sampling",
    columns: ["MathVista", "MMStar", "MMMU", "Avg."],
    rows: [
      { name: "GRPO + dynamic sampling", scores: [73.6, 65.7, 56.1, 65.1] },
      { name: "Share-GRPO", scores: [75.4, 67.0, 58.1, 66.8] },
      { name: "Share-GRPO + dynamic sampling", scores: [75.9, 66.7, 59.0, 67.2] },
    ],
  },
  mathVista(4, "Number of variants m, with n = 6", { "m = 2": 75.4, "m = 3": 75.6, "m = 4": 75.9 }),
  mathVista(5, "Number of rollouts", {
    "GRPO, 6": 72.3,
    "GRPO, 12": 72.8,
    "GRPO, 24": 73.0,
    "Share-GRPO, 3 + 3": 74.7,
    "Share-GRPO, 6 + 6": 75.4,
  }),
  mathVista(6, "Against data augmentation", {
    GRPO: 72.8,
    "GRPO + image transforms": 73.4,
    "GRPO + language rewrites": 73.1,
    "GRPO + both": 73.6,
    "Share-GRPO": 75.4,
  }),
  mathVista(7, "Training step", {
    "step 25": 72.4,
    "step 50": 73.8,
    "step 75": 73.1,
    "step 100": 75.4,
    "step 125": 74.7,
    "step 150": 74.5,
  }),
  mathVista(8, "GRPO on one form of each question", { original: 72.8, "one rewrite": 72.9 }),
  {
    table: 9,
    title: "GRPO and Share-GRPO, 7B",
    columns: [...PAPER_COLUMNS, "Avg."],
    rows: [
      { name: "GRPO", scores: [72.8, 65.4, 56.4, 50.7, 26.7, 84.0, 59.3] },
      { name: "Share-GRPO", scores: [75.4, 67.0, 58.1, 52.8, 29.5, 84.5, 61.2] },
    ],
  },
];

/** A point of Fig. 1(b), read off the picture: ±0.01, step ±1. Null where the curve does not reach. */
export interface CurvePoint {
  readonly step: number;
  readonly rewardShare: number;
  readonly rewardGrpo: number;
  /** Share of questions with a usable advantage. */
  readonly validShare: number | null;
  readonly validGrpo: number | null;
}

function point(
  step: number,
  [rewardShare, rewardGrpo, validShare, validGrpo]: readonly [number, number, number?, number?],
): CurvePoint {
  return { step, rewardShare, rewardGrpo, validShare: validShare ?? null, validGrpo: validGrpo ?? null };
}

/** Fig. 1(b). The number of rollouts of its baseline is not stated. */
export const FIGURE_1B: readonly CurvePoint[] = [
  point(2, [0.46, 0.45, 0.86, 0.73]),
  point(5, [0.53, 0.48, 0.875, 0.78]),
  point(10, [0.59, 0.52, 0.83, 0.77]),
  point(20, [0.62, 0.58, 0.74, 0.7]),
  point(30, [0.66, 0.59, 0.68, 0.66]),
  point(40, [0.65, 0.63, 0.65, 0.62]),
  point(50, [0.68, 0.62, 0.58, 0.56]),
  point(60, [0.69, 0.66, 0.58, 0.56]),
  point(70, [0.69, 0.65, 0.56, 0.54]),
  point(80, [0.67, 0.65, 0.55, 0.53]),
  point(90, [0.67, 0.66]),
];

/** What others measured on the released weights, by their own protocol. */
export interface Remeasurement {
  readonly model: string;
  readonly by: string;
  readonly protocol: string;
  readonly scores: Readonly<Record<string, number>>;
}

const VPPO = {
  by: "VPPO's authors",
  protocol: "exact match, mean of 8 samples at temperature 1, their prompts",
} as const;
const VPPO_COLUMNS = [
  "MathVerse",
  "DynaMath",
  "MMK12",
  "Geo3k",
  "MathVision",
  "We-Math",
  "LogicVista",
  "MMMU-Pro",
  "Avg.",
];

function vppo(model: string, values: readonly number[]): Remeasurement {
  const scores = Object.fromEntries(VPPO_COLUMNS.map((name, at) => [name, values[at] ?? Number.NaN]));
  return { model, ...VPPO, scores };
}

/** Protocols differ: compare within one, not between them. */
export const REMEASUREMENTS: readonly Remeasurement[] = [
  {
    model: "R1-ShareVL-7B",
    by: "DIVA-GRPO's authors",
    protocol: "VLMEvalKit",
    scores: {
      MathVista: 73.5,
      MathVerse: 52.8,
      MathVision: 29.5,
      OlympiadBench: 21.3,
      "We-Math": 67.9,
      "MMK12-test": 68.8,
    },
  },
  vppo("Qwen2.5-VL-7B", [39.0, 55.7, 42.5, 37.1, 18.4, 46.4, 42.4, 25.1, 38.3]),
  vppo("R1-ShareVL-7B", [68.0, 65.1, 70.9, 41.2, 30.1, 69.9, 45.6, 35.1, 53.2]),
  vppo("GRPO on ViRL39K", [66.5, 65.8, 72.3, 40.2, 30.7, 68.1, 45.6, 35.2, 53.1]),
  vppo("DAPO on ViRL39K", [68.3, 66.6, 82.1, 41.5, 30.5, 68.0, 46.8, 35.9, 55.0]),
  vppo("VPPO", [71.6, 68.1, 82.8, 46.5, 33.3, 71.5, 47.9, 37.9, 57.5]),
];
