import { readdir } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { resolveConfig } from "../../../src/config/load.js";
import type { RunConfig } from "../../../src/config/schema.js";
import { readJsonl } from "../../../src/core/files/jsonl.js";
import { zip } from "../../../src/core/zip.js";
import { writeQuestions } from "../../../src/data/writeQuestions.js";
import { openEngine } from "../../../src/engine/open.js";
import { createLocalBackend } from "../../../src/engine/tinker/serve/localBackend.js";
import { readingOf } from "../../../src/engine/tinker/serve/readDatum.js";
import { type Fault, startTinkerServer, type WireRequest } from "../../../src/engine/tinker/serve/server.js";
import { mergeCheckpoint } from "../../../src/model/merge.js";
import { readSafetensors } from "../../../src/model/safetensors.js";
import type { Question } from "../../../src/records.js";
import { trainInFolder } from "../../../src/train/trainInFolder.js";
import { temporaryFolder } from "../../support/fakeModel.js";
import { taughtQuestion, writeTaughtModel } from "../../support/taughtModel.js";

let dir: string;
let model: string;

beforeAll(async () => {
  dir = await temporaryFolder();
  model = join(dir, "taught");
  await writeTaughtModel(model, resolveConfig({}, "defaults").expand.formatPrompt);
  const plain = { create: { width: 56, height: 56, channels: 3, background: "red" } } as const;
  const bytes = new Uint8Array(await sharp(plain).png().toBuffer());
  const withImage = (question: Question): Question => ({
    ...question,
    text: `<image>${question.text}`,
    rewrites: question.rewrites.map((words) => `<image>${words}`),
    images: [{ kind: "bytes", bytes }],
  });
  const questions = Array.from({ length: 8 }, (_, at) => taughtQuestion(at));
  await writeQuestions(
    join(dir, "questions.parquet"),
    questions.map((each, at) => (at % 2 ? each : withImage(each))),
  );
}, 300_000);

const servers: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serve(faults?: (request: WireRequest) => Fault | undefined) {
  const folder = await temporaryFolder();
  const open = () => openEngine(configOf({ kind: "local" }), model);
  const backend = createLocalBackend({ model: "taught", folder, ...(await readingOf(model)), open });
  const server = await startTinkerServer({
    backend,
    version: "test",
    pollMs: 5000,
    ...(faults ? { faults } : {}),
  });
  servers.push(server);
  return { url: server.url, folder };
}

function configOf(engine: object, changes: { train?: object; update?: object } = {}): RunConfig {
  return resolveConfig(
    {
      model,
      engine,
      data: { kind: "files", path: join(dir, "questions.parquet") },
      expand: { variants: 2, transformProbability: 0.5 },
      rollout: { responses: 3, maxResponseLength: 12 },
      // ε above rounding: here the first mini-batch's ratio is 1, on the wire 1 ± 10⁻⁶, and where a gradient is rounding alone
      // AdamW with ε = 10⁻⁸ makes a whole step of its sign.
      update: { learningRate: 3e-3, epsilon: 1e-3, optimizerStepsPerRollout: 2, ...changes.update },
      train: {
        steps: 2,
        questionsPerStep: 2,
        saveEvery: 1,
        evaluateQuestions: 0,
        loggedQuestions: 2,
        ...changes.train,
      },
    },
    "test",
  );
}

/** Rows of a run, and the responses behind them. */
async function rowsOf(out: string) {
  const rows = (await readJsonl(join(out, "metrics.jsonl"))).records as Record<string, number>[];
  const rollouts = (await readJsonl(join(out, "rollouts.jsonl"))).records as {
    responses: { text: string }[];
  }[];
  return { rows, texts: rollouts.flatMap(({ responses }) => responses.map(({ text }) => text)) };
}

const COMPARED = ["reward/overall", "advantage/mean", "policy/loss", "policy/grad_norm", "policy/kl_approx"];

