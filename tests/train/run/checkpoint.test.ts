import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { CheckpointError } from "../../../src/core/errors.js";
import {
  listCheckpoints,
  pruneCheckpoints,
  readTrainState,
  restoreCheckpoint,
  saveCheckpoint,
  stepFolder,
  type TrainState,
} from "../../../src/train/run/checkpoint.js";
import { temporaryFolder } from "../../support/fakeModel.js";

const stateAt = (step: number): TrainState => ({
  step,
  questionsSeen: 16 * step,
  optimizerSteps: 2 * step,
  configDigest: "abc",
});

/** A learner whose state is two files; what it was last restored from is remembered. */
function fileLearner(weights = "weights") {
  const restored: { weights: string; policyStep: number }[] = [];
  return {
    restored,
    async save(folder: string) {
      await writeFile(join(folder, "weights.bin"), weights);
      await writeFile(join(folder, "config.json"), "{}\n");
    },
    async restore(folder: string, policyStep: number) {
      restored.push({ weights: await readFile(join(folder, "weights.bin"), "utf8"), policyStep });
    },
  };
}

let dir: string;
beforeAll(async () => {
  dir = await temporaryFolder();
});

let runs = 0;
const freshRun = () => join(dir, `run-${runs++}`, "checkpoints");

/** A checkpoint to damage. */
async function saved(step = 100): Promise<{ parent: string; folder: string }> {
  const parent = freshRun();
  return { parent, folder: await saveCheckpoint(parent, stateAt(step), fileLearner()) };
}
const restore = (folder: string) => restoreCheckpoint(folder, fileLearner());

describe("saveCheckpoint and restoreCheckpoint", () => {
  it("give back where the run stood, and hand the learner its own files with the steps they have seen", async () => {
    const { folder } = await saved();
    const learner = fileLearner("other");
    expect(await restoreCheckpoint(folder, learner)).toEqual(stateAt(100));
    expect(learner.restored).toEqual([{ weights: "weights", policyStep: 200 }]);
  });

  it("write what the learner keeps, where the run stood and a manifest, and nothing else", async () => {
    const { folder } = await saved();
    expect((await readdir(folder)).sort()).toEqual([
      "config.json",
      "manifest.json",
      "state.json",
      "weights.bin",
    ]);
  });

  it("write the same bytes for the same state", async () => {
    const [one, other] = [await saved(), await saved()];
    for (const name of await readdir(one.folder)) {
      expect(await readFile(join(one.folder, name)), name).toEqual(await readFile(join(other.folder, name)));
    }
  });

  it("replace a checkpoint of the same step", async () => {
    const { parent, folder } = await saved(3);
    const again = { ...stateAt(3), questionsSeen: 999 };
    expect(await saveCheckpoint(parent, again, fileLearner())).toBe(folder);
    expect((await restore(folder)).questionsSeen).toBe(999);
    expect(await readdir(parent)).toEqual(["step-000003"]);
  });

  it("readTrainState reads where the run stood", async () => {
    const { folder } = await saved(7);
    expect(await readTrainState(folder)).toEqual(stateAt(7));
  });
});

describe("a damaged checkpoint", () => {
  const files = ["weights.bin", "state.json", "config.json"];

  it.each(files)("is refused when one byte of %s differs, with file and cure", async (name) => {
    const { folder } = await saved();
    const path = join(folder, name);
    const bytes = await readFile(path);
    const middle = bytes.length >> 1;
    bytes[middle] = (bytes[middle] as number) ^ 1;
    await writeFile(path, bytes);
    await expect(restore(folder)).rejects.toThrow(CheckpointError);
    await expect(restore(folder)).rejects.toThrow(
      `${path}: has changed since it was written: delete step-000100 to resume from the one before it`,
    );
  });

  it.each(files)("is refused when %s is missing, with file and cure", async (name) => {
    const { folder } = await saved();
    await rm(join(folder, name));
    await expect(restore(folder)).rejects.toThrow(
      `${join(folder, name)}: is missing: delete step-000100 to resume from the one before it`,
    );
  });

  it("is refused when a file is cut short", async () => {
    const { folder } = await saved();
    const path = join(folder, "weights.bin");
    await writeFile(path, (await readFile(path)).subarray(0, -1));
    await expect(restore(folder)).rejects.toThrow(`${path}: has changed`);
  });

  it.each([
    ["missing", undefined],
    ["cut short", '{"format": "sharegrpo-ch'],
    ["of another format", '{"format": "sharegrpo-checkpoint-9", "files": {}}'],
    ["without files", '{"format": "sharegrpo-checkpoint-1"}'],
  ])("is refused when its manifest is %s", async (_, text) => {
    const { folder } = await saved();
    const path = join(folder, "manifest.json");
    if (text === undefined) await rm(path);
    else await writeFile(path, text);
    await expect(restore(folder)).rejects.toThrow(CheckpointError);
    await expect(restore(folder)).rejects.toThrow(
      /manifest\.json: .*delete step-000100 to resume from the one before it$/s,
    );
  });

  it("is refused when its manifest lists no weights", async () => {
    const { folder } = await saved();
    await rm(join(folder, "weights.bin"));
    const path = join(folder, "manifest.json");
    const manifest = JSON.parse(await readFile(path, "utf8")) as { files: Record<string, string> };
    delete manifest.files["weights.bin"];
    await writeFile(path, JSON.stringify(manifest));
    await expect(restore(folder)).rejects.toThrow("weights.bin");
  });
});

