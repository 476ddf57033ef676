/**
 * @module Tables in a notebook. `table` shows rows; `dataFrame` gives them to danfojs, for sorting, filtering and
 * joining by hand.
 *
 * Danfo.js 1.2 reads a missing number as 0 in `groupby().mean()` and fails on one in `describe()`. So nothing here, or
 * anywhere in this library, calculates with it: means and intervals are made before (core/stats.ts), frames show them.
 */
// biome-ignore lint/suspicious/noTsIgnore: an error is expected only where the package is missing
/** @ts-ignore Where danfojs-node is not installed, programs that use this library are checked all the same. */
import type { DataFrame } from "danfojs-node";
import { ConfigError } from "../../core/errors.js";
import { zip } from "../../core/zip.js";
import { html, type Markup } from "../markup.js";
import { formatNumber, formatTable, type Table } from "../table.js";
import { type Displayable, JUPYTER_DISPLAY, type MimeBundle } from "./display.js";
import { htmlBundle } from "./markup.js";

/** A cell; null and undefined are missing, and shown as a dash. */
export type Cell = string | number | boolean | null | undefined;
/** A row of a displayed table, by column name. */
export type Row = Readonly<Record<string, Cell>>;

export interface TableOptions {
  readonly caption?: string;
  /** Digits behind the point, in columns that are not all whole; where it is not given, as many as the column needs. */
  readonly digits?: number;
}

const STYLE = `table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; margin: 0; }
caption { text-align: left; font-weight: 600; padding: .2rem 0; white-space: nowrap; }
table th, table td { text-align: left; padding: .25rem .7rem; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: break-word; max-width: 36rem; }
table th { color: var(--quiet); font-weight: 500; } table .number { text-align: right; white-space: nowrap; }`;

function cellText(cell: Cell, digits: number | undefined): string {
  if (typeof cell === "string") return cell;
  if (typeof cell === "boolean") return cell ? "yes" : "no";
  const isFixed = digits !== undefined && typeof cell === "number" && Number.isFinite(cell);
  const text = isFixed
    ? cell.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })
    : formatNumber(cell);
  return text.replace(/^-(?=0(\.0*)?$)/, "").replace(/^-/, "−");
}

/** Columns in the order in which rows first name them. */
function columnsOf(rows: readonly Row[]): string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row)))];
}

/** More digits than these behind the point are shown where they stand only, not in the whole column. */
const MOST_ALIGNED = 3;

/**
 * Digits behind the point in a column, so that its points stand below each other: whole numbers need none, others as
 * many as the longest of them at four significant digits. Undefined: each number by itself.
 */
function digitsOf(cells: readonly Cell[], { digits }: TableOptions): number | undefined {
  const numbers = cells.filter((cell) => typeof cell === "number").filter(Number.isFinite);
  if (numbers.every(Number.isInteger)) return undefined;
  if (digits !== undefined) return digits;
  const texts = numbers.map(formatNumber);
  const needed = Math.max(...texts.map((text) => text.split(".")[1]?.length ?? 0));
  return needed > MOST_ALIGNED || texts.some((text) => text.includes("e")) ? undefined : needed;
}

/** Whether a column is to be read as numbers: it has one, and nothing else but gaps. */
function isNumeric(cells: readonly Cell[]): boolean {
  const present = cells.filter((cell) => cell !== null && cell !== undefined);
  return present.length > 0 && present.every((cell) => typeof cell === "number");
}

/** A line does not end within an interval. */
const unbroken = (cell: string) =>
  cell.replace(/\[[\d.,−+ ]+\]/g, (interval) => interval.replaceAll(" ", "\u00a0"));

/** Words of this length may be broken anywhere; others would be, too, were all cells allowed to. */
const LONG_WORD = /\S{40}/;

