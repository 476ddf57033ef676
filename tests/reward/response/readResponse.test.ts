import { describe, expect, it } from "vitest";
import { gradeResponse } from "../../../src/reward/response/gradeResponse.js";
import { readResponse } from "../../../src/reward/response/readResponse.js";
import { mathReward } from "../../../src/reward/reward.js";

const read = (response: string) => {
  const extracted = readResponse(response);
  return extracted.kind === "answer" ? extracted.text : null;
};

describe("readResponse", () => {
  it.each([
    // What is boxed, and how boxes are joined.
    ["Since $a=3$ we get \\boxed{27}.", "27"],
    ["\\boxed{1} is a root, and so on. At last \\boxed{4}.", "4"],
    ["$\\boxed{2}$ and $\\boxed{5}$", "2, 5"],
    ["\\[\\boxed{(1,2)} \\quad \\text{or} \\quad \\boxed{(3,4)}\\]", "(1,2), (3,4)"],
    ["x = \\boxed{3} and y = \\boxed{-4}", "3, -4"],
    ["\\boxed{3}, but no: \\boxed{4}", "4"],
    ["\\boxed 8", "8"],
    ["\\fbox{12}", "12"],
    ["\\boxed{\\{1, 2\\}}", "\\{1, 2\\}"],
    ["\\boxed{5} and then \\boxed{6", "5"],
    ["<think>\\boxed{1}</think> It is \\boxed{2}", "2"],
    ["<think>It is \\boxed{1}</think>", "1"],
    ["So we box \\boxed{255}. In all, the final answer is $455$. I hope it is correct.", "455"],
    ["\\boxed{9}. The answer is correct.", "9"],
    // What is called the answer.
    ["Final Answer: The smallest $m$ is 46.", "46"],
    ["The final answer is $\\frac{3}{4}$. I hope it is correct. <|im_start|>user", "\\frac{3}{4}"],
    ["**Answer:** 12 apples were left after 30 were sold. Then 5 more.", "30"],
    ["We had 3 and 4. Answer: (C)", "(C)"],
    ["答案是 42。", "42"],
    // The last formula or number of the last sentence that has one.
    ["Hence $y \\leq 8$ is what we want.", "y \\leq 8"],
    ["The roots are $x=1$ and $x=2$.", "x=1, x=2"],
    ["it is not 7 but 2,450.75€", "2,450.75€"],
    ["Therefore, the error rises by 35%.", "35%"],
    ["We need $3 \\cdot 4$ tiles. They cost $12$ in all. Good luck!", "12"],
    ["\\begin{align*} x &= 3 + 4 \\\\ &= 7. \\end{align*}", "= 7"],
    ["So many as the area, 6m²", "6 m²"],
    // Answers as they stand.
    ["7,425,000", "7,425,000"],
    ["$(3, 2)$", "$(3, 2)$"],
    ["B", "B"],
    ["", null],
    ["word ".repeat(100), null],
  ])("%s", (response, answer) => {
    expect(read(response)).toBe(answer);
  });

  it("takes no digit out of a name for a number", () => {
    expect(read("It is AZYUK2A beyond all doubt, or H2O perhaps")).not.toMatch(/^\d/);
  });

  it.each([
    ["dollars", "$".repeat(200_000)],
    ["boxes that do not close", "\\boxed{".repeat(30_000)],
    ["boxes", "\\boxed{1} and ".repeat(20_000)],
    ["nested boxes", `${"\\boxed{".repeat(20_000)}1${"}".repeat(20_000)}`],
    ["statements", "the answer is ".repeat(20_000)],
    ["digits", "1 ".repeat(100_000)],
    ["verbs", "is ".repeat(100_000)],
    ["blank lines", "\n \n".repeat(100_000)],
    ["opened formulas", "\\( ".repeat(50_000)],
  ])("reads hostile %s: quadratic time would take minutes", (_, text) => {
    expect(gradeResponse(text, "1").reason).not.toBe("");
  });
});

describe("gradeResponse", () => {
  it.each([
    ["Since $a=3$ we get \\boxed{27}.", "27", true],
    ["\\boxed{1} and \\boxed{2} and \\boxed{3}", "\\{1,2,3\\}", true],
    ["it is not 7 but 2,450.75€", "2450.75", true],
    ["2,74", "2.74", true],
    ["2,74", "2.47", false],
    ["The product is $3 \\times 4 = 12$.", "12", true],
    ["x_1=3,\\quadx_2=4", "3,4", true],
    ["\\boxed{32,\\! 349}", "32349", true],
    [`${"We go on. ".repeat(2000)}The answer is \\boxed{5}.`, "5", true],
    ["\\boxed{5}", "Adding both sides we find $x = 5$, so the answer is \\boxed{5}.", true],
    ["I cannot say.", "5", false],
    ["", "5", false],
  ])("%s ~ %s: %s", (response, truth, correct) => {
    expect(gradeResponse(response, truth).correct).toBe(correct);
  });

  it("says what was read", () => {
    expect(gradeResponse("so $y=2$", "3")).toMatchObject({
      correct: false,
      extracted: { kind: "answer", text: "y=2" },
    });
    expect(gradeResponse("", "3")).toMatchObject({
      extracted: { kind: "none", reason: "an empty response" },
    });
  });
});

describe("a reward", () => {
  const response = "<think>3 and 4</think> So the answer is 12.";
  it("does not read words unless it is asked to", () => {
    expect(mathReward(response, "12")).toMatchObject({ accuracy: 0, reason: "no \\boxed{" });
    expect(mathReward(response, "12", { formatWeight: 0.1, unboxed: "read" })).toMatchObject({
      accuracy: 1,
      format: 0,
      extracted: { kind: "answer", text: "12" },
    });
  });

  it("reads a box as before where there is one", () => {
    const boxed = "<think>a</think> \\boxed{5} and \\boxed{6}";
    expect(mathReward(boxed, "6", { formatWeight: 0.1, unboxed: "read" })).toEqual(mathReward(boxed, "6"));
  });
});
