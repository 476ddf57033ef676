import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { floatText, isMissing, readColumn } from "../../../benchmarks/data/cells.js";
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

describe("floatText(…)", () => {
  // python3 -c "print([repr(x) for x in (1e15, 1e16, 1.5e-5, 0.00012, 1e100, 5e-324, 0.1, 100.0, -2.5e-7)])"
  it("prints what Python's repr prints", () => {
    const values = [1e15, 1e16, 1.5e-5, 0.00012, 1e100, 5e-324, 0.1, 100, -2.5e-7];
    expect(values.map(floatText)).toEqual([
      "1000000000000000.0",
      "1e+16",
      "1.5e-05",
      "0.00012",
      "1e+100",
      "5e-324",
      "0.1",
      "100.0",
      "-2.5e-07",
    ]);
  });

  it("reads back as the same number", () => {
    const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(fc.property(finite, (value) => Object.is(Number(floatText(value)), value)));
  });
});

describe("readColumn(…)", () => {
  it("leaves an empty column and a column without cells as they are", () => {
    expect(readColumn([])).toEqual([]);
    expect(readColumn([undefined, undefined])).toEqual([undefined, undefined]);
  });
});
