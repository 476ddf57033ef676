import { describe, expect, it } from "vitest";
import { DIFFERENCES } from "../../../../benchmarks/measured/grader/differences.js";
import { goldenPairs } from "../../../../benchmarks/measured/grader/grader.js";
import { gradeMath } from "../../../../src/reward/math/gradeMath.js";

describe("DIFFERENCES", () => {
  it("lists every pair of the reference on which the math grader decides otherwise, and no other", async () => {
    const found = (await goldenPairs()).flatMap(({ given, truth, correct }) => {
      const { correct: own } = gradeMath(given, truth);
      return own === correct ? [] : [`${given} against ${truth}: ${own}`];
    });
    const listed = DIFFERENCES.flatMap(({ correct, pairs }) =>
      pairs.map(([given, truth]) => `${given} against ${truth}: ${correct}`),
    );
    expect(listed.sort()).toEqual(found.sort());
  });
});
