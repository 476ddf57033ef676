/**
 * @module Tables as text and as Markdown, and shares with their 95 % interval, the same wherever they are printed.
 */

import type { EvaluationRecord } from "../core/files/runRecords.js";
import { type Interval, wilson } from "../core/stats.js";

/** A table of texts or numbers, ready to be printed. */
export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const MISSING = "–";

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

/** `1.23 GB`, decimal units. */
export function formatBytes(bytes: number | null | undefined): string {
  if (bytes === undefined || bytes === null || !Number.isFinite(bytes)) return MISSING;
  const units = ["B", "kB", "MB", "GB", "TB"];
  const step = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  const scaled = bytes / 1000 ** step;
  return `${step === 0 ? String(scaled) : scaled.toPrecision(3)} ${units[step]}`;
}

function widthOf(text: string): number {
  return [...text].length;
}

function isNumeric(cell: string): boolean {
  return /^[+−-]?[\d–]/.test(cell) || cell === MISSING;
}

/** Columns aligned by spaces; the first to the left, those that hold numbers to the right. */
export function formatTable({ head, rows }: Table): string {
  const widths = head.map((title, at) =>
    Math.max(...[title, ...rows.map((row) => row[at] ?? "")].map(widthOf)),
  );
  const isRight = head.map((_, at) => at > 0 && rows.every((row) => isNumeric(row[at] ?? "")));
  const pad = (text: string, at: number) => {
    const space = " ".repeat(Math.max(0, (widths[at] ?? 0) - widthOf(text)));
    return isRight[at] ? space + text : text + space;
  };
  const line = (cells: readonly string[]) =>
    head
      .map((_, at) => pad(cells[at] ?? "", at))
      .join("  ")
      .trimEnd();
  return [line(head), widths.map((width) => "─".repeat(width)).join("  "), ...rows.map(line)].join("\n");
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
