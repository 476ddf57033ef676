import { describe, expect, it } from "vitest";
import { zip } from "../../src/core/zip.js";

describe("zip", () => {
  it("pairs by position", () => {
    expect(zip([1, 2], ["a", "b"])).toEqual([
      [1, "a"],
      [2, "b"],
    ]);
    expect(zip([], [])).toEqual([]);
  });

  it("keeps undefined elements apart from missing ones", () => {
    expect(zip([1], [undefined])).toEqual([[1, undefined]]);
  });

  it("refuses lists of different lengths, and says both", () => {
    expect(() => zip([1, 2], ["a"])).toThrow("zip: 2 against 1 elements");
    expect(() => zip([], ["a"])).toThrow("zip: 0 against 1 elements");
  });
});
