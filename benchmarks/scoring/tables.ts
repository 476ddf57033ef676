/**
 * @module Score tables with VLMEvalKit's columns, order and scales. Names sort by code point.
 */
import type { BenchmarkRow, GradedRow, ScoreTable } from "../records.js";
import { isPrefetched } from "./verdict.js";

/** What a row belongs to; undefined: to nothing of that kind. */
export type GroupOf = (row: BenchmarkRow) => string | undefined;

/** Group by the text of a column. */
export function column(name: string): GroupOf {
  return ({ cells }) => cells[name];
}

/** Strings compare by UTF-16 units; that is code point order for all names in use. */
function sorted(names: Iterable<string>): string[] {
  return [...new Set(names)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

function hitsOf(graded: readonly GradedRow[]): number {
  return graded.filter(({ verdict }) => verdict.outcome === "correct").length;
}

/** Mean of hits times `scale`; null without rows. */
function meanHit(graded: readonly GradedRow[], scale: number): number | null {
  return graded.length === 0 ? null : (scale * hitsOf(graded)) / graded.length;
}

export interface SplitTable {
  readonly title: string;
  /** A row of the table for each of its values; `none` where there is none. */
  readonly split: GroupOf;
  /** Order of the splits; others follow, sorted. */
  readonly splitOrder?: readonly string[];
  /** Columns behind `Overall`: the sorted values of the first group, then of the second. */
  readonly groups: readonly GroupOf[];
  /** 1: fractions, 100: percent. */
  readonly scale: 1 | 100;
}

/** `split, Overall, <values of each group>`: shares of correct rows. */
export function splitTable(
  graded: readonly GradedRow[],
  { title, split, splitOrder = [], groups, scale }: SplitTable,
): ScoreTable {
  const splitOf = ({ row }: GradedRow) => split(row) ?? "none";
  const present = sorted(graded.map(splitOf));
  const splits = [
    ...splitOrder.filter((name) => present.includes(name)),
    ...present.filter((name) => !splitOrder.includes(name)),
  ];
  const columns = groups.flatMap((group) =>
    sorted(graded.flatMap(({ row }) => group(row) ?? [])).map((name) => ({ name, group })),
  );
  const rows = splits.map((name) => {
    const inSplit = graded.filter((each) => splitOf(each) === name);
    const cells = columns.map((one) =>
      meanHit(
        inSplit.filter(({ row }) => one.group(row) === one.name),
        scale,
      ),
    );
    return [name, meanHit(inSplit, scale), ...cells];
  });
  return { title, columns: ["split", "Overall", ...columns.map(({ name }) => name)], rows };
}

/** The table of every multiple-choice benchmark: fractions by split, of the finer and of the coarser category. */
export function choiceTable(graded: readonly GradedRow[], title: string): ScoreTable {
  const groups = [column("l2-category"), column("category")];
  return splitTable(graded, { title, split: column("split"), groups, scale: 1 });
}

export interface CountTable {
  readonly title: string;
  /** Name of the first column. */
  readonly of: string;
  /** Groups a row counts for, besides `Overall`. */
  readonly groupsOf: (row: BenchmarkRow) => readonly string[];
  readonly order: "appearance" | "sorted";
}

/** `<of>, tot, prefetch, hit, prefetch_rate, acc`: counts, and rates in percent. */
export function countTable(
  graded: readonly GradedRow[],
  { title, of, groupsOf, order }: CountTable,
): ScoreTable {
  const counts = new Map<string, { tot: number; prefetch: number; hit: number }>();
  for (const { row, verdict } of graded) {
    for (const name of ["Overall", ...groupsOf(row)]) {
      const count = counts.get(name) ?? { tot: 0, prefetch: 0, hit: 0 };
      counts.set(name, {
        tot: count.tot + 1,
        prefetch: count.prefetch + Number(isPrefetched(verdict)),
        hit: count.hit + Number(verdict.outcome === "correct"),
      });
    }
  }
  const names = order === "sorted" ? sorted(counts.keys()) : [...counts.keys()];
  const rows = names.map((name) => {
    const { tot, prefetch, hit } = counts.get(name) ?? { tot: 0, prefetch: 0, hit: 0 };
    return [name, tot, prefetch, hit, (100 * prefetch) / tot, (100 * hit) / tot];
  });
  return { title, columns: [of, "tot", "prefetch", "hit", "prefetch_rate", "acc"], rows };
}
