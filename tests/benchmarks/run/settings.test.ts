import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { predictionKey, predictionsPath, readPredictions } from "../../../benchmarks/run/predictions.js";
import {
  type AnswerSettings,
  isEvaluationBegunIn,
  openEvaluation,
  settingsDigest,
} from "../../../benchmarks/run/settings.js";
import { CheckpointError, DataError } from "../../../src/core/errors.js";
import { temporaryFolder } from "../../support/fakeModel.js";

const SETTINGS: AnswerSettings = {
  model: { name: "m", weights: null },
  prompt: { form: "generic", thinking: "none" },
  decoding: { temperature: 0, topP: null, topK: null, repetitionPenalty: null, maxTokens: 9, seed: 1 },
  pixels: { minPixels: null, maxPixels: null },
};
const DATA = { MMStar: { md5: "a" } };

let dir: string;
beforeEach(async () => {
  dir = join(await temporaryFolder(), "run");
});

const open = (settings = SETTINGS, datasets: Record<string, { md5: string }> = DATA, isResume = true) =>
  openEvaluation(dir, settings, datasets, { isResume });
const kept = async () => JSON.parse(await readFile(join(dir, "evaluation.json"), "utf8"));

describe("settingsDigest", () => {
  it("is the same for the same settings, in whatever order, and another for any other", () => {
    const { pixels, decoding, prompt, model } = SETTINGS;
    expect(settingsDigest({ pixels, decoding, prompt, model })).toBe(settingsDigest(SETTINGS));
    const others: AnswerSettings[] = [
      { ...SETTINGS, model: { name: "other", weights: null } },
      { ...SETTINGS, model: { name: "m", weights: "f00" } },
      { ...SETTINGS, decoding: { ...decoding, temperature: 1 } },
      { ...SETTINGS, decoding: { ...decoding, seed: 2 } },
      { ...SETTINGS, pixels: { minPixels: null, maxPixels: 100 } },
    ];
    const digests = [SETTINGS, ...others].map(settingsDigest);
    expect(new Set(digests).size).toBe(digests.length);
  });
});

describe("openEvaluation", () => {
  it("begins a run where there is none, resumed or not, and keeps what its answers follow from", async () => {
    expect(isEvaluationBegunIn(dir)).toBe(false);
    await open(SETTINGS, DATA, false);
    expect(isEvaluationBegunIn(dir)).toBe(true);
    expect(await kept()).toEqual({
      version: 1,
      digest: settingsDigest(SETTINGS),
      ...SETTINGS,
      datasets: DATA,
    });
    expect(await readdir(dir)).toEqual(["evaluation.json", "predictions"]);
  });

  it("adds datasets to those of before, and leaves the file alone where nothing is new", async () => {
    await open();
    const before = await readFile(join(dir, "evaluation.json"));
    await open();
    expect(await readFile(join(dir, "evaluation.json"))).toEqual(before);
    await open(SETTINGS, { MMMU: { md5: "b" } });
    expect((await kept()).datasets).toEqual({ MMStar: { md5: "a" }, MMMU: { md5: "b" } });
  });

  it("refuses a folder that holds a run unless it is to be resumed", async () => {
    await open();
    await expect(open(SETTINGS, DATA, false)).rejects.toThrow(CheckpointError);
    await expect(open(SETTINGS, DATA, false)).rejects.toThrow("already holds an evaluation: add --resume");
  });

  it.each<[string, AnswerSettings, Record<string, { md5: string }>, RegExp]>([
    [
      "another model",
      { ...SETTINGS, model: { name: "other", weights: null } },
      DATA,
      /model\.name.*m.*other/,
    ],
    [
      "another seed",
      { ...SETTINGS, decoding: { ...SETTINGS.decoding, seed: 2 } },
      DATA,
      /other settings: .*seed.*1.*2; resume with the same ones/,
    ],
    ["another file", SETTINGS, { MMStar: { md5: "b" } }, /MMStar: data file with MD5 a, now b/],
  ])("refuses to go on with %s, naming both, and changes nothing", async (_, settings, datasets, message) => {
    await open();
    const before = await kept();
    await expect(open(settings, datasets)).rejects.toThrow(CheckpointError);
    await expect(open(settings, datasets)).rejects.toThrow(message);
    expect(await kept()).toEqual(before);
  });

  it.each([
    ["a torn file", '{"version": 1, "dig', /evaluation\.json: not JSON: remove the folder/],
    ["one of another version", '{"version": 2}', /evaluation\.json: written by another version: version/],
    ["one with a field too many", "", /written by another version/],
  ])("refuses %s by name", async (_, text, message) => {
    await open();
    const content = text === "" ? JSON.stringify({ ...(await kept()), more: 1 }) : text;
    await writeFile(join(dir, "evaluation.json"), content);
    await expect(open()).rejects.toThrow(CheckpointError);
    await expect(open()).rejects.toThrow(message);
  });

  it("says so where a file is in the folder's place", async () => {
    await writeFile(dir, "");
    await expect(open()).rejects.toThrow(/cannot write/);
  });
});

describe("readPredictions", () => {
  const line = (index: string, sample: number, more: object = {}) =>
    JSON.stringify({
      ...{ version: 1, dataset: "MMStar", index, sample, prediction: "A", status: "finished" },
      ...{ promptTokens: null, tokens: 3, latencyMs: null, ...more },
    });

  async function readOf(...lines: string[]) {
    await mkdir(join(dir, "predictions"), { recursive: true });
    const path = predictionsPath(dir, "MMStar");
    await writeFile(path, lines.join("\n"));
    return readPredictions(path);
  }

  it("is empty where nothing was asked yet", async () => {
    expect((await readPredictions(predictionsPath(dir, "MMStar"))).size).toBe(0);
  });

  it("keeps the last line of each row and sample, and leaves out one that was cut off", async () => {
    const found = await readOf(
      line("1", 0, { status: "failed", error: "busy" }),
      line("1", 1, { prediction: "B" }),
      line("1", 0, { prediction: "C" }),
      '{"version": 1, "dataset": "MMS',
    );
    const said = (sample: number) => found.get(predictionKey({ index: "1", sample }))?.prediction;
    expect([found.size, said(0), said(1)]).toEqual([2, "C", "B"]);
  });

  it("does not take one row for another whose number begins alike", () => {
    const keys = ["1", "11", "1 1"].flatMap((index) =>
      [0, 1, 11].map((sample) => predictionKey({ index, sample })),
    );
    expect(new Set(keys).size).toBe(9);
  });

  it.each([
    ["another version", { version: 2 }, /record 2: version/],
    ["an unknown status", { status: "done" }, /record 2: status/],
    ["a number for an index", { index: 7 }, /record 2: index/],
    ["a sample below 0", { sample: -1 }, /record 2: sample/],
    ["no answer", { prediction: undefined }, /record 2: prediction/],
  ])("names the record with %s", async (_, more, message) => {
    const reading = readOf(line("1", 0), line("2", 0, more), "");
    await expect(reading).rejects.toThrow(DataError);
    await expect(reading).rejects.toThrow(message);
  });
});
