import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { resolveConfig } from "../../../src/config/load.js";
import { PRESETS } from "../../../src/config/presets.js";
import { packageRoot } from "../../../src/core/files/packageRoot.js";
import { openRows } from "../../../src/data/rows.js";
import { entrypointOf, writeJobFolder, zipJobFolder } from "../../../src/engine/ray/jobFolder.js";
import { releasedSettings } from "../../../src/engine/ray/releasedSettings.js";
import { golden } from "../../golden/load.js";
import { temporaryFolder } from "../../support/fakeModel.js";
import { CLUSTER, leaves, SHOWN, smallJob } from "../../support/jobFiles.js";
import { unzip } from "../../support/unzip.js";

const PRESET = PRESETS["reference-code"];
const released = (changes: object = {}) =>
  resolveConfig(
    {
      ...PRESET,
      advantage: { arithmetic: "float32" },
      ...changes,
      update: {
        ...PRESET.update,
        microBatchUnits: 8,
        ...("update" in changes ? (changes.update as object) : {}),
      },
    },
    "test",
  );

describe("releasedSettings", () => {
  it("is the released script and config, with our questions in their order", () => {
    const found = new Map(leaves(releasedSettings(released(), CLUSTER)));
    // examples/config.yaml and examples/qwen2_5_vl_7b_sharegrpo.sh of da7388e.
    const script = {
      "data.max_prompt_length": 2048,
      "data.max_response_length": 2048,
      "data.rollout_batch_size": 512,
      "data.max_pixels": 1_048_576,
      "data.min_pixels": 262_144,
      "data.seed": 1,
      "algorithm.adv_estimator": "grpo",
      "algorithm.disable_kl": true,
      "algorithm.kl_penalty": "low_var_kl",
      "worker.actor.global_batch_size": 128,
      "worker.actor.max_grad_norm": 1,
      "worker.actor.clip_ratio_low": 0.2,
      "worker.actor.clip_ratio_high": 0.3,
      "worker.actor.clip_ratio_dual": 3,
      "worker.actor.micro_batch_size_per_device_for_update": 8,
      "worker.actor.micro_batch_size_per_device_for_experience": 16,
      "worker.actor.optim.lr": 1e-6,
      "worker.actor.optim.weight_decay": 1e-2,
      "worker.actor.optim.lr_warmup_ratio": 0,
      "worker.rollout.n": 6,
      "worker.rollout.question_num": 2,
      "worker.rollout.temperature": 1,
      "worker.rollout.top_p": 0.99,
      "trainer.save_freq": 20,
      "trainer.save_limit": 5,
      "trainer.n_gpus_per_node": 8,
    };
    expect(Object.fromEntries(Object.keys(script).map((name) => [name, found.get(name)]))).toEqual(script);
    expect(found.get("data.shuffle")).toBe(false);
    expect(found.get("trainer.max_steps")).toBe(15_150);
  });

  it("names only settings that the released code has", () => {
    const names = new Set(golden<{ names: string[] }>("easyr1/released.json").names);
    const unknown = leaves(releasedSettings(released(), CLUSTER)).filter(
      ([name]) => !names.has(name) && !name.startsWith("worker.reward.score_function_kwargs."),
    );
    expect(unknown).toEqual([]);
  });

  it.each([
    [{ mode: "default" }, /update\.aggregation=global-token: the released code has token \(mode=code\)/],
    [{ mode: "default" }, /expand\.guidancePlacement=before: the released code has every-segment/],
    [
      { advantage: {} },
      /arithmetic=float64: the released code computes groups in float32.*engine\.stack=easyr1/,
    ],
    [
      { rollout: { responses: 1, topP: 0.99 }, advantage: { terms: "global", arithmetic: "float32" } },
      /local term is NaN/,
    ],
    [
      { expand: { variants: 2, formatPrompt: "" } },
      /expand\.formatPrompt: the released code stops without one/,
    ],
    [{ data: {} }, /data\.minPixels, data\.maxPixels: the released code needs both/],
    [{ update: { loss: "gspo" } }, /update\.loss=gspo: the released code has clip/],
    [{ update: { microBatchUnits: 7 } }, /microBatchUnits=7: twice that does not divide the 3072 responses/],
  ])("refuses %j by name", (changes, message) => {
    expect(() => releasedSettings(released(changes), CLUSTER)).toThrow(message);
  });

  it("refuses mini-batches that do not come out even on the GPUs there are", () => {
    const config = released();
    const seven = { ...config, engine: { ...config.engine, gpusPerNode: 7 } };
    expect(() => releasedSettings(seven, CLUSTER)).toThrow(
      /microBatchUnits=8: 1536 rows of a mini-batch do not come out even on 7 GPUs/,
    );
  });

  it("refuses validation, which the released code cannot do", () => {
    const config = released({ train: { ...PRESET.train, evaluateQuestions: 8 } });
    expect(() => releasedSettings(config, CLUSTER)).toThrow(
      /evaluateQuestions=8: the released code's validation/,
    );
  });
});

