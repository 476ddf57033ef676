import { appendFile, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { ResponseRecord, RolloutRecord } from "../../src/core/files/runRecords.js";
import { rolloutMarks, rolloutSamples, titleOf } from "../../src/view/rolloutSamples.js";
import { jsonl } from "../report/fixtures.js";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "rollouts-"));
});

interface Answered {
  readonly isRight: boolean;
  readonly isCut?: boolean;
  readonly isRead?: boolean;
  readonly advantage?: number;
}

function response(j: number, i: number, answered: Answered): ResponseRecord {
  const { isRight, isCut = false, isRead = true, advantage = 1 } = answered;
  return {
    ...{ j, i, text: "\\boxed{3}", tokens: 4, stopReason: isCut ? "length" : "eos" },
    extracted: isRead ? { text: "3" } : { none: "no \\boxed" },
    reward: { overall: isRight ? 1 : 0, accuracy: isRight ? 1 : 0, format: 1, reason: "" },
    ...{ advantageGlobal: advantage, advantageLocal: 0 },
  };
}

/** A question whose variants were answered so. */
function rollout(
  answers_M_N: readonly (readonly Answered[])[],
  more: Partial<RolloutRecord> = {},
): RolloutRecord {
  return {
    ...{ step: 1, questionId: "q", category: "count", question: "How many?", gold: "3" },
    variants: answers_M_N.map((_, index) => ({
      ...{ index, text: "How many?", transform: "none", wording: "original", images: [] },
    })),
    responses: answers_M_N.flatMap((row, j) => row.map((answered, i) => response(j, i, answered))),
    ...more,
  };
}

const RIGHT: Answered = { isRight: true };
const WRONG: Answered = { isRight: false };

describe("rolloutMarks", () => {
  it.each<readonly [what: string, answers: readonly (readonly Answered[])[], marks: readonly string[]]>([
    ["all right", [[RIGHT, RIGHT]], ["correct"]],
    ["all wrong", [[WRONG, WRONG]], ["wrong"]],
    ["right and wrong", [[RIGHT, WRONG]], ["correct", "wrong"]],
    ["one cut off", [[{ isRight: false, isCut: true }]], ["wrong", "truncated"]],
    ["one not read", [[RIGHT, { isRight: false, isRead: false }]], ["correct", "wrong", "unparsed"]],
    ["no advantage anywhere", [[{ isRight: true, advantage: 0 }]], ["correct", "zero"]],
    ["no advantage of one response only", [[{ isRight: true, advantage: 0 }, RIGHT]], ["correct"]],
    [
      "one variant right, the other wrong",
      [
        [RIGHT, RIGHT],
        [WRONG, WRONG],
      ],
      ["correct", "wrong", "disagree"],
    ],
    [
      "most of one, few of the other",
      [
        [RIGHT, RIGHT, WRONG],
        [RIGHT, WRONG, WRONG],
      ],
      ["correct", "wrong", "disagree"],
    ],
    [
      "half of one is no opinion",
      [
        [RIGHT, WRONG],
        [WRONG, WRONG],
      ],
      ["correct", "wrong"],
    ],
    ["one variant without responses", [[RIGHT], []], ["correct"]],
    ["no response at all", [[]], []],
  ])("%s", (_, answers, marks) => {
    expect(rolloutMarks(rollout(answers))).toEqual(marks);
  });
});

describe("titleOf", () => {
  it.each([
    ["<image> How many?", "How many?"],
    ["Hint: answer in one word.\nQuestion: Which\n colour?", "Which colour?"],
    ["  two\n\nlines\t", "two lines"],
    ["", ""],
    ["x".repeat(140), "x".repeat(140)],
    ["x".repeat(141), `${"x".repeat(139)}…`],
  ])("of %j is %j", (text, title) => {
    expect(titleOf(text)).toBe(title);
  });
});

describe("rolloutSamples", () => {
  it("lists nothing where nothing was kept", async () => {
    const samples = rolloutSamples(dir);
    await samples.refresh();
    expect([samples.lines, samples.known]).toEqual([[], 1]);
    expect(await samples.read(0)).toBeUndefined();
  });

  it("grows with the file, under a new version, and keeps what it had", async () => {
    const path = join(dir, "rollouts.jsonl");
    await writeFile(path, jsonl([rollout([[RIGHT, WRONG]])]));
    const samples = rolloutSamples(dir);
    await samples.refresh();
    const { version, lines } = samples;
    expect(lines).toEqual([
      {
        ...{ at: 0, title: "How many?", category: "count", step: 1, gold: "3", note: "1 of 2 correct" },
        marks: ["correct", "wrong"],
      },
    ]);
    await appendFile(path, jsonl([rollout([[RIGHT]], { step: 2, question: "<image> How wide?" })]));
    await samples.refresh();
    expect(samples.version).not.toBe(version);
    expect(samples.lines.map(({ title }) => title)).toEqual(["How many?", "How wide?"]);
  });

  it("leaves out rows of another shape, and counts places without them", async () => {
    const rows = [rollout([[RIGHT]]), { step: 2 }, rollout([[WRONG]], { step: 3 })];
    await writeFile(join(dir, "rollouts.jsonl"), jsonl(rows));
    const samples = rolloutSamples(dir);
    await samples.refresh();
    expect(samples.lines.map(({ at, step }) => [at, step])).toEqual([
      [0, 1],
      [1, 3],
    ]);
    const last = await samples.read(1);
    expect(last?.kind === "rollout" && last.rollout.step).toBe(3);
    expect(await samples.search([0, 1], "How many")).toEqual([0, 1]);
  });
});
