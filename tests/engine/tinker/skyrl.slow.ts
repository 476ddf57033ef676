import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { resolveConfig } from "../../../src/config/load.js";
import { writeFileAtomic } from "../../../src/core/files/atomic.js";
import { readJsonl } from "../../../src/core/files/jsonl.js";
import { mean } from "../../../src/core/stats.js";
import { zip } from "../../../src/core/zip.js";
import { writeQuestions } from "../../../src/data/writeQuestions.js";
import { probeAggregation } from "../../../src/engine/tinker/aggregation.js";
import { connectTinker, type TinkerClient } from "../../../src/engine/tinker/client.js";
import { datumOf, responsePart } from "../../../src/engine/tinker/datum.js";
import { examineTinker } from "../../../src/engine/tinker/examine.js";
import { probeImages } from "../../../src/engine/tinker/imageProbe.js";
import { slopesOf } from "../../../src/engine/tinker/slopes.js";
import type { AdamParams } from "../../../src/engine/tinker/wire.js";
import { readSafetensors } from "../../../src/model/safetensors.js";
import { SURROGATE_DEFAULTS } from "../../../src/policy/surrogate.js";
import { trainInFolder } from "../../../src/train/trainInFolder.js";
import { runProgram, startProgram } from "../../helpers/program.js";
import { temporaryFolder } from "../../support/fakeModel.js";
import { type SkyrlServer, skyrlPython, startSkyrl } from "../../support/skyrl.js";
import { taughtQuestion } from "../../support/taughtModel.js";
import { writeTinyQwen3 } from "../../support/tinyQwen3.js";

const python = skyrlPython();
const REWARD = fileURLToPath(new URL("../../support/letterReward.js", import.meta.url));
const ADAM: AdamParams = {
  ...{ learning_rate: 0, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0, grad_clip_norm: 0 },
};

