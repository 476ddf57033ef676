import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tokenPrompt } from "../../src/model/prompt.js";
import { microBatches } from "../../src/policy/microBatches.js";

const reading = (prompt: number, responses: readonly number[]) => ({
  prompt: tokenPrompt(new Int32Array(prompt), "row"),
  responses_R: responses.map((length) => new Int32Array(length)),
});

describe("microBatches", () => {
  it("puts the longest responses first, then the longest prompts, then the first given", () => {
    const readings = [reading(3, [2, 5]), reading(9, [4]), reading(4, [5]), reading(4, [1, 5])];
    const batches = microBatches(readings, 3);
    expect(batches.map((batch) => batch.map(({ at }) => at))).toEqual([[2, 3, 0], [1]]);
    for (const { at, reading: placed } of batches.flat()) expect(placed).toBe(readings[at]);
  });

  it("holds every reading once, whatever the size", () => {
    const lengths = fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })));
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 5 }), (pairs, size) => {
        const readings = pairs.map(([prompt, response]) => reading(prompt, [response]));
        const batches = microBatches(readings, size);
        expect(batches.every((batch) => batch.length <= size)).toBe(true);
        const places = batches.flat().map(({ at }) => at);
        expect(places.sort((a, b) => a - b)).toEqual(readings.map((_, at) => at));
      }),
      { numRuns: 50 },
    );
  });
});
