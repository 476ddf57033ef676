import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatBytes, formatTable, isNumeric, MISSING } from "../../src/core/table.js";

describe("formatBytes", () => {
  it.each([
    [0, "0 B"],
    [1, "1 B"],
    [999, "999 B"],
    [1000, "1.00 kB"],
    [1234, "1.23 kB"],
    [12_345, "12.3 kB"],
    [999_499, "999 kB"],
    // Three digits round these up to the next unit.
    [999_500, "1.00 MB"],
    [999_999, "1.00 MB"],
    [999_999_999, "1.00 GB"],
    [1e6, "1.00 MB"],
    [1.5e9, "1.50 GB"],
    [15_355e6, "15.4 GB"],
    [2e12, "2.00 TB"],
    [999.9e12, "1000 TB"],
    [1.2345e15, "1235 TB"],
    [undefined, MISSING],
    [null, MISSING],
    [Number.NaN, MISSING],
    [Number.POSITIVE_INFINITY, MISSING],
  ])("%s is %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it("is within half a unit of its third digit, and never in powers of ten", () => {
    const units: Readonly<Record<string, number>> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };
    fc.assert(
      fc.property(fc.maxSafeNat(), (bytes) => {
        const [number, unit] = formatBytes(bytes).split(" ") as [string, string];
        expect(number).toMatch(/^[\d.]+$/);
        const read = Number(number) * (units[unit] as number);
        expect(Math.abs(read - bytes)).toBeLessThanOrEqual(0.005001 * bytes);
      }),
    );
  });
});

describe("isNumeric", () => {
  it.each(["0", "-1.5", "+3", "−7 %", "12 %", MISSING, "1.2 ± 0.3", "–3"])(
    "%j is set to the right",
    (cell) => {
      expect(isNumeric(cell)).toBe(true);
    },
  );
  it.each(["", "abc", "n/a", "-", "x1", " 1"])("%j is set to the left", (cell) => {
    expect(isNumeric(cell)).toBe(false);
  });
});

describe("formatTable", () => {
  it("aligns numbers to the right and words to the left, by signs and not by bytes", () => {
    const table = formatTable({
      head: ["name", "n", "note"],
      rows: [
        ["é😀", "7", "one"],
        ["long name", "12", ""],
      ],
    });
    expect(table).toBe(
      ["name        n  note", "─────────  ──  ────", "é😀          7  one", "long name  12"].join("\n"),
    );
  });

  it("sets a column to the left as soon as one cell is no number, and the first column always", () => {
    expect(
      formatTable({
        head: ["1", "n"],
        rows: [
          ["10", "1"],
          ["2", "none"],
        ],
      }),
    ).toBe(["1   n", "──  ────", "10  1", "2   none"].join("\n"));
  });

  it("fills rows that are too short and leaves out what has no head", () => {
    expect(formatTable({ head: ["a", "b"], rows: [["x"], ["y", "z", "more"]] })).toBe(
      ["a  b", "─  ─", "x", "y  z"].join("\n"),
    );
    expect(formatTable({ head: [], rows: [] })).toBe("\n");
  });
});
