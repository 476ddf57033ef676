import { mkdtemp, rename } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { addRuns } from "../../src/cli/runs.js";
import { runCommand } from "../helpers/command.js";
import { finishedRun } from "../report/fixtures.js";

it("sharegrpo runs lists runs as a table and as JSON", async () => {
  const root = await mkdtemp(join(tmpdir(), "runs-"));
  await rename(await finishedRun(4), join(root, "share"));
  const { printed } = await runCommand(addRuns, "runs", root);
  expect(printed).toMatch(/share +finished +tiny +share-grpo +4\/60 +0\.\d+ +\d+\.\d % \[/);
  const [run] = JSON.parse((await runCommand(addRuns, "runs", root, "--json")).printed);
  expect(run).toMatchObject({ id: join(root, "share"), state: "finished" });
});

it("sharegrpo runs refuses a folder that is not there", async () => {
  await expect(runCommand(addRuns, "runs", "/nowhere")).rejects.toThrow("/nowhere: no such folder");
});
