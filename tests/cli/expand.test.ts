import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Command } from "commander";
import { afterEach, describe, expect, test } from "vitest";
import { addExpand } from "../../src/cli/expand.js";
import { packageRoot } from "../../src/core/files/packageRoot.js";
import {
  type ChatRequest,
  type ChatServer,
  type ChatServerScript,
  startChatServer,
} from "../helpers/chatServer.js";

const PROGRAM = join(packageRoot(), "dist", "src", "cli", "main.js");
let server: ChatServer;
let child: ChildProcess | undefined;
afterEach(async () => {
  child?.kill("SIGKILL");
  await server.close();
});

/** `count` questions about sums; question k is "What is k plus 1?". */
function questionsFile(count: number): string {
  const path = join(mkdtempSync(join(tmpdir(), "expand-")), "questions.jsonl");
  const lines = Array.from({ length: count }, (_, k) =>
    JSON.stringify({
      idx: k,
      problem: `What is ${k + 20} plus 1?`,
      answer: String(k + 21),
      images: [],
      level: 1.0,
    }),
  );
  writeFileSync(path, lines.join("\n"));
  return path;
}

/** The number a request's last question is about. */
const numberOf = (prompt: string): number => Number([...prompt.matchAll(/What is (\d+) plus/g)].at(-1)?.[1]);
const wanted = (prompt: string): number =>
  Number([...prompt.matchAll(/(?:versions: |Write )(\d+)/g)].at(-1)?.[1]);

/** As many good rewrites as were asked for; those of a later round differ from the first. */
function goodRewrites({ prompt }: ChatRequest): string {
  const round = prompt.split("JSON array of").length;
  const rewrites = Array.from(
    { length: wanted(prompt) },
    (_, at) => `Add 1 to ${numberOf(prompt)} and tell the sum, please${" really".repeat(at + 2 * round)}.`,
  );
  return JSON.stringify(rewrites);
}

interface Outcome {
  readonly lines: readonly string[];
  readonly printed: string;
  readonly code: number;
}

async function run(answer: ChatServerScript["answer"], input: string, ...more: string[]): Promise<Outcome> {
  server = await startChatServer({ answer });
  return expandAgain(input, ...more);
}

/** Runs the command in this process, against the server that is there. */
async function expandAgain(input: string, ...given: (string | AbortSignal)[]): Promise<Outcome> {
  const more = given.filter((each) => typeof each === "string");
  const signal = given.find((each) => typeof each !== "string") ?? new AbortController().signal;
  const outcome = { lines: [] as string[], printed: "", code: 0 };
  const program = new Command().exitOverride();
  addExpand(program, {
    terminal: {
      onProgress: () => undefined,
      line: (text) => outcome.lines.push(text),
      retried: (_, message) => outcome.lines.push(message),
      finish: () => undefined,
    },
    signal: () => signal,
    print: (text) => {
      outcome.printed += text;
    },
    exitWith: (code) => {
      outcome.code = code;
    },
  });
  const flags = ["--in", input, "--out", outOf(input), "--llm", server.url, "--model", "test-model"];
  await program.parseAsync(["expand", ...flags, "--retries", "1", ...more], { from: "user" });
  return outcome;
}

const outOf = (input: string): string => input.replace("questions", "expanded");
const rowsOf = (path: string) =>
  readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { problem: string; new_questions: string[] });

