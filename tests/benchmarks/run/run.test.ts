import { appendFileSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { samplesFolder } from "../../../benchmarks/data/locate.js";
import { type Answer, type AnswerEngine, type Asked, failure } from "../../../benchmarks/engines/engine.js";
import type { DatasetInfo, Prediction } from "../../../benchmarks/records.js";
import { type PlannedDataset, planDataset, planLine } from "../../../benchmarks/run/plan.js";
import { firstPrompts, runEvaluation } from "../../../benchmarks/run/run.js";
import { type AnswerSettings, settingsDigest } from "../../../benchmarks/run/settings.js";
import { BENCHMARK } from "../../../benchmarks/suites/registry.js";
import { CheckpointError } from "../../../src/core/errors.js";

const SETTINGS: AnswerSettings = {
  model: { name: "m", weights: null },
  prompt: { form: "generic", thinking: "none" },
  decoding: { temperature: 0, topP: null, topK: null, repetitionPenalty: null, maxTokens: 9, seed: 1 },
  pixels: { minPixels: null, maxPixels: null },
};

const newFolder = () => mkdtemp(join(tmpdir(), "evaluate-"));

function samplesPlan(limit?: number): Promise<PlannedDataset> {
  const path = join(samplesFolder(), "MMStar.tsv");
  const info = BENCHMARK.MMStar.datasets[0] as DatasetInfo;
  const options = { root: samplesFolder(), ...(limit === undefined ? {} : { limit }) };
  return planDataset(BENCHMARK.MMStar, info, path, options);
}

const answer = (prediction: string): Answer => ({
  prediction,
  status: "finished",
  promptTokens: 5,
  tokens: 2,
  latencyMs: 10,
});

/** An engine that answers by `reply` and remembers whom it asked. */
function engineOf(reply: (row: Asked) => Answer) {
  const asked: string[] = [];
  const engine: AnswerEngine = {
    kind: "scripted",
    async answerAll(rows, onAnswer) {
      for (const row of rows) {
        asked.push(`${row.index}/${row.sample}`);
        await onAnswer(row, reply(row));
      }
    },
  };
  return { engine, asked };
}

interface RunOptions {
  readonly isResume?: boolean;
  readonly samples?: number;
  readonly settings?: AnswerSettings;
}

function run(dir: string, plan: PlannedDataset, engine: AnswerEngine, options: RunOptions = {}) {
  return runEvaluation({
    plans: [plan],
    settings: options.settings ?? SETTINGS,
    engine,
    samples: options.samples ?? 1,
    dir,
    isResume: options.isResume ?? false,
    scorer: async () => [],
    scoring: { rules: "2026-08", judge: null },
  });
}

const linesOf = (dir: string): Prediction[] =>
  readFileSync(join(dir, "predictions", "MMStar.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Prediction);

describe("planLine(…)", () => {
  it("names dataset, split, rows and MD5, and that samples are not the benchmark", async () => {
    const plan = await samplesPlan(3);
    expect(planLine(plan)).toBe(
      `MMStar (samples): 3 of 15 rows, 1 without image left out, MD5 ${plan.file.md5} ` +
        "(bundled sample rows in its format, not the benchmark)",
    );
  });

  it("tells the published file from another", async () => {
    const plan = await samplesPlan();
    expect(planLine({ ...plan, origin: "published" })).toMatch(
      /^MMStar \(val\): 15 rows, .*\(as published\)$/,
    );
    expect(planLine({ ...plan, origin: "other" })).toContain("(not the published file)");
  });
});

describe("firstPrompts(…)", () => {
  it("shows a prompt with its images by number", async () => {
    const [shown] = firstPrompts(
      await samplesPlan(1),
      { prompt: { form: "generic", thinking: "r1-once" } },
      4,
    );
    expect(shown).toMatch(
      /^--- MMStar, index 0, 1 images\n\[image 1\]\n⏐ Question: .*options above\. \n You FIRST/s,
    );
  });

  it("says why a row cannot be asked", async () => {
    const plan = await samplesPlan(1);
    const rows = plan.file.rows.map((row) => ({ ...row, cells: {} }));
    const shown = firstPrompts({ ...plan, file: { ...plan.file, rows } }, SETTINGS, 1);
    expect(shown).toEqual([
      "--- MMStar, index 0, 1 images\n(index 0: missing question: the row cannot be asked)",
    ]);
  });
});

describe("a run", () => {
  it("asks every row once per sample and keeps one line each", async () => {
    const dir = await newFolder();
    const { engine, asked } = engineOf(({ index }) => answer(`<b>${index}</b>\n\u2028"`));
    const { datasets } = await run(dir, await samplesPlan(3), engine, { samples: 2 });
    expect(asked).toEqual(["0/0", "1/0", "2/0", "0/1", "1/1", "2/1"]);
    expect(linesOf(dir)).toEqual(datasets[0]?.predictions);
    expect(linesOf(dir)[1]).toEqual({
      version: 1,
      dataset: "MMStar",
      index: "1",
      sample: 0,
      ...answer(`<b>1</b>\n\u2028"`),
    });
  });

  it("asks failed rows again on the next run, finished and truncated ones never", async () => {
    const dir = await newFolder();
    const plan = await samplesPlan(4);
    const first = engineOf(({ index }) => {
      if (index === "1") return failure("no answer");
      return index === "2" ? { ...answer("cut"), status: "truncated" } : answer("A");
    });
    await run(dir, plan, first.engine);
    const second = engineOf(() => answer("B"));
    const { datasets } = await run(dir, plan, second.engine, { isResume: true });
    expect(second.asked).toEqual(["1/0"]);
    expect(datasets[0]?.predictions.map(({ prediction }) => prediction)).toEqual(["A", "B", "cut", "A"]);
    expect(linesOf(dir).length).toBe(5);
  });

  it("asks only the new rows and samples when there are more of them", async () => {
    const dir = await newFolder();
    await run(dir, await samplesPlan(2), engineOf(() => answer("A")).engine);
    const { engine, asked } = engineOf(() => answer("B"));
    await run(dir, await samplesPlan(3), engine, { isResume: true, samples: 2 });
    expect(asked).toEqual(["2/0", "0/1", "1/1", "2/1"]);
  });

  it("repairs a line that was cut off while being written, and asks that row again", async () => {
    const dir = await newFolder();
    const plan = await samplesPlan(2);
    await run(dir, plan, engineOf(() => answer("A")).engine);
    const path = join(dir, "predictions", "MMStar.jsonl");
    const text = await readFile(path, "utf8");
    await writeFile(path, text.slice(0, -20));
    const { engine, asked } = engineOf(() => answer("B"));
    await run(dir, plan, engine, { isResume: true });
    expect(asked).toEqual(["1/0"]);
    expect(linesOf(dir).map(({ prediction }) => prediction)).toEqual(["A", "B"]);
  });

  it("names a damaged line in the middle", async () => {
    const dir = await newFolder();
    const plan = await samplesPlan(1);
    await run(dir, plan, engineOf(() => answer("A")).engine);
    appendFileSync(join(dir, "predictions", "MMStar.jsonl"), '{"version": 2}\n');
    const resumed = run(dir, plan, engineOf(() => answer("B")).engine, { isResume: true });
    await expect(resumed).rejects.toThrow("MMStar.jsonl: record 2: version");
  });

  it("fails rows that cannot be asked, once, and counts them", async () => {
    const dir = await newFolder();
    const plan = await samplesPlan(2);
    const [first, second] = plan.file.rows;
    const rows = [{ ...(first as NonNullable<typeof first>), problem: "image: not base64" }, second].flatMap(
      (row) => row ?? [],
    );
    const broken = { ...plan, file: { ...plan.file, rows } };
    const { engine, asked } = engineOf(() => answer("A"));
    await run(dir, broken, engine);
    const { result } = await run(dir, broken, engine, { isResume: true });
    expect(asked).toEqual(["1/0"]);
    expect(linesOf(dir).map(({ status, error }) => [status, error])).toEqual([
      ["failed", "image: not base64"],
      ["finished", undefined],
    ]);
    expect(result.datasets[0]).toMatchObject({ failedShare: 0.5, statuses: { failed: 1, finished: 1 } });
  });

  it("writes settings, counts, tokens and times into its result", async () => {
    const dir = await newFolder();
    const { path } = await run(dir, await samplesPlan(2), engineOf(() => answer("A")).engine);
    const { datasets, ...rest } = JSON.parse(await readFile(path, "utf8")) as Record<string, object>;
    expect(rest).toEqual({
      version: 1,
      settingsDigest: settingsDigest(SETTINGS),
      ...SETTINGS,
      engine: "scripted",
      rules: "2026-08",
      judge: null,
    });
    expect(datasets).toEqual([
      expect.objectContaining({
        dataset: "MMStar",
        split: "samples",
        rows: 2,
        rowsOfFile: 15,
        origin: "sample",
        truncatedShare: 0,
        tokens: { mean: 2, most: 2, total: 4 },
        promptTokensMean: 5,
        latencyMs: { median: 10, p90: 10 },
      }),
    ]);
  });
});

describe("a run folder", () => {
  it("is not used twice without a resume", async () => {
    const dir = await newFolder();
    const plan = await samplesPlan(1);
    const { engine } = engineOf(() => answer("A"));
    await run(dir, plan, engine);
    await expect(run(dir, plan, engine)).rejects.toThrow("already holds an evaluation: add --resume");
  });

  it("is not worked in by two at once", async () => {
    const dir = await newFolder();
    const plan = await samplesPlan(2);
    const second = engineOf(() => answer("B"));
    let refused: unknown;
    const engine: AnswerEngine = {
      kind: "scripted",
      async answerAll(rows, onAnswer) {
        refused = await run(dir, plan, second.engine, { isResume: true }).catch((error: unknown) => error);
        for (const row of rows) await onAnswer(row, answer("A"));
      },
    };
    await run(dir, plan, engine);
    expect(refused).toBeInstanceOf(CheckpointError);
    expect(String(refused)).toContain(`in use: sharegrpo evaluate, process ${process.pid}`);
    expect(second.asked).toEqual([]);
    expect(linesOf(dir).map(({ prediction }) => prediction)).toEqual(["A", "A"]);
  });

  it("refuses to go on with other settings or another data file, naming what differs", async () => {
    const dir = await newFolder();
    const plan = await samplesPlan(1);
    const { engine } = engineOf(() => answer("A"));
    await run(dir, plan, engine);
    const warmer = { ...SETTINGS, decoding: { ...SETTINGS.decoding, temperature: 0.7 } };
    const resumed = run(dir, plan, engine, { isResume: true, settings: warmer });
    await expect(resumed).rejects.toThrow(
      "other settings: decoding.temperature: 0, now 0.7; resume with the same",
    );
    const moved = { ...plan, file: { ...plan.file, md5: "0" } };
    await expect(run(dir, moved, engine, { isResume: true })).rejects.toThrow(
      /MMStar: data file with MD5 .*, now 0/,
    );
    await writeFile(join(dir, "evaluation.json"), "{");
    await expect(run(dir, plan, engine, { isResume: true })).rejects.toThrow(CheckpointError);
  });
});
