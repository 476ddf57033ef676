import { describe, expect, it } from "vitest";
import type { BenchmarkRow } from "../../../benchmarks/records.js";
import { answerManners } from "../../../benchmarks/scoring/manners.js";

const row: BenchmarkRow = { index: "7", cells: { answer: "A", A: "red", B: "blue" }, images: [] };

describe("answerManners", () => {
  it("says the row's own answer in every manner, and names another letter where it names one", () => {
    const said = Object.fromEntries(
      answerManners([row], "MMStar").map(({ manner, predictions: [only] }) => [manner, only?.prediction]),
    );
    expect(said["B"]).toBe("A");
    expect(said["its text"]).toBe("red");
    expect(said["A is tempting, but it is B"]).toBe("B is tempting, but it is A");
  });

  it("answers every row once in each manner", () => {
    for (const { predictions } of answerManners([row, { ...row, index: "8" }], "MMStar")) {
      expect(predictions.map(({ index }) => index)).toEqual(["7", "8"]);
    }
  });
});
