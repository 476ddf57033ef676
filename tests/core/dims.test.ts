import { describe, expect, expectTypeOf, it } from "vitest";
import { dims } from "../../src/core/dims.js";
import { ShapeError } from "../../src/core/errors.js";

describe("dims", () => {
  it("names the axes", () => {
    const sizes = dims("attention: q", { shape: [2, 5, 3, 8] }, "B T H D", { D: 8 });
    expect(sizes).toEqual({ B: 2, T: 5, H: 3, D: 8 });
    expectTypeOf(sizes).toEqualTypeOf<Record<"B" | "T" | "H" | "D", number>>();
  });

  it("says where, what was expected and what came", () => {
    const q = { shape: [2, 5, 3, 8] };
    expect(() => dims("attention: q", q, "B T H D", { D: 16 })).toThrow(ShapeError);
    expect(() => dims("attention: q", q, "B T H D", { D: 16 })).toThrow(
      /^attention: q: expected \[B, T, H, D\] with D=16, got \[2, 5, 3, 8\]$/,
    );
  });

  it("refuses another rank, and a scalar", () => {
    expect(() => dims("loss: mask", { shape: [2, 5] }, "P")).toThrow("loss: mask: expected [P], got [2, 5]");
    expect(() => dims("loss: mask", { shape: [] }, "P T")).toThrow("loss: mask: expected [P, T], got []");
  });

  it("takes 0 as a size like any other", () => {
    expect(dims("x", { shape: [0, 3] }, "T C", { T: 0 })).toEqual({ T: 0, C: 3 });
    expect(() => dims("x", { shape: [0, 3] }, "T C", { T: 1 })).toThrow("with T=1");
  });
});
