import { describe, expect, it } from "vitest";
import { runSchema } from "../../src/config/schema.js";
import type { Question } from "../../src/records.js";
import { perfectResponse, preflight, preflightLines, refuseBadGolds } from "../../src/reward/preflight.js";
import { builtInRewarder, customRewarder } from "../../src/reward/rewarder.js";
import { sceneSource } from "../../src/train/sceneSource.js";

function questions(golds: readonly string[]): Question[] {
  return golds.map((gold, at) => ({
    id: `q${at}`,
    text: "?",
    images: [],
    gold,
    rewrites: [],
    category: "all",
  }));
}

const { reward: SETTINGS } = runSchema.parse({});
const rewarder = builtInRewarder(SETTINGS);

describe("preflight", () => {
  it("passes answers that grade as themselves", async () => {
    const golds = ["5", "\\frac{1}{2}", "(1,2)", "x < 3", "none", "A"];
    expect(await preflight(questions(golds), rewarder, { kind: "math" })).toEqual({
      checked: 6,
      failed: 0,
      problems: [],
    });
  });

  it("finds the gold that no box can hold", async () => {
    const report = await preflight(questions(["5", "\\frac{1}{2", "6"]), rewarder, { kind: "math" });
    expect(report).toEqual({
      checked: 3,
      failed: 1,
      problems: [
        { questionId: "q1", gold: "\\frac{1}{2", accuracy: 0, reason: "the last \\boxed{ is not closed" },
      ],
    });
  });

  it("lists the first twenty and counts the rest", async () => {
    const golds = Array.from({ length: 600 }, (_, at) => (at % 2 === 0 ? "{" : "1"));
    const report = await preflight(questions(golds), rewarder, { kind: "math" });
    expect([report.checked, report.failed, report.problems.length]).toEqual([600, 300, 20]);
    const lines = preflightLines(report);
    expect(lines[0]).toBe("300 of 600 gold answers do not grade as correct:");
    expect(lines.at(-1)).toBe("  … and 280 more");
  });

  it("answers in the form that the reward reads", async () => {
    const r1v = builtInRewarder({ ...SETTINGS, kind: "r1v" });
    const report = await preflight(questions(["7", "a\nb"]), r1v, { kind: "r1v" });
    expect(report.problems.map(({ questionId }) => questionId)).toEqual(["q1"]);
    expect(perfectResponse("7", "r1v")).toBe("<think></think><answer>7</answer>");
  });

  it("asks custom rewards too", async () => {
    const own = customRewarder(({ question: { gold } }) => (gold === "5" ? 1 : 0.4), "own");
    const report = await preflight(questions(["5", "6"]), own, { kind: "custom" });
    expect(report.problems).toEqual([{ questionId: "q1", gold: "6", accuracy: 0.4, reason: "own" }]);
  });

  it("passes the drawn scenes, all families", async () => {
    const source = sceneSource(runSchema.parse({ train: { steps: 5, questionsPerStep: 20 } }));
    const report = await preflight(source.all?.() ?? [], rewarder, { kind: "math" });
    expect(report).toEqual({ checked: 100, failed: 0, problems: [] });
  });
});

describe("refuseBadGolds", () => {
  it("says which golds fail and what to do", async () => {
    const report = await preflight(questions(["{"]), rewarder, { kind: "math" });
    expect(() => refuseBadGolds(report)).toThrow(/preflight: 1 of 1 gold answers .*\n {2}question q0: "\{"/s);
    expect(() => refuseBadGolds(report)).toThrow("reward.preflight=warn");
  });

  it("lets good ones pass", () => {
    expect(() => refuseBadGolds({ checked: 3, failed: 0, problems: [] })).not.toThrow();
  });
});
