/**
 * @module Runs beside each other: curves overlaid, settings that differ, paired tests on the questions they share.
 */
import type { EvaluationRecord } from "../core/files/runRecords.js";
import type { Interval } from "../core/stats.js";
import { comparisonFigure, type NamedRun } from "../report/comparison.js";
import type { Figure } from "../report/figure.js";
import { readRunHead } from "../report/run.js";
import { formatInterval, formatNumber, formatPoints } from "../report/table.js";
import { readOutcomes } from "./answerSamples.js";
import { thinned } from "./detail.js";
import type { Comparison, RunSummary, TitledTable } from "./records.js";
import { differingSettings } from "./summary.js";

/** One question that two runs answered; questions of one cluster hang together. */
export interface PairedRow {
  readonly cluster: string;
  readonly a: boolean;
  readonly b: boolean;
}

/** What a paired test says. */
export interface PairedResult {
  readonly rows: number;
  readonly onlyA: number;
  readonly onlyB: number;
  /** Share correct of b minus that of a. */
  readonly difference: Interval;
  /** Two-sided. */
  readonly p: number;
}

export type PairedTest = (rows: readonly PairedRow[]) => PairedResult;

/** Curves that are worth laying over each other. */
const OVERLAID = [
  { metric: "reward/overall", title: "Reward", axis: "mean reward (0 to 1)" },
  { metric: "reward/accuracy", title: "Accuracy while training", axis: "share correct" },
  {
    metric: "advantage/valid_share_pooled",
    title: "Valid advantages, pooled",
    axis: "valid share of groups",
  },
  { metric: "response_length/mean", title: "Response length", axis: "tokens" },
  { metric: "policy/entropy", title: "Entropy", axis: "entropy (nats)" },
  { metric: "policy/kl_approx", title: "KL to the old policy", axis: "KL (nats)" },
  { metric: "timing_s/step", title: "Time of a step", axis: "seconds" },
] as const;

const SMOOTH_FROM = 24;

function overlaid(runs: readonly NamedRun[]): Figure[] {
  const longest = Math.max(0, ...runs.map(({ steps }) => steps.length));
  const window = longest < SMOOTH_FROM ? 1 : 2 * Math.floor(longest / 30) + 3;
  const logged = OVERLAID.filter(({ metric }) =>
    runs.some(({ steps }) => steps.some((step) => typeof step[metric] === "number")),
  );
  return logged.map((options) => {
    const figure = comparisonFigure(runs, { ...options, window });
    return { ...figure, id: options.metric.replace(/\W/g, "-") };
  });
}

/** Trainings and evaluations have other settings: each kind has a table of its own. */
function settingsTables(runs: readonly RunSummary[]): TitledTable[] {
  return (["training", "evaluation"] as const).flatMap((kind) => {
    const alike = runs.filter((run) => run.kind === kind);
    if (alike.length < 2) return [];
    const rows = differingSettings(alike).map((name) => [
      name,
      ...alike.map(({ settings }) => settings[name] ?? "–"),
    ]);
    const title = alike.length === runs.length ? "Settings that differ" : `Settings that differ, ${kind}s`;
    const head = ["setting", ...alike.map((run) => run.name)];
    return [{ title, ...(rows.length === 0 ? { note: "None." } : {}), head, rows }];
  });
}

function scoresTable(runs: readonly RunSummary[]): TitledTable {
  const names = [...new Set(runs.flatMap(({ scores }) => scores.map(({ name }) => name)))];
  return {
    title: "Accuracy",
    note: "With 95 % intervals.",
    head: ["questions", ...runs.map((run) => run.name)],
    rows: names.map((name) => [
      name,
      ...runs.map(({ scores }) => {
        const score = scores.find((each) => each.name === name);
        return score ? formatInterval(score.accuracy) : "–";
      }),
    ]),
  };
}

