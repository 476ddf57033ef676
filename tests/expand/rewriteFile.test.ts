import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { ChatMessage, ChatReply } from "../../src/core/chat/chat.js";
import type { ChatClient } from "../../src/core/chat/openai.js";
import { ServerError, type ServerErrorKind } from "../../src/core/errors.js";
import { QUESTION_KEYS } from "../../src/data/question.js";
import type { RowFile } from "../../src/data/rowFile.js";
import { openRows } from "../../src/data/rows.js";
import { type RewriteFileOptions, rewriteFile } from "../../src/expand/rewriteFile.js";
import { temporaryFolder } from "../support/fakeModel.js";

const OPTIONS: RewriteFileOptions = {
  keys: QUESTION_KEYS,
  count: 1,
  rounds: 1,
  showsImages: false,
  answers: 0,
  params: {},
  isGold: () => true,
  concurrency: 2,
  replaces: false,
};

type Cells = Readonly<Record<string, unknown>>;
const asking = (idx: number): Cells => ({ idx, problem: `What is ${idx} plus one?`, answer: "?" });

async function fileOf(rows: readonly (Cells | string)[]): Promise<RowFile> {
  const path = join(await temporaryFolder(), "rows.jsonl");
  const lines = rows.map((row) => (typeof row === "string" ? row : JSON.stringify(row)));
  await writeFile(path, lines.join("\n"));
  return openRows(path);
}

const NUMBER = /What is (\d+) plus one\?\n\nCorrect/;
const numberIn = (messages: readonly ChatMessage[]): number =>
  Number(NUMBER.exec(JSON.stringify(messages.at(-1)?.content).replaceAll("\\n", "\n"))?.[1]);

/** A model that rewrites well, or does for some numbers what it is told. */
function model(exceptions: Readonly<Record<number, () => Promise<ChatReply>>> = {}) {
  const asked: number[] = [];
  let [underWay, most] = [0, 0];
  const client: ChatClient = {
    model: "m",
    async complete(messages) {
      const number = numberIn(messages);
      asked.push(number);
      most = Math.max(most, ++underWay);
      try {
        return (await exceptions[number]?.()) ?? replyOf(JSON.stringify([`Add one to ${number}.`]));
      } finally {
        underWay--;
      }
    },
    check: () => Promise.resolve([]),
  };
  return { client, asked, most: () => most };
}

function replyOf(text: string): ChatReply {
  const usage = { promptTokens: 10, completionTokens: 1 };
  return { text, finishReason: "stop", usage, latencyMs: 1, attempts: 1, model: "m" };
}

const failing = (kind: ServerErrorKind) => () =>
  Promise.reject(new ServerError(`the server is ${kind}`, { kind, url: "http://model" }));

