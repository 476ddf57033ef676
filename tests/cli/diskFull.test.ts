import { mkdtemp, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { beforeAll, describe, expect, it } from "vitest";
import { readJsonl } from "../../src/core/files/jsonl.js";
import { runProgram } from "../helpers/program.js";
import { writeFakeModel } from "../support/fakeModel.js";

/** No file may grow beyond a number of blocks of 512 bytes; what is written beyond fails, as on a full disk. */
const smallFiles = (blocks: number) => `trap '' XFSZ; ulimit -f ${blocks}`;

const SETTINGS = [
  "train.steps=1",
  "train.questionsPerStep=2",
  "train.evaluateQuestions=2",
  "rollout.responses=2",
  "rollout.maxResponseLength=8",
];

let dir: string;
const train = (out: string) => [
  ...["train", "--preset", "tiny", "--out", out, `model=${join(dir, "model")}`],
  ...SETTINGS,
];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "disk-full-"));
  await writeFakeModel(join(dir, "model"));
});

describe.skipIf(process.platform === "win32")("sharegrpo train on a full disk", { timeout: 120_000 }, () => {
  it("names file and cure, leaves nothing under a checkpoint's name, and goes on when there is space", async () => {
    const out = join(dir, "run");
    const failed = await runProgram(train(out), { shell: smallFiles(200) });
    expect(failed.stderr).toMatch(
      /^sharegrpo: saveCheckpoint: cannot write .*step-000001: .*safetensors: EFBIG.*; free space or choose another --out$/m,
    );
    expect(failed.stderr).not.toMatch(/^ {4}at /m);
    expect(failed.code).toBe(1);
    expect(await readdir(join(out, "checkpoints"))).toEqual([]);

    expect(await runProgram(["train", "--out", out, "--resume"])).toMatchObject({ code: 0 });
    expect(await readdir(join(out, "checkpoints", "step-000001"))).toContain("manifest.json");
    const { records } = await readJsonl(join(out, "metrics.jsonl"));
    expect(records).toMatchObject([{ step: 1 }]);
  });
});
