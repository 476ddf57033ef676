/**
 * @module Tables of text, and sizes in bytes, for terminals and messages.
 */

/** A table of texts or numbers, ready to be printed. */
export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export const MISSING = "–";

/** `1.23 GB`, decimal units. */
export function formatBytes(bytes: number | null | undefined): string {
  if (bytes === undefined || bytes === null || !Number.isFinite(bytes)) return MISSING;
  const units = ["B", "kB", "MB", "GB", "TB"];
  const digits = (step: number) => (bytes / 1000 ** step).toPrecision(3);
  // By the rounded number: 999,999 bytes are 1.00 MB.
  const fitting = units.findIndex((_, step) => Number(digits(step)) < 1000);
  if (fitting === 0) return `${bytes} B`;
  return fitting < 0 ? `${Math.round(bytes / 1e12)} TB` : `${digits(fitting)} ${units[fitting]}`;
}

function widthOf(text: string): number {
  return [...text].length;
}

/** Whether a cell is set to the right. */
export function isNumeric(cell: string): boolean {
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
