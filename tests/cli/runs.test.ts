import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { addRuns } from "../../src/cli/runs.js";
import { whileHolding } from "../../src/core/files/folderLock.js";
import { runCommand } from "../helpers/command.js";
import { finishedRun } from "../report/fixtures.js";
import { evaluationRun } from "../view/evaluation.js";

it("sharegrpo runs lists runs as a table and as JSON", async () => {
  const root = await mkdtemp(join(tmpdir(), "runs-"));
  await rename(await finishedRun(4), join(root, "share"));
  const { printed } = await runCommand(addRuns, "runs", root);
  expect(printed).toMatch(/share +finished +tiny +share-grpo +4\/60 +0\.\d+ +\d+\.\d % \[/);
  const [run] = JSON.parse((await runCommand(addRuns, "runs", root, "--json")).printed);
  expect(run).toMatchObject({ id: join(root, "share"), state: "finished" });
});

it("sharegrpo runs names what tells runs apart, shortened, and why one cannot be read", async () => {
  const root = await mkdtemp(join(tmpdir(), "runs-"));
  for (const name of ["a", "b", "broken"]) await rename(await finishedRun(2), join(root, name));
  const config = (seed: number) =>
    `seed: ${seed}\nmodel: ${"x".repeat(30)}${seed}\nupdate:\n  learningRate: 0.00${seed}\n`;
  for (const [at, name] of ["a", "b"].entries())
    await writeFile(join(root, name, "config.yaml"), config(at + 1));
  await writeFile(join(root, "broken", "metrics.jsonl"), '{"step":"one"}\n');
  const lines = (await runCommand(addRuns, "runs", root)).printed.split("\n");
  const lineOf = (name: string) => lines.find((line) => line.startsWith(join(root, name))) ?? "";
  expect(lineOf("a")).toMatch(new RegExp(`seed=1 model=${"x".repeat(19)}… learningRate=0\\.001$`));
  expect(lineOf("b")).toContain("seed=2");
  expect(lineOf("broken")).toContain("metrics.jsonl: invalid rows: row 1: step");
});

it("sharegrpo runs counts the settings that it has no room for", async () => {
  const root = await mkdtemp(join(tmpdir(), "runs-"));
  for (const name of ["a", "b"]) await rename(await finishedRun(2), join(root, name));
  await writeFile(join(root, "b", "config.yaml"), "seed: 1\nmodel: tiny\n");
  expect((await runCommand(addRuns, "runs", root)).printed).toMatch(/variants=– .* and \d+ more$/m);
});

it("sharegrpo runs shows a running one with the time left, and an evaluation with its mean", async () => {
  const root = await mkdtemp(join(tmpdir(), "runs-"));
  await rename(await finishedRun(2), join(root, "live"));
  await rm(join(root, "live", "evaluations.jsonl"));
  await rename(await evaluationRun("six", [{ text: "A", isRight: true }]), join(root, "six"));
  const { printed } = await whileHolding(join(root, "live"), "train", () =>
    runCommand(addRuns, "runs", root),
  );
  expect(printed).toMatch(/live +running +tiny +share-grpo +2\/60, .* left/);
  expect(printed).toMatch(/six +finished +six +evaluation +– +– +100\.0 % \[/);
});

it("sharegrpo runs says where it looked when there is nothing", async () => {
  const root = await mkdtemp(join(tmpdir(), "runs-"));
  expect((await runCommand(addRuns, "runs", root)).printed).toBe(`no runs in ${root}`);
  expect((await runCommand(addRuns, "runs", root, "--json")).printed).toBe("[]");
});

it("sharegrpo runs refuses a folder that is not there", async () => {
  await expect(runCommand(addRuns, "runs", "/nowhere")).rejects.toThrow("/nowhere: no such folder");
});