describe("rewriteFile(…)", () => {
  test("asks about every question, as many at once as allowed, and keeps the order of the rows", async () => {
    const numbers = [7, 5, 9, 8, 6];
    // The first answer waits until the second question is asked.
    let second = (): void => undefined;
    const isAskedTwice = new Promise<void>((done) => {
      second = done;
    });
    const good = (number: number) => replyOf(JSON.stringify([`Add one to ${number}.`]));
    const { client, asked, most } = model({
      7: async () => {
        await isAskedTwice;
        return good(7);
      },
      5: async () => {
        second();
        return good(5);
      },
    });
    const { report, listOf, rejections } = await rewriteFile(
      await fileOf(numbers.map(asking)),
      client,
      OPTIONS,
    );
    expect(numbers.map((_, row) => listOf(row))).toEqual(numbers.map((number) => [`Add one to ${number}.`]));
    expect(asked.toSorted()).toEqual(numbers.toSorted());
    expect(most()).toBe(2);
    expect(report).toMatchObject({ rows: 5, questions: 5, whole: 5, partial: 0, none: 0, rewrites: 5 });
    expect(report.cost).toEqual({ calls: 5, cached: 0, promptTokens: 50, completionTokens: 5 });
    expect(rejections).toEqual([]);
  });

  test("names rows that are no questions, and leaves what they had", async () => {
    const { client, asked } = model();
    const broken = { idx: 2, problem: "", answer: "1", new_questions: ["old"] };
    const { report, listOf } = await rewriteFile(await fileOf([asking(1), broken, "[]"]), client, OPTIONS);
    expect(report.invalid).toEqual([
      { place: "line 2", why: "column problem is empty" },
      { place: "line 3", why: "not a JSON object" },
    ]);
    expect([report.rows, report.questions]).toEqual([3, 1]);
    expect(listOf(1)).toEqual(["old"]);
    expect(asked).toEqual([1]);
  });

  test("asks about the first questions only where a limit says so", async () => {
    const { client, asked } = model();
    const rows = [asking(1), { ...asking(2), new_questions: ["What is 2 and one?"] }];
    const { report, listOf } = await rewriteFile(await fileOf(rows), client, { ...OPTIONS, limit: 1 });
    expect(asked).toEqual([1]);
    expect(report).toMatchObject({ rows: 2, questions: 1, rewrites: 1 });
    expect(listOf(1)).toEqual(["What is 2 and one?"]);
  });

  test("keeps rewrites that are in the file, or asks anew", async () => {
    const rows = [{ ...asking(4), new_questions: ["One more than 4 is what?"] }];
    const kept = model();
    expect((await rewriteFile(await fileOf(rows), kept.client, OPTIONS)).listOf(0)).toEqual(
      rows[0]?.new_questions,
    );
    expect(kept.asked).toEqual([]);
    const anew = model();
    const replaced = await rewriteFile(await fileOf(rows), anew.client, { ...OPTIONS, replaces: true });
    expect(replaced.listOf(0)).toEqual(["Add one to 4."]);
  });

  test("counts what was refused by kind, and questions with some and with no rewrites", async () => {
    const some = JSON.stringify(["Add one to 1.", "Add 2 to 1."]);
    const { client } = model({ 1: async () => replyOf(some), 2: async () => replyOf("no list") });
    const options = { ...OPTIONS, count: 2 };
    const { report, rejections } = await rewriteFile(await fileOf([asking(1), asking(2)]), client, options);
    expect(report).toMatchObject({ whole: 0, partial: 1, none: 1, rewrites: 1 });
    expect(report.rejected).toMatchObject({ "not a list": 1, "number added": 1 });
    expect(rejections.map(({ id }) => id)).toEqual(["1", "2"]);
  });

  test("one question's failure is its own", async () => {
    const { client, asked } = model({ 2: failing("rejected") });
    const { report, listOf } = await rewriteFile(await fileOf([1, 2, 3].map(asking)), client, OPTIONS);
    expect(report.failed).toEqual([{ place: "line 2", why: "the server is rejected" }]);
    expect([report.questions, report.whole]).toEqual([3, 2]);
    expect(listOf(1)).toEqual([]);
    expect(asked).toHaveLength(3);
  });

  test.each<readonly [string, ServerErrorKind, number]>([
    ["gone", "unreachable", 1],
    ["refusing every request", "refused", 1],
    ["broken three times with no success between", "broken", 3],
  ])("a server that is %s ends the run", async (_, kind, calls) => {
    const numbers = Array.from({ length: 12 }, (_each, at) => at + 1);
    const { client, asked } = model(Object.fromEntries(numbers.map((number) => [number, failing(kind)])));
    const options = { ...OPTIONS, concurrency: 1 };
    await expect(rewriteFile(await fileOf(numbers.map(asking)), client, options)).rejects.toBeInstanceOf(
      ServerError,
    );
    expect(asked).toHaveLength(calls);
  });

  test("failures with successes between them do not end it", async () => {
    const odd = [1, 3, 5, 7, 9, 11];
    const { client } = model(Object.fromEntries(odd.map((number) => [number, failing("timeout")])));
    const rows = Array.from({ length: 12 }, (_, at) => asking(at + 1));
    const { report } = await rewriteFile(await fileOf(rows), client, { ...OPTIONS, concurrency: 1 });
    expect([report.failed.length, report.whole]).toEqual([6, 6]);
  });

  test("an error that is no server's ends it, as does a signal, with its reason", async () => {
    const { client } = model({ 2: () => Promise.reject(new Error("a bug")) });
    await expect(rewriteFile(await fileOf([1, 2].map(asking)), client, OPTIONS)).rejects.toThrow("a bug");
    const control = new AbortController();
    const stopping = model({
      2: () => {
        control.abort(new Error("stopped"));
        return Promise.resolve(replyOf("[]"));
      },
    });
    const rows = await fileOf([1, 2, 3, 4, 5, 6].map(asking));
    const stopped = rewriteFile(rows, stopping.client, {
      ...OPTIONS,
      concurrency: 1,
      signal: control.signal,
    });
    await expect(stopped).rejects.toThrow("stopped");
    expect(stopping.asked).toEqual([1, 2]);
  });

  test("tells how far it is and what was refused", async () => {
    const seen: unknown[] = [];
    const { client } = model({ 1: async () => replyOf("no list") });
    const options = { ...OPTIONS, concurrency: 1, onProgress: (event: object) => seen.push(event) };
    await rewriteFile(await fileOf([1, 2].map(asking)), client, options);
    expect(seen).toEqual([
      { phase: "rewrite", done: 1, total: 2, note: "1 refused" },
      { phase: "rewrite", done: 2, total: 2, note: "1 refused" },
    ]);
  });
});
