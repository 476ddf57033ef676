import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { lettered, readChoice } from "../../../benchmarks/scoring/choices.js";
import { numberOf } from "../../../benchmarks/scoring/numbers.js";

interface Row {
  readonly response: string;
  readonly letter: string | null;
}
const rows: Row[] = JSON.parse(readFileSync("tests/benchmarks/scoring/fixedChoices.json", "utf8"));
const choices = lettered(["red", "blue", "0.5", "3"]);

describe("readChoice, mode fixed", () => {
  it.each(rows)("reads $response as $letter", ({ response, letter }) => {
    const reading = readChoice(response, choices, { rules: "2026-08", mode: "fixed" });
    expect(reading?.text ?? null).toBe(letter);
  });
});

describe("numberOf", () => {
  it.each([
    ["15π", undefined],
    ["15\\pi", undefined],
    ["15x", undefined],
    ["3n", undefined],
    ["15xy", undefined],
    ["15πr", undefined],
    ["15 kg", 15],
    ["6^2", 36],
    ["15 cm", 15],
    ["15cm^2", 15],
    ["3 m", 3],
    ["60°", 60],
    ["12.5%", 12.5],
    ["15 apples", 15],
    ["{5}", 5],
    ["\\{5\\}", 5],
    ["{5,}", undefined],
    ["５", 5],
    ["１２．５", 12.5],
    ["٥", 5],
    ["5\u00a0cm", 5],
    ["1 000", 1000],
    ["1\u202f000", 1000],
    ["5 5", undefined],
    ["**5**", 5],
    ["{{5}}", 5],
    ["\\[5\\]", 5],
    ["–5", -5],
    ["5²", undefined],
    ["€5", 5],
    ["5€", 5],
    ["Infinity", undefined],
    ["1e999", undefined],
    ["5\r\n", 5],
    ["2+1,000", 1002],
  ])("of %s is %s: factors count, units do not", (text, value) => {
    expect(numberOf(text)).toBe(value);
  });
});
