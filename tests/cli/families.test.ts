import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { readJsonl } from "../../src/core/files/jsonl.js";
import { loadModel } from "../../src/model/load.js";
import { readSafetensors } from "../../src/model/safetensors.js";
import { runProgram } from "../helpers/program.js";
import { writeFakeModel } from "../support/fakeModel.js";

const SETTINGS = [
  "train.steps=1",
  "train.questionsPerStep=2",
  "train.evaluateQuestions=2",
  "rollout.responses=3",
  "rollout.maxResponseLength=16",
];

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "qwen3vl-run-"));
  await writeFakeModel(join(dir, "model"), { family: "qwen3_vl", sharpness: 4 });
});

describe("a Qwen3-VL folder", { timeout: 240_000 }, () => {
  it("samples, trains a step on drawn pictures, is saved whole, and is evaluated from there", async () => {
    const out = join(dir, "run");
    const model = `model=${join(dir, "model")}`;
    const trained = await runProgram(["train", "--preset", "tiny", "--out", out, model, ...SETTINGS]);
    expect(trained.stderr).not.toMatch(/^sharegrpo: /m);
    expect(trained.code).toBe(0);

    const { records } = await readJsonl(join(out, "metrics.jsonl"));
    const [row] = records as [Record<string, number>];
    // Cached decoding and the packed forward pass agree, and so do they before and after the old log-probs are read.
    expect(row["rollout/log_prob_gap"]).toBeLessThan(1e-4);
    expect(row["policy/ratio_deviation_first"]).toBeLessThan(1e-4);
    expect(row["policy/updates_skipped"]).toBe(0);

    const saved = join(out, "checkpoints", "step-000001");
    for (const name of ["config.json", "preprocessor_config.json", "tokenizer.json"]) {
      expect(await readFile(join(saved, name)), name).toEqual(await readFile(join(dir, "model", name)));
    }
    // Under the names that transformers and servers look for.
    const published = await readSafetensors(join(saved, "model.safetensors"));
    expect(Object.keys(published)).toContain("model.language_model.layers.0.self_attn.q_norm.weight");
    expect(Object.keys(published)).toContain("model.visual.deepstack_merger_list.1.norm.weight");
    const [before, after] = [await loadModel(join(dir, "model")), await loadModel(saved)];
    expect(Object.keys(after.params).sort()).toEqual(Object.keys(before.params).sort());

    const scores = join(dir, "scores");
    const options = ["--data", "samples", "--limit", "2", "--out", scores];
    const graded = await runProgram(["evaluate", "--model", saved, "--benchmarks", "MMStar", ...options]);
    expect(graded.stderr).not.toMatch(/^sharegrpo: /m);
    expect(graded.code).toBe(0);
    const { datasets } = JSON.parse(await readFile(join(scores, "result.json"), "utf8"));
    const { failed = 0, ...ended } = datasets[0].statuses as Record<string, number>;
    expect(failed).toBe(0);
    expect(Object.values(ended).reduce((sum, count) => sum + count, 0)).toBe(2);
  });
});
