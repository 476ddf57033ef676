import { describe, expect, it } from "vitest";
import { stepCostTable } from "../../../benchmarks/measured/speed/stepCost.js";
import { medianParts } from "../../../benchmarks/measured/speed/stepParts.js";

describe("medianParts", () => {
  it("is of the steps that count; a part that a step had not took no time", () => {
    const seconds = [
      { rollout: 90, old_log_probs: 90, update: 90 }, // warm-up
      { rollout: 1, update: 4 },
      { rollout: 3, old_log_probs: 2, update: 6 },
      { rollout: 2, update: 5 },
    ];
    const parts = medianParts(seconds, { warmUp: 1, counted: 3 });
    expect(parts).toEqual({ rollout: 2, old_log_probs: 0, update: 5 });
  });
});

describe("stepCostTable", () => {
  it("compares every arm with the first", () => {
    const arm = (name: string, median: number) => ({
      timing: { name, milliseconds: [median], median },
      parts: { rollout: 1, old_log_probs: 0.25, update: 0.5 },
      unshared: median / 2,
    });
    const arms = [arm("GRPO", 2000), arm("shared", 2600)];
    const { rows } = stepCostTable({ questions: 16, responses: 12, arms });
    expect(rows.map((row) => [row[0], row[2]])).toEqual([
      ["GRPO", "1.00×"],
      ["shared", "1.30×"],
    ]);
    expect(rows[1]?.slice(3)).toEqual(["1,000 ms", "250 ms", "500 ms", "1,300 ms"]);
  });
});
