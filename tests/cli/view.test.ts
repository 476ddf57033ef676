import { once } from "node:events";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { RunSummary } from "../../src/view/records.js";
import { startProgram } from "../helpers/program.js";
import { fourRuns } from "../view/evaluation.js";

it("view prints the address of a page over the runs below the folders, and ends when asked to", async () => {
  const root = await fourRuns(3);
  const program = startProgram(["view", "--no-browser", join(root, "share"), join(root, "first")]);
  const [printed] = (await once(program.stdout.setEncoding("utf8"), "data")) as [string];
  const url = new URL(printed.trim());
  expect([url.hostname, url.searchParams.get("token")?.length]).toEqual(["127.0.0.1", 48]);
  const runs = (await (await fetch(new URL(`/api/runs${url.search}`, url))).json()) as RunSummary[];
  expect(runs.map(({ id }) => id)).toEqual(["first", "share"].map((name) => join(root, name)));
  program.kill("SIGINT");
  expect(await once(program, "close")).toEqual([0, null]);
});

it("view waits for the usual folder where none is named and none is there", async () => {
  const cwd = await mkdtemp(join(tmpdir(), "view-"));
  const program = startProgram(["view", "--no-browser"], { cwd });
  const [printed] = (await once(program.stdout.setEncoding("utf8"), "data")) as [string];
  const url = new URL(printed.trim());
  expect(await (await fetch(new URL(`/api/runs${url.search}`, url))).json()).toEqual([]);
  program.kill("SIGTERM");
  await once(program, "close");
});
