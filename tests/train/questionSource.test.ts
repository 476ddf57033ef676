import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { hubEnvironment, resolveConfig } from "../../src/config/load.js";
import type { RunConfig } from "../../src/config/schema.js";
import { readJsonl } from "../../src/core/files/jsonl.js";
import { packageRoot } from "../../src/core/files/packageRoot.js";
import type { KeptSet } from "../../src/data/keptQuestions.js";
import type { QuestionSource } from "../../src/data/source.js";
import { writeQuestions } from "../../src/data/writeQuestions.js";
import { createEngine } from "../../src/engine/local/engine.js";
import { localSettings } from "../../src/engine/local/settings.js";
import { loadModel } from "../../src/model/load.js";
import type { Question } from "../../src/records.js";
import { type TrainOutcome, train } from "../../src/train/loop.js";
import { questionSource } from "../../src/train/questionSource.js";
import { RunFolder } from "../../src/train/run/runFolder.js";
import { temporaryFolder } from "../support/fakeModel.js";
import { taughtQuestion, writeTaughtModel } from "../support/taughtModel.js";

let dir: string;
let model: string;

beforeAll(async () => {
  dir = await temporaryFolder();
  model = join(dir, "model");
  await writeTaughtModel(model, resolveConfig({}, "defaults").expand.formatPrompt);
  const plain = { create: { width: 56, height: 56, channels: 3, background: "red" } } as const;
  const bytes = new Uint8Array(await sharp(plain).png().toBuffer());
  const withImage = (index: number) => {
    const question = taughtQuestion(index);
    const marked = (words: string) => `<image>${words}`;
    const rewrites = question.rewrites.map(marked);
    return {
      ...question,
      text: marked(question.text),
      rewrites,
      images: [{ kind: "bytes", bytes }],
    } as const;
  };
  const mixed = Array.from({ length: 10 }, (_, at) => (at % 2 === 0 ? withImage(at) : taughtQuestion(at)));
  const heldout = (question: Question) => ({ ...question, text: `${question.text} Look again.` });
  await mkdir(join(dir, "data"));
  await writeQuestions(join(dir, "data", "train-0.parquet"), mixed.slice(0, 6), { rowsPerGroup: 2 });
  await writeQuestions(join(dir, "data", "train-1.parquet"), mixed.slice(6));
  await writeQuestions(
    join(dir, "data", "validation.jsonl"),
    [withImage(100), taughtQuestion(101)].map(heldout),
  );
}, 300_000);

function configOf(changes: object = {}): RunConfig {
  const data = join(dir, "data");
  return resolveConfig(
    {
      data: { kind: "files", path: data, validation: data, ...changes },
      expand: { variants: 2, transformProbability: 0.5 },
      rollout: { responses: 4, maxResponseLength: 16 },
      update: { learningRate: 3e-3, optimizerStepsPerRollout: 2 },
      train: { steps: 2, questionsPerStep: 4, saveEvery: 1, evaluateQuestions: 8, loggedQuestions: 4 },
    },
    "test",
  );
}

interface Run {
  readonly isResume?: boolean;
  readonly changes?: object;
  readonly signal?: AbortSignal;
  readonly onStep?: (step: number) => void;
}

async function run(
  name: string,
  { isResume = false, changes = {}, ...rest }: Run = {},
): Promise<TrainOutcome> {
  const config = configOf(changes);
  const loaded = await loadModel(model);
  const questions = await questionSource(config, { processor: loaded.processor });
  const folder = await RunFolder.open(join(dir, name), config, { isResume });
  await folder.checkQuestions(questions.kept ?? {});
  const engine = createEngine(loaded, localSettings(config));
  const report = () => Promise.resolve({ residentBytes: 1, peakBytes: 1 });
  const { processor } = loaded;
  return train({
    config,
    engine: { ...engine, report },
    processor,
    questions,
    run: folder,
    isResume,
    now: () => 0,
    ...rest,
  });
}

describe("train(…) on data files", () => {
  it("trains on shards with and without images, evaluates on the validation split, and resumes exactly", async () => {
    expect(await run("whole")).toEqual({ step: 2, isFinished: true });
    const { records } = await readJsonl(join(dir, "whole", "rollouts.jsonl"));
    const rows = records as { questionId: string; variants: { images: string[] }[] }[];
    expect(new Set(rows.map(({ questionId }) => questionId)).size).toBe(8);
    expect(
      rows.every(({ questionId, variants }) => {
        const hasImage = Number(questionId.slice(1)) % 2 === 0;
        return variants.every(({ images }) => images.length === (hasImage ? 1 : 0));
      }),
    ).toBe(true);
    const evaluations = (await readJsonl(join(dir, "whole", "evaluations.jsonl"))).records;
    expect(evaluations.map((record) => (record as { total: number }).total)).toEqual([2, 2]);

    const control = new AbortController();
    await run("parts", { signal: control.signal, onStep: () => control.abort() });
    expect(await run("parts", { isResume: true })).toEqual({ step: 2, isFinished: true });
    for (const name of ["metrics.jsonl", "rollouts.jsonl", "evaluations.jsonl", "questions.jsonl"]) {
      expect(await readFile(join(dir, "parts", name), "utf8"), name).toBe(
        await readFile(join(dir, "whole", name), "utf8"),
      );
    }
  });

  it("refuses to go on with other questions than it began with", async () => {
    const path = join(dir, "changing.jsonl");
    const questions = Array.from({ length: 4 }, (_, at) => taughtQuestion(at));
    await writeQuestions(path, questions);
    const changes = { path, validation: "" };
    const control = new AbortController();
    await run("changed", { changes, signal: control.signal, onStep: () => control.abort() });
    await writeQuestions(path, [...questions, taughtQuestion(9)]);
    await expect(run("changed", { changes, isResume: true })).rejects.toThrow(
      /questions\.jsonl: the data has changed since the run began: .*\n1 training questions are new: ids q9$/,
    );
  });
});

