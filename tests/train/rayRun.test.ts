import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { resolveConfig } from "../../src/config/load.js";
import { readJsonl } from "../../src/core/files/jsonl.js";
import type { QuestionSource } from "../../src/data/source.js";
import { type ClusterPlan, type RayRunOptions, trainOnRay } from "../../src/train/rayRun.js";
import { ownRow } from "../../src/train/run/easyR1Row.js";
import { RunFolder } from "../../src/train/run/runFolder.js";
import { temporaryFolder } from "../support/fakeModel.js";
import { type RayHead, type ScriptedJob, startRayHead } from "../support/rayHead.js";
import { taughtQuestion } from "../support/taughtModel.js";

const open: RayHead[] = [];
afterEach(async () => {
  for (const head of open.splice(0)) await head.close();
});

const QUESTIONS: QuestionSource = {
  train: async (index) => taughtQuestion(index),
  heldout: async (index) => taughtQuestion(index),
  async *all() {},
  heldoutCount: 0,
};

const CONFIG = resolveConfig(
  { train: { steps: 3, questionsPerStep: 4, evaluateQuestions: 0 }, rollout: { responses: 4 } },
  "test",
);

const row = (step: number, reward: number) =>
  `(Runner pid=7) SHAREGRPO ${JSON.stringify({ step, "reward/overall": reward, "actor/pg_loss": -0.5, "x/y": 1 })}\n`;

async function headOf(script: ScriptedJob): Promise<RayHead> {
  const head = await startRayHead(script);
  open.push(head);
  return head;
}

async function trained(dir: string, head: RayHead, more: Partial<RayRunOptions> = {}) {
  const isResume = more.isResume ?? false;
  const run = await RunFolder.open(dir, more.config ?? CONFIG, { isResume });
  const cluster: ClusterPlan = {
    ...{ url: head.url, model: "Qwen/Qwen2.5-VL-3B-Instruct", nodes: 1, gpusPerNode: 8 },
    ...{ checkpoints: "/shared/run", overrides: {} },
  };
  const notes: string[] = [];
  const outcome = await trainOnRay({
    ...{ config: CONFIG, run, questions: QUESTIONS, cluster, isResume, everyMs: 5 },
    onNote: (note) => void notes.push(note),
    ...more,
  });
  const { records } = await readJsonl(join(dir, "metrics.jsonl"));
  return { outcome, notes, rows: records as { step: number; [name: string]: number }[] };
}

const DONE: ScriptedJob = {
  states: ["RUNNING", "SUCCEEDED"],
  logs: [row(1, 0.1), row(1, 0.1) + row(2, 0.2) + row(3, 0.3)],
};

describe("trainOnRay", () => {
  it("submits the job and keeps its metrics as rows of the run folder, under this project's names", async () => {
    const head = await headOf(DONE);
    const { outcome, rows, notes } = await trained(await temporaryFolder(), head);
    expect(outcome).toEqual({ step: 3, isFinished: true });
    expect(rows).toEqual([
      { step: 1, "reward/overall": 0.1, "policy/loss": -0.5 },
      { step: 2, "reward/overall": 0.2, "policy/loss": -0.5 },
      { step: 3, "reward/overall": 0.3, "policy/loss": -0.5 },
    ]);
    const [[id, body] = []] = [...head.jobs];
    expect(id).toMatch(/^sharegrpo-[0-9a-f]{12}-1$/);
    expect(body?.["entrypoint"]).toBe("python3 -m sharegrpo_easyr1.main config=run.yaml");
    expect(notes.join("\n")).toMatch(/was submitted to http:.*\n.*running\n.*succeeded/);
  });

  it("goes on following a job that runs, without submitting it again", async () => {
    const dir = await temporaryFolder();
    const logs = [row(1, 0.1), row(1, 0.1) + row(2, 0.2) + row(3, 0.3)];
    // The client dies at the second look (as if by an answer that is none); the job goes on.
    const head = await headOf({ states: ["RUNNING", "LOST", "RUNNING", "SUCCEEDED"], logs });
    await expect(trained(dir, head)).rejects.toThrow(/the answer is not one of Ray's/);
    const { outcome, rows, notes } = await trained(dir, head, { isResume: true });
    expect(outcome).toEqual({ step: 3, isFinished: true });
    expect(rows.map(({ step }) => step)).toEqual([1, 2, 3]);
    expect([...head.jobs.keys()]).toHaveLength(1);
    expect(notes[0]).toMatch(/job sharegrpo-\w+-1 is RUNNING/);
  });

  it("submits the job again under another id when it was stopped", async () => {
    const dir = await temporaryFolder();
    const head = await headOf({ states: ["RUNNING", "RUNNING", "SUCCEEDED"], logs: [row(1, 0.1)] });
    const controller = new AbortController();
    await trained(dir, head, {
      onStep: () => controller.abort(new Error("stop")),
      signal: controller.signal,
    });
    await trained(dir, head, { isResume: true });
    expect([...head.jobs.keys()].map((id) => id.at(-1))).toEqual(["1", "2"]);
  });

  it("refuses another number of steps for a job that has one", async () => {
    const dir = await temporaryFolder();
    const head = await headOf(DONE);
    await trained(dir, head);
    const longer = { ...CONFIG, train: { ...CONFIG.train, steps: CONFIG.train.steps + 1 } };
    const resumed = trained(dir, head, { config: longer, isResume: true });
    await expect(resumed).rejects.toThrow(
      `engine.kind=ray: train.steps was ${CONFIG.train.steps}, now ${longer.train.steps}: a job keeps the number`,
    );
    expect(head.jobs.size).toBe(1);
  });

  it("stops the job when interrupted", async () => {
    const head = await headOf({ states: ["RUNNING"], logs: [row(1, 0.1)] });
    const controller = new AbortController();
    const { outcome, notes } = await trained(await temporaryFolder(), head, {
      onStep: () => controller.abort(new Error("interrupted")),
      signal: controller.signal,
    });
    expect(outcome).toEqual({ step: 1, isFinished: false });
    expect(head.stopped).toHaveLength(1);
    expect(notes.at(-1)).toMatch(/stopped/);
  });

  it("replaces rows of steps that a job repeats from its checkpoint", async () => {
    const dir = await temporaryFolder();
    const failing: ScriptedJob = {
      states: ["FAILED"],
      logs: [row(1, 0.1) + row(2, 0.9)],
      message: "lost a node",
    };
    await expect(trained(dir, await headOf(failing))).rejects.toThrow(/failed: lost a node/);
    const resumed = await headOf({ states: ["SUCCEEDED"], logs: [row(2, 0.2) + row(3, 0.3)] });
    const { rows } = await trained(dir, resumed, { isResume: true });
    expect(rows.map((each) => each["reward/overall"])).toEqual([0.1, 0.2, 0.3]);
  });

  it("refuses settings that EasyR1 cannot honour before anything is sent", async () => {
    const head = await headOf(DONE);
    const config = resolveConfig({ update: { algorithm: "grpo" } }, "test");
    await expect(trained(await temporaryFolder(), head, { config })).rejects.toThrow(
      /update\.algorithm=grpo/,
    );
    expect(head.packages.size + head.jobs.size).toBe(0);
  });
});

describe("ownRow", () => {
  it("keeps what has a name here, in the same unit", () => {
    expect(
      ownRow({
        "actor/grad_norm": 1,
        "timing_s/gen": 2,
        "perf/cpu_memory_used_gb": 3,
        "global_seqlen/min": 4,
      }),
    ).toEqual({ "policy/grad_norm": 1, "timing_s/rollout": 2 });
  });
});
