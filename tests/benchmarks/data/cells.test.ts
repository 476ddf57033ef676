import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { isMissing, readColumn } from "../../../benchmarks/data/cells.js";
import { type RawRow, readTsv } from "../../../benchmarks/data/tsv.js";
import { golden } from "../../golden/load.js";

describe("columns of a TSV file", () => {
  // Made by benchmarks/measured/parity/tsvCells.py.
  const { columns } = golden<{ columns: Record<string, readonly (string | null)[]> }>(
    "benchmarks/cells.json",
  );
  it.each(Object.keys(columns))("hold in %s what pandas reads there", async (name) => {
    const rows: RawRow[] = [];
    const path = fileURLToPath(new URL("../../golden/benchmarks/cells.tsv", import.meta.url));
    await readTsv(path, { onRow: (row) => void rows.push(row) });
    const cells = rows.map((row) => row[name] ?? "").map((cell) => (isMissing(cell) ? undefined : cell));
    expect(readColumn(cells).map((cell) => cell ?? null)).toEqual(columns[name]);
  });
});

describe("readColumn(…)", () => {
  it("leaves an empty column and a column without cells as they are", () => {
    expect(readColumn([])).toEqual([]);
    expect(readColumn([undefined, undefined])).toEqual([undefined, undefined]);
  });
});
