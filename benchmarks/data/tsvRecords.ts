/**
 * @module Splits tab-separated bytes into records by searching for the few bytes that matter, because image cells are
 * megabytes without any: a reader that looks at every character takes minutes where this takes seconds.
 *
 * A cell that begins with `"` ends at the next lone `"` and may hold tabs, line breaks and doubled quotes; what follows
 * up to the next tab belongs to it. Quotes inside other cells are text. Blank lines are skipped.
 */

const TAB = 0x09;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const QUOTE = 0x22;

export interface TsvRecord {
  readonly cells: readonly string[];
  /** Of its first character, from 1. */
  readonly line: number;
}

/** A cell and where it ends: at a tab or a line break, or the end of all bytes. */
interface Cell {
  readonly text: string;
  readonly end: number;
}

/** Where reading stands; positions of line breaks are searched for once. */
interface Scan {
  readonly bytes: Buffer;
  /** Whether no more bytes will come. */
  readonly isLast: boolean;
  newline: number;
}

function indexOr(found: number, otherwise: number): number {
  return found < 0 ? otherwise : found;
}

/** End of a cell that is not quoted (any more), or undefined when more bytes are needed to tell. */
function plainEnd(scan: Scan, from: number): number | undefined {
  const { bytes, isLast } = scan;
  if (scan.newline < from) scan.newline = indexOr(bytes.indexOf(NEWLINE, from), bytes.length);
  const tab = bytes.subarray(from, scan.newline).indexOf(TAB);
  const end = tab < 0 ? scan.newline : from + tab;
  return end < bytes.length || isLast ? end : undefined;
}

function plainText({ bytes }: Scan, from: number, end: number): string {
  const isCrLf = bytes[end] === NEWLINE && end > from && bytes[end - 1] === RETURN;
  return bytes.toString("utf8", from, isCrLf ? end - 1 : end);
}

/** Position of the quote that closes a cell; undefined when it is not among the bytes. */
function closingQuote(bytes: Buffer, from: number, isLast: boolean): number | undefined {
  for (let at = bytes.indexOf(QUOTE, from); at >= 0; at = bytes.indexOf(QUOTE, at + 2)) {
    if (at + 1 === bytes.length) return isLast ? at : undefined;
    if (bytes[at + 1] !== QUOTE) return at;
  }
  return undefined;
}

function readCell(scan: Scan, from: number): Cell | undefined {
  const { bytes, isLast } = scan;
  const isQuoted = bytes[from] === QUOTE;
  const close = isQuoted ? closingQuote(bytes, from + 1, isLast) : from - 1;
  if (close === undefined) return undefined;
  const end = plainEnd(scan, close + 1);
  if (end === undefined) return undefined;
  const rest = plainText(scan, close + 1, end);
  if (!isQuoted) return { text: rest, end };
  return { text: bytes.toString("utf8", from + 1, close).replaceAll('""', '"') + rest, end };
}

/** The record at a position and where the next one begins; undefined when its end is not among the bytes. */
function readRecord(
  scan: Scan,
  from: number,
): { readonly cells: string[]; readonly next: number } | undefined {
  const cells: string[] = [];
  for (let at = from; ; ) {
    const cell = readCell(scan, at);
    if (!cell) return undefined;
    cells.push(cell.text);
    at = cell.end + 1;
    if (scan.bytes[cell.end] !== TAB) return { cells, next: at };
  }
}

function countLines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count++;
  return count;
}

export interface TsvSplitter {
  /** Records that end in the bytes given so far. */
  push(bytes: Buffer): TsvRecord[];
  /**
   * The last record where no line break ends it.
   * @returns `openLine` where a quoted cell never ends: the line its record begins in
   */
  end(): { readonly records: readonly TsvRecord[]; readonly openLine?: number };
}

export function createTsvSplitter(): TsvSplitter {
  let waiting: Buffer[] = [];
  let size = 0;
  /** Unfinished bytes are searched again only when they have doubled: a cell of 50 MB takes linear time. */
  let searchedSize = 0;
  let line = 1;

  const split = (isLast: boolean): TsvRecord[] => {
    const bytes = waiting.length === 1 ? (waiting[0] as Buffer) : Buffer.concat(waiting);
    const scan: Scan = { bytes, isLast, newline: -1 };
    const records: TsvRecord[] = [];
    let at = 0;
    while (at < bytes.length) {
      const record = readRecord(scan, at);
      if (!record) break;
      const { cells, next } = record;
      if (cells.length > 1 || cells[0] !== "") records.push({ cells, line });
      line += countLines(bytes.subarray(at, next));
      at = next;
    }
    waiting = at < bytes.length ? [bytes.subarray(at)] : [];
    size = Math.max(0, bytes.length - at);
    searchedSize = size;
    return records;
  };

  return {
    push(bytes) {
      waiting.push(bytes);
      size += bytes.length;
      return size >= 2 * searchedSize ? split(false) : [];
    },
    end() {
      const records = split(true);
      return size > 0 ? { records, openLine: line } : { records };
    },
  };
}
