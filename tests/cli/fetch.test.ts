import { mkdir, readdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { addFetch } from "../../src/cli/fetch.js";
import { addMerge } from "../../src/cli/merge.js";
import { CheckpointError, ConfigError, SharegrpoError } from "../../src/core/errors.js";
import { stepFolder } from "../../src/train/run/checkpoint.js";
import { runCommand } from "../helpers/command.js";
import { temporaryFolder, writeFakeModel } from "../support/fakeModel.js";

let dir: string;
beforeEach(async () => {
  dir = await temporaryFolder();
});

const CONFIG = (engine: string) => `seed: 1\nmodel: tiny\nengine:\n  ${engine}\n`;
const TINKER = "kind: tinker\n  url: http://127.0.0.1:9";

/** A training's folder with these settings and files. */
async function run(engine: string, files: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = join(dir, "run");
  await mkdir(folder);
  await writeFile(join(folder, "config.yaml"), CONFIG(engine));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, ".."), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

const fetchRun = (folder: string, ...args: string[]) =>
  runCommand(addFetch, "fetch", folder, "--out", join(dir, "out"), ...args);

const STATE = { server: "http://127.0.0.1:9", path: "tinker://m/w", model: "m", rank: 8, calls: 3 };

describe("sharegrpo fetch refuses", () => {
  it("a run whose checkpoints are here, and says where", async () => {
    const folder = await run("kind: local");
    await expect(fetchRun(folder)).rejects.toThrow(ConfigError);
    await expect(fetchRun(folder)).rejects.toThrow(
      `${folder}: engine.kind=local: its checkpoints are here: ${join(folder, "checkpoints")}`,
    );
  });

  it("a run without a checkpoint", async () => {
    const folder = await run(TINKER);
    await expect(fetchRun(folder)).rejects.toThrow(`${folder}: no checkpoint yet: train further, then fetch`);
  });

  it.each([
    ["no state", {}, "tinker.json: not the state of a policy on a server"],
    ["a torn one", { "tinker.json": '{"server": "http' }, "tinker.json: not the state"],
    [
      "one with another key",
      { "tinker.json": JSON.stringify({ ...STATE, more: 1 }) },
      "tinker.json: not the state",
    ],
    [
      "no weights kept there",
      { "tinker.json": JSON.stringify(STATE) },
      "the server kept no weights to sample from",
    ],
  ])("a step with %s", async (_, files, message) => {
    const at = join("checkpoints", stepFolder(2));
    const entries = Object.entries(files).map(([name, text]) => [join(at, name), text]);
    const folder = await run(TINKER, Object.fromEntries(entries));
    const fetching = fetchRun(folder, "--step", "2");
    await expect(fetching).rejects.toThrow(CheckpointError);
    await expect(fetching).rejects.toThrow(message);
    expect(await readdir(dir)).not.toContain("out");
  });

  it("weights that the server has forgotten, and leaves nothing", async () => {
    const server = createServer((_, response) =>
      response.writeHead(404).end('{"detail": "no such checkpoint"}'),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const at = join("checkpoints", stepFolder(2), "tinker.json");
    const state = { ...STATE, server: url, sampler: "tinker://m/s" };
    const folder = await run(TINKER, { [at]: JSON.stringify(state) });
    const fetching = fetchRun(folder, "--step", "2");
    await expect(fetching).rejects.toThrow(SharegrpoError);
    await expect(fetching).rejects.toThrow(/404.*no such checkpoint/);
    expect(await readdir(dir)).toEqual(["run"]);
    server.close();
  });

  it("settings that were spoilt", async () => {
    const folder = await run("kind: thinker");
    await expect(fetchRun(folder)).rejects.toThrow(ConfigError);
    await expect(fetchRun(folder)).rejects.toThrow(/config\.yaml: .*engine\.kind/);
  });
});

describe("sharegrpo merge", () => {
  it("writes a model folder, says what it did, and means the same folder with a slash at its end", async () => {
    const model = join(dir, "model");
    await writeFakeModel(model);
    const out = join(dir, "merged");
    const ran = await runCommand(addMerge, "merge", "--checkpoint", model, "--out", `${out}/`, "--json");
    expect(JSON.parse(ran.printed)).toEqual({ out, tensors: expect.any(Number), adapted: 0 });
    expect(await readdir(out)).toEqual(expect.arrayContaining(["config.json", "model.safetensors"]));
    const again = runCommand(addMerge, "merge", "--checkpoint", model, "--out", out);
    await expect(again).rejects.toThrow("is there already");
    const wide = await runCommand(
      addMerge,
      "merge",
      "--checkpoint",
      model,
      "--out",
      join(dir, "w"),
      "--dtype",
      "f32",
    );
    expect(wide.printed).toMatch(/^\d+ tensors, 0 of them adapted → /);
  });

  it.each([
    ["nothing", "none", "none"],
    ["a folder without a model", ".", "config.json"],
  ])("refuses %s", async (_, name, message) => {
    const merging = runCommand(addMerge, "merge", "--checkpoint", join(dir, name), "--out", join(dir, "out"));
    await expect(merging).rejects.toThrow(SharegrpoError);
    await expect(merging).rejects.toThrow(message);
    expect(await readdir(dir)).toEqual([]);
  });
});