describe("sharegrpo expand", () => {
  test("gives every question m − 1 rewrites and keeps everything else", async () => {
    const input = questionsFile(5);
    const { printed, code } = await run(goodRewrites, input, "--variants", "3");
    expect(code).toBe(0);
    const before = readFileSync(input, "utf8").split("\n");
    for (const [at, line] of readFileSync(outOf(input), "utf8").trim().split("\n").entries()) {
      expect(line.startsWith(before[at]?.slice(0, -1) ?? "?")).toBe(true);
    }
    for (const { new_questions: rewrites } of rowsOf(outOf(input))) expect(new Set(rewrites).size).toBe(2);
    expect(printed).toContain("10 rewrites of 5 questions: 5 with all 2, 0 with fewer, 0 with none");
    expect(server.requests).toHaveLength(5);
    expect(server.requests[0]?.body).toMatchObject({ temperature: 0.8, max_tokens: 4096 });
  });

  test("asks again for refused rewrites, saying why, and reports each", async () => {
    const input = questionsFile(1);
    const replies = [
      "no list at all",
      '["What is 20 plus 1?", "What is 20 plus 2?", "Is 21 the sum of 20 and 1?"]',
    ];
    const answer = (request: ChatRequest) => replies[request.call] ?? goodRewrites(request);
    await run(answer, input, "--variants", "3");
    expect(rowsOf(outOf(input))[0]?.new_questions).toHaveLength(2);
    expect(server.requests[1]?.prompt).toContain("- your reply: no complete JSON array in the reply");
    expect(server.requests[2]?.prompt).toContain('- "What is 20 plus 1?": it is the question itself');
    const refused = readFileSync(`${outOf(input)}.rejected.jsonl`, "utf8")
      .trim()
      .split("\n");
    expect(refused.map((line) => JSON.parse(line))).toEqual([
      { id: "0", round: 1, rewrite: "", kind: "not a list", why: "no complete JSON array in the reply" },
      {
        id: "0",
        round: 2,
        rewrite: "What is 20 plus 1?",
        kind: "identical",
        why: "it is the question itself",
      },
      { id: "0", round: 2, rewrite: "What is 20 plus 2?", kind: "number missing", why: "1 is not in it" },
      {
        id: "0",
        round: 2,
        rewrite: "Is 21 the sum of 20 and 1?",
        kind: "answer leaked",
        why: "it states the answer",
      },
    ]);
    const report = JSON.parse(readFileSync(`${outOf(input)}.report.json`, "utf8"));
    expect(report).toMatchObject({ questions: 1, whole: 1, rejected: { identical: 1, "not a list": 1 } });
  });

  test("gives up on a question after the allowed rounds", async () => {
    const input = questionsFile(2);
    const { printed } = await run(
      ({ prompt }) => (numberOf(prompt) === 20 ? "[]" : goodRewrites({ prompt } as ChatRequest)),
      input,
      "--rounds",
      "2",
    );
    expect(server.requests).toHaveLength(3);
    expect(rowsOf(outOf(input)).map((row) => row.new_questions.length)).toEqual([0, 4]);
    expect(printed).toContain("1 with all 4, 0 with fewer, 1 with none");
  });

  test("with --verify the model must reach the answer from the rewrite alone", async () => {
    const input = questionsFile(2);
    const answer = (request: ChatRequest) => {
      const sum = /^Add 1 to (\d+)/.exec(request.prompt)?.[1];
      if (sum === undefined) return goodRewrites(request);
      return sum === "20" ? "So \\boxed{21}." : "It is \\boxed{5}.";
    };
    const { printed } = await run(answer, input, "--variants", "2", "--rounds", "1", "--verify", "2");
    expect(rowsOf(outOf(input)).map((row) => row.new_questions.length)).toEqual([1, 0]);
    expect(printed).toContain("refused 1: not answerable");
    expect(server.requests).toHaveLength(2 + 1 + 2);
  });

  test("shows images only when told to, and puts markers back that stand before the words", async () => {
    const input = questionsFile(1);
    const url =
      "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    writeFileSync(
      input,
      JSON.stringify({ idx: 0, problem: "<image>What is 20 plus 1?", answer: "21", images: [url] }),
    );
    await run(goodRewrites, input, "--variants", "2");
    expect(server.requests[0]?.images).toEqual([]);
    expect(rowsOf(outOf(input))[0]?.new_questions[0]).toMatch(/^<image>Add 1 to 20/);
    await expandAgain(input, "--variants", "2", "--images");
    expect(server.requests[1]?.images).toEqual([url]);
  });

  test("keeps good rewrites a file has, drops bad ones, and asks for the rest", async () => {
    const input = questionsFile(1);
    const had = ["How much are 20 and 1 together?", "How much are 20 and 2 together?"];
    writeFileSync(
      input,
      JSON.stringify({ idx: 0, problem: "What is 20 plus 1?", answer: "21", new_questions: had }),
    );
    await run(goodRewrites, input, "--variants", "3");
    const [row] = rowsOf(outOf(input));
    expect(row?.new_questions).toEqual([had[0], expect.stringMatching(/^Add/)]);
    await expandAgain(input, "--variants", "3", "--replace");
    expect(rowsOf(outOf(input))[0]?.new_questions).not.toContain(had[0]);
  });

  test("rows that are no questions stay as they are and are named", async () => {
    const input = questionsFile(1);
    writeFileSync(
      input,
      '{"problem": "What is 20 plus 1?", "answer": "21"}\n{"problem": "<image>x", "answer": "1"}\n',
    );
    const { printed } = await run(goodRewrites, input);
    expect(printed).toContain("1 rows are no questions; first line 2: 1 <image> markers for 0 images");
    expect(rowsOf(outOf(input)).map((row) => row.new_questions.length)).toEqual([4, 0]);
  });

  test("one question's failure is its own; the same command asks again for it alone", async () => {
    const input = questionsFile(4);
    const poison = { kind: "status", status: 400, body: '{"error": "bad words"}' } as const;
    let isPoisoned = true;
    const answer = (request: ChatRequest) =>
      isPoisoned && numberOf(request.prompt) === 21 ? poison : goodRewrites(request);
    const first = await run(answer, input);
    expect(first.code).toBe(1);
    expect(first.printed).toContain("1 questions failed, the same command asks them again; first line 2");
    isPoisoned = false;
    const asked = server.requests.length;
    expect((await expandAgain(input)).code).toBe(0);
    expect(server.requests.length - asked).toBe(1);
    expect(rowsOf(outOf(input)).every((row) => row.new_questions.length === 4)).toBe(true);
  });

  test("a server that dies ends the run with what to do; the next run repeats no answered call", async () => {
    const input = questionsFile(12);
    const answer = async (request: ChatRequest) => {
      if (request.call === 5) await server.die();
      return goodRewrites(request);
    };
    const died = run(answer, input, "--concurrency", "2");
    await expect(died).rejects.toThrow(/cannot be reached: .*; start the server/);
    expect(existsSync(outOf(input))).toBe(false);
    const kept = readFileSync(`${outOf(input)}.calls.jsonl`, "utf8")
      .trim()
      .split("\n").length;
    await server.revive();
    const asked = server.requests.length;
    const { printed } = await expandAgain(input);
    expect(server.requests.length - asked).toBe(12 - kept);
    expect(printed).toContain(`12 calls, ${kept} of them known already`);
  });

  test("a server that refuses, breaks, hangs, cuts off and talks nonsense in turn loses no question", async () => {
    const input = questionsFile(6);
    const faults = [
      { kind: "status", status: 429, headers: { "retry-after": "0" } },
      { kind: "status", status: 500 },
      { kind: "halfBody" },
      { kind: "junk", body: "{" },
      { kind: "hang" },
    ] as const;
    const answer = (request: ChatRequest) => faults[request.call] ?? goodRewrites(request);
    const { printed } = await run(answer, input, "--retries", "5", "--timeout", "0.5", "--concurrency", "3");
    expect(printed).toContain("24 rewrites of 6 questions: 6 with all 4");
    expect(server.requests).toHaveLength(6 + faults.length);
  });

  test("Ctrl-C stops it with the answers kept and status 130", async () => {
    const input = questionsFile(9);
    const interrupt = new AbortController();
    const answer = (request: ChatRequest) => {
      if (request.call === 4) interrupt.abort();
      return goodRewrites(request);
    };
    server = await startChatServer({ answer });
    const { code, lines } = await expandAgain(input, interrupt.signal, "--concurrency", "1");
    expect(code).toBe(130);
    expect(lines.at(-1)).toContain("answers so far are kept in");
    expect(existsSync(outOf(input))).toBe(false);
    const asked = server.requests.length;
    expect((await expandAgain(input)).code).toBe(0);
    expect(server.requests.length - asked).toBe(9 - 4);
  });

  test("a model that the server does not have, and a file that is none, cost no call", async () => {
    const input = questionsFile(1);
    await expect(run(goodRewrites, input, "--model", "other")).rejects.toThrow(/unknown model: other/);
    await expect(expandAgain(`${input}.not.jsonl`)).rejects.toThrow(/cannot read/);
    await expect(expandAgain(input, "--out", "x.csv")).rejects.toThrow(/ends in \.jsonl or \.parquet/);
    expect(server.requests).toHaveLength(0);
  });

  test("killed at any moment it repeats no answered call", async () => {
    const input = questionsFile(10);
    server = await startChatServer({
      answer: (request) => ({ kind: "reply", text: goodRewrites(request), delayMs: 15 }),
    });
    const flags = ["--in", input, "--out", outOf(input), "--llm", server.url, "--model", "test-model"];
    const start = () => {
      child = spawn(process.execPath, [PROGRAM, "expand", ...flags, "--concurrency", "2"], {
        stdio: "ignore",
      });
      return child;
    };
    const first = start();
    while (server.requests.length < 5 && first.exitCode === null)
      await new Promise((resolve) => setTimeout(resolve, 2));
    first.kill("SIGKILL");
    await once(first, "exit");
    const lines = readFileSync(`${outOf(input)}.calls.jsonl`, "utf8").split("\n");
    const kept = lines.length - 1;
    expect(kept).toBeGreaterThan(0);
    expect(existsSync(outOf(input))).toBe(false);
    const asked = server.requests.length;
    await once(start(), "exit");
    expect(server.requests.length - asked).toBe(10 - kept);
    expect(rowsOf(outOf(input)).every((row) => row.new_questions.length === 4)).toBe(true);
    const names = readdirSync(join(input, "..")).sort();
    expect(names.filter((name) => name.includes("partial"))).toEqual([]);
  });
});
