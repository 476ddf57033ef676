/**
 * @module The scores of a run as a table for people.
 */
import type { DatasetResult, EvaluationResult } from "../../benchmarks/run/result.js";
import { formatInterval, formatShare, type Table } from "../report/table.js";

const HEAD = ["dataset", "rows", "fixed", "compatible", "unparsed", "truncated", "failed", "tokens"];

function cells({ dataset, rows, rowsOfFile, scores, ...rest }: DatasetResult): string[] {
  const [fixed, compatible] = (["fixed", "compatible"] as const).map(
    (mode) => scores.find((score) => score.mode === mode)?.reported.accuracy,
  );
  const isSame = fixed?.value === compatible?.value;
  const { total, tokens, truncatedShare, failedShare, unparsedShare } = rest;
  return [
    dataset,
    rows === rowsOfFile ? String(total) : `${total} (first ${rows} of ${rowsOfFile})`,
    fixed ? formatInterval(fixed) : "answers hidden",
    fixed && isSame ? "same" : compatible ? formatInterval(compatible) : "",
    formatShare(unparsedShare["fixed"]),
    formatShare(truncatedShare),
    formatShare(failedShare),
    tokens ? tokens.mean.toFixed(0) : "",
  ];
}

/** Accuracy with its 95 % interval by both score modes, and what kept rows from being scored. */
export function scoreTable({ datasets }: Pick<EvaluationResult, "datasets">): Table {
  return { head: HEAD, rows: datasets.map(cells) };
}
