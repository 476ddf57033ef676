import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pythonList } from "../../benchmarks/samples/drawings.js";
import { floatText, parsePythonLiteral, parsePythonStrings } from "../../src/core/pythonLiteral.js";

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

  // Read by CPython 3.12's ast.literal_eval; keys as `str` shows them.
  const further: readonly (readonly [text: string, value: unknown])[] = [
    ["{1: 'a', (2): 'b', None: 'c'}", { "1": "a", "2": "b", null: "c" }],
    ["{'a': 1, 'a': 2,}", { a: 2 }],
    ["{}", {}],
    ["()", []],
    ["('only')", "only"],
    ["('only',)", ["only"]],
    ["(((7)))", 7],
    ["+3", 3],
    ["-0.5e-3", -0.0005],
    ["1E+2", 100],
    ["'\\\n'", ""],
    ["'a\\\nb'", "ab"],
    ["'\\a\\b\\f\\n\\r\\t\\v'", "\u0007\b\f\n\r\t\v"],
    ["'\\0'", "\0"],
    ["'\\1011'", "A1"],
    ["'\\8'", "\\8"],
    ['"it\'s" \' "so"\'', 'it\'s "so"'],
    ["['é😀', 'end']", ["é😀", "end"]],
  ];
  it.each(further)("reads %s as Python does", (text, value) => {
    expect(parsePythonLiteral(text)).toEqual({ value });
  });

  it.each([
    ["007", "leading zeros"],
    ["1__0", "two underscores"],
    ["1_", "an underscore at the end"],
    ["1._5", "an underscore behind the point"],
    ["true", "JSON's word"],
    ["null", "JSON's word"],
    ["NaN", "no literal"],
    ["Truer", "a longer word"],
    ["[,]", "nothing before a comma"],
    ["(,)", "nothing before a comma"],
    ["{,}", "nothing before a comma"],
    ["{'a'}", "a set"],
    ["{'a': }", "no value"],
    ["{'a' 1}", "no colon"],
    ["[1)", "another bracket"],
    ["'a'b", "what is left over"],
    ["'\\x4'", "too few digits"],
    ["'\\u00g0'", "no digit"],
    ["'\\U00110000'", "beyond Unicode"],
    ["'\\", "the end after a backslash"],
    ["u'x'", "a prefix"],
    ["--1", "two signs"],
  ])("refuses %j: %s", (text) => {
    expect(parsePythonLiteral(text)).toEqual({ problem: expect.stringContaining("at character") });
  });

  it("keeps a key that objects have of their own", () => {
    const read = parsePythonLiteral("{'__proto__': {'a': 1}, 'constructor': 2}");
    const value = "value" in read ? (read.value as object) : {};
    expect(Object.keys(value)).toEqual(["__proto__", "constructor"]);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
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
  // CPython 3.12: [str(item) for item in ast.literal_eval(text)].
  it.each([
    ["[1.0, 2.50, 5., .5]", ["1.0", "2.5", "5.0", "0.5"]],
    ["[0, -7, +3, 1_000]", ["0", "-7", "3", "1000"]],
    ["[12345678901234567890]", ["12345678901234567890"]],
    ["[1e3, 1e15, 1e16, 1.5e+22]", ["1000.0", "1000000000000000.0", "1e+16", "1.5e+22"]],
    ["[0.0001, 0.00001, 1.25e-7, 1e-100]", ["0.0001", "1e-05", "1.25e-07", "1e-100"]],
    ["[0.0, -0.0, 1e999, -1e999]", ["0.0", "-0.0", "inf", "-inf"]],
    ["(1, 'a')", ["1", "a"]],
    ["[]", []],
  ])("shows the numbers of %s as Python does", (text, shown) => {
    expect(parsePythonStrings(text)).toEqual(shown);
  });

  it("takes numbers as their text and refuses what is no list of texts", () => {
    expect(parsePythonStrings("[1, 'b']")).toEqual(["1", "b"]);
    expect(parsePythonStrings("'b'")).toBeUndefined();
    expect(parsePythonStrings("[['b']]")).toBeUndefined();
    expect(parsePythonStrings("[None]")).toBeUndefined();
    expect(parsePythonStrings("[True]")).toBeUndefined();
    expect(parsePythonStrings("('b')")).toBeUndefined();
    expect(parsePythonStrings("7")).toBeUndefined();
  });
});

describe("floatText(…)", () => {
  // python3 -c "print([repr(x) for x in (1e15, 1e16, 1.5e-5, 0.00012, 1e100, 5e-324, 0.1, 100.0, -2.5e-7)])"
  it("prints what Python's repr prints", () => {
    const values = [1e15, 1e16, 1.5e-5, 0.00012, 1e100, 5e-324, 0.1, 100, -2.5e-7];
    expect(values.map(floatText)).toEqual([
      "1000000000000000.0",
      "1e+16",
      "1.5e-05",
      "0.00012",
      "1e+100",
      "5e-324",
      "0.1",
      "100.0",
      "-2.5e-07",
    ]);
  });

  it("reads back as the same number", () => {
    const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(fc.property(finite, (value) => Object.is(Number(floatText(value)), value)));
  });
});