describe("the folder of a job on the released code", () => {
  const plan = (config = smallJob("r1-sharevl", "tiny", "/shared/run")) => ({
    ...CLUSTER,
    config,
    questions: SHOWN,
  });

  it("holds settings, the questions of all steps with their wordings, and what is run", async () => {
    const dir = join(await temporaryFolder(), "job");
    await writeJobFolder(dir, plan());
    const files = unzip(await zipJobFolder(dir, false));
    const written = [...files.keys()].filter((name) => !name.includes("/"));
    expect(written.sort()).toEqual(["run.yaml", "train.parquet"]);
    expect(entrypointOf(plan().config)).toBe("python3 -m sharegrpo_easyr1.released config=run.yaml");
    expect(files.has("sharegrpo_easyr1/released.py")).toBe(true);
    const settings = new Map(
      leaves(parse(files.get("run.yaml")?.toString("utf8") ?? "") as Record<string, unknown>),
    );
    expect(settings.get("worker.reward.score_function")).toBe("./sharegrpo_easyr1/reward.py:score_one");
    expect((await openRows(join(dir, "train.parquet"))).count).toBe(8);
  });

  it.each([
    [{ images: [] }, /question q3: no image: the released code reads questions with images only/],
    [{ rewrites: [] }, /question q3: 1 wordings, and expand\.variants=2: the released code stops there/],
    [
      { forbiddenTransforms: ["vertically_flipped"] as const },
      /question q3: vertically_flipped would change its answer/,
    ],
  ])("is not written with a question that the released code gets wrong: %j", async (changes, message) => {
    const dir = join(await temporaryFolder(), "job");
    const train = async (index: number) => ({
      ...(await SHOWN.train(index)),
      ...(index === 3 ? changes : {}),
    });
    await expect(writeJobFolder(dir, { ...plan(), questions: { ...SHOWN, train } })).rejects.toThrow(message);
  });
});

const hasPython = spawnSync("python3", ["--version"]).status === 0;

describe.skipIf(!hasPython)("the Python package, whichever stack it is beside", () => {
  it("says both versions where the cluster has another stack", () => {
    const folder = join(packageRoot(), "src", "engine", "ray", "easyr1");
    const code = [
      "import sys, types",
      "verl = types.ModuleType('verl'); verl.__version__ = '0.3.9'; sys.modules['verl'] = verl",
      "from sharegrpo_easyr1.start import require_version",
      "require_version('0.3.3.dev0', 'EasyR1 b44b311')",
    ].join("\n");
    const env = { ...process.env, PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: "1" };
    const { stderr, status } = spawnSync("python3", ["-c", code], { encoding: "utf8", env });
    expect(status).toBe(1);
    expect(stderr).toContain(
      "the cluster has verl 0.3.9; this was written for EasyR1 b44b311 (verl 0.3.3.dev0)",
    );
  });
});
