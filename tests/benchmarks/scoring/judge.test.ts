import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { BenchmarkRow, GradeSettings } from "../../../benchmarks/records.js";
import { ASK_FOR_ANSWER, ASK_FOR_CHOICE, askJudge, openJudge } from "../../../benchmarks/scoring/judge.js";
import {
  fillPrompt,
  JUDGE_PROMPTS,
  readJudgePrompts,
  vlmEvalKitPrompts,
} from "../../../benchmarks/scoring/judgePrompts.js";
import { BENCHMARK } from "../../../benchmarks/suites/registry.js";
import { CheckpointError, ServerError } from "../../../src/core/errors.js";
import { type ChatServer, type ChatServerScript, startChatServer } from "../../helpers/chatServer.js";

const { MathVista, MMStar, MathVerse, MathVision } = BENCHMARK;
let server: ChatServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function judgeThat(answer: ChatServerScript["answer"], cachePath?: string) {
  await server?.close();
  server = await startChatServer({ answer });
  return openJudge({
    baseUrls: [server.url],
    model: "test-model",
    retries: 0,
    ...(cachePath === undefined ? {} : { cachePath }),
  });
}

const row = (cells: Record<string, string>): BenchmarkRow => ({ index: "7", cells, images: [] });
const animals = row({ question: "Which animal?", A: "dog", B: "cat", answer: "B" });
const number = row({
  question: "How many?",
  question_type: "free_form",
  answer_type: "integer",
  answer: "14",
  choices: "[]",
});
const by = (judge: GradeSettings["judge"], more: Partial<GradeSettings> = {}): GradeSettings => ({
  rules: "2026-08",
  mode: "compatible",
  ...(judge ? { judge } : {}),
  ...more,
});

describe("a judge", () => {
  it("reads the option that the rules cannot, and is shown question, options and response", async () => {
    const judge = await judgeThat(() => "B");
    const verdict = await MMStar.grade(animals, "It purrs.", by(judge));
    expect(verdict).toEqual({ outcome: "correct", extracted: "B", rule: "judge" });
    const prompt = server?.requests[0]?.prompt ?? "";
    expect(prompt).toContain("Question: Which animal?");
    expect(prompt).toContain("A. dog\nB. cat\n");
    expect(prompt).toContain("Answer: It purrs.");
    expect(server?.requests[0]?.body).toMatchObject({ temperature: 0 });
  });

  it("is not asked where rules find an option", async () => {
    const judge = await judgeThat(() => "B");
    await MMStar.grade(animals, "A", by(judge));
    expect(server?.requests).toHaveLength(0);
  });

  it("is asked for an option three times, then the row is unparsed, or guessed with a seed", async () => {
    const judge = await judgeThat(() => "I would not know");
    expect(await MMStar.grade(animals, "It purrs.", by(judge))).toEqual({
      outcome: "unparsed",
      extracted: null,
      rule: "judge gave no answer",
    });
    expect(server?.requests).toHaveLength(3);
    const guesses = await Promise.all(
      [1, 1, 2, 3, 4, 5].map((guessSeed) => MMStar.grade(animals, "It purrs.", by(undefined, { guessSeed }))),
    );
    expect(guesses[0]).toEqual(guesses[1]);
    expect(guesses.every(({ rule }) => rule === "guess")).toBe(true);
    expect(new Set(guesses.map(({ extracted }) => extracted)).size).toBeGreaterThan(1);
  });

  it("is asked for an answer five times, warmer each time, while it fails", async () => {
    const judge = await judgeThat(({ call }) => (call < 4 ? { kind: "status", status: 500 } : "14"));
    const verdict = await MathVista.grade(number, "There are fourteen of them here, I think.", by(judge));
    expect(verdict).toEqual({ outcome: "correct", extracted: "14", rule: "judge" });
    expect(server?.requests.map(({ body }) => body["temperature"])).toEqual([0, 0.5, 1, 1.5, 2]);
    expect(server?.requests.every(({ body }) => body["max_tokens"] === 128)).toBe(true);
  });

  it("decides by what it extracts: a right 0 in MathVista, False never in MathVision", async () => {
    const judge = await judgeThat(({ prompt }) => (prompt.includes("none at all") ? "0" : "no letter"));
    const zero = row({ ...number.cells, answer: "0" });
    expect((await MathVista.grade(zero, "There are none at all in it.", by(judge))).outcome).toBe("correct");
    const choice = row({ question: "?", choices: "['1', '2']", answer: "A", category: "c" });
    expect((await MathVision.grade(choice, "hm, well", by(judge))).outcome).toBe("wrong");
  });

  it("extracts and scores for MathVerse: equal texts need one call, others two, with 0 or 1", async () => {
    const verse = row({
      question: "?",
      question_for_eval: "How long?",
      question_type: "free-form",
      answer: "5√2",
    });
    const equal = await judgeThat(() => " 5√2 ");
    expect((await MathVerse.grade(verse, "whatever", by(equal))).outcome).toBe("correct");
    expect(server?.requests).toHaveLength(1);
    const replies = ["5 root 2", "maybe", "1"];
    const scored = await judgeThat(({ call }) => replies[call] ?? "0");
    expect(await MathVerse.grade(verse, "whatever", by(scored))).toEqual({
      outcome: "correct",
      extracted: "5 root 2",
      rule: "judge",
    });
    expect(server?.requests[1]?.prompt).toContain("Model's answer: 5 root 2");
  });

  it("is paid once: answers are kept on disk, each attempt for itself", async () => {
    const folder = await mkdtemp(join(tmpdir(), "judge-"));
    const path = join(folder, "cache.jsonl");
    const first = await judgeThat(({ call }) => `reply ${call}`, path);
    const question = { temperature: 0, maxTokens: 9 };
    expect(await first.ask("x", { ...question, attempt: 0 })).toBe("reply 0");
    expect(await first.ask("x", { ...question, attempt: 1 })).toBe("reply 1");
    expect(await first.ask("x", { ...question, attempt: 0 })).toBe("reply 0");
    expect(server?.requests).toHaveLength(2);
    await first.close();
    const second = await judgeThat(() => "another", path);
    expect(await second.ask("x", { ...question, attempt: 1 })).toBe("reply 1");
    expect(server?.requests).toHaveLength(0);
    await second.close();
  });

  it("that cannot be reached is refused before anything is scored", async () => {
    await expect(openJudge({ baseUrls: ["http://127.0.0.1:9/v1"], model: "m", retries: 0 })).rejects.toThrow(
      "127.0.0.1:9",
    );
  });

  it("that dies, or whose answers cannot be kept, ends the scoring: such rows are not wrong", async () => {
    const dead = await judgeThat(() => "B");
    await server?.die();
    await expect(askJudge(dead, "which?", ASK_FOR_CHOICE, (reply) => reply)).rejects.toThrow(ServerError);
    const unkept = await judgeThat(() => "B", join(await mkdtemp(join(tmpdir(), "judge-")), "cache.jsonl"));
    await unkept.close(); // a file that takes no more, as on a full disk
    await expect(askJudge(unkept, "which?", ASK_FOR_CHOICE, (reply) => reply)).rejects.toThrow(
      CheckpointError,
    );
  });

  it("whose replies hold VLMEvalKit's words for failure is asked again", async () => {
    const judge = await judgeThat(({ call }) => (call === 0 ? "Failed to obtain answer via API." : "x"));
    expect(await askJudge(judge, "p", ASK_FOR_ANSWER, (reply) => reply)).toBe("x");
  });
});

