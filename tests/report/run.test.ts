import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { CheckpointError, DataError } from "../../src/core/errors.js";
import { flatten, readRun, readRunHead } from "../../src/report/run.js";
import { emptyRun, evaluationRecord, finishedRun, jsonl } from "./fixtures.js";

let dir: string;
beforeEach(async () => {
  dir = await emptyRun();
});

const write = (name: string, text: string) => writeFile(join(dir, name), text);

describe("flatten", () => {
  it.each<readonly [value: unknown, flat: readonly (readonly [string, string])[]]>([
    [
      { a: { b: 1, c: "x" }, d: true },
      [
        ["a.b", "1"],
        ["a.c", "x"],
        ["d", "true"],
      ],
    ],
    [
      { list: [1, "two"], none: null, empty: "" },
      [
        ["list", '[1,"two"]'],
        ["none", "null"],
        ["empty", ""],
      ],
    ],
    [{ a: {} }, []],
  ])("%j → %j", (value, flat) => {
    expect(flatten(value)).toEqual(flat);
  });
});

describe("readRun", () => {
  it("reads a run that has only begun", async () => {
    const run = await readRun(dir);
    expect(run).toMatchObject({ steps: [], rollouts: [], notes: [], benchmarks: {} });
    expect(run.settings).toMatchObject({
      seed: "1",
      "expand.variants": "2",
      "update.learningRate": "0.00002",
    });
    expect(run).not.toHaveProperty("after");
  });

  it("reads all that a finished run keeps, without the rollouts where they are not asked for", async () => {
    const finished = await finishedRun(7);
    const run = await readRun(finished);
    expect(run.steps.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(run.rollouts.map(({ step }) => step)).toEqual([1, 4, 7]);
    expect([run.before?.step, run.after?.step]).toEqual([0, 7]);
    const { rollouts: _, ...head } = run;
    expect(await readRunHead(finished)).toEqual(head);
  });

  it("puts steps in order, and takes the last of two evaluations, as a run that was given more steps has", async () => {
    await write("metrics.jsonl", jsonl([{ step: 2 }, { step: 1 }]));
    await write("evaluations.jsonl", jsonl([evaluationRecord("after", 1), evaluationRecord("after", 2)]));
    const { steps, after } = await readRunHead(dir);
    expect(steps.map(({ step }) => step)).toEqual([1, 2]);
    expect(after?.step).toBe(2);
  });

  it("keeps numbers that a step has not, and parts of a reward of one's own", async () => {
    await write("metrics.jsonl", jsonl([{ step: 1, "policy/entropy": null, "reward/mine": 0.5 }]));
    expect((await readRunHead(dir)).steps[0]).toEqual({
      step: 1,
      "policy/entropy": null,
      "reward/mine": 0.5,
    });
  });

  it.each(["metrics.jsonl", "rollouts.jsonl", "evaluations.jsonl"])(
    "leaves out a last line of %s that is being written, and says so",
    async (name) => {
      const finished = await finishedRun(3);
      const { notes: none } = await readRun(finished);
      expect(none).toEqual([]);
      const { readFile } = await import("node:fs/promises");
      const text = await readFile(join(finished, name), "utf8");
      await writeFile(join(finished, name), text.slice(0, -20));
      const { notes } = await readRun(finished);
      expect(notes).toEqual([
        expect.stringMatching(new RegExp(`${name}: line \\d+ was cut off while being written`)),
      ]);
    },
  );

  it.each<readonly [name: string, text: string, message: RegExp]>([
    ["metrics.jsonl", '{"step":1}\n{"step":-1}\n', /metrics\.jsonl: invalid rows: row 2: step: /],
    ["metrics.jsonl", '{"step":1,"reward/overall":"high"}\n', /row 1: reward\/overall: /],
    ["metrics.jsonl", "[]\n[]\n", /metrics\.jsonl/],
    ["rollouts.jsonl", '{"step":1}\n', /rollouts\.jsonl: invalid rows: row 1: questionId: /],
    ["evaluations.jsonl", '{"label":"during"}\n', /evaluations\.jsonl: invalid rows: row 1: label: /],
    ["config.yaml", "a: [1", /config\.yaml: invalid YAML: /],
  ])("refuses %s that holds %j", async (name, text, message) => {
    await write(name, text);
    await expect(readRun(dir)).rejects.toThrow(DataError);
    await expect(readRun(dir)).rejects.toThrow(message);
  });

  it("names the first five bad rows, and counts the others", async () => {
    await write("metrics.jsonl", '{"step":"x"}\n'.repeat(8));
    await expect(readRun(dir)).rejects.toThrow(/row 5: .*; and 3 more$/);
  });

  it("says what to give in place of a folder that holds no run", async () => {
    await rm(join(dir, "config.yaml"));
    for (const folder of [dir, join(dir, "nowhere"), await mkdtemp(join(tmpdir(), "none-"))]) {
      await expect(readRunHead(folder)).rejects.toThrow(CheckpointError);
      await expect(readRunHead(folder)).rejects.toThrow(/missing config\.yaml: .*give the folder of a run/);
    }
  });
});
