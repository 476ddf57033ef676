import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { QUESTION_KEYS } from "../../src/data/question.js";
import { openRows } from "../../src/data/rows.js";
import {
  type BadRow,
  countReasons,
  describeBadRows,
  rowId,
  type SurveyOptions,
  survey,
} from "../../src/data/survey.js";
import { temporaryFolder } from "../support/fakeModel.js";

let dir: string;
beforeAll(async () => {
  dir = await temporaryFolder();
});

const OPTIONS: SurveyOptions = {
  keys: QUESTION_KEYS,
  check: "headers",
  imageDirOf: () => dir,
  limits: { minPixels: null, maxPixels: null },
};

async function fileOf(name: string, lines: readonly (object | string)[]) {
  const path = join(dir, name);
  const text = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n");
  await writeFile(path, text);
  return openRows(path);
}

const bad = (reason: string, at = 1): BadRow => ({
  where: `x.jsonl: line ${at}`,
  reason,
  detail: `detail ${at}`,
});

describe("survey", () => {
  it("keeps good rows in order and says what is wrong with the others, and where", async () => {
    const file = await fileOf("mixed.jsonl", [
      { problem: "a", answer: "1", idx: "one" },
      "{ not JSON",
      { problem: "b", answer: 2 },
      { problem: "no answer" },
      { problem: "c", answer: "3", idx: "one" },
      { problem: "<image> without one", answer: "4" },
    ]);
    const { kept, bad: found, rows, paths } = await survey([file], OPTIONS);
    expect([rows, paths]).toEqual([6, [file.path]]);
    expect(kept.map(({ id, row, place, isOverlong }) => [id, row, place, isOverlong])).toEqual([
      ["one", 0, "line 1", false],
      ["row-2", 2, "line 3", false],
    ]);
    expect(found.map(({ where, reason }) => [where.slice(file.path.length), reason])).toEqual([
      [": line 2", "unreadable row"],
      [": line 4", expect.any(String)],
      [": line 5", "repeated id"],
      [": line 6", expect.any(String)],
    ]);
    expect(found[2]?.detail).toBe(`id one as in ${file.path}: line 1`);
  });

  it("numbers rows without an id by file and row, and finds an id that another file has", async () => {
    const first = await fileOf("first.jsonl", [{ problem: "a", answer: "1", idx: "same" }]);
    const second = await fileOf("second.jsonl", [
      { problem: "a", answer: "1" },
      { problem: "b", answer: "1", idx: "same" },
    ]);
    const { kept, bad: found } = await survey([first, second], OPTIONS);
    expect(kept.map(({ id, file }) => [id, file])).toEqual([
      ["same", 0],
      ["row-1-0", 1],
    ]);
    expect(found.map(({ reason }) => reason)).toEqual(["repeated id"]);
  });

  it("tells how far it is, row by row", async () => {
    const file = await fileOf(
      "progress.jsonl",
      Array.from({ length: 9 }, (_, at) => ({ problem: `${at}`, answer: "1" })),
    );
    const done: number[] = [];
    await survey([file], { ...OPTIONS, onProgress: (event) => done.push(event.done) });
    expect(done).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it("stops when told to", async () => {
    const file = await fileOf("stopped.jsonl", [{ problem: "a", answer: "1" }]);
    await expect(survey([file], { ...OPTIONS, signal: AbortSignal.abort() })).rejects.toThrow("abort");
  });

  it("names the columns that are missing, and the settings that name them", async () => {
    const file = await fileOf("other.jsonl", [{ question: "a", answer: "1" }]);
    await expect(survey([file], OPTIONS)).rejects.toThrow(
      "missing columns: problem; it has question, answer; name the right ones with data.promptKey",
    );
    const neither = await fileOf("neither.jsonl", [{ q: "a" }]);
    await expect(survey([neither], OPTIONS)).rejects.toThrow(
      "missing columns: problem, answer; it has q; name the right ones with data.promptKey, data.answerKey",
    );
  });
});

describe("rowId", () => {
  it("is another one for each row of each file", () => {
    const places = fc.tuple(fc.nat(50), fc.nat(50));
    fc.assert(
      fc.property(places, places, (a, b) => {
        expect(rowId(...a) === rowId(...b)).toBe(a.join() === b.join());
      }),
    );
  });
});

describe("countReasons", () => {
  it("counts, most frequent first, equals in the order of their first row", () => {
    const rows = ["b", "a", "c", "a", "c"].map((reason) => bad(reason));
    expect(countReasons(rows)).toEqual([
      ["a", 2],
      ["c", 2],
      ["b", 1],
    ]);
    expect(countReasons([])).toEqual([]);
  });
});

describe("describeBadRows", () => {
  it("has all reasons, the first twenty rows, and how many more there are", () => {
    const lines = describeBadRows(Array.from({ length: 23 }, (_, at) => bad("r", at + 1)));
    expect(lines[0]).toBe("  23 × r");
    expect(lines[1]).toBe("  x.jsonl: line 1: r: detail 1");
    expect(lines).toHaveLength(22);
    expect(lines.at(-1)).toBe("  … and 3 more");
    expect(describeBadRows([bad("r")])).toHaveLength(2);
    expect(describeBadRows([])).toEqual([]);
  });
});
