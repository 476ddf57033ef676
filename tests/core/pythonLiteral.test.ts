import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pythonList } from "../../benchmarks/samples/drawings.js";
import { parsePythonLiteral, parsePythonStrings } from "../../src/core/pythonLiteral.js";

describe("parsePythonLiteral(…)", () => {
  const cases: readonly (readonly [text: string, value: unknown])[] = [
    ["[]", []],
    ["['a', \"it's\"]", ["a", "it's"]],
    ["['a',]", ["a"]],
    ["('x', 1)", ["x", 1]],
    ["[1, -2.5, 1e3, 1_000, .5, 5.]", [1, -2.5, 1000, 1000, 0.5, 5]],
    ["{'split': 'testmini', 'n': {'a': [1]}}", { split: "testmini", n: { a: [1] } }],
    ["[None, True, False]", [null, true, false]],
    ["'a' 'b'", "ab"],
    ["'tab\\tquote\\'back\\\\'", "tab\tquote'back\\"],
    ["'\\x41\\u00b0\\U0001F600\\101'", "A°😀A"],
    ["'\\d stays'", "\\d stays"],
    ["  [ 'a' ,\n'b' ] ", ["a", "b"]],
  ];
  it.each(cases)("reads %s", (text, value) => {
    expect(parsePythonLiteral(text)).toEqual({ value });
  });

  it.each([
    "",
    "[",
    "['a' 'b",
    "['a', , 'b']",
    "[1 2]",
    "__import__('os').system('true')",
    "[x for x in y]",
    "b'bytes'",
    "{'a'}",
    "'line\nbreak'",
    "'\\xZZ'",
    "1+1",
    "[1] + [2]",
  ])("refuses %j and says where", (text) => {
    expect(parsePythonLiteral(text)).toEqual({ problem: expect.stringContaining("at character") });
  });

  it("refuses brackets deeper than 64 levels instead of running out of stack", () => {
    expect(parsePythonLiteral("[".repeat(100_000))).toHaveProperty("problem");
  });

  it("reads back every list of strings that pythonList(…) writes", () => {
    const plain = fc.string().filter((text) => !text.includes("\n"));
    fc.assert(
      fc.property(fc.array(plain), (texts) => {
        expect(parsePythonStrings(pythonList(texts))).toEqual(texts);
      }),
    );
  });
});

describe("parsePythonStrings(…)", () => {
  it("takes numbers as their text and refuses what is no list of texts", () => {
    expect(parsePythonStrings("[1, 'b']")).toEqual(["1", "b"]);
    expect(parsePythonStrings("'b'")).toBeUndefined();
    expect(parsePythonStrings("[['b']]")).toBeUndefined();
    expect(parsePythonStrings("[None]")).toBeUndefined();
  });
});