function tableMarkup({ head, rows }: Table, isRight: readonly boolean[], caption: string): Markup {
  const kind = (right: boolean) => (right ? html` class="number"` : undefined);
  const titles = zip(head, isRight).map(
    ([title, right]) => html`<th scope="col"${kind(right)}>${title}</th>`,
  );
  const lines = rows.map((row) => {
    const cells = zip(row, isRight).map(([cell, right]) => {
      const manner = LONG_WORD.test(cell) ? html` class="long"` : kind(right);
      return html`<td${manner}>${unbroken(cell)}</td>`;
    });
    return html`<tr>${cells}</tr>`;
  });
  const title = caption === "" ? undefined : html`<caption>${caption}</caption>`;
  return html`<table>${title}<thead><tr>${titles}</tr></thead><tbody>${lines}</tbody></table>`;
}

function tableBundle(rows: readonly Row[], options: TableOptions): MimeBundle {
  const head = columnsOf(rows);
  const digits = head.map((name) =>
    digitsOf(
      rows.map((row) => row[name]),
      options,
    ),
  );
  const shown: Table = {
    head,
    rows: rows.map((row) => zip(head, digits).map(([name, count]) => cellText(row[name], count))),
  };
  const isRight = head.map((name) => isNumeric(rows.map((row) => row[name])));
  const { caption = "" } = options;
  const plain = `${caption === "" ? "" : `${caption}\n`}${formatTable(shown)}`;
  return htmlBundle(tableMarkup(shown, isRight, caption), STYLE, plain);
}

/** Rows as a table: numbers to the right, missing cells as a dash, everything escaped. */
export function table(rows: readonly Row[], options: TableOptions = {}): Displayable {
  return { [JUPYTER_DISPLAY]: () => tableBundle(rows, options) };
}

/** A table of texts, as the report makes them. */
export function textTable({ head, rows }: Table, caption = ""): Displayable {
  return table(
    rows.map((row) => Object.fromEntries(zip(head, row))),
    { caption },
  );
}

/** The rows of a frame, gaps as null: danfo keeps a missing number as NaN. */
function frameRows(frame: DataFrame): Row[] {
  const { columns, values } = frame;
  return (values as Cell[][]).map((cells) =>
    Object.fromEntries(zip(columns, cells).map(([name, cell]) => [name, Number.isNaN(cell) ? null : cell])),
  );
}

/** Gives every frame of danfo's a way to show itself; its methods return frames of the class behind the public one. */
function teachToShow(frame: object): void {
  const behind: unknown = Object.getPrototypeOf(frame);
  if (typeof behind !== "object" || behind === null || behind.constructor.name !== "DataFrame") return;
  Object.defineProperty(behind, JUPYTER_DISPLAY, {
    configurable: true,
    value(this: DataFrame) {
      return tableBundle(frameRows(this), {});
    },
  });
  teachToShow(behind);
}

/** A clone of this project has danfo.js; whoever installs the package adds it, for it comes with much else. */
async function loadDanfo(): Promise<typeof import("danfojs-node")> {
  try {
    return await import("danfojs-node");
  } catch (cause) {
    const isMissing = cause instanceof Error && "code" in cause && cause.code === "ERR_MODULE_NOT_FOUND";
    if (!isMissing) throw cause;
    throw new ConfigError("dataFrame: missing danfojs-node: install it, or show the rows with table(rows)", {
      cause,
    });
  }
}

/**
 * Rows as a danfo.js DataFrame that a notebook shows as a table. Loads danfo.js, about half a second, the first time.
 * Do not calculate means or deviations of columns with gaps with it.
 * @throws ConfigError where danfojs-node is not installed
 */
export async function dataFrame(rows: readonly Row[]): Promise<DataFrame> {
  const danfo = await loadDanfo();
  const columns = columnsOf(rows);
  const cells = rows.map((row) => columns.map((name) => row[name] ?? Number.NaN));
  const frame = new danfo.DataFrame(cells, { columns });
  teachToShow(frame);
  return frame;
}
