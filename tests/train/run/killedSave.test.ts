/**
 * A process that is killed while it writes leaves everything that it had written whole, and nothing half under a name.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { packageRoot } from "../../../src/core/files/packageRoot.js";
import { Rng } from "../../../src/core/rng.js";
import { loadModel, modelFolder } from "../../../src/model/load.js";
import { listCheckpoints, restoreCheckpoint } from "../../../src/train/run/checkpoint.js";
import { temporaryFolder } from "../../support/fakeModel.js";

const built = (path: string) => JSON.stringify(pathToFileURL(join(packageRoot(), "dist", "src", path)).href);

/** Runs a module that says a line for each thing that is whole; kills it some time after the n-th. */
async function killedAfter(lines: number, delayMs: number, program: string): Promise<void> {
  const child: ChildProcess = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  let seen = 0;
  for await (const chunk of child.stdout ?? []) {
    seen += String(chunk).split("\n").length - 1;
    if (seen >= lines) break;
  }
  await sleep(delayMs);
  child.kill("SIGKILL");
  await exited;
}

/** Saves the bundled policy as step 1, 2, … until it is killed. */
const savingCheckpoints = (parent: string) => `
  import { saveCheckpoint } from ${built("train/run/checkpoint.js")};
  import { writeWeights } from ${built("engine/local/weightFiles.js")};
  import { loadModel } from ${built("model/load.js")};
  const model = await loadModel(${JSON.stringify(modelFolder("tiny"))});
  const { params } = model;
  const learner = { save: (folder) => writeWeights(folder, { params, first: params, second: params }, model) };
  for (let step = 1; ; step++) {
    const state = { step: Math.min(step, 3), questionsSeen: 0, optimizerSteps: step, configDigest: "" };
    await saveCheckpoint(${JSON.stringify(parent)}, state, learner);
    console.log(step);
  }`;

const merging = (parent: string) => `
  import { mergeCheckpoint } from ${built("model/merge.js")};
  const checkpoint = ${JSON.stringify(modelFolder("tiny"))};
  for (let at = 1; ; at++) {
    await mergeCheckpoint({ checkpoint, out: ${JSON.stringify(parent)} + "/" + at, dtype: "BF16", shardBytes: 1e6 });
    console.log(at);
  }`;

/** Milliseconds after a save was whole: within the next one, whatever the machine's speed. */
const delays = Rng.fromSeed(5);

describe("a save that is killed", () => {
  it.each([1, 2, 3])("damages no checkpoint that was whole: try %d", { timeout: 120_000 }, async () => {
    const parent = await temporaryFolder();
    await killedAfter(2, 150 * delays.uniform(), savingCheckpoints(parent));
    const whole = await listCheckpoints(parent);
    expect(whole.length).toBeGreaterThanOrEqual(2);
    for (const folder of whole) await restoreCheckpoint(folder, { restore: async () => undefined });
  });

  it.each([1, 2])("leaves merged folders whole or not there: try %d", { timeout: 120_000 }, async () => {
    const parent = await temporaryFolder();
    await killedAfter(1, 100 * delays.uniform(), merging(parent));
    const names = (await readdir(parent)).filter((name) => !name.endsWith(".partial"));
    expect(names.length).toBeGreaterThanOrEqual(1);
    const expected = Object.keys((await loadModel(modelFolder("tiny"))).params);
    for (const name of names) {
      const { params } = await loadModel(join(parent, name));
      expect(Object.keys(params).sort()).toEqual(expected.toSorted());
    }
  });
});
