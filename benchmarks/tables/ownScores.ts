/**
 * @module Scores of one's own runs, read back from what `evaluate` and `score --json` wrote.
 */
import { existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { z } from "zod";
import { BenchmarkError } from "../../src/core/errors.js";
import { readJson } from "../../src/core/files/json.js";
import { readJsonl } from "../../src/core/files/jsonl.js";
import type { Interval } from "../../src/core/stats.js";
import { DATA_ORIGINS, type DataOrigin } from "../data/origin.js";
import { OUTCOMES, RULE_SETS, SCORE_MODES, type Tally } from "../records.js";

/** A row as one mode sees it. */
export interface OwnRow {
  readonly index: string;
  readonly sample: number;
  readonly cluster: string;
  readonly isReported: boolean;
  readonly isCorrect: boolean;
}

/** One dataset's score by one mode. */
export interface OwnScore {
  readonly benchmark: string;
  readonly dataset: string;
  readonly rules: (typeof RULE_SETS)[number];
  readonly mode: (typeof SCORE_MODES)[number];
  readonly judge: string | null;
  /** Digest of the words it was asked with. */
  readonly judgePrompts: string | null;
  /** Of the rows that papers report. */
  readonly reported: Tally;
  readonly origin: DataOrigin;
  /** Whether every row of the data was answered. */
  readonly isWhole: boolean;
  /** Empty where only counts are known. */
  readonly rows: readonly OwnRow[];
}

export interface OwnRun {
  /** What the tables call it. */
  readonly name: string;
  readonly scores: readonly OwnScore[];
}

const nullableNumber = z.number().nullable();
const scoreSchema = z.object({
  benchmark: z.string(),
  dataset: z.string(),
  rules: z.enum(RULE_SETS),
  mode: z.enum(SCORE_MODES),
  judge: z.string().nullable(),
  judgePrompts: z.string().nullable().default(null),
});
const resultSchema = z.object({
  version: z.literal(1),
  model: z.object({ name: z.string() }),
  datasets: z.array(
    z.object({
      dataset: z.string(),
      origin: z.enum(DATA_ORIGINS),
      rows: z.number(),
      rowsOfFile: z.number(),
      scores: z.array(
        scoreSchema.extend({
          reported: z.object({
            total: z.number(),
            correct: z.number(),
            accuracy: z.object({ value: nullableNumber, low: nullableNumber, high: nullableNumber }),
          }),
        }),
      ),
    }),
  ),
});
const verdictSchema = z.object({ outcome: z.enum(OUTCOMES) });
const rowSchema = z.object({
  index: z.string(),
  sample: z.number(),
  cluster: z.string(),
  isReported: z.boolean(),
});
const verdictLineSchema = rowSchema.extend({
  compatible: verdictSchema.exactOptional(),
  fixed: verdictSchema.exactOptional(),
});
const scoreFileSchema = scoreSchema.extend({
  version: z.literal(1),
  origin: z.enum(DATA_ORIGINS),
  reported: z.object({
    total: z.number(),
    hits: z.number(),
    accuracy: nullableNumber,
    interval95: z.tuple([nullableNumber, nullableNumber]),
  }),
  missing: z.number(),
  rows: z.array(rowSchema.extend({ outcome: z.enum(OUTCOMES) })),
});

/** What makes a folder an evaluation's. */
const RESULT_FILE = "result.json";

/** JSON has no NaN: a share of no rows is null there. */
function interval(value: number | null, low: number | null, high: number | null): Interval {
  return { value: value ?? Number.NaN, low: low ?? Number.NaN, high: high ?? Number.NaN };
}

function parse<T>(path: string, schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const advice = "expected what sharegrpo evaluate or score --json of this version wrote";
  throw new BenchmarkError(`${path}: invalid score: ${issue?.path.join(".")}: ${issue?.message}; ${advice}`);
}

async function readVerdicts(path: string, mode: OwnScore["mode"]): Promise<OwnRow[]> {
  if (!existsSync(path)) return [];
  const { records } = await readJsonl(path);
  return records.flatMap((record) => {
    const { [mode]: verdict, ...row } = parse(path, verdictLineSchema, record);
    const { index, sample, cluster, isReported } = row;
    return verdict ? [{ index, sample, cluster, isReported, isCorrect: verdict.outcome === "correct" }] : [];
  });
}

async function readFolder(dir: string): Promise<OwnRun> {
  const path = join(dir, RESULT_FILE);
  const { model, datasets } = parse(path, resultSchema, await readJson(path, BenchmarkError));
  const scores: OwnScore[] = [];
  for (const { dataset, origin, rows, rowsOfFile, scores: byMode } of datasets) {
    for (const { reported, ...score } of byMode) {
      const { value, low, high } = reported.accuracy;
      scores.push({
        ...score,
        origin,
        isWhole: rows === rowsOfFile,
        reported: { ...reported, accuracy: interval(value, low, high) },
        rows: await readVerdicts(join(dir, "verdicts", `${dataset}.jsonl`), score.mode),
      });
    }
  }
  const folder = basename(resolve(dir));
  return { name: folder === model.name ? folder : `${model.name} (${folder})`, scores };
}

async function readScoreFile(path: string): Promise<OwnRun> {
  const { reported, rows, missing, ...score } = parse(
    path,
    scoreFileSchema,
    await readJson(path, BenchmarkError),
  );
  const own: OwnScore = {
    ...score,
    isWhole: missing === 0,
    reported: {
      total: reported.total,
      correct: reported.hits,
      accuracy: interval(reported.accuracy, ...reported.interval95),
    },
    rows: rows.map(({ outcome, ...row }) => ({ ...row, isCorrect: outcome === "correct" })),
  };
  return { name: basename(path, ".json"), scores: [own] };
}

/** Whether a path holds scores: an evaluation's folder, or a JSON file. */
export function holdsScores(path: string): boolean {
  return path.endsWith(".json") || existsSync(join(path, RESULT_FILE));
}

/** @throws BenchmarkError when the path holds no scores of this version */
export async function readOwnRun(path: string): Promise<OwnRun> {
  const isFile = await stat(path).then(
    (found) => found.isFile(),
    () => undefined,
  );
  if (isFile === undefined) throw new BenchmarkError(`${path}: missing: give a run folder or a score file`);
  return isFile ? readScoreFile(path) : readFolder(path);
}

/**
 * The runs that a path holds, in the order of their names: a score file, an evaluation's folder, or a folder with
 * evaluations anywhere below it. Runs of one name are told apart by their folders.
 * @throws BenchmarkError when there is none, or one is not of this version
 */
export async function findOwnRuns(path: string): Promise<OwnRun[]> {
  if (holdsScores(path)) return [await readOwnRun(path)];
  const names = await readdir(path, { recursive: true }).catch((): string[] => []);
  const folders = names.filter((name) => basename(name) === RESULT_FILE).map((name) => dirname(name));
  if (folders.length === 0) {
    throw new BenchmarkError(
      `${path}: missing: no ${RESULT_FILE} in or below it: give an evaluation's folder`,
    );
  }
  const runs = await Promise.all(
    folders.sort().map(async (folder) => ({ folder, run: await readOwnRun(join(path, folder)) })),
  );
  const isTaken = (name: string) => runs.filter(({ run }) => run.name === name).length > 1;
  return runs.map(({ folder, run }) => (isTaken(run.name) ? { ...run, name: folder } : run));
}
