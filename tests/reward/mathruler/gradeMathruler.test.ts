import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { extractBoxed } from "../../../src/reward/boxed.js";
import { gradeMathruler } from "../../../src/reward/mathruler/gradeMathruler.js";
import { hendrycksForm } from "../../../src/reward/mathruler/hendrycks.js";
import { prmForm } from "../../../src/reward/mathruler/prm.js";
import { mathReward, r1vReward } from "../../../src/reward/reward.js";
import { golden } from "../../golden/load.js";

interface GradeCase {
  readonly given: string;
  readonly truth: string;
  readonly correct: boolean;
  readonly note: string;
  readonly mathd_given: string;
  readonly mathd_truth: string;
  readonly norm_given: string;
  readonly norm_truth: string;
}
interface RewardCase {
  readonly response: string;
  readonly ground_truth: string;
  readonly note: string;
  readonly overall: number;
  readonly format: number;
  readonly accuracy: number;
}
interface GoldenFile {
  readonly grade_answer: GradeCase[];
  readonly extract_boxed_content: { text: string; extracted: string; note: string }[];
  readonly math_compute_score: RewardCase[];
  readonly r1v_compute_score: RewardCase[];
}
const reference = golden<GoldenFile>("mathruler.json");
/** By `python benchmarks/measured/parity/graderSpaces.py`. */
const spaces = golden<{ given: string; truth: string; correct: boolean }[]>("mathrulerSpaces.json");

/** Verdicts take under 50 ms on a quiet core; what is not bounded takes minutes. `npm run bench -- grader` has the rate. */
const AT_ONCE_MS = 1000;

/** Processor time of a call in milliseconds, best of five: other processes share the machine. */
function fastest(call: () => unknown): number {
  const times = Array.from({ length: 5 }, () => {
    const start = process.cpuUsage();
    call();
    return process.cpuUsage(start).user / 1000;
  });
  return Math.min(...times);
}

describe("gradeMathruler", () => {
  it.each(reference.grade_answer)("decides as the reference: $given against $truth ($note)", (golden_) => {
    expect(gradeMathruler(golden_.given, golden_.truth)).toMatchObject({ correct: golden_.correct });
  });

  it("decides as the reference about white space of every kind", () => {
    const decided = spaces.map(({ given, truth }) => [given, truth, gradeMathruler(given, truth).correct]);
    expect(decided).toEqual(spaces.map(({ given, truth, correct }) => [given, truth, correct]));
  });

  /** By `grade_answer` of MathRuler 0.1.0. */
  it.each([
    ["\uff11\uff12", "12", true],
    ["12", "\uff11\uff12", true],
    ["\u0661\u0662", "12", true],
    ["7\u001ccm", "7", false],
    ["7\u001c", "7", true],
    ["\uff11,000", "1000", true],
    ["\uff11\uff12.5", "12.5", false],
    ["1/\uff12", "1/2", false],
    ["x+\uff11", "x+1", false],
    ["\\frac{\uff11}{2}", "\\frac{1}{2}", false],
    ["\uff12\\pi", "2\\pi", false],
    ["1.0\u001c cm", "1", false],
    ["1\u001f%", "1", false],
    ["\uff11\uff12\uff13\uff0c\uff14\uff15\uff16", "123456", false],
    ["(\uff11,2)", "(1,2)", false],
    ["\uff15 cm", "5", true],
  ])("decides as the reference about digits of other scripts: %j against %j: %s", (given, truth, correct) => {
    expect(gradeMathruler(given, truth).correct).toBe(correct);
  });

  it.each(reference.grade_answer)("has the reference's normal forms: $given and $truth", (golden_) => {
    expect([hendrycksForm(golden_.given), hendrycksForm(golden_.truth)]).toEqual([
      golden_.mathd_given,
      golden_.mathd_truth,
    ]);
    expect([prmForm(golden_.given), prmForm(golden_.truth)]).toEqual([
      golden_.norm_given,
      golden_.norm_truth,
    ]);
  });
});

describe("gradeMathruler on random answers", () => {
  it("decides as the reference, but refuses a root with two arguments, whose second the reference ignores", () => {
    const { cases } = golden<{ cases: Pick<GradeCase, "given" | "truth" | "correct">[] }>(
      "mathrulerRandom.json",
    );
    const different = cases.filter(
      ({ given, truth, correct }) => gradeMathruler(given, truth).correct !== correct,
    );
    expect(different).toEqual([{ given: "\\sqrt{8 3/4, 2e3}", truth: "\\sqrt{8 3/4, 1e3}", correct: true }]);
  });
});

