import { describe, expect, it } from "vitest";
import { graphRows, graphUnits } from "../../../src/engine/local/graphUnits.js";
import { tokenPrompt } from "../../../src/model/prompt.js";

const reading = (prompt: number, responses: readonly number[]) => ({
  prompt: tokenPrompt(new Int32Array(prompt), "row"),
  responses_R: responses.map((length) => new Int32Array(length)),
});

describe("graphUnits", () => {
  // Prompts and responses are multiples of 16 already: a prompt with its responses is 64 + R·64 tokens.
  it.each([
    { units: 4, responses: 12, expected: 1 }, // 832 tokens each: two are 1,664
    { units: 4, responses: 3, expected: 4 }, // 256 each: 1,024
    { units: 8, responses: 3, expected: 4 },
    { units: 2, responses: 1, expected: 2 }, // 128 each: no more than asked for
    { units: 4, responses: 100, expected: 1 }, // 6,464: at least one
  ])("$responses responses, at most $units prompts: $expected in a graph", ({ expected, ...sizes }) => {
    expect(graphUnits({ ...sizes, promptTokens: 64, responseTokens: 64 })).toBe(expected);
  });
});

describe("graphRows", () => {
  const readings = [reading(60, [64, 10]), reading(64, [1, 1, 1])];

  it("is for the longest prompt, the longest response and the most responses of a call", () => {
    expect(graphRows(readings, { microBatch: 9 })).toEqual({ rows: 4, responses: 3 });
    expect(graphRows(readings.slice(0, 1), { microBatch: 9 })).toEqual({ rows: 5, responses: 2 });
  });

  it("leaves micro-batches whole on a card", () => {
    expect(graphRows(readings, { microBatch: 9, device: "cuda" })).toEqual({ rows: 9, responses: 3 });
  });

  it("has a graph for no readings", () => {
    expect(graphRows([], { microBatch: 2 })).toEqual({ rows: 2, responses: 0 });
  });
});
