/**
 * @module Tables as text and as Markdown, and shares with their 95 % interval, the same wherever they are printed.
 */

import type { EvaluationRecord } from "../core/files/runRecords.js";
import { type Interval, wilson } from "../core/stats.js";
import { isNumeric, MISSING, type Table } from "../core/table.js";

export { formatBytes, formatTable, type Table } from "../core/table.js";

/** `47.2 %`; an en dash when there is no number. */
export function formatShare(share: number | null | undefined): string {
  return share === undefined || share === null || !Number.isFinite(share)
    ? MISSING
    : `${(100 * share).toFixed(1)} %`;
}

/** `47.2 % [42.4, 52.1]`: a share with its 95 % Wilson interval in percent. */
export function formatInterval({ value, low, high }: Interval): string {
  if (!Number.isFinite(value)) return MISSING;
  return `${formatShare(value)} [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`;
}

/** `+12.3`: a difference of shares in points. */
export function formatPoints(difference: number): string {
  if (!Number.isFinite(difference)) return MISSING;
  const points = (100 * difference).toFixed(1);
  if (Number(points) === 0) return "0.0";
  return difference > 0 ? `+${points}` : `−${points.slice(1)}`;
}

/** Four significant digits where that helps, thousands grouped; an en dash when there is no number. */
export function formatNumber(value: number | null | undefined): string {
  if (value === undefined || value === null || !Number.isFinite(value)) return MISSING;
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e7) return value.toExponential(2).replace("e+", "e");
  if (Number.isInteger(value)) return value.toLocaleString("en-US");
  return value.toLocaleString("en-US", { maximumSignificantDigits: 4 });
}

/** A GitHub-flavoured Markdown table; bars and line breaks in cells are escaped. */
export function formatMarkdownTable({ head, rows }: Table): string {
  const escapeCell = (cell: string) =>
    cell
      .replaceAll("\\", "\\\\")
      .replaceAll("|", "\\|")
      .replace(/\s*\n\s*/g, " ");
  const isRight = head.map((_, at) => at > 0 && rows.every((row) => isNumeric(row[at] ?? "")));
  const line = (cells: readonly string[]) =>
    `| ${head.map((_, at) => escapeCell(cells[at] ?? "")).join(" | ")} |`;
  return [
    line(head),
    `|${isRight.map((right) => (right ? "---:" : "---")).join("|")}|`,
    ...rows.map(line),
  ].join("\n");
}

function accuracy({ correct, total }: { readonly correct: number; readonly total: number }): Interval {
  return wilson(correct, total);
}

/** Accuracy before and after, overall and by category, and the share of responses in the asked-for format. */
export function evaluationTable(before?: EvaluationRecord, after?: EvaluationRecord): Table {
  const names = new Set([before, after].flatMap((each) => Object.keys(each?.perCategory ?? {})));
  const nothing = { correct: 0, total: 0 };
  const row = (name: string, [old, young]: readonly [typeof nothing, typeof nothing]) => [
    name,
    String(Math.max(old.total, young.total)),
    formatInterval(accuracy(old)),
    formatInterval(accuracy(young)),
    formatPoints(accuracy(young).value - accuracy(old).value),
  ];
  const formatted = (each?: EvaluationRecord) =>
    each ? { correct: each.formatted, total: each.total } : nothing;
  return {
    head: ["accuracy", "questions", "before", "after", "points"],
    rows: [
      row("all", [before ?? nothing, after ?? nothing]),
      ...[...names]
        .sort((a, b) => (a < b ? -1 : 1))
        .map((name) =>
          row(name, [before?.perCategory[name] ?? nothing, after?.perCategory[name] ?? nothing]),
        ),
      row("in the asked-for format", [formatted(before), formatted(after)]),
    ],
  };
}
