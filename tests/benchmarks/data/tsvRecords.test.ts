import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createTsvSplitter } from "../../../benchmarks/data/tsvRecords.js";

/** The records of a text that arrives in pieces of `size` bytes. */
function split(text: string, size = 1000) {
  const splitter = createTsvSplitter();
  const bytes = Buffer.from(text);
  const records = [];
  for (let at = 0; at < bytes.length; at += size)
    records.push(...splitter.push(bytes.subarray(at, at + size)));
  const { records: last, openLine } = splitter.end();
  return {
    cells: [...records, ...last].map(({ cells }) => cells),
    lines: [...records, ...last].map(({ line }) => line),
    openLine,
  };
}

describe("a TSV splitter", () => {
  it.each([
    [
      "a\tb\n1\t2\n",
      [
        ["a", "b"],
        ["1", "2"],
      ],
    ],
    [
      "a\tb\r\n\r\n1\t2",
      [
        ["a", "b"],
        ["1", "2"],
      ],
    ],
    ['"a\tb"\t"c\nd"\t"say ""hi"""\n', [["a\tb", "c\nd", 'say "hi"']]],
    ['plain "quotes"\tx\n', [['plain "quotes"', "x"]]],
    ['"x" y\tz\n', [["x y", "z"]]],
    ["\t\t\n", [["", "", ""]]],
    ['""\n', []],
    ["é\t日本\n", [["é", "日本"]]],
    ["", []],
  ])("cuts %j into its cells, wherever the bytes are cut", (text, expected) => {
    for (const size of [1, 2, 3, 7, 1000]) expect(split(text, size).cells).toEqual(expected);
  });

  it("counts lines, also those inside cells", () => {
    expect(split('a\n"b\n\nc"\nd\n').lines).toEqual([1, 2, 5]);
  });

  it("says where a quoted cell that never ends began", () => {
    expect(split('a\tb\n1\t"never ends\n\n').openLine).toBe(2);
    expect(split('a\tb\n1\t"ends"').openLine).toBeUndefined();
  });

  it("agrees with csv-parse on whatever its own writer would quote", () => {
    const cell = fc
      .array(fc.constantFrom("a", "é", " ", "\t", "\n", '"', "1", "\r\n"), { maxLength: 5 })
      .map((parts) => parts.join(""));
    const table = fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(table, fc.integer({ min: 1, max: 9 }), (rows, size) => {
        const quote = (text: string) => (/[\t\n\r"]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
        const text = rows.map((row) => `${row.map(quote).join("\t")}\n`).join("");
        expect(split(text, size).cells).toEqual(rows);
        const others = parse(text, { delimiter: "\t", record_delimiter: "\n", relax_quotes: true });
        expect(split(text, size).cells).toEqual(others);
      }),
      { seed: 11, numRuns: 300 },
    );
  });
});
