import { describe, expect, it } from "vitest";
import { matrixPeak, stepOperations } from "../../../benchmarks/measured/speed/peak.js";

describe("stepOperations", () => {
  it("counts 6 a parameter and token, and attention under a causal mask", () => {
    // 6 · 10 · 12 tokens + 6 · 1 layer · 2 · 4 · 12 tokens
    const step = { parameters: 10, layers: 1, hidden: 2, rows: 3, length: 4 };
    expect(stepOperations(step)).toBe(720 + 576);
  });
});

describe("matrixPeak", () => {
  it("is a rate that a processor can have", async () => {
    const peak = await matrixPeak(1);
    expect(peak).toBeGreaterThan(1e8);
    expect(peak).toBeLessThan(1e14);
  });
});
