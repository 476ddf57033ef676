import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ConfigError } from "../../src/core/errors.js";
import { loadModel } from "../../src/model/load.js";
import {
  makeTinyPolicy,
  NARROW_POLICY_DEFAULTS,
  shortened,
  TINY_POLICY_DEFAULTS,
} from "../../src/tiny/tinyPolicy.js";

describe("shortened stages", () => {
  it("keep their proportions and run at least one step each", () => {
    const steps = (total: number) =>
      shortened(TINY_POLICY_DEFAULTS.stages, total).map((stage) => stage.steps);
    expect(steps(112)).toEqual([40, 40, 26, 6]);
    expect(steps(1)).toEqual([1, 1, 1, 1]);
  });
});

describe("a tiny policy made in a few steps", () => {
  let folder: string;
  const losses: number[] = [];
  const options = (out: string) => ({
    ...TINY_POLICY_DEFAULTS,
    out,
    stages: shortened(TINY_POLICY_DEFAULTS.stages, 4).slice(1, 3),
    batch: 2,
    evaluateEvery: 1,
    evaluateQuestions: 2,
    onEvaluation: (_step: number, loss: number) => void losses.push(loss),
  });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sharegrpo-tiny-"));
    await makeTinyPolicy(options(join(folder, "one")));
  }, 120_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("is a model folder that loads, and was looked at after every step", async () => {
    const { config, processor } = await loadModel(join(folder, "one"));
    expect(config.layers).toBe(5);
    expect(processor.size).toBeGreaterThan(500);
    expect(losses).toHaveLength(2);
    expect(losses.every((loss) => loss > 1 && loss < 20)).toBe(true);
  });

  it("is continued from another's weights, whose words it keeps", async () => {
    const [from, out] = [join(folder, "one"), join(folder, "two")];
    await makeTinyPolicy({ ...NARROW_POLICY_DEFAULTS, from, out, stages: [], batch: 2 });
    const [a, b] = await Promise.all([loadModel(from), loadModel(out)]);
    expect(Object.keys(b.params)).toEqual(Object.keys(a.params));
    const weights = (folder: string) => readFile(join(folder, "model.safetensors"));
    expect((await weights(out)).equals(await weights(from))).toBe(true);
    expect(b.processor.encode("How many?")).toEqual(a.processor.encode("How many?"));
  });

  it("is not written over another", async () => {
    await expect(makeTinyPolicy(options(join(folder, "one")))).rejects.toThrow(ConfigError);
  });
});
