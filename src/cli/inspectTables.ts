/**
 * @module An inspection as tables and lines for people.
 */
import type { DataReport, Spread } from "../data/describe.js";
import type { MemoryPrediction } from "../engine/local/memory.js";
import { formatBytes, formatNumber, formatShare, type Table } from "../report/table.js";

/** Text of a data set on a terminal: control characters are shown, not obeyed. */
export function visible(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

const spreadRow = (name: string, { p50, p90, p99, max }: Spread): string[] => [
  name,
  ...[p50, p90, p99, max].map((value) => formatNumber(Math.round(value))),
];

/** Distributions of sizes, then shares. */
export function numbersTable(report: DataReport): Table {
  const single = (name: string, value: string) => [name, value, "", "", ""];
  return {
    head: ["", "p50", "p90", "p99", "max"],
    rows: [
      spreadRow("pixels of an image", report.pixels),
      spreadRow("tokens of an image", report.imageTokens),
      spreadRow("tokens of a prompt", report.promptTokens),
      spreadRow("images of a question", report.imagesPerRow),
      spreadRow("rewrites of a question", report.rewritesPerRow),
      single("questions with rewrites", formatShare(report.rewritesShare)),
      single("questions without images", formatShare(report.textOnlyShare)),
      single("prompts within the limit", String(report.fitting)),
      single("repeated questions", String(report.repeated)),
    ],
  };
}

/** What needs how much. */
export function memoryTable(memory: MemoryPrediction): Table {
  const names = {
    weights: "weights, gradients, optimizer",
    tokens: "layers",
    attention: "attention",
    head: "vocabulary",
    vision: "vision tower",
    process: "process",
    total: "total",
  } as const;
  const rows = Object.entries(names).map(([key, name]) => [
    name,
    formatBytes(memory[key as keyof typeof names]),
  ]);
  return { head: ["memory", "predicted"], rows };
}

/** Counts of reasons, then the first bad rows. */
export function badRowLines({ bad }: DataReport): string[] {
  if (bad.count === 0) return [];
  const reasons = bad.reasons.map(([reason, count]) => `  ${count} × ${visible(reason)}`);
  const rows = bad.first.map((row) => `  ${visible(`${row.where}: ${row.reason}: ${row.detail}`)}`);
  const more = bad.count > rows.length ? [`  … and ${bad.count - rows.length} more`] : [];
  return [`${bad.count} rows cannot be used:`, ...reasons, ...rows, ...more, ""];
}