describe("extractBoxed", () => {
  it.each(reference.extract_boxed_content)(
    "reads what the reference reads, or says why not: $note",
    (golden_) => {
      const extracted = extractBoxed(golden_.text);
      expect(extracted.kind === "answer" ? extracted.text : "None").toBe(golden_.extracted);
      if (extracted.kind === "none") expect(extracted.reason).toContain("\\boxed{");
    },
  );
});

describe("mathReward", () => {
  it.each(reference.math_compute_score)(
    "equals the reference: $note",
    ({ response, ground_truth, ...expected }) => {
      const { overall, format, accuracy } = mathReward(response, ground_truth);
      expect({ overall, format, accuracy }).toEqual({
        overall: expect.closeTo(expected.overall, 12),
        format: expected.format,
        accuracy: expected.accuracy,
      });
    },
  );

  it("does not take a missing box for the answer none", () => {
    expect(mathReward("<think></think>", "none")).toMatchObject({
      accuracy: 0,
      extracted: { kind: "none", reason: "no \\boxed{" },
    });
  });
});

describe("r1vReward", () => {
  it.each(reference.r1v_compute_score)(
    "equals the reference: $note",
    ({ response, ground_truth, ...expected }) => {
      const { overall, format, accuracy } = r1vReward(response, ground_truth);
      expect({ overall, format, accuracy }).toEqual({
        overall: expected.overall,
        format: expected.format,
        accuracy: expected.accuracy,
      });
    },
  );
});

describe("on hostile input", () => {
  const many = 100_000;
  const hostile: [string, string][] = [
    ["nested braces", "{".repeat(many)],
    ["nested boxes", "\\boxed{".repeat(many) + "}".repeat(many)],
    ["nested fractions", "\\frac{".repeat(many)],
    ["nested roots", `\\boxed{${"\\sqrt{".repeat(many)}2${"}".repeat(many)}}`],
    ["short nested roots", `\\boxed{${"\\sqrt{".repeat(500)}2${"}".repeat(500)}}`],
    ["parentheses", `\\boxed{${"(".repeat(many)}}`],
    ["short parentheses", `\\boxed{${"(".repeat(480)}1${")".repeat(480)}+x}`],
    ["signs", `\\boxed{${"-".repeat(900)}x+1}`],
    ["a million digits", `\\boxed{${"9".repeat(1_000_000)}}`],
    ["thousands of digits", `\\boxed{${"9".repeat(900)}x+${"7".repeat(90)}/13}`],
    ["a tower of powers", "\\boxed{9**9**9**9+x}"],
    ["a large power", "\\boxed{(x+y)**64}"],
    ["a product of sums", `\\boxed{${"(x+y+1)".repeat(60)}}`],
    ["a product of roots", `\\boxed{${Array.from({ length: 60 }, (_, n) => `(1+sqrt(${n + 2}))`).join("")}}`],
    ["a power of a sum of roots", "\\boxed{(sqrt(2)+sqrt(3)+sqrt(5)+sqrt(7)+sqrt(11)+x)**30}"],
    ["factorials of factorials", `\\boxed{x${"!".repeat(900)}}`],
    ["a factorial", "\\boxed{99999999!+x}"],
    ["many commas", `\\boxed{${"1,000".repeat(500)}}`],
    ["white space", `${" ".repeat(1_000_000)}x`],
    ["white space by tags", "< ".repeat(many)],
    ["open tags", "<answer>".repeat(many)],
    ["think tags", "<think></think>".repeat(many)],
    ["backslashes", `\\boxed{${"\\".repeat(3000)}}`],
  ];
  const golds = ["x+1", "\\frac{1}{2}", "(1,2)"];

  it.each(hostile)("gives a verdict at once, not in minutes: %s", (_, text) => {
    for (const gold of golds) {
      expect(fastest(() => mathReward(text, gold))).toBeLessThan(AT_ONCE_MS);
      expect(fastest(() => r1vReward(text, gold))).toBeLessThan(AT_ONCE_MS);
    }
  });

  it("never throws, and accepts every answer as its own truth", () => {
    const piece = fc.oneof(
      fc.constantFrom(
        ..."\\frac \\sqrt { } ( ) [ ] ^ _ + - * / ! , . = < > % $ \\pi x y 0 1 12 .5 1e9 \\text{ cm sqrt ln pi \\\\ \\left \\right ** =".split(
          " ",
        ),
        " ",
        "\n",
      ),
      fc.string({ unit: "grapheme", maxLength: 3 }),
    );
    const answer = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(answer, answer, (given, truth) => {
        expect(typeof gradeMathruler(given, truth).correct).toBe("boolean");
        expect(gradeMathruler(given, given).correct).toBe(true);
        expect(typeof mathReward(given, truth).overall).toBe("number");
      }),
      { numRuns: 3000, seed: 1 },
    );
  });
});
