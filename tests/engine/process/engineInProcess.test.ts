import { execFileSync } from "node:child_process";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { resolveConfig } from "../../../src/config/load.js";
import { ModelError } from "../../../src/core/errors.js";
import { createEngine } from "../../../src/engine/local/engine.js";
import { localSettings } from "../../../src/engine/local/settings.js";
import { startEngine } from "../../../src/engine/process/engineInProcess.js";
import { loadModel, modelFolder } from "../../../src/model/load.js";
import { tokenPrompt } from "../../../src/model/prompt.js";
import { lossSettings } from "../../../src/train/update.js";

const local = localSettings(resolveConfig({}, "defaults"));

const STEP = {
  ...{ step: 1, learningRate: 0, maxGradNorm: 1, weightDecay: 0 },
  ...{ beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
};

/** Engine processes of this one. */
function engineProcesses(): number[] {
  const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid=,args="], { encoding: "utf8" }).split("\n");
  return lines
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .filter((match) => Number(match?.[2]) === process.pid && match?.[3]?.includes("engine/process/program"))
    .map((match) => Number(match?.[1]));
}

describe("startEngine", () => {
  it("passes on the engine's own errors, in their class", async () => {
    const engine = startEngine({ model: "/nowhere", local });
    await expect(engine.report()).rejects.toThrow(ModelError);
    await expect(engine.report()).rejects.toThrow("/nowhere: missing model folder");
    await engine.close();
  });

  it("learns without old log-probs as the engine on this thread does", async () => {
    const lessons = [0, 1].map((at) => ({
      prompt: tokenPrompt(Int32Array.of(40 + at, 41, 42), `prompt ${at}`),
      responses_R: [Int32Array.of(50, 51), Int32Array.of(52)].slice(at),
      advantages_R: [1, -0.5].slice(at),
      weights_R: [0.25, 0.25].slice(at),
    }));
    const engines = [
      startEngine({ model: modelFolder("tiny"), local }),
      createEngine(await loadModel(modelFolder("tiny")), local),
    ];
    const loss = lossSettings(resolveConfig({}, "defaults"));
    const found = [];
    for (const engine of engines) {
      const accumulated = await engine.learner.accumulate(lessons, loss);
      found.push({ accumulated, norm: (await engine.learner.apply(STEP)).gradNorm });
      await engine.close();
    }
    const lengths = found[0]?.accumulated.logProbs.map((rows_R) => rows_R.map(({ length }) => length));
    expect(lengths).toEqual([[2, 1], [1]]);
    expect(found[0]).toEqual(found[1]);
    expect(found[0]?.accumulated.maxLogRatio).toBe(0);
    expect(found[0]?.norm).toBeGreaterThan(0);
  });

  // As the system does when memory runs out.
  it.skipIf(process.platform === "win32")(
    "fails every call once its process was killed, and can be closed",
    async () => {
      const engine = startEngine({ model: modelFolder("tiny"), local });
      expect((await engine.report()).residentBytes).toBeGreaterThan(0);
      const [pid = 0] = engineProcesses();
      process.kill(pid, "SIGSTOP");
      const underWay = engine.report();
      process.kill(pid, "SIGKILL");
      await expect(underWay).rejects.toThrow("engine: its process ended (SIGKILL): if memory ran out, lower");
      await expect(engine.report()).rejects.toThrow("its process ended");
      await engine.close();
    },
  );
});
