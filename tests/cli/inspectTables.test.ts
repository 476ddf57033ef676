import { describe, expect, it } from "vitest";
import { badRowLines, memoryTable, numbersTable, visible } from "../../src/cli/inspectTables.js";
import type { DataReport } from "../../src/data/describe.js";

const spread = { p50: 1, p90: 2.4, p99: 3, max: 1e6 };
const report: DataReport = {
  files: ["a.jsonl"],
  rows: 30,
  usable: 5,
  fitting: 5,
  bad: {
    count: 25,
    reasons: [["no answer", 25]],
    first: [{ where: "a.jsonl: line 3", reason: "no answer", detail: "\u001b[2Jgone" }],
  },
  pixels: spread,
  imageTokens: spread,
  promptTokens: { p50: Number.NaN, p90: Number.NaN, p99: Number.NaN, max: Number.NaN },
  imagesPerRow: spread,
  textOnlyShare: 0.5,
  rewritesShare: 1,
  rewritesPerRow: spread,
  repeated: 0,
  suggestions: [],
};

describe("visible(…)", () => {
  it("shows control characters of a data set instead of obeying them", () => {
    expect(visible("a\u001b[31mb\r\u0007\nπ\tc")).toBe("a\\u001b[31mb\\u000d\\u0007\nπ\tc");
  });
});

describe("badRowLines(…)", () => {
  it("counts reasons, shows the first rows and how many more there are", () => {
    expect(badRowLines(report)).toEqual([
      "25 rows cannot be used:",
      "  25 × no answer",
      "  a.jsonl: line 3: no answer: \\u001b[2Jgone",
      "  … and 24 more",
      "",
    ]);
    expect(badRowLines({ ...report, bad: { count: 0, reasons: [], first: [] } })).toEqual([]);
  });
});

describe("the tables", () => {
  it("round counts, and show a dash where nothing was measured", () => {
    const { rows } = numbersTable(report);
    expect(rows[0]).toEqual(["pixels of an image", "1", "2", "3", "1,000,000"]);
    expect(rows[2]?.slice(1)).toEqual(["–", "–", "–", "–"]);
  });

  it("name every part of the memory", () => {
    const parts = { weights: 1e6, tokens: 2e6, attention: 3e6, head: 4e6, vision: 5e6, process: 6e6 };
    const { rows } = memoryTable({ ...parts, total: 21e6 });
    expect(rows.at(-1)).toEqual(["total", "21.0 MB"]);
    expect(rows).toHaveLength(7);
  });
});
