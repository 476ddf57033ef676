import { describe, expect, it } from "vitest";
import { gradeMath } from "../../../src/reward/math/gradeMath.js";
import { PAIRS } from "./pairs.js";

describe("gradeMath", () => {
  it.each(PAIRS)("reads %s against %s: %s (%s)", (given, truth, correct) => {
    expect(gradeMath(given, truth)).toMatchObject({ correct });
  });

  it("decides the same either way round", () => {
    const asymmetric = PAIRS.filter(([given, truth, correct]) => gradeMath(truth, given).correct !== correct);
    expect(asymmetric).toEqual([]);
  });
});
