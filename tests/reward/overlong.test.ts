import { describe, expect, it } from "vitest";
import { overlongPenalty } from "../../src/reward/overlong.js";

describe("overlongPenalty", () => {
  it("is 0 before the buffer, half-way in its middle, and full from the end on", () => {
    const options = { maxLength: 100, buffer: 20, factor: 0.5 };
    expect([1, 80, 90, 100, 130].map((tokens) => overlongPenalty(tokens, options))).toEqual([
      0, 0, -0.25, -0.5, -0.5,
    ]);
  });

  it("refuses a buffer longer than the response", () => {
    expect(() => overlongPenalty(1, { maxLength: 10, buffer: 11, factor: 1 })).toThrow("use 1 … 10");
  });
});
