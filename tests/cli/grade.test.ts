import { describe, expect, it } from "vitest";
import { gradeLines } from "../../src/cli/grade.js";
import { GRADERS } from "../../src/reward/graders.js";
import { gradeResponse } from "../../src/reward/response/gradeResponse.js";

async function graded(lines: readonly string[], grader: keyof typeof GRADERS): Promise<unknown[]> {
  const verdicts: unknown[] = [];
  for await (const line of gradeLines(lines, GRADERS[grader])) verdicts.push(JSON.parse(line));
  return verdicts;
}

const PAIRS = ['{"id": 1, "given": "2/4", "truth": "1/2"}', "", '{"id": "b", "given": "A", "truth": "B"}'];

describe("gradeLines", () => {
  it("gives a verdict for every pair, by the chosen grader", async () => {
    expect(await graded(PAIRS, "math")).toEqual([
      { id: 1, correct: true, reason: "equal values" },
      { id: "b", correct: false, reason: "different choices" },
    ]);
    expect(await graded(PAIRS, "mathruler")).toMatchObject([{ correct: false }, { correct: false }]);
  });

  it("reads pairs that a shell on Windows put a byte order mark before", async () => {
    const marked = PAIRS.map((line, at) => (at === 0 ? `\ufeff${line}` : line));
    expect(await graded(marked, "math")).toEqual(await graded(PAIRS, "math"));
  });

  it("says of a response what was read out of it", async () => {
    const lines = [
      '{"id": 1, "given": "The answer is $4$.", "truth": "4"}',
      '{"id": 2, "given": "", "truth": "4"}',
    ];
    const verdicts: unknown[] = [];
    for await (const line of gradeLines(lines, gradeResponse)) verdicts.push(JSON.parse(line));
    expect(verdicts).toMatchObject([
      { id: 1, correct: true, extracted: "4" },
      { id: 2, correct: false, extracted: null },
    ]);
  });

  it.each([
    ["{", "grade: line 4: not JSON"],
    ['{"id": 1, "given": "2"}', "grade: line 4: truth: Invalid input: expected string"],
    ['{"id": 1, "given": "2", "truth": 2}', "grade: line 4: truth: Invalid input: expected string"],
    ['{"id": 1, "given": "2", "truth": "2", "gold": "2"}', "gold"],
    ["null", "grade: line 4: Invalid input: expected object"],
  ])("names the line that is no pair: %s", async (line, message) => {
    await expect(graded([...PAIRS, line], "math")).rejects.toThrow(message);
  });
});
