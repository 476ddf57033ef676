import { open } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { resolveConfig } from "../../../src/config/load.js";
import type { RunConfig } from "../../../src/config/schema.js";
import { Rng } from "../../../src/core/rng.js";
import { openRows } from "../../../src/data/rows.js";
import type { QuestionSource } from "../../../src/data/source.js";
import { easyR1Settings, pluginSettings } from "../../../src/engine/ray/easyr1Settings.js";
import { writeJobFolder, zipJobFolder } from "../../../src/engine/ray/jobFolder.js";
import { variantRows } from "../../../src/engine/ray/variantFile.js";
import { expandQuestion } from "../../../src/expand/expand.js";
import { golden } from "../../golden/load.js";
import { collected } from "../../support/collected.js";
import { temporaryFolder } from "../../support/fakeModel.js";
import { CLUSTER, leaves } from "../../support/jobFiles.js";
import { taughtQuestion } from "../../support/taughtModel.js";
import { unzip } from "../../support/unzip.js";

/** 12 rows of a mini-batch do not come out even on eight. */
const ONE_GPU = { gpusPerNode: 1 };

function configOf(changes: object = {}): RunConfig {
  return resolveConfig(
    {
      expand: { variants: 2 },
      rollout: { responses: 6, maxResponseLength: 2048 },
      update: { optimizerStepsPerRollout: 4, scalesStepsByVariants: true },
      train: { steps: 2, questionsPerStep: 512, evaluateQuestions: 3 },
      ...changes,
    },
    "test",
  );
}

type Tree = { [key: string]: unknown };

const QUESTIONS: QuestionSource = {
  train: async (index) => taughtQuestion(index),
  heldout: async (index) => taughtQuestion(1000 + index),
  async *all() {},
  heldoutCount: 3,
};

