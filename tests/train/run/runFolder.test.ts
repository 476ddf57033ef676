import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { resolveConfig } from "../../../src/config/load.js";
import { CheckpointError } from "../../../src/core/errors.js";
import { readJsonl } from "../../../src/core/files/jsonl.js";
import type { KeptQuestions } from "../../../src/data/keptQuestions.js";
import { METRICS, type StepMetrics } from "../../../src/train/run/metrics.js";
import { RunFolder } from "../../../src/train/run/runFolder.js";
import { readEvents } from "../../../src/train/run/tensorboard.js";
import { temporaryFolder } from "../../support/fakeModel.js";

it("RunFolder writes the parts of a custom reward into metrics.jsonl and for TensorBoard", async () => {
  const dir = await temporaryFolder();
  const run = await RunFolder.open(dir, resolveConfig({}, "test"), { isResume: false });
  const plain = Object.fromEntries(Object.keys(METRICS).map((name) => [name, 0.5]));
  const metrics = { ...(plain as StepMetrics), "reward/closeness": 0.25 };
  await run.appendStep(1, metrics, []);
  expect((await readJsonl(join(dir, "metrics.jsonl"))).records).toEqual([{ step: 1, ...metrics }]);
  const events = await readEvents(join(dir, "events.out.tfevents.sharegrpo"));
  expect(events.at(-1)).toMatchObject({ step: 1, scalars: metrics });
});

describe("RunFolder.open(…) to resume", () => {
  const config = resolveConfig({ train: { steps: 4 } }, "test");
  const longer = resolveConfig({ train: { steps: 9 } }, "test");

  async function begun(): Promise<{ readonly dir: string; readonly settings: string }> {
    const dir = await temporaryFolder();
    await RunFolder.open(dir, config, { isResume: false });
    return { dir, settings: RunFolder.settingsOf(dir) };
  }

  it("takes settings that mean the same, whatever else the file says", async () => {
    const { dir, settings } = await begun();
    await writeFile(settings, `# mine\n${await readFile(settings, "utf8")}`);
    const run = await RunFolder.open(dir, config, { isResume: true });
    expect(await run.keepLength(2)).toBeUndefined();
    expect(await readFile(settings, "utf8")).toMatch(/^# mine/);
  });

  it("knows its checkpoints by all settings but the number of steps", async () => {
    const { dir } = await begun();
    const digestOf = async (other: typeof config) =>
      (await RunFolder.open(await temporaryFolder(), other, { isResume: false })).configDigest;
    const run = await RunFolder.open(dir, longer, { isResume: true });
    expect(run.configDigest).toBe(await digestOf(config));
    expect(run.configDigest).not.toBe(
      await digestOf(resolveConfig({ seed: 2, train: { steps: 4 } }, "test")),
    );
  });

  it("writes another number of steps down only once it is allowed", async () => {
    const { dir, settings } = await begun();
    const run = await RunFolder.open(dir, longer, { isResume: true });
    expect(await readFile(settings, "utf8")).toContain("steps: 4");
    await expect(run.keepLength(10)).rejects.toThrow(
      `${settings}: train.steps: 9 is less than the 10 steps that the run has done`,
    );
    expect(await readFile(settings, "utf8")).toContain("steps: 4");
    expect(await run.keepLength(4)).toBe(4);
    expect(await readFile(settings, "utf8")).toContain("steps: 9");
    const again = await RunFolder.open(dir, longer, { isResume: true });
    expect(await again.keepLength(4)).toBeUndefined();
  });

  it.each([
    ["broken YAML", "train: ["],
    ["no settings", "- 1"],
    ["no number of steps", "train: {}"],
  ])("refuses a file of %s", async (_, text) => {
    const { dir, settings } = await begun();
    await writeFile(settings, text);
    const resumed = RunFolder.open(dir, config, { isResume: true });
    await expect(resumed).rejects.toBeInstanceOf(CheckpointError);
    await expect(resumed).rejects.toThrow(`${settings}: damaged: `);
  });
});

describe("RunFolder.checkQuestions(…)", () => {
  const asking = (question: string): KeptQuestions => ({
    train: {
      files: [{ path: "a.jsonl", state: question }],
      rows: [
        {
          file: 0,
          row: 0,
          place: "line 1",
          id: "7",
          content: { question, images: "", rewrites: "" },
          sizes: [],
          rewrites: 0,
          unusableRewrites: 0,
          isOverlong: false,
        },
      ],
    },
  });

  it("keeps what the run began with, also after a refusal", async () => {
    const dir = await temporaryFolder();
    const run = await RunFolder.open(dir, resolveConfig({}, "test"), { isResume: false });
    await run.checkQuestions(asking("one"));
    const kept = await readFile(RunFolder.questionsOf(dir), "utf8");
    const other = run.checkQuestions(asking("other"));
    await expect(other).rejects.toBeInstanceOf(CheckpointError);
    await expect(other).rejects.toThrow("  a.jsonl: line 1: id 7: words or answer");
    expect(await readFile(RunFolder.questionsOf(dir), "utf8")).toBe(kept);
    await run.checkQuestions(asking("one"));
  });
});