/** Trains by both engines; rows and texts of each. */
async function both(
  changes: Parameters<typeof configOf>[1] = {},
  loss: "surrogate" | "native" = "surrogate",
) {
  const { url, folder } = await serve();
  const [here, there] = [await temporaryFolder(), await temporaryFolder()];
  await trainInFolder({ config: configOf({ kind: "local" }, changes), out: here });
  await trainInFolder({ config: configOf({ kind: "tinker", url, loss }, changes), out: there });
  return { here, there, local: await rowsOf(here), remote: await rowsOf(there), folder };
}

function expectSame(local: Awaited<ReturnType<typeof rowsOf>>, remote: typeof local): void {
  expect(remote.texts).toEqual(local.texts);
  expect(remote.rows).toHaveLength(local.rows.length);
  for (const [row, other] of zip(local.rows, remote.rows)) {
    for (const name of COMPARED) expect(other[name], name).toBeCloseTo(row[name] ?? Number.NaN, 5);
  }
}

describe("engine.kind=tinker against this project's own server", () => {
  it("brings the trained weights home with every checkpoint, as a folder that merges", async () => {
    const { url } = await serve();
    const out = await temporaryFolder();
    const config = configOf({ kind: "tinker", url }, { train: { steps: 1 } });
    await trainInFolder({ config, out });
    const checkpoint = join(out, "checkpoints", "step-000001");
    const names = await readdir(checkpoint);
    expect(names).toEqual(expect.arrayContaining(["config.json", "model.safetensors", "tinker.json"]));
    expect(names.filter((name) => /partial|archive|optimizer/.test(name))).toEqual([]);
    const merged = join(out, "merged");
    await mergeCheckpoint({ checkpoint, out: merged });
    const [trained, before] = await Promise.all(
      [merged, model].map((folder) => readSafetensors(join(folder, "model.safetensors"))),
    );
    const moved = Object.entries(before ?? {}).filter(([name, { data }]) =>
      data.some((value, at) => value !== trained?.[name]?.data[at]),
    );
    expect(moved.length).toBeGreaterThan(0);
  }, 240_000);

  it("trains as engine.kind=local does, step by step: tokens, losses, gradients and weights", async () => {
    const { here, folder, local, remote } = await both();
    expectSame(local, remote);
    expect(local.rows.some((row) => (row["policy/grad_norm"] ?? 0) > 0.01)).toBe(true);
    const [modelId = ""] = await readdir(folder);
    const names = (await readdir(join(folder, modelId))).sort();
    const own = await readSafetensors(join(here, "checkpoints", "step-000002", "model.safetensors"));
    const theirs = await readSafetensors(join(folder, modelId, names.at(-1) ?? "", "model.safetensors"));
    let largest = 0;
    for (const [name, { data }] of Object.entries(own)) {
      for (const [at, value] of data.entries()) {
        largest = Math.max(largest, Math.abs(value - (theirs[name]?.data[at] ?? Number.NaN)));
      }
    }
    expect(largest).toBeLessThan(1e-6);
  }, 240_000);

  it("trains the same by the server's own clip, where settings ask for nothing else", async () => {
    const { local, remote } = await both({ update: { dualClip: null } }, "native");
    expectSame(local, remote);
  }, 240_000);

  it("goes on after an interrupt from the server's checkpoint, to the same rows", async () => {
    const { url } = await serve();
    const [whole, parts] = [await temporaryFolder(), await temporaryFolder()];
    await trainInFolder({ config: configOf({ kind: "tinker", url }), out: whole });
    const controller = new AbortController();
    const config = configOf({ kind: "tinker", url });
    const stop = { onStep: () => controller.abort(), signal: controller.signal };
    const { isFinished } = await trainInFolder({ config, out: parts, ...stop });
    expect(isFinished).toBe(false);
    await trainInFolder({ config, out: parts, isResume: true });
    expectSame(await rowsOf(whole), await rowsOf(parts));
  }, 240_000);

  it("refuses settings that the wire cannot carry, by name and before anything is sent", async () => {
    const config = configOf({ kind: "tinker", url: "http://127.0.0.1:9" });
    const warm = { ...config, rollout: { ...config.rollout, temperature: 0.7 } };
    await expect(trainInFolder({ config: warm, out: await temporaryFolder() })).rejects.toThrow(
      /engine\.kind=tinker: rollout\.temperature=0\.7: it lacks temperatures other than 1/,
    );
  });
});
