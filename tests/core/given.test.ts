import { describe, expect, expectTypeOf, it } from "vitest";
import { given } from "../../src/core/given.js";

describe("given", () => {
  it("keeps what there is, null and false and 0 included, and no undefined key", () => {
    const values = given({ a: 0, b: false, c: null, d: undefined, e: "" });
    expect(values).toStrictEqual({ a: 0, b: false, c: null, e: "" });
    expect("d" in values).toBe(false);
  });

  it("has optional keys for what may be undefined, and required ones for what may not", () => {
    const signal = undefined as AbortSignal | undefined;
    const values = given({ signal, count: 3 });
    expectTypeOf(values).toExtend<{ readonly signal?: AbortSignal; readonly count: number }>();
    expectTypeOf(values.count).toEqualTypeOf<number>();
  });
});
