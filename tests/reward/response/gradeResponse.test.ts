import { describe, expect, it } from "vitest";
import { GRADER_NAMES, GRADERS } from "../../../src/reward/graders.js";
import { gradeResponse } from "../../../src/reward/response/gradeResponse.js";
import { mathReward, r1vReward } from "../../../src/reward/reward.js";

describe("gradeResponse", () => {
  it.each<readonly [response: string, truth: string, correct: boolean, why: string]>([
    ["So we get \\boxed{1/2}.", "0.5", true, "a box"],
    ["The answer is 5.", "5", true, "a statement"],
    ["The answer is 5.", "6", false, "another number"],
    ["It is $x = 3$.", "3", true, "a formula"],
    ["\\boxed{2,74}", "2.74", true, "a comma for the point"],
    ["\\boxed{2.74}", "2,74", true, "in the gold answer, too"],
    ["\\boxed{2,74}", "2.75", false, "another number with a comma"],
    ["\\boxed{1,2}", "1, 2", true, "a comma between two answers"],
    ["\\boxed{1,234}", "1234", true, "a comma between thousands"],
    ["\\boxed{5}", "We add 2 and 3, so the answer is \\boxed{5}.", true, "a solution for the gold answer"],
    ["\\boxed{5}", "We add 2 and 3, so the answer is \\boxed{6}.", false, "a solution with another one"],
    ["<think>\\boxed{4}</think> \\boxed{5}", "4", false, "what was only thought"],
  ])("of %j against %j is %s: %s", (response, truth, correct) => {
    expect(gradeResponse(response, truth).correct).toBe(correct);
  });

  it("says what was read, and why there is nothing", () => {
    expect(gradeResponse("\\boxed{7}", "8").extracted).toEqual({ kind: "answer", text: "7" });
    expect(gradeResponse("", "8")).toEqual({
      correct: false,
      reason: "an empty response",
      extracted: { kind: "none", reason: "an empty response" },
    });
  });
});

describe("GRADERS", () => {
  it.each(GRADER_NAMES)("%s accepts an answer as itself, refuses another, and says why", (name) => {
    const grade = GRADERS[name];
    for (const answer of ["5", "\\frac{1}{2}", "red", "(1,2)"]) {
      expect(grade(answer, answer).correct).toBe(true);
      const wrong = grade(answer, "17");
      expect(wrong.correct).toBe(false);
      expect(wrong.reason).not.toBe("");
    }
  });
});

describe("rewards", () => {
  const GOOD = "<think>x</think> \\boxed{5}";

  it.each([0, 0.1, 0.5, 1])("weigh accuracy and format by 1 − w and w, for w = %s", (formatWeight) => {
    const overall = (response: string, gold: string) => mathReward(response, gold, { formatWeight }).overall;
    expect(overall(GOOD, "5")).toBeCloseTo(1, 12);
    expect(overall(GOOD, "6")).toBeCloseTo(formatWeight, 12);
    expect(overall("\\boxed{5}", "5")).toBeCloseTo(1 - formatWeight, 12);
    expect(overall("5", "5")).toBe(0);
  });

  it("reads an answer out of words only where that is asked for, and never pays format for it", () => {
    const words = "<think>x</think> The answer is 5.";
    expect(mathReward(words, "5", { formatWeight: 0.1 })).toMatchObject({ accuracy: 0, format: 0 });
    const read = mathReward(words, "5", { formatWeight: 0.1, unboxed: "read" });
    expect(read).toMatchObject({ accuracy: 1, format: 0, extracted: { kind: "answer", text: "5" } });
    expect(mathReward(`${words} \\boxed{6}`, "5", { formatWeight: 0.1, unboxed: "read" }).accuracy).toBe(0);
  });

  it("grade as the grader that is named", () => {
    const options = { formatWeight: 0.1 };
    expect(mathReward("\\boxed{2/4}", "1/2", { ...options, grader: "math" }).accuracy).toBe(1);
    expect(mathReward("\\boxed{2/4}", "1/2", { ...options, grader: "mathruler" }).accuracy).toBe(0);
    expect(mathReward("\\boxed{2/4}", "1/2", options).accuracy).toBe(0);
  });

  it("read answer tags, or all of a response without them", () => {
    expect(r1vReward("<think></think><answer> 5 </answer>", "5")).toMatchObject({ overall: 1, format: 1 });
    expect(r1vReward("5", "5")).toMatchObject({ overall: 0.5, accuracy: 1, format: 0 });
    expect(r1vReward("<answer>4</answer><answer>5</answer>", "5").accuracy).toBe(0);
    expect(r1vReward(" 5\n", "5").extracted).toEqual({ kind: "answer", text: "5" });
  });
});
