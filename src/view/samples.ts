/**
 * @module A set of samples as the page asks for it: filtered, searched, a page at a time.
 */
import type { Mark, SampleDetail, SampleLine, SamplePage } from "./records.js";

/** A set of samples on disk. */
export interface SampleSet {
  readonly lines: readonly SampleLine[];
  /** Share of the files that is known, 0 to 1. */
  readonly known: number;
  /** Changes whenever `lines` does. */
  readonly version: string;
  refresh(): Promise<void>;
  read(at: number): Promise<SampleDetail | undefined>;
  /** The samples among these whose files hold the words. */
  search(among: readonly number[], words: string): Promise<number[]>;
}

export interface SampleQuery {
  /** A sample passes when it carries all of these. */
  readonly marks: readonly Mark[];
  readonly category?: string;
  readonly step?: number;
  readonly words?: string;
  readonly offset: number;
  readonly limit: number;
}

/** Longest that a page waits for a file to be read to its end. */
const PATIENCE_MS = 300;

const patience = () => new Promise<void>((resolve) => setTimeout(resolve, PATIENCE_MS).unref());

function passes(line: SampleLine, { marks, category, step }: SampleQuery): boolean {
  if (category !== undefined && line.category !== category) return false;
  if (step !== undefined && line.step !== step) return false;
  return marks.every((mark) => line.marks.includes(mark));
}

function countMarks(lines: readonly SampleLine[]): SamplePage["marks"] {
  const counts: Partial<Record<Mark, number>> = {};
  for (const { marks } of lines) for (const mark of marks) counts[mark] = (counts[mark] ?? 0) + 1;
  return counts;
}

/** What a set as a whole is described by; kept until the set changes. */
function describe(lines: readonly SampleLine[]): Pick<SamplePage, "categories" | "steps" | "marks"> {
  const categories = [...new Set(lines.map(({ category }) => category))].sort();
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (const { step } of lines) {
    if (step === undefined) continue;
    first = Math.min(first, step);
    last = Math.max(last, step);
  }
  return { categories, marks: countMarks(lines), ...(first <= last ? { steps: { first, last } } : {}) };
}

export interface SampleReader {
  page(query: SampleQuery): Promise<SamplePage>;
  read(at: number): Promise<SampleDetail | undefined>;
}

/** Answers questions about a set; the last filter's answer is kept, since pages of it follow each other. */
export function createSampleReader(set: SampleSet): SampleReader {
  let described: { version: string; about: ReturnType<typeof describe> } | undefined;
  let filtered: { key: string; found: Promise<readonly SampleLine[]> } | undefined;

  const filter = async (query: SampleQuery): Promise<readonly SampleLine[]> => {
    const passing = set.lines.filter((line) => passes(line, query));
    if (query.words === undefined || query.words.trim() === "") return passing;
    const places = passing.map(({ at }) => at);
    const found = new Set(await set.search(places, query.words.trim()));
    return passing.filter(({ at }) => found.has(at));
  };

  return {
    read: (at) => set.read(at),
    async page(query) {
      await Promise.race([set.refresh(), patience()]);
      const { version } = set;
      const { offset, limit, ...rest } = query;
      const key = JSON.stringify([version, rest]);
      if (filtered?.key !== key) filtered = { key, found: filter(query) };
      if (described?.version !== version) described = { version, about: describe(set.lines) };
      const found = await filtered.found;
      return {
        total: found.length,
        all: set.lines.length,
        known: set.known,
        offset,
        lines: found.slice(offset, offset + limit),
        ...described.about,
      };
    },
  };
}
