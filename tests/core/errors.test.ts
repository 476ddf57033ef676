import { describe, expect, it } from "vitest";
import * as errors from "../../src/core/errors.js";

const KINDS = {
  ConfigError: errors.ConfigError,
  DataError: errors.DataError,
  ShapeError: errors.ShapeError,
  ModelError: errors.ModelError,
  CheckpointError: errors.CheckpointError,
  BenchmarkError: errors.BenchmarkError,
  CompileError: errors.CompileError,
};

describe("errors", () => {
  it.each(Object.entries(KINDS))("%s carries its own name, its message and its cause", (name, Kind) => {
    const cause = new Error("disk on fire");
    const error = new Kind("save: cannot write: x", { cause });
    expect(error).toBeInstanceOf(errors.SharegrpoError);
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe(name);
    expect(String(error)).toBe(`${name}: save: cannot write: x`);
    expect(error.cause).toBe(cause);
  });
});

describe("invariant", () => {
  it("passes what holds and names what does not", () => {
    expect(() => errors.invariant(1 + 1 === 2, "sums")).not.toThrow();
    expect(() => errors.invariant(0, "no rows")).toThrow("invariant broken: no rows");
  });

  it("is not one of the errors that a person can cure", () => {
    const thrown = (() => {
      try {
        return errors.invariant(false, "x");
      } catch (error) {
        return error;
      }
    })();
    expect(thrown).not.toBeInstanceOf(errors.SharegrpoError);
  });
});

describe("messageOf", () => {
  it("reads errors and anything else that was thrown", () => {
    expect([errors.messageOf(new Error("a")), errors.messageOf("b"), errors.messageOf(null)]).toEqual([
      "a",
      "b",
      "null",
    ]);
  });
});