describe.skipIf(!python)("a real Tinker server (SkyRL 0.3.0, JAX on the CPU)", () => {
  let dir: string;
  let model: string;
  let server: SkyrlServer;
  let client: TinkerClient;

  beforeAll(async () => {
    dir = await temporaryFolder();
    model = join(dir, "qwen3");
    await writeTinyQwen3(model);
    await writeQuestions(
      join(dir, "questions.parquet"),
      Array.from({ length: 16 }, (_, at) => taughtQuestion(at)),
    );
    server = await startSkyrl(python ?? "", model, join(dir, "server"));
    client = await connectTinker({ url: server.url });
  }, 300_000);
  afterAll(async () => {
    client?.close();
    await server?.close();
  }, 60_000);

  const newModel = () => client.createModel({ baseModel: model, rank: 8, seed: 1 });

  it("is found out: means of sequences, requests run twice, images dropped in silence", {
    timeout: 300_000,
  }, async () => {
    // First of all, so that the server compiles while it is examined.
    const examined = await examineTinker({ url: server.url, rank: 8 });
    expect(examined.filter(({ isFine }) => !isFine).map(({ name, note }) => [name, note])).toEqual([
      ["images", expect.stringContaining("dropped in silence")],
      ["repeated requests", expect.stringContaining("run twice")],
    ]);
    const tried = await newModel();
    const prompt = {
      chunks: [{ type: "encoded_text", tokens: [1, 2, 3, 4] } as const],
      tokens: Int32Array.of(1, 2, 3, 4),
    };
    expect(await tried.knowsRepeats()).toBe(false);
    expect(await probeAggregation(tried, prompt)).toBe("mean");
    const png = await sharp({ create: { width: 56, height: 56, channels: 3, background: "red" } })
      .png()
      .toBuffer();
    const image = { type: "image", data: png.toString("base64"), format: "png", expected_tokens: 4 } as const;
    const shown = {
      chunks: [
        { type: "encoded_text", tokens: [1] } as const,
        image,
        { type: "encoded_text", tokens: [2, 3] } as const,
      ],
      tokens: Int32Array.of(1, 0, 0, 0, 0, 2, 3),
    };
    // Cut to the shorter in silence: fewer log-probs than targets is what gives it away.
    const verdict = await probeImages(tried, shown);
    expect(verdict).not.toBe("seen");
    await tried.unload();
  });

  it("refuses another model than it serves, naming both", async () => {
    await expect(
      client.createModel({ baseModel: "Qwen/Qwen2.5-VL-7B-Instruct", rank: 8, seed: 1 }),
    ).rejects.toThrow(/asked for the model Qwen\/Qwen2\.5-VL-7B-Instruct, the server has .*qwen3/);
  });

  it("has the same gradient norm by its own ppo and by the exact path, to six digits", {
    timeout: 300_000,
  }, async () => {
    const prompt = {
      chunks: [{ type: "encoded_text", tokens: [5, 6, 7] } as const],
      tokens: Int32Array.of(5, 6, 7),
    };
    const responses = [Int32Array.of(8, 9, 10), Int32Array.of(11, 12), Int32Array.of(13, 14, 15, 16)];
    const advantages = [-1.2, 0.8, 0.5];
    const one = await newModel();
    const outputs = await one.forward({
      data: responses.map((r) => datumOf(prompt, r)),
      loss: "cross_entropy",
    });
    const rows = zip(responses, outputs).map(([response, { logProbs }], at) => {
      const now = responsePart(logProbs, prompt);
      return {
        logProbs: now,
        oldLogProbs: now.map((value, t) => value + 0.4 * (((at + t) % 3) - 1)),
        advantages: new Float32Array(response.length).fill(advantages[at] ?? 0),
        weight: 1,
      };
    });
    const norm = async (data: Parameters<typeof one.forwardBackward>[0]) => {
      await one.forwardBackward(data);
      return (await one.optimStep(ADAM)).gradNorm ?? Number.NaN;
    };
    const own = zip(responses, rows).map(([response, { oldLogProbs, advantages: A }]) =>
      datumOf(prompt, response, { logProbs: oldLogProbs, advantages: A }),
    );
    const config = { clip_low_threshold: 0.8, clip_high_threshold: 1.3 };
    const native = await norm({ data: own, loss: "ppo", config });
    const exactNorm = async (dualClip: number | null) => {
      const { slopes } = await slopesOf(rows, { ...SURROGATE_DEFAULTS, dualClip });
      const data = zip(zip(responses, rows), [...slopes]).map(([[response, { logProbs }], slopes_L]) =>
        datumOf(prompt, response, { logProbs, advantages: slopes_L.map((g) => -g) }),
      );
      return norm({ data, loss: "importance_sampling" });
    };
    expect((await exactNorm(null)) / native).toBeCloseTo(1, 6);
    // The dual clip caps what ppo does not; which the server has no word for.
    expect(Math.abs((await exactNorm(1.1)) / native - 1)).toBeGreaterThan(1e-4);
    await one.unload();
  });

  const settings = (steps: number, learningRate = 4e-3) => ({
    model,
    engine: { kind: "tinker", url: server.url, rank: 8 },
    data: { kind: "files", path: join(dir, "questions.parquet") },
    expand: { variants: 2, transformProbability: 0 },
    rollout: { responses: 8, maxResponseLength: 8 },
    reward: { kind: "custom", custom: REWARD, preflight: "off" },
    update: { learningRate, optimizerStepsPerRollout: 1, dualClip: 3 },
    train: { steps, questionsPerStep: 4, saveEvery: 4, evaluateQuestions: 0 },
  });

  it("learns by Share-GRPO, beyond noise", { timeout: 900_000 }, async () => {
    const out = await temporaryFolder();
    await trainInFolder({ config: resolveConfig(settings(20), "test"), out });
    const rows = (await readJsonl(join(out, "metrics.jsonl"))).records as Record<string, number>[];
    const rewards = rows.map((row) => row["reward/overall"] ?? Number.NaN);
    const [first, last] = [rewards.slice(0, 4), rewards.slice(-4)];
    const variance = (values: number[]) => mean(values.map((value) => (value - mean(values)) ** 2)) * (4 / 3);
    // Welch's t of the means of four steps, 64 responses each: above 4 by chance less than once in a hundred runs.
    const t = (mean(last) - mean(first)) / Math.sqrt((variance(first) + variance(last)) / 4);
    console.log(
      `reward by step: ${rewards.map((reward) => reward.toFixed(2)).join(" ")}; t = ${t.toFixed(1)}`,
    );
    expect(t).toBeGreaterThan(4);
    expect(Math.max(...rows.map((row) => row["rollout/log_prob_gap"] ?? 1))).toBeLessThan(1e-4);
  });

  it("goes on after kill -9 from the server's own state", { timeout: 900_000 }, async () => {
    const config = join(dir, "run.yaml");
    await writeFileAtomic(config, stringify(settings(8)));
    const [whole, parts] = [await temporaryFolder(), join(await temporaryFolder(), "run")];
    await trainInFolder({ config: resolveConfig(settings(8), "test"), out: whole });
    const running = startProgram(["train", "--config", config, "--out", parts]);
    const ended = new Promise((resolve) => running.once("exit", resolve));
    while (!existsSync(join(parts, "checkpoints", "step-000004", "manifest.json"))) {
      if (running.exitCode !== null) throw new Error("the run ended before its first checkpoint");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    running.kill("SIGKILL");
    await ended;
    const { code, stderr } = await runProgram(["train", "--config", config, "--out", parts, "--resume"]);
    expect(code, stderr).toBe(0);
    const rowsOf = async (out: string) =>
      (await readJsonl(join(out, "metrics.jsonl"))).records as Record<string, number>[];
    // The adapter came home with the checkpoint, under PEFT's names.
    const adapter = await readSafetensors(
      join(parts, "checkpoints", "step-000008", "adapter_model.safetensors"),
    );
    expect(Object.keys(adapter)).toContain("base_model.model.model.layers.0.mlp.down_proj.lora_A.weight");
    for (const [row, other] of zip(await rowsOf(whole), await rowsOf(parts))) {
      expect(other["step"]).toBe(row["step"]);
      for (const name of ["reward/overall", "policy/loss", "policy/grad_norm"]) {
        expect(other[name], `${name} of step ${row["step"]}`).toBeCloseTo(row[name] ?? Number.NaN, 4);
      }
    }
  });
});