describe("a checkpoint that cannot be written", () => {
  it("leaves nothing under the final name, keeps the one before, and says where and what to do", async () => {
    const { parent } = await saved(1);
    // Like a full disk: fails after the partial folder was begun.
    const full = { save: () => Promise.reject(new Error("no space left on device")) };
    const failing = saveCheckpoint(parent, stateAt(2), full);
    await expect(failing).rejects.toThrow(CheckpointError);
    await expect(failing).rejects.toThrow(
      new RegExp(`^saveCheckpoint: cannot write ${join(parent, "step-000002")}: .*choose another --out$`),
    );
    expect(await readdir(parent)).toEqual(["step-000001"]);
  });

  it("is refused when its parent is a file", async () => {
    const parent = join(dir, "occupied");
    await writeFile(parent, "I am a file");
    await expect(saveCheckpoint(parent, stateAt(2), fileLearner())).rejects.toThrow(CheckpointError);
    expect(await readFile(parent, "utf8")).toBe("I am a file");
  });

  it("is not taken for whole when the process died while writing it", async () => {
    const { parent, folder } = await saved(1);
    await cp(folder, join(parent, `${stepFolder(2)}.partial`), { recursive: true });
    expect(await listCheckpoints(parent)).toEqual([folder]);
  });

  it("does not disturb the next attempt by what it left", async () => {
    const parent = freshRun();
    const partial = join(parent, `${stepFolder(5)}.partial`);
    await mkdir(partial, { recursive: true });
    await writeFile(join(partial, "rubbish.bin"), "left over");
    const folder = await saveCheckpoint(parent, stateAt(5), fileLearner());
    expect(await readdir(parent)).toEqual(["step-000005"]);
    expect(await readdir(folder)).not.toContain("rubbish.bin");
  });
});

describe("listCheckpoints", () => {
  it("orders by step, beyond six digits too, and ignores anything else", async () => {
    const parent = freshRun();
    const names = ["step-1000000", "step-000020", "step-000003", "step-000004.partial", "notes", "step-5"];
    for (const name of names) await mkdir(join(parent, name), { recursive: true });
    expect(await listCheckpoints(parent)).toEqual(
      ["step-000003", "step-000020", "step-1000000"].map((name) => join(parent, name)),
    );
    expect(stepFolder(1_000_000)).toBe("step-1000000");
  });

  it("of a folder that is not there is empty", async () => {
    expect(await listCheckpoints(join(dir, "nowhere"))).toEqual([]);
  });
});

describe("pruneCheckpoints", () => {
  it("keeps the newest and removes unfinished ones", async () => {
    const parent = freshRun();
    for (const name of ["step-000001", "step-000002", "step-000010", "step-000011.partial", "notes"]) {
      await mkdir(join(parent, name), { recursive: true });
    }
    await pruneCheckpoints(parent, 2);
    expect((await readdir(parent)).sort()).toEqual(["notes", "step-000002", "step-000010"]);
  });

  it("removes nothing when there are no more than asked for", async () => {
    const parent = freshRun();
    await mkdir(join(parent, "step-000001"), { recursive: true });
    await pruneCheckpoints(parent, 5);
    await pruneCheckpoints(join(dir, "nowhere"), 5);
    expect(await readdir(parent)).toEqual(["step-000001"]);
  });
});
