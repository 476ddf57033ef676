import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { addQuickstart } from "../../src/cli/quickstart.js";
import { resumedSettings } from "../../src/cli/runTraining.js";
import { addTrain, configOf } from "../../src/cli/train.js";
import { ConfigError } from "../../src/core/errors.js";
import { runCommand } from "../helpers/command.js";
import { temporaryFolder } from "../support/fakeModel.js";

let dir: string;
const home = process.cwd();
beforeEach(async () => {
  dir = await temporaryFolder();
  process.chdir(dir);
});
afterEach(() => process.chdir(home));

const quickstart = (...args: string[]) => runCommand(addQuickstart, "quickstart", ...args);

/** A quickstart's folder with these settings, and nothing trained. */
async function begun(name: string, config: string): Promise<void> {
  await mkdir(join("runs", name), { recursive: true });
  await writeFile(join("runs", name, "config.yaml"), config);
}

describe("sharegrpo quickstart --resume", () => {
  it("says so where no run was begun, and makes no folder", async () => {
    await expect(quickstart("--resume")).rejects.toThrow(ConfigError);
    await expect(quickstart("--resume")).rejects.toThrow("no run below runs: start one first");
    expect(await readdir(dir)).toEqual([]);
  });

  it("takes the newest by number, not by name, with its own settings", async () => {
    await begun("quickstart-9", "seed: 1\n");
    await begun("quickstart-10", "sed: 1\n");
    await mkdir("runs/quickstart-x");
    await mkdir("runs/other");
    await expect(quickstart("--resume")).rejects.toThrow(/quickstart-10\/config\.yaml: unknown setting sed/);
  });

  it("takes the run in --out where one is named", async () => {
    await begun("mine", "sed: 1\n");
    await expect(quickstart("--resume", "--out", "runs/mine")).rejects.toThrow(/runs\/mine\/config\.yaml/);
    await expect(quickstart("--resume", "--out", "runs/none")).rejects.toThrow(
      "runs/none: nothing to resume: no run was begun there",
    );
  });
});

describe("settings of a training", () => {
  it("come from a preset or a file, and arguments over them", async () => {
    expect(configOf({ preset: "tiny" }, ["train.steps=7", "seed=3"])).toMatchObject({
      seed: 3,
      train: { steps: 7 },
    });
    await writeFile("mine.yaml", "seed: 4\ntrain:\n  steps: 9\n");
    expect(configOf({ config: "mine.yaml" }, ["seed=5"])).toMatchObject({ seed: 5, train: { steps: 9 } });
  });

  it.each([
    [{}, [], /give either --preset or --config: presets are .*tiny/],
    [{ preset: "tiny", config: "x" }, [], /give either/],
    [{ config: "none.yaml" }, [], /none\.yaml: cannot read/],
    [{ preset: "tiny" }, ["train.steps=0"], /--preset tiny: train\.steps/],
    [{ preset: "tiny" }, ["=1"], /=1/],
  ])("of %j with %j are refused by name", (flags, overrides, message) => {
    expect(() => configOf(flags, overrides)).toThrow(ConfigError);
    expect(() => configOf(flags, overrides)).toThrow(message);
  });

  it("of a run are those it was begun with", async () => {
    await begun("mine", "seed: 1\n");
    expect(resumedSettings("runs/mine")).toBe(join("runs/mine", "config.yaml"));
    expect(() => resumedSettings("runs")).toThrow("runs: nothing to resume");
    const train = runCommand(addTrain, "train", "--resume", "--out", "runs/mine", "seed=x");
    await expect(train).rejects.toThrow(/runs\/mine\/config\.yaml: .*seed/);
  });
});
