/**
 * @module What the viewer's server tells its page: runs, curves, samples. Types only, so that both sides share them.
 */
import type { RolloutRecord } from "../core/files/runRecords.js";
import type { Interval } from "../core/stats.js";
import type { Figure } from "../report/figure.js";
import type { Table } from "../report/table.js";

/** `died`: its process is gone and left its name behind; `stopped`: it saved and left, and can be resumed. */
export type RunState = "running" | "finished" | "stopped" | "died";

/** Accuracy on one set of questions. */
export interface Score {
  readonly name: string;
  readonly total: number;
  readonly accuracy: Interval;
}

/** A run as a list shows it. */
export interface RunSummary {
  /** The folder as it was found: `runs/share`. */
  readonly id: string;
  /** What of it is not the folder that all runs in the list are below. */
  readonly name: string;
  readonly kind: "training" | "evaluation";
  readonly state: RunState;
  readonly model: string;
  readonly algorithm?: string;
  /** Steps done, and asked for. */
  readonly step?: number;
  readonly steps?: number;
  readonly secondsLeft?: number;
  /** Mean reward of the last step, and of about 40 steps over the run. */
  readonly reward?: number;
  readonly rewards?: readonly number[];
  /** Share of groups with unequal rewards, of the last step. */
  readonly validShare?: number;
  /** Held-out accuracy of a training; one score a dataset of an evaluation. */
  readonly scores: readonly Score[];
  /** By dotted name. */
  readonly settings: Readonly<Record<string, string>>;
  /** Those in which runs of its kind in the list differ. */
  readonly differing: Readonly<Record<string, string>>;
  /** When its files changed last, milliseconds since 1970. */
  readonly changedMs: number;
  /** Why it cannot be read. */
  readonly problem?: string;
}

/** A figure in the page's colours. */
export type DrawnFigure = Pick<Figure, "id" | "title" | "caption" | "data" | "layout" | "table">;

export interface TitledTable extends Table {
  readonly title: string;
  readonly note?: string;
}

/** One run on its own page. */
export interface RunDetail {
  readonly summary: RunSummary;
  /** Changes when the files do. */
  readonly version: string;
  readonly notes: readonly string[];
  readonly tables: readonly TitledTable[];
  readonly figures: readonly DrawnFigure[];
  /** Sets of samples that can be browsed. */
  readonly sets: readonly string[];
  /** The newest rollout, while it trains. */
  readonly newest?: RolloutRecord;
  readonly configText: string;
}

/** Runs beside each other. */
export interface Comparison {
  readonly version: string;
  readonly runs: readonly RunSummary[];
  readonly figures: readonly DrawnFigure[];
  readonly tables: readonly TitledTable[];
  /** Pairs of evaluations with rows in common: where to see the rows they answer differently. */
  readonly disagreements: readonly { readonly a: string; readonly b: string; readonly set: string }[];
}

/** What a sample can be filtered by. */
export const MARKS = [
  "correct",
  "wrong",
  "truncated",
  "unparsed",
  "failed",
  "zero",
  "disagree",
  "differs",
] as const;
export type Mark = (typeof MARKS)[number];

/** A sample in a list. */
export interface SampleLine {
  /** Its place in the file, for `SampleDetail`. */
  readonly at: number;
  readonly title: string;
  readonly category: string;
  readonly step?: number;
  readonly gold: string;
  /** `3 of 16 correct`, or what was read out of the answer. */
  readonly note: string;
  readonly marks: readonly Mark[];
}

export interface SamplePage {
  /** Samples that pass the filters, and in the set. */
  readonly total: number;
  readonly all: number;
  /** Share of the file that is known already; less than 1 while it is being read. */
  readonly known: number;
  readonly offset: number;
  readonly lines: readonly SampleLine[];
  readonly categories: readonly string[];
  readonly steps?: { readonly first: number; readonly last: number };
  /** How many of the set carry each mark. */
  readonly marks: Readonly<Partial<Record<Mark, number>>>;
}

/** An answer to a benchmark's row. */
export interface AnswerDetail {
  readonly model: string;
  readonly prediction: string;
  readonly thinking?: string;
  readonly status: string;
  readonly error?: string;
  readonly tokens: number | null;
  readonly verdicts: Readonly<
    Record<string, { readonly outcome: string; readonly extracted: string | null; readonly rule: string }>
  >;
}

export type SampleDetail =
  | { readonly kind: "rollout"; readonly rollout: RolloutRecord }
  | {
      readonly kind: "answer";
      readonly index: string;
      readonly category: string;
      readonly question: string;
      readonly gold: string;
      readonly images: readonly string[];
      readonly answers: readonly AnswerDetail[];
    };
