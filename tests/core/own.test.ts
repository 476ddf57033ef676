import { describe, expect, it } from "vitest";
import { own } from "../../src/core/own.js";

describe("own", () => {
  it("finds a table's entries, falsy ones too", () => {
    expect(own({ a: 1, b: 0 }, "a")).toBe(1);
    expect(own({ a: 1, b: 0 }, "b")).toBe(0);
    expect(own({ a: 1 }, "c")).toBeUndefined();
  });

  it.each(Object.getOwnPropertyNames(Object.prototype))("finds no %s that nobody wrote", (name) => {
    expect(own({}, name)).toBeUndefined();
    expect(own(JSON.parse(`{ ${JSON.stringify(name)}: 7 }`), name)).toBe(7);
  });
});
