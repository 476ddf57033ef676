import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { presetInput, resolveConfig } from "../../src/config/load.js";
import { CheckpointError } from "../../src/core/errors.js";
import { whileHolding } from "../../src/core/files/folderLock.js";
import { trainInFolder } from "../../src/train/trainInFolder.js";
import { temporaryFolder, writeFakeModel } from "../support/fakeModel.js";
import { oneStep } from "../support/oneStep.js";

it("trainInFolder(…) leaves a folder alone that another process works in, also to resume", async () => {
  const out = await temporaryFolder();
  const config = resolveConfig(presetInput("tiny"), "test");
  await whileHolding(out, "train", async () => {
    for (const isResume of [false, true]) {
      const refused = trainInFolder({ config, out, isResume });
      await expect(refused).rejects.toBeInstanceOf(CheckpointError);
      await expect(refused).rejects.toThrow(`in use: sharegrpo train, process ${process.pid}`);
    }
    expect(await readdir(out)).toEqual(["running.json"]);
  });
});

describe("trainInFolder(…) that fails", { timeout: 60_000 }, () => {
  let model: string;
  let dir: string;
  beforeAll(async () => {
    dir = await temporaryFolder();
    model = join(dir, "model");
    await writeFakeModel(model);
    await cp(model, join(dir, "torn"), { recursive: true });
    await writeFile(join(dir, "torn", "model.safetensors"), "torn");
  });

  const NOBODY = "http://127.0.0.1:9";
  const configOf = (settings: object = {}) => oneStep(model, settings);
  const nobody = () => configOf({ engine: { kind: "tinker", url: NOBODY } });
  const cluster = { kind: "ray", url: NOBODY, baseModel: "m", checkpoints: "/c" };

  it.each<[string, () => object, RegExp]>([
    ["server", () => ({ engine: { kind: "tinker", url: NOBODY } }), /ECONNREFUSED/],
    ["cluster", () => ({ engine: cluster }), /ECONNREFUSED/],
    [
      "rollout server",
      () => ({
        lora: { rank: 2 },
        rollout: { responses: 2, server: NOBODY, adapters: join(dir, "adapters") },
      }),
      /ECONNREFUSED/,
    ],
    ["weights", () => ({ model: join(dir, "torn") }), /model\.safetensors/],
    [
      "weights, in the engine's own process",
      () => ({ model: join(dir, "torn"), engine: { kind: "process" } }),
      /model\.safetensors/,
    ],
  ])(
    "for its %s before it began leaves no folder, and the corrected one begins",
    async (name, settings, words) => {
      const out = join(dir, "runs", name);
      await expect(trainInFolder({ config: configOf(settings()), out })).rejects.toThrow(words);
      await expect(readdir(out)).rejects.toThrow("ENOENT");
      expect(await trainInFolder({ config: configOf(), out })).toEqual({ step: 1, isFinished: true });
    },
  );

  it("before it began leaves what was in its folder", async () => {
    const out = join(dir, "used");
    await mkdir(join(out, "checkpoints", "mine"), { recursive: true });
    await writeFile(join(out, "notes.txt"), "mine");
    await expect(trainInFolder({ config: nobody(), out })).rejects.toThrow("ECONNREFUSED");
    expect((await readdir(out, { recursive: true })).sort()).toEqual([
      "checkpoints",
      join("checkpoints", "mine"),
      "notes.txt",
    ]);
  });

  it("in a folder that holds a run, or resuming one, leaves the run", async () => {
    const out = join(dir, "held");
    await trainInFolder({ config: configOf(), out });
    const before = (await readdir(out, { recursive: true })).sort();
    await expect(trainInFolder({ config: configOf(), out })).rejects.toThrow("already holds a run");
    await expect(trainInFolder({ config: nobody(), out, isResume: true })).rejects.toThrow("ECONNREFUSED");
    expect((await readdir(out, { recursive: true })).sort()).toEqual(before);
  });

  it("after its first step keeps its folder", async () => {
    const out = join(dir, "stepped");
    const onStep = () => {
      throw new Error("unplugged");
    };
    await expect(trainInFolder({ config: configOf(), out, onStep })).rejects.toThrow("unplugged");
    expect(await readFile(join(out, "metrics.jsonl"), "utf8")).toMatch(/^\{"step":1,/);
    expect(await trainInFolder({ config: configOf(), out, isResume: true })).toMatchObject({
      isFinished: true,
    });
  });
});
