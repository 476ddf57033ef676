/**
 * @module Rewrites for every question of a data file: several questions at a time, one question's failure its own, an
 * outage of the server the end of the run.
 */
import { dirname } from "node:path";
import type { ChatClient } from "../core/chat/openai.js";
import { DataError, messageOf, ServerError } from "../core/errors.js";
import type { OnProgress } from "../core/progress.js";
import { readTextList } from "../data/cells.js";
import { type QuestionKeys, readQuestion } from "../data/question.js";
import type { RowFile, ScannedRow } from "../data/rowFile.js";
import { REJECTIONS, type RejectionKind } from "./checkRewrite.js";
import {
  addCost,
  createRewriter,
  NO_COST,
  type RejectedRewrite,
  type RewriteCost,
  type RewriteInput,
  type RewriteOptions,
  type RewriteResult,
} from "./rewrite.js";

export interface RewriteFileOptions extends RewriteOptions {
  readonly keys: QuestionKeys;
  /** Folder that image paths are relative to; the file's own by default. */
  readonly imageDir?: string | undefined;
  /** Questions under way at once. */
  readonly concurrency: number;
  /** Questions asked about, from the first; all by default. */
  readonly limit?: number | undefined;
  /** Whether rewrites in the file are dropped instead of kept. */
  readonly replaces: boolean;
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A row that was not rewritten, and why. */
export interface SkippedRow {
  /** Where it stands, for people: "line 3", "row 12". */
  readonly place: string;
  readonly why: string;
}

/** What was done to a file. */
export interface RewriteReport {
  readonly rows: number;
  /** Questions asked about. */
  readonly questions: number;
  /** Of them, those with as many rewrites as wanted; with some; with none. */
  readonly whole: number;
  readonly partial: number;
  readonly none: number;
  readonly rewrites: number;
  /** Rewrites refused, by kind. */
  readonly rejected: Readonly<Record<RejectionKind, number>>;
  /** Rows that are no questions. */
  readonly invalid: readonly SkippedRow[];
  /** Questions whose calls failed for good; the next run asks again. */
  readonly failed: readonly SkippedRow[];
  readonly cost: RewriteCost;
}

export interface RewrittenFile {
  readonly report: RewriteReport;
  /** In the order of the rows. */
  readonly rejections: readonly RejectedRewrite[];
  /** Of the row with this number, from 0; what it had where nothing was asked. */
  readonly listOf: (row: number) => readonly string[];
}

/** Failures in a row, with no success between them, after which the server counts as gone. */
const LEAST_FAILURES = 3;

/** What came of a row. */
type Outcome =
  | { readonly kind: "asked"; readonly result: RewriteResult }
  | ({ readonly kind: "invalid" | "failed" } & SkippedRow)
  | { readonly kind: "left" };

interface RowOutcome {
  readonly outcome: Outcome;
  /** Rewrites the row had before. */
  readonly had: readonly string[];
}

function skipped(outcomes: readonly Outcome[], kind: "invalid" | "failed"): SkippedRow[] {
  return outcomes.flatMap((outcome) =>
    outcome.kind === kind ? [{ place: outcome.place, why: outcome.why }] : [],
  );
}

function reportOf(outcomes: readonly Outcome[], count: number): RewriteReport {
  const results = outcomes.flatMap((outcome) => (outcome.kind === "asked" ? [outcome.result] : []));
  const lengths = results.map(({ rewrites }) => rewrites.length);
  const whole = lengths.filter((length) => length >= count).length;
  const none = lengths.filter((length) => length === 0).length;
  const rejected = results.flatMap((result) => result.rejected);
  const counted = REJECTIONS.map(
    (kind) => [kind, rejected.filter((rejection) => rejection.kind === kind).length] as const,
  );
  return {
    rows: outcomes.length,
    questions: results.length + skipped(outcomes, "failed").length,
    whole,
    none,
    partial: lengths.length - whole - none,
    rewrites: lengths.reduce((sum, length) => sum + length, 0),
    rejected: Object.fromEntries(counted) as Record<RejectionKind, number>,
    invalid: skipped(outcomes, "invalid"),
    failed: skipped(outcomes, "failed"),
    cost: results.reduce<RewriteCost>(addCost, NO_COST),
  };
}

/** Gives every row to `work`, `concurrency` at a time. The first error stops those under way and is thrown. */
async function forEachRow(
  rows: AsyncIterable<ScannedRow>,
  { concurrency, signal: outer }: Pick<RewriteFileOptions, "concurrency" | "signal">,
  work: (row: ScannedRow, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const signal = outer ? AbortSignal.any([outer, stop.signal]) : stop.signal;
  const underWay = new Set<Promise<void>>();
  for await (const row of rows) {
    if (signal.aborted) break;
    const task: Promise<void> = work(row, signal)
      .catch((error: unknown) => stop.abort(error))
      .finally(() => underWay.delete(task));
    underWay.add(task);
    if (underWay.size >= concurrency) await Promise.race(underWay);
  }
  await Promise.all(underWay);
  outer?.throwIfAborted();
  stop.signal.throwIfAborted();
}

/** The row as a question and the rewrites it has, or why it is none. */
function readRow(source: RowFile, scanned: ScannedRow, options: RewriteFileOptions) {
  if ("problem" in scanned) return { had: [], why: scanned.problem };
  const list = readTextList(scanned.cells[options.keys.rewritesKey]);
  const had = "items" in list ? list.items : [];
  const imageDir = options.imageDir ?? dirname(source.path);
  const read = readQuestion(scanned.cells, { keys: options.keys, imageDir, fallbackId: String(scanned.row) });
  if ("problems" in read) return { had, why: read.problems.map(({ detail }) => detail).join("; ") };
  const rewrites = options.replaces ? [] : read.question.rewrites;
  return { had, question: { ...read.question, rewrites } };
}

/** One question's failure is its own; returns what to stop with when the server is gone. */
function failureJudge(concurrency: number) {
  let inARow = 0;
  return {
    succeed: () => {
      inARow = 0;
    },
    isEnd(error: unknown): boolean {
      if (error instanceof DataError) return false;
      if (!(error instanceof ServerError)) return true;
      const isGone = ["unreachable", "refused"].includes(error.details.kind);
      return isGone || ++inARow >= Math.max(LEAST_FAILURES, concurrency);
    },
  };
}

/**
 * Asks for rewrites of every question of a file. Nothing is written; answers are kept by the client's cache.
 * @throws ServerError when the server is gone or refuses; the signal's reason when stopped
 */
export async function rewriteFile(
  source: RowFile,
  client: ChatClient,
  options: RewriteFileOptions,
): Promise<RewrittenFile> {
  const { count, concurrency, onProgress } = options;
  const total = Math.min(source.count, options.limit ?? source.count);
  const rewrite = createRewriter(client, options);
  const failures = failureJudge(concurrency);
  const rows: RowOutcome[] = [];
  let done = 0;
  let refused = 0;

  const ask = async (question: RewriteInput, place: string, signal: AbortSignal): Promise<Outcome> => {
    try {
      const result = await rewrite(question, signal);
      failures.succeed();
      refused += result.rejected.length;
      return { kind: "asked", result };
    } catch (error) {
      if (failures.isEnd(error)) throw error;
      return { kind: "failed", place, why: messageOf(error) };
    }
  };

  await forEachRow(source.scan(), options, async (scanned, signal) => {
    const { had, question, why } = readRow(source, scanned, options);
    const place = source.placeOf(scanned.row);
    if (scanned.row >= total) {
      rows[scanned.row] = { had, outcome: { kind: "left" } };
      return;
    }
    const outcome = question
      ? await ask(question, place, signal)
      : ({ kind: "invalid", place, why } as const);
    rows[scanned.row] = { had, outcome };
    onProgress?.({ phase: "rewrite", done: ++done, total, note: refused > 0 ? `${refused} refused` : "" });
  });
  const outcomes = rows.map(({ outcome }) => outcome);
  return {
    report: reportOf(outcomes, count),
    rejections: outcomes.flatMap((outcome) => (outcome.kind === "asked" ? outcome.result.rejected : [])),
    listOf(row) {
      const { had, outcome } = rows[row] ?? { had: [], outcome: { kind: "left" } };
      return outcome.kind === "asked" ? outcome.result.rewrites : had;
    },
  };
}