describe("questionSource(…)", () => {
  const notesOf = async (changes: object): Promise<readonly string[]> => {
    const notes: string[] = [];
    const { processor } = await loadModel(model);
    await questionSource(configOf(changes), { processor, onNote: (note) => notes.push(note) });
    return notes;
  };

  it("says when nothing is held out, and when held-out questions are trained on", async () => {
    expect(await notesOf({ validation: "" })).toEqual([
      expect.stringContaining("data.validation is not set"),
    ]);
    const path = join(dir, "data", "train-0.parquet");
    expect(await notesOf({ validation: path })).toEqual([
      expect.stringContaining("6 of 6 held-out questions are training questions too"),
    ]);
    expect(await notesOf({})).toEqual([]);
  });

  it("opens the bundled sample by its card and as JSONL: the same questions", async () => {
    const { processor } = await loadModel(model);
    const sample = join(packageRoot(), "data", "samples", "train");
    const open = (path: string) => questionSource(configOf({ path, validation: sample }), { processor });
    const [shards, lines] = [await open(sample), await open(join(sample, "train.jsonl"))];
    const asked = ({ kept = {} }: QuestionSource) => [kept.train, kept.heldout].map(contents);
    const contents = (set?: KeptSet) => set?.rows.map(({ id, content }) => [id, content]);
    expect(asked(shards)).toEqual(asked(lines));
    expect(shards.heldoutCount).toBe(12);
    const question = await shards.train(5);
    expect(await lines.train(5)).toMatchObject({
      id: question.id,
      gold: question.gold,
      rewrites: question.rewrites,
    });
    expect(question.rewrites.length).toBeGreaterThanOrEqual(4);
  });

  it("needs as many questions as a step takes", async () => {
    const path = join(dir, "few.jsonl");
    await writeQuestions(path, [taughtQuestion(1)]);
    await expect(notesOf({ path })).rejects.toThrow("4 questions a step, but the data has 1");
  });
});

describe("data settings", () => {
  it("must name files for kind files, and none for scenes", () => {
    expect(() => resolveConfig({ data: { kind: "files" } }, "test")).toThrow("data.path: missing");
    expect(() => resolveConfig({ data: { path: "x.jsonl" } }, "test")).toThrow("data.kind=files");
    expect(() => resolveConfig({ data: { prompt_key: "q" } }, "test")).toThrow("did you mean data.promptKey");
    expect(() => resolveConfig({ data: { minPixels: 9, maxPixels: 4 } }, "test")).toThrow(
      "minPixels is above",
    );
  });
});

describe("hubEnvironment(…)", () => {
  const home = "/home/me";
  it("reads the names Hugging Face's tools read", () => {
    expect(hubEnvironment({}, home)).toEqual({
      endpoint: "https://huggingface.co",
      modelCache: join(home, ".cache", "huggingface", "hub"),
      isOffline: false,
    });
    const env = { HF_ENDPOINT: "http://mirror:8080/", HF_TOKEN: "hf_x", HF_HOME: "/cache" };
    expect(hubEnvironment(env, home)).toEqual({
      endpoint: "http://mirror:8080",
      token: "hf_x",
      cacheDir: join("/cache", "sharegrpo", "datasets"),
      modelCache: join("/cache", "hub"),
      isOffline: false,
    });
  });

  it.each([
    [{ HF_HUB_CACHE: "/hub", HF_HOME: "/cache" }, { modelCache: "/hub" }],
    [{ XDG_CACHE_HOME: "/xdg" }, { modelCache: join("/xdg", "huggingface", "hub") }],
    [{ HF_HUB_OFFLINE: "1" }, { isOffline: true }],
    [{ TRANSFORMERS_OFFLINE: "TRUE" }, { isOffline: true }],
    [{ HF_HUB_OFFLINE: "0" }, { isOffline: false }],
  ])("takes from %j %j", (env, found) => {
    expect(hubEnvironment(env, home)).toMatchObject(found);
  });
});
