import { describe, expect, it } from "vitest";
import { pythonFloat, pythonInt, splitWords, strip } from "../../../benchmarks/scoring/python.js";

// CPython 3.11: `text.split()`, `text.strip()`, `int(text)`, `float(text)`, each tried there.

describe("splitWords and strip", () => {
  it.each<[string, string[], string]>([
    ["  a  b\n", ["a", "b"], "a  b"],
    ["a\u001cb", ["a", "b"], "a\u001cb"],
    ["a\u0085b", ["a", "b"], "a\u0085b"],
    ["a\u00a0b\u3000", ["a", "b"], "a\u00a0b"],
    // JavaScript's white space, not Python's; and the other way round.
    ["\ufeffa\ufeffb", ["\ufeffa\ufeffb"], "\ufeffa\ufeffb"],
    ["\u001fa\u001f", ["a"], "a"],
    ["a\u200bb", ["a\u200bb"], "a\u200bb"],
    ["\u3000", [], ""],
    ["", [], ""],
  ])("%j", (text, words, stripped) => {
    expect([splitWords(text), strip(text)]).toEqual([words, stripped]);
  });
});

describe("pythonInt", () => {
  it.each<[string, bigint]>([
    ["7", 7n],
    ["+5", 5n],
    ["-0", 0n],
    ["007", 7n],
    ["1_000", 1000n],
    [" 7\u2003", 7n],
    ["\u0663", 3n],
    ["१२", 12n],
    ["４２", 42n],
    ["𝟛𝟜", 34n],
    ["𝟎𝟗𝟘𝟡", 909n],
    ["-٣", -3n],
    ["9".repeat(4300), BigInt("9".repeat(4300))],
  ])("%j", (text, value) => {
    expect(pythonInt(text)).toBe(value);
  });

  it.each([
    "",
    " ",
    "1.",
    "1e3",
    "0x10",
    "1__0",
    "_1",
    "1_",
    "²",
    "Ⅳ",
    "12a",
    "- 1",
    "+-1",
    "7\ufeff",
    "\u200b7",
    "1,000",
  ])("%j is none", (text) => {
    expect(pythonInt(text)).toBeUndefined();
  });

  it("of more digits than Python takes is none", () => {
    expect(pythonInt("9".repeat(4301))).toBeUndefined();
  });
});

describe("pythonFloat", () => {
  it.each<[string, number]>([
    ["7", 7],
    [".5", 0.5],
    ["5.", 5],
    ["+.5e-1", 0.05],
    [" 1e3\n", 1000],
    ["1_0.0_1", 10.01],
    ["1e1_0", 1e10],
    ["٣.٥", 3.5],
    ["1e400", Infinity],
    ["1e-400", 0],
    ["inf", Infinity],
    ["-Infinity", -Infinity],
    ["+INF", Infinity],
    ["NaN", Number.NaN],
    ["-nan", Number.NaN],
    ["-0", -0],
  ])("%j", (text, value) => {
    expect(pythonFloat(text)).toBe(value);
  });

  it.each([
    "",
    ".",
    "1e",
    "1e+",
    "1._0",
    "1_.0",
    "1,000",
    "0x1p3",
    "infinit",
    "in f",
    "- 1",
    "1 2",
    "½",
    "1e3.5",
    "--1",
  ])("%j is none", (text) => {
    expect(pythonFloat(text)).toBeUndefined();
  });
});