/** Every run with every later one. */
function pairs<T>(items: readonly T[]): (readonly [T, T])[] {
  return items.flatMap((a, at) => items.slice(at + 1).map((b) => [a, b] as const));
}

interface PairedSet {
  readonly a: RunSummary;
  readonly b: RunSummary;
  readonly set: string;
  readonly rows: readonly PairedRow[];
}

function pairedTable(sets: readonly PairedSet[], test: PairedTest): TitledTable {
  const isTested = sets.filter(({ rows }) => rows.length > 0);
  return {
    title: "Paired tests",
    note:
      isTested.length === 0
        ? "These runs share no questions whose outcome is kept."
        : "On the questions that both answered; difference of b to a in points with its 95 % interval, sign-flip test, two-sided, clustered where questions share a picture or problem.",
    head: ["a", "b", "questions", "n", "only a right", "only b right", "difference", "p"],
    rows: isTested.map(({ a, b, set, rows }) => {
      const { onlyA, onlyB, difference, p } = test(rows);
      const { value, low, high } = difference;
      const points = `${formatPoints(value)} [${formatPoints(low)}, ${formatPoints(high)}]`;
      return [
        a.name,
        b.name,
        set,
        String(rows.length),
        String(onlyA),
        String(onlyB),
        points,
        formatNumber(p),
      ];
    }),
  };
}

/** Only a record with outcomes can be compared question by question. */
function heldOutPairs(
  a: EvaluationRecord | undefined,
  b: EvaluationRecord | undefined,
): readonly PairedRow[] {
  const theirs = b?.outcomes ?? {};
  return Object.entries(a?.outcomes ?? {}).flatMap(([id, accuracy]) => {
    const other = theirs[id];
    return other === undefined ? [] : [{ cluster: id, a: accuracy === 1, b: other === 1 }];
  });
}

async function trainingPairs(runs: readonly RunSummary[]): Promise<{ named: NamedRun[]; sets: PairedSet[] }> {
  const heads = await Promise.all(runs.map(async (run) => ({ run, head: await readRunHead(run.id) })));
  const sets = pairs(heads).map(([a, b]) => ({
    a: a.run,
    b: b.run,
    set: "held-out, after",
    rows: heldOutPairs(a.head.after, b.head.after),
  }));
  return { named: heads.map(({ run, head }) => ({ name: run.name, steps: thinned(head.steps) })), sets };
}

async function answerPairs(a: RunSummary, b: RunSummary): Promise<PairedSet[]> {
  const shared = a.scores.filter(({ name }) => b.scores.some((other) => other.name === name));
  return Promise.all(
    shared.map(async ({ name }) => {
      const [left, right] = await Promise.all([readOutcomes(a.id, name), readOutcomes(b.id, name)]);
      const rows = [...left].flatMap(([key, own]) => {
        const other = right.get(key);
        return other ? [{ cluster: own.cluster, a: own.isCorrect, b: other.isCorrect }] : [];
      });
      return { a, b, set: name, rows };
    }),
  );
}

/** Runs beside each other, as figures and tables. */
export interface ComparedRuns extends Pick<Comparison, "runs" | "tables" | "disagreements"> {
  readonly figures: readonly Figure[];
}

/** @throws DataError when a run's files are damaged */
export async function compareRuns(runs: readonly RunSummary[], test: PairedTest): Promise<ComparedRuns> {
  const trained = await trainingPairs(runs.filter(({ kind }) => kind === "training"));
  const evaluated = runs.filter(({ kind }) => kind === "evaluation");
  const answered = (await Promise.all(pairs(evaluated).map(([a, b]) => answerPairs(a, b)))).flat();
  return {
    runs,
    figures: overlaid(trained.named),
    tables: [scoresTable(runs), pairedTable([...trained.sets, ...answered], test), ...settingsTables(runs)],
    disagreements: answered
      .filter(({ rows }) => rows.some(({ a, b }) => a !== b))
      .map(({ a, b, set }) => ({ a: a.id, b: b.id, set })),
  };
}
