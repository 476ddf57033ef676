import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { scoreSums } from "../../docs/examples/ownBenchmark.js";
import { trainOnColours } from "../../docs/examples/ownData.js";
import { type Asked, trainCounting } from "../../docs/examples/ownEngine.js";
import { packageRoot } from "../../src/core/files/packageRoot.js";
import { runProgram } from "../helpers/program.js";

const EXAMPLES = join(packageRoot(), "docs", "examples");
const folder = () => mkdtemp(join(tmpdir(), "example-"));

describe("the examples", () => {
  it("have fewer than 60 lines each", () => {
    const names = readdirSync(EXAMPLES);
    expect(names).toHaveLength(4);
    for (const name of names) {
      expect(readFileSync(join(EXAMPLES, name), "utf8").split("\n").length, name).toBeLessThanOrEqual(60);
    }
  });

  it("train with a reward of one's own, whose parts are logged", { timeout: 120_000 }, async () => {
    const out = join(await folder(), "run");
    const reward = ["reward.kind=custom", "reward.custom=docs/examples/ownReward.js#brief"];
    const short = ["train.steps=1", "train.questionsPerStep=2", "train.evaluateQuestions=0"];
    const args = ["train", "--preset", "tiny", "--out", out, ...reward, ...short];
    const { code, stderr } = await runProgram(args, { cwd: packageRoot() });
    expect(code, stderr).toBe(0);
    const step = JSON.parse(readFileSync(join(out, "metrics.jsonl"), "utf8"));
    expect(step["reward/brevity"]).toBeGreaterThan(0);
    expect(step["reward/brevity"]).toBeLessThan(1);
  });

  it("train on a data set of one's own", { timeout: 120_000 }, async () => {
    const dir = await folder();
    expect(await trainOnColours(dir, 1)).toEqual({ step: 1, isFinished: true });
    expect(readFileSync(join(dir, "run", "rollouts.jsonl"), "utf8")).toContain("which colour do you see?");
  });

  it("score a benchmark of one's own", { timeout: 120_000 }, async () => {
    const { accuracy, perCategory } = await scoreSums("tiny", 3);
    expect(accuracy.low).toBeLessThanOrEqual(accuracy.value);
    expect(Object.keys(perCategory)).toEqual(["one digit"]);
  });

  it("train on an engine of one's own", { timeout: 120_000 }, async () => {
    const asked: Asked = { sampled: 0, read: 0, steps: 0 };
    const out = join(await folder(), "run");
    expect((await trainCounting(out, asked)).isFinished).toBe(true);
    // 2 questions in 2 variants, 6 responses each; 2 optimizer steps
    expect(asked).toMatchObject({ sampled: 24, steps: 2 });
    expect(existsSync(join(out, "checkpoints"))).toBe(true);
  });
});
