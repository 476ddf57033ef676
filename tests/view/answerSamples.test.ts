import { appendFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { answerSamples, readOutcomes } from "../../src/view/answerSamples.js";
import type { SampleDetail } from "../../src/view/records.js";
import { jsonl } from "../report/fixtures.js";
import { evaluationRun } from "./evaluation.js";

const RIGHT = { text: "so A", isRight: true };
const WRONG = { text: "so B", isRight: false };

const source = (dir: string, model = "tiny") => ({ dir, model });
const fileOf = (dir: string, folder: string) => join(dir, folder, "MMStar.jsonl");

function prediction(index: string, more: object = {}): object {
  return {
    ...{ version: 1, dataset: "MMStar", index, sample: 0, prediction: "again", status: "finished" },
    ...{ promptTokens: 9, tokens: 5, latencyMs: 1, ...more },
  };
}

async function opened(dir: string, other?: string) {
  const samples = answerSamples(
    "MMStar",
    source(dir),
    other === undefined ? undefined : source(other, "other"),
  );
  await samples.refresh();
  return samples;
}

function answersOf(detail: SampleDetail | undefined) {
  if (detail?.kind !== "answer") throw new Error(`no answer: ${detail?.kind}`);
  return detail.answers;
}

describe("answerSamples", () => {
  it("joins what was asked, said and judged by the row's index", async () => {
    const samples = await opened(await evaluationRun("tiny", [RIGHT, WRONG]));
    expect(samples.lines).toEqual([
      { at: 0, title: "number 0", category: "kind 0", gold: "A", note: "A", marks: ["correct"] },
      { at: 1, title: "number 1", category: "kind 1", gold: "A", note: "A", marks: ["wrong"] },
    ]);
    expect(await samples.read(1)).toMatchObject({ kind: "answer", index: "1", images: ["images/a.png"] });
    expect(await samples.read(7)).toBeUndefined();
  });

  it("lets the last answer to a row count, as a resume asks failed ones again", async () => {
    const dir = await evaluationRun("tiny", [RIGHT]);
    await appendFile(fileOf(dir, "predictions"), jsonl([prediction("0", { prediction: "later" })]));
    const samples = await opened(dir);
    expect(samples.lines.map(({ at }) => at)).toEqual([1]);
    expect(answersOf(await samples.read(1))[0]?.prediction).toBe("later");
  });

  it.each<readonly [status: string, outcome: string | undefined, marks: readonly string[]]>([
    ["finished", "correct", ["correct"]],
    ["finished", "wrong", ["wrong"]],
    ["finished", "unparsed", ["wrong", "unparsed"]],
    ["truncated", "wrong", ["wrong", "truncated"]],
    ["truncated", "correct", ["correct", "truncated"]],
    ["failed", "failed", ["wrong", "failed"]],
    ["finished", undefined, []], // not judged yet
  ])("marks an answer that %s and is %s with %j", async (status, outcome, marks) => {
    const dir = await evaluationRun("tiny", [RIGHT]);
    await writeFile(fileOf(dir, "predictions"), jsonl([prediction("0", { status })]));
    const verdict = { index: "0", sample: 0, cluster: "0", isReported: true };
    const fixed = { outcome, extracted: null, rule: "none" };
    await writeFile(fileOf(dir, "verdicts"), jsonl(outcome === undefined ? [] : [{ ...verdict, fixed }]));
    expect((await opened(dir)).lines[0]?.marks).toEqual(marks);
  });

  it("shows answers before rows and verdicts are written", async () => {
    const dir = await evaluationRun("tiny", [RIGHT]);
    await rm(fileOf(dir, "rows"));
    await rm(fileOf(dir, "verdicts"));
    const samples = await opened(dir);
    expect(samples.lines).toEqual([
      { at: 0, title: "row 0", category: "", gold: "", note: "finished", marks: [] },
    ]);
    expect(await samples.read(0)).toMatchObject({ question: "", images: [], answers: [{ verdicts: {} }] });
  });

  it("falls back on the other rules where the mended ones say nothing", async () => {
    const dir = await evaluationRun("tiny", [RIGHT]);
    const compatible = { outcome: "wrong", extracted: "C", rule: "letter" };
    await writeFile(fileOf(dir, "verdicts"), jsonl([{ index: "0", sample: 0, cluster: "0", compatible }]));
    const samples = await opened(dir);
    expect(samples.lines[0]).toMatchObject({ note: "C", marks: ["wrong"] });
    expect(answersOf(await samples.read(0))[0]?.verdicts).toEqual({ compatible });
  });

  it("says that nothing was read out of an answer, but of one that was cut off why", async () => {
    const dir = await evaluationRun("tiny", [RIGHT, RIGHT]);
    const cut = prediction("1", { status: "truncated" });
    await appendFile(fileOf(dir, "predictions"), jsonl([cut]));
    const fixed = { outcome: "unparsed", extracted: null, rule: "none" };
    const verdict = { sample: 0, cluster: "0", fixed };
    const verdicts = [
      { index: "0", ...verdict },
      { index: "1", ...verdict },
    ];
    await writeFile(fileOf(dir, "verdicts"), jsonl(verdicts));
    expect((await opened(dir)).lines.map(({ note }) => note)).toEqual(["nothing read", "truncated"]);
  });

  it("tells several answers to one row apart", async () => {
    const dir = await evaluationRun("tiny", [RIGHT]);
    await appendFile(fileOf(dir, "predictions"), jsonl([prediction("0", { sample: 1 })]));
    const notes = (await opened(dir)).lines.map(({ note }) => note);
    expect(notes).toEqual(["A", "sample 2: finished"]);
  });

  it("keeps thoughts and errors", async () => {
    const dir = await evaluationRun("tiny", [RIGHT]);
    const failed = { status: "failed", error: "HTTP 500", tokens: null, prediction: "", thinking: "hm" };
    await appendFile(fileOf(dir, "predictions"), jsonl([prediction("0", failed)]));
    expect(answersOf(await (await opened(dir)).read(1))[0]).toMatchObject({
      ...{ thinking: "hm", error: "HTTP 500", tokens: null, status: "failed" },
    });
  });

  it("finds words in questions and in answers", async () => {
    const samples = await opened(await evaluationRun("tiny", [RIGHT, WRONG]));
    expect(await samples.search([0, 1], "number 1")).toEqual([1]);
    expect(await samples.search([0, 1], "so a")).toEqual([0]);
    expect(await samples.search([1], "so a")).toEqual([]);
    expect(await samples.search([0, 1], "nowhere")).toEqual([]);
  });
});

describe("answers of two models", () => {
  it("differ where one is right and the other is not, whoever is shown first", async () => {
    const [a, b] = [
      await evaluationRun("a", [RIGHT, RIGHT, WRONG, WRONG]),
      await evaluationRun("b", [RIGHT, WRONG, RIGHT, WRONG]),
    ];
    for (const [first, second] of [
      [a, b],
      [b, a],
    ] as const) {
      const { lines } = await opened(first, second);
      expect(lines.map(({ marks }) => marks.includes("differs"))).toEqual([false, true, true, false]);
    }
  });

  it("do not differ where only one was asked; the one there is is shown", async () => {
    const [a, b] = [await evaluationRun("a", [RIGHT, RIGHT]), await evaluationRun("b", [WRONG])];
    const samples = await opened(a, b);
    expect(samples.lines.map(({ marks }) => marks.includes("differs"))).toEqual([true, false]);
    expect(answersOf(await samples.read(0)).map(({ model }) => model)).toEqual(["tiny", "other"]);
    expect(answersOf(await samples.read(1)).map(({ model }) => model)).toEqual(["tiny"]);
  });
});

describe("readOutcomes", () => {
  it("says which rows are right, and what hangs together", async () => {
    const outcomes = await readOutcomes(await evaluationRun("a", [RIGHT, WRONG]), "MMStar");
    expect([...outcomes]).toEqual([
      ["0 0", { isCorrect: true, cluster: "0" }],
      ["0 1", { isCorrect: false, cluster: "1" }],
    ]);
  });

  it("is empty where nothing was judged", async () => {
    expect((await readOutcomes(await evaluationRun("a", [RIGHT]), "AI2D_TEST")).size).toBe(0);
  });
});