describe("judge prompts", () => {
  it("fill named places once and leave all other braces", () => {
    const filled = fillPrompt("√{{3}} {question} {other} {answer}", { question: "{answer} $&", answer: "1" });
    expect(filled).toBe("√{{3}} {answer} $& {other} 1");
  });

  it("of a folder take the place of the built-in ones by name", async () => {
    const folder = await mkdtemp(join(tmpdir(), "prompts-"));
    await expect(readJudgePrompts(folder)).rejects.toThrow("expected some of choice.txt");
    await writeFile(join(folder, "mathVista.txt"), "Q {question} P {prediction}");
    expect(await readJudgePrompts(folder)).toEqual({
      ...JUDGE_PROMPTS,
      mathVista: "Q {question} P {prediction}",
    });
    await mkdir(join(folder, "choice.txt"));
    await expect(readJudgePrompts(folder)).rejects.toThrow("cannot read");
  });

  it("are known for VLMEvalKit's by checksum; the built-in ones are not", () => {
    expect(vlmEvalKitPrompts(JUDGE_PROMPTS)).toEqual([]);
  });

  it("name every place they need", () => {
    expect(JUDGE_PROMPTS.choice).toMatch(/\{question\}.*\{options\}.*\{prediction\}/s);
    expect(JUDGE_PROMPTS.choiceChinese).toMatch(/\{question\}.*\{options\}.*\{prediction\}/s);
    expect(JUDGE_PROMPTS.mathVista).toMatch(/\{question\}.*\{prediction\}/s);
    expect(JUDGE_PROMPTS.mathVision).toMatch(/\{question\}.*\{prediction\}/s);
    expect(JUDGE_PROMPTS.mathVerseExtract).toContain("{prediction}");
    expect(JUDGE_PROMPTS.mathVerseScore).toMatch(/\{question\}.*\{answer\}.*\{extracted\}/s);
  });
});