describe("easyR1Settings", () => {
  it("is the paper's arithmetic: 1024 prompts, mini-batches of 128 · m, n = 6", () => {
    const found = new Map(leaves(easyR1Settings(configOf(), CLUSTER)));
    expect(found.get("data.rollout_batch_size")).toBe(1024);
    // 512 · 2 · 2 rows of n responses each, in 4 · 2 optimizer steps
    expect(found.get("worker.actor.global_batch_size")).toBe(256);
    expect(found.get("worker.rollout.n")).toBe(6);
    expect(found.get("worker.actor.clip_ratio_dual")).toBe(3);
    expect(found.get("data.shuffle")).toBe(false);
    expect(found.get("data.filter_overlong_prompts")).toBe(false);
    expect(found.get("trainer.val_before_train")).toBe(false);
  });

  it("names only settings that EasyR1 has", () => {
    const names = new Set(golden<{ names: string[] }>("easyr1/settings.json").names);
    const free = /^worker\.(reward\.reward_function_kwargs|rollout\.val_override_config)\./;
    const unknown = leaves(easyR1Settings(configOf(), CLUSTER)).filter(
      ([name]) => !names.has(name) && !free.test(name),
    );
    expect(unknown).toEqual([]);
  });

  it("lays EasyR1's own settings over everything else", () => {
    const overrides = { "worker.rollout.tensor_parallel_size": 4, "trainer.logger": "console" };
    const found = new Map(leaves(easyR1Settings(configOf(), { ...CLUSTER, overrides })));
    expect(found.get("worker.rollout.tensor_parallel_size")).toBe(4);
    expect(found.get("worker.rollout.n")).toBe(6);
    expect(found.get("trainer.logger")).toBe("console");
  });

  it("refuses micro-batches that end the job on the cluster, unless a person sets them there", () => {
    const config = configOf({
      update: { optimizerStepsPerRollout: 4, scalesStepsByVariants: true, microBatchUnits: 7 },
    });
    expect(() => easyR1Settings(config, CLUSTER)).toThrow(
      /microBatchUnits=7: twice that does not divide the 6144 responses of a step; .*1536 rows of a mini-batch do not come out even on 8 GPUs/,
    );
    const overrides = ["worker.actor.micro_batch_size_per_device_for_update=4"];
    const own = { ...config, engine: { ...config.engine, overrides } };
    expect(() => easyR1Settings(own, CLUSTER)).not.toThrow();
  });

  it.each([
    [{ update: { algorithm: "grpo" } }, /update\.algorithm=grpo: only share-grpo/],
    [{ mode: "paper" }, /update\.aggregation=sequence: EasyR1 has global-token; update\.ratio=response/],
    [{ kl: { use: "reward" } }, /kl\.use=reward: a response's reward would depend on the prompt/],
    [{ reward: { grader: "math" } }, /reward\.grader=math: the cluster has mathruler/],
    [
      { rollout: { responses: 6, filter: { kind: "valid" } } },
      /rollout\.filter\.kind=valid: groups must stay whole/,
    ],
    [
      { update: { optimizerStepsPerRollout: 1 } },
      /optimizerStepsPerRollout=1: EasyR1 needs a multiple of the 2 variants/,
    ],
  ])("refuses %j by name", (changes, message) => {
    expect(() => easyR1Settings(configOf(changes), CLUSTER)).toThrow(message);
  });

  it("tells the Python package how advantages are meant", () => {
    expect(pluginSettings(configOf(), CLUSTER)).toEqual({
      validates: false,
      advantage: { std: "sample", epsilon: 1e-6, terms: "both", double_when_single: false, cross_weight: 1 },
    });
  });
});

describe("variantRows", () => {
  it("are the variants that the local trainer draws for the step, in order", async () => {
    const config = configOf({ train: { steps: 2, questionsPerStep: 4, evaluateQuestions: 0 } });
    const rows = await collected(variantRows(config, QUESTIONS, 2));
    expect(rows.map(({ question_id, variant }) => `${question_id} ${variant}`)).toEqual([
      "2/q4 0",
      "2/q4 1",
      "2/q5 0",
      "2/q5 1",
      "2/q6 0",
      "2/q6 1",
      "2/q7 0",
      "2/q7 1",
    ]);
    const rng = Rng.fromSeed(config.seed).split("step", 2);
    const { variants } = await expandQuestion(taughtQuestion(5), config.expand, rng);
    expect(rows.slice(2, 4).map(({ problem }) => problem)).toEqual(variants.map(({ text }) => text));
  });
});

describe("the job's folder", () => {
  it("holds settings, data that are read back, and the Python package", async () => {
    const dir = join(await temporaryFolder(), "job");
    const config = configOf({
      ...{ train: { steps: 2, questionsPerStep: 4, evaluateQuestions: 3 }, engine: ONE_GPU },
    });
    const plan = { ...CLUSTER, config, questions: QUESTIONS };
    await writeJobFolder(dir, plan);
    const files = unzip(await zipJobFolder(dir, false));
    expect([...files.keys()].sort()).toEqual([
      "run.yaml",
      "sharegrpo.json",
      "sharegrpo_easyr1/__init__.py",
      "sharegrpo_easyr1/advantage.py",
      "sharegrpo_easyr1/expand.py",
      "sharegrpo_easyr1/main.py",
      "sharegrpo_easyr1/merge.py",
      "sharegrpo_easyr1/released.py",
      "sharegrpo_easyr1/reward.py",
      "sharegrpo_easyr1/rows.py",
      "sharegrpo_easyr1/start.py",
      "sharegrpo_easyr1/trainer.py",
      "train.parquet",
      "validation.parquet",
    ]);
    const settings = parse(files.get("run.yaml")?.toString("utf8") ?? "") as Tree;
    expect(new Map(leaves(settings)).get("data.val_files")).toBe("./validation.parquet");
    const rows = await openRows(join(dir, "train.parquet"));
    expect(rows.count).toBe(16);
    const shared = unzip(await zipJobFolder(dir, true));
    expect([...shared.keys()].filter((name) => name.endsWith(".parquet"))).toEqual([]);
  });

  it("is not read where it could not travel, and said to be too large", async () => {
    const dir = await temporaryFolder();
    const handle = await open(join(dir, "train.parquet"), "w");
    await handle.truncate(3 * 1024 ** 3);
    await handle.close();
    await expect(zipJobFolder(dir, false)).rejects.toThrow(
      `${dir}: 3072 MiB, more than the 100 MiB that Ray takes: copy it to storage`,
    );
  });

  it("names data on shared storage by its path there", async () => {
    const dir = join(await temporaryFolder(), "job");
    const config = configOf({
      ...{ train: { steps: 1, questionsPerStep: 4, evaluateQuestions: 0 }, engine: ONE_GPU },
    });
    await writeJobFolder(dir, { ...CLUSTER, config, questions: QUESTIONS, shared: "/mnt/r1/job/" });
    const settings = parse(
      unzip(await zipJobFolder(dir, true))
        .get("run.yaml")
        ?.toString("utf8") ?? "",
    ) as Tree;
    expect(new Map(leaves(settings)).get("data.train_files")).toBe("/mnt/r1/job/train.parquet");
  });
});
