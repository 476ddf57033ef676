import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { regroup } from "../../src/core/regroup.js";

describe("regroup", () => {
  it("undoes flat, empty lists included", () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.integer())), (lists) => {
        expect(regroup(lists.flat(), lists)).toEqual(lists);
      }),
    );
  });

  it("refuses too few and too many elements", () => {
    expect(() => regroup([1], [[0, 0]])).toThrow("regroup: 1 elements for 2 places");
    expect(() => regroup([1, 2, 3], [[0, 0]])).toThrow("regroup: 3 elements for 2 places");
  });
});
