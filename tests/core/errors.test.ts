import { describe, expect, it } from "vitest";
import { z } from "zod";
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

  it("is one line without control characters where a parser quotes what it read", () => {
    const quoted = new Error('Unexpected token, "\u001b[31m\r\nred" is not valid JSON\n');
    expect(errors.messageOf(quoted)).toBe('Unexpected token, " [31m red" is not valid JSON');
    expect(errors.firstLineOf(new Error("bad indent:\n\n  a: b\n"))).toBe("bad indent:");
  });

  it("names the field of every issue of a schema", () => {
    const { error } = z.object({ a: z.object({ b: z.string() }), c: z.int() }).safeParse({ a: {}, c: 1.5 });
    expect(errors.messageOf(error)).toBe(
      "a.b: Invalid input: expected string, received undefined; c: Invalid input: expected int, received number",
    );
  });

  it("keeps the lines of this project's own errors", () => {
    expect(errors.messageOf(new errors.DataError("2 rows:\na\nb"))).toBe("2 rows:\na\nb");
  });
});
