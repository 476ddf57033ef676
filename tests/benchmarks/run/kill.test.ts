import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterEach, describe, expect, it } from "vitest";
import type { Prediction } from "../../../benchmarks/records.js";
import type { EvaluationResult } from "../../../benchmarks/run/result.js";
import { packageRoot } from "../../../src/core/files/packageRoot.js";
import { type ChatServer, startChatServer } from "../../helpers/chatServer.js";

const ROWS = 15;
const CONCURRENCY = 3;
const PROGRAM = join(packageRoot(), "dist", "src", "cli", "main.js");

let server: ChatServer | undefined;
let child: ChildProcess | undefined;
afterEach(async () => {
  child?.kill("SIGKILL");
  await server?.close();
});

function evaluate(dir: string, url: string, ...more: readonly string[]): ChildProcess {
  const flags = ["--model", url, "--model-name", "test-model", "--benchmarks", "MMStar", "--data", "samples"];
  const started = spawn(
    process.execPath,
    [PROGRAM, "evaluate", ...flags, "--concurrency", String(CONCURRENCY), "--out", dir, ...more],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  child = started;
  return started;
}

async function textOf(stream: NodeJS.ReadableStream | null): Promise<string> {
  const pieces: string[] = [];
  for await (const piece of stream ?? []) pieces.push(String(piece));
  return pieces.join("");
}

function predictionsIn(dir: string): Prediction[] {
  const path = join(dir, "predictions", "MMStar.jsonl");
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Prediction);
}

describe("sharegrpo evaluate", { timeout: 180_000 }, () => {
  it("killed at any moment loses no finished row, repeats none, and refuses other settings", async () => {
    const dir = await mkdtemp(join(tmpdir(), "kill-"));
    // Slow enough that the process dies with requests under way.
    server = await startChatServer({
      answer: ({ call }) => ({ kind: "reply", text: `A ${call}`, delayMs: 20 }),
    });
    for (const calls of [4, 9]) {
      const run = evaluate(dir, server.url, ...(calls > 4 ? ["--resume"] : []));
      while (server.requests.length < calls && run.exitCode === null) {
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      run.kill("SIGKILL");
      await once(run, "exit");
    }
    const before = predictionsIn(dir);
    expect(before.length).toBeGreaterThan(0);
    expect(before.length).toBeLessThan(ROWS);

    const refused = evaluate(dir, server.url, "--resume", "--max-tokens", "5");
    const [problem] = await Promise.all([textOf(refused.stderr), once(refused, "exit")]);
    expect(problem).toContain("decoding.maxTokens: 2048, now 5");
    expect(refused.exitCode).toBe(1);

    const last = evaluate(dir, server.url, "--resume", "--json");
    const [output] = await Promise.all([textOf(last.stdout), once(last, "exit")]);
    const after = predictionsIn(dir);
    expect(after.slice(0, before.length)).toEqual(before);
    expect(new Set(after.map(({ index }) => index)).size).toBe(ROWS);
    expect(after.length).toBe(ROWS);
    // Only what was under way when a process died was asked again.
    expect(server.requests.length).toBeLessThanOrEqual(ROWS + 2 * CONCURRENCY);
    const result = JSON.parse(output) as EvaluationResult;
    expect(result.datasets[0]?.statuses).toEqual({ finished: ROWS, truncated: 0, failed: 0 });
    expect(result.datasets[0]?.scores.map(({ mode }) => mode)).toEqual(["fixed", "compatible"]);
  });

  it("stops at Ctrl-C with status 130, keeps what was answered, and says how to go on", async () => {
    const dir = await mkdtemp(join(tmpdir(), "interrupt-"));
    server = await startChatServer({ answer: ({ call }) => (call < 4 ? "A" : { kind: "hang" }) });
    const run = evaluate(dir, server.url);
    const said = textOf(run.stderr);
    while (server.requests.length < 4 + CONCURRENCY && run.exitCode === null) {
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    run.kill("SIGINT");
    await once(run, "exit");
    expect(run.exitCode).toBe(130);
    expect(await said).toContain("answers so far are kept: continue with --resume");
    expect(predictionsIn(dir).map(({ prediction }) => prediction)).toEqual(["A", "A", "A", "A"]);
  });
});
