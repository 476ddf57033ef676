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
  const step = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  const scaled = bytes / 1000 ** step;
  return `${step === 0 ? String(scaled) : scaled.toPrecision(3)} ${units[step]}`;
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
