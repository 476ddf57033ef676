import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { runProgram, startProgram } from "../helpers/program.js";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "main-"));
});

const EVALUATE = [
  "evaluate",
  "--model",
  "tiny",
  "--benchmarks",
  "MMStar",
  "--limit",
  "1",
  "--data",
  "samples",
];

describe("sharegrpo", () => {
  it.each([
    [["trian"], "sharegrpo: unknown command 'trian': did you mean train?"],
    [["evaluate", "--benchmark", "X"], "unknown option '--benchmark': did you mean --benchmarks?"],
    [["expand", "--in", "x.jsonl"], "missing --out <file>, --llm <url...>, --model <name>; "],
    [
      ["train", "--preset", "tiny", "--out", ""],
      "option '--out <dir>' argument '' is invalid. expected a path; all: sharegrpo train --help",
    ],
    [["train", "--preset", "tiny", "--resume", "--out", "typo"], "sharegrpo: typo: nothing to resume: "],
    [[...EVALUATE, "--resume", "--out", "typo"], "sharegrpo: typo: nothing to resume: "],
    [["quickstart", "--resume"], "no run below runs: start one first"],
  ])("%j is wrong usage: one sentence, status 2, nothing written", async (args, message) => {
    const { stdout, stderr, code } = await runProgram(args, { cwd: dir });
    expect(stderr).toContain(message);
    expect({ stdout, code }).toEqual({ stdout: "", code: 2 });
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(await readdir(dir)).toEqual([]);
  });

  it("says in one line what the operating system refused, without a stack", async () => {
    await writeFile(join(dir, "taken"), "");
    const { stderr, code } = await runProgram([...EVALUATE, "--out", "taken/run"], { cwd: dir });
    expect(stderr).toMatch(
      /^sharegrpo: .*cannot write .*; a file is in the folder's place: choose another --out$/m,
    );
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(code).toBe(1);
  });

  it("shows the stack of an expected error with --verbose only", async () => {
    const stackOf = async (...flags: string[]) =>
      (await runProgram([...flags, "report", "nowhere"], { cwd: dir })).stderr.match(/^ {4}at /m);
    expect(await stackOf()).toBeNull();
    expect(await stackOf("--verbose")).not.toBeNull();
  });

  it("ends without complaint when the reader of its output has gone", async () => {
    const child = startProgram(["grade"]);
    let complaint = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaint += text;
    });
    child.stdin.on("error", () => undefined); // nobody reads the pairs any more
    const pair = `${JSON.stringify({ id: 1, given: "1/2", truth: "0.5" })}\n`;
    child.stdin.write(pair);
    await once(child.stdout, "data");
    child.stdout.destroy();
    const more = setInterval(() => child.stdin.write(pair), 5);
    await once(child, "exit");
    clearInterval(more);
    expect(complaint).toBe("");
    expect(child.exitCode).toBe(1);
  });

  it.skipIf(!existsSync("/dev/full"))("says so when its output goes to a full disk", async () => {
    const { stderr, code } = await runProgram(["doctor"], { shell: "exec >/dev/full" });
    expect(stderr).toBe("sharegrpo: standard output: ENOSPC: no space left on device, write\n");
    expect(code).toBe(1);
  });
});
