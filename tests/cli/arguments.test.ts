import { InvalidArgumentError } from "commander";
import { describe, expect, it } from "vitest";
import {
  pathName,
  positiveInteger,
  positiveNumber,
  timeLimit,
  wholeNumber,
} from "../../src/cli/arguments.js";

const PARSERS = { pathName, positiveInteger, positiveNumber, timeLimit, wholeNumber };

describe("values on the command line", () => {
  it.each<readonly [parser: keyof typeof PARSERS, text: string, value: unknown]>([
    ["positiveInteger", "1", 1],
    ["positiveInteger", "1e3", 1000],
    ["positiveInteger", " 7 ", 7],
    ["wholeNumber", "0", 0],
    ["wholeNumber", "12", 12],
    ["positiveNumber", "0.5", 0.5],
    ["positiveNumber", "1e-6", 1e-6],
    ["timeLimit", "0.5", 0.5],
    ["timeLimit", "2147483", 2_147_483],
    ["pathName", "runs/share", "runs/share"],
    ["pathName", " a b ", " a b "],
  ])("%s reads %j as %j", (parser, text, value) => {
    expect(PARSERS[parser](text)).toBe(value);
  });

  it.each<readonly [parser: keyof typeof PARSERS, text: string, message: string]>([
    ...["0", "-1", "1.5", "one", "", "NaN", "Infinity"].map(
      (text) => ["positiveInteger", text, "expected a whole number from 1."] as const,
    ),
    // Number("") is 0: an unset shell variable must not be taken for it.
    ...["-1", "1.5", "one", "", "  "].map(
      (text) => ["wholeNumber", text, "expected a whole number from 0."] as const,
    ),
    ...["0", "-0.5", "one", "", "NaN", "Infinity", "1e999"].map(
      (text) => ["positiveNumber", text, "expected a number above 0."] as const,
    ),
    ["timeLimit", "0", "expected a number above 0."],
    // 31 bits of milliseconds: Node's timers go off at once beyond it, and every answer would be late.
    ["timeLimit", "2147484", "expected at most 2147483 seconds"],
    ["timeLimit", "1e9", "expected at most 2147483 seconds"],
    ...["", "  ", "\t"].map((text) => ["pathName", text, "expected a path."] as const),
  ])("%s refuses %j", (parser, text, message) => {
    expect(() => PARSERS[parser](text)).toThrow(InvalidArgumentError);
    expect(() => PARSERS[parser](text)).toThrow(message);
  });
});
