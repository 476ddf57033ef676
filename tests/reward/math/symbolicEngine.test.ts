import { describe, expect, it } from "vitest";
import { gradeMath } from "../../../src/reward/math/gradeMath.js";
import {
  gradeSymbolic,
  type SymbolicEngine,
  startSymbolicEngine,
} from "../../../src/reward/math/symbolicEngine.js";

/** Counts the questions it is asked. */
function countingEngine(answer: boolean | null): SymbolicEngine & { asked: number } {
  return {
    asked: 0,
    async areEqual() {
      this.asked++;
      return answer;
    },
    async close() {},
  };
}

describe("gradeSymbolic", () => {
  it("asks only about what gradeMath cannot read", async () => {
    const engine = countingEngine(true);
    expect(await gradeSymbolic("2/4", "1/2", engine)).toEqual(gradeMath("2/4", "1/2"));
    expect(await gradeSymbolic("3", "4", engine)).toEqual(gradeMath("3", "4"));
    expect(await gradeSymbolic("red", "blue", engine)).toEqual(gradeMath("red", "blue"));
    expect(engine.asked).toBe(0);
    expect(await gradeSymbolic("\\sum_{i=1}^{4} i", "10", engine)).toEqual({
      correct: true,
      reason: "the symbolic engine finds them equal",
    });
    expect(engine.asked).toBe(1);
  });

  it("does not ask about long answers, and keeps the verdict when the engine cannot tell", async () => {
    const engine = countingEngine(null);
    const long = `\\sum_{i=1}^{4} ${"i+".repeat(200)}1`;
    expect((await gradeSymbolic(long, "10", engine)).correct).toBe(false);
    expect(engine.asked).toBe(0);
    const { correct, reason } = await gradeSymbolic("\\int x", "10", engine);
    expect([correct, reason]).toEqual([false, expect.stringContaining("the symbolic engine cannot tell")]);
  });
});

describe("startSymbolicEngine", () => {
  it("adds up, gives up on what does not end, and goes on afterwards", async () => {
    const engine = startSymbolicEngine({ limitMs: 20_000 });
    try {
      expect(await engine.areEqual("\\sum_{i=1}^{4} i", "10")).toBe(true);
      expect(await engine.areEqual("\\sum_{i=1}^{4} i", "11")).toBe(false);
    } finally {
      await engine.close();
    }
    const hasty = startSymbolicEngine({ limitMs: 1000 });
    try {
      expect(await hasty.areEqual("9^{9^{9^{9}}}", "x+1")).toBe(null);
    } finally {
      await hasty.close();
    }
  }, 60_000);
});
