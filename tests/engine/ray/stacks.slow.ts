import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { ADVANTAGE_MODES, advantageOf, hierarchicalAdvantages } from "../../../src/advantage/shareGrpo.js";
import { readRow } from "../../../src/engine/ray/follow.js";
import { packageFiles, writeJobFolder } from "../../../src/engine/ray/jobFolder.js";
import { variantRows } from "../../../src/engine/ray/variantFile.js";
import { modelFolder } from "../../../src/model/load.js";
import { ownRow } from "../../../src/train/run/easyR1Row.js";
import { collected } from "../../support/collected.js";
import { temporaryFolder } from "../../support/fakeModel.js";
import { SHOWN, shownQuestion, smallJob } from "../../support/jobFiles.js";

/**
 * A Python with what EasyR1's requirements.txt names but vLLM, FlashAttention and Liger, and the sources of EasyR1 b44b311
 * and of R1-ShareVL da7388e: their own loops run here, on a CPU, over the files that a job would be given.
 */
const {
  SHAREGRPO_EASYR1_PYTHON: python = "",
  SHAREGRPO_EASYR1_SOURCE: easyR1 = "",
  SHAREGRPO_SHAREVL_SOURCE: shareVl = "",
} = process.env;

interface Row {
  readonly prompt: string;
  readonly response: string;
  readonly reward: number;
  readonly advantage: number;
  /** The same at every response token, and 0 behind. */
  readonly isFlat: boolean;
  readonly groundTruth: string;
  readonly question: string;
  readonly variant: number | string;
  readonly pair?: readonly [k: number, j: number, i: number];
  readonly pixels?: readonly string[];
  readonly isOwn?: boolean;
}

interface Course {
  readonly updates: readonly (readonly Row[])[];
  readonly arePositionsWhole: boolean;
  readonly saved: readonly string[];
  readonly optimizer: readonly number[];
  readonly logger: readonly string[];
}

const SUPPORT = fileURLToPath(new URL("../../support/easyr1", import.meta.url));

/** Writes a job, and runs Python in its folder beside a stack's source. */
async function inJob(stack: "easyr1" | "r1-sharevl", source: string, flags: readonly string[]) {
  const folder = await temporaryFolder();
  const [job, checkpoints] = [join(folder, "job"), join(folder, "checkpoints")];
  await mkdir(checkpoints);
  const config = smallJob(stack, modelFolder("tiny"), checkpoints);
  const cluster = { model: config.engine.baseModel, nodes: 1, gpusPerNode: 1, overrides: {}, checkpoints };
  await writeJobFolder(job, { config, questions: SHOWN, ...cluster });
  for (const { path, bytes } of await packageFiles()) {
    await mkdir(dirname(join(job, path)), { recursive: true });
    await writeFile(join(job, path), bytes);
  }
  const PYTHONPATH = [SUPPORT, source, job].join(delimiter);
  const run = spawnSync(python, [...flags, "config=run.yaml"], {
    ...{ cwd: job, encoding: "utf8", maxBuffer: 2 ** 28 },
    // Or Ray would write a token into the home folder, which every later head asks for.
    env: { ...process.env, PYTHONPATH, PYTHONDONTWRITEBYTECODE: "1", RAY_AUTH_MODE: "disabled" },
  });
  return { config, checkpoints, ...run };
}

/** Takes a job through its stack's own code. */
async function course(stack: "easyr1" | "r1-sharevl", source: string) {
  const { config, checkpoints, stdout, stderr, status } = await inJob(stack, source, [
    ...[join(SUPPORT, "course.py"), stack],
  ]);
  if (status !== 0) throw new Error(stderr.slice(-4000));
  const lines = stdout.split("\n");
  const told = lines.find((line) => line.startsWith("COURSE "));
  const rows = lines.flatMap((line) => readRow(line) ?? []);
  return { config, checkpoints, rows, ...(JSON.parse(told?.slice(7) ?? "{}") as Course) };
}

/** Rewards of a question by source variant and response, from the rows that are read under their own prompt. */
function groupsOf(rows: readonly Row[], isOwn: (row: Row) => boolean) {
  const questions = new Map<string, Map<string | number, Row[]>>();
  for (const row of rows.filter(isOwn)) {
    const variants = questions.get(row.question) ?? new Map<string | number, Row[]>();
    variants.set(row.variant, [...(variants.get(row.variant) ?? []), row]);
    questions.set(row.question, variants);
  }
  return questions;
}

const pixelsOf = async (bytes: Uint8Array) => {
  const { data } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return createHash("sha256").update(data).digest("hex").slice(0, 16);
};

describe.skipIf(!python || !easyR1)("a job's folder in EasyR1's own loop", () => {
  it("trains on every response under every variant's prompt and picture, by our advantages", {
    timeout: 900_000,
  }, async () => {
    const { config, checkpoints, rows, updates, arePositionsWhole, saved, optimizer, logger } = await course(
      "easyr1",
      easyR1,
    );
    expect(logger).toEqual(["console", "file"]);
    expect(updates).toHaveLength(2);
    expect(arePositionsWhole).toBe(true);
    expect(optimizer).toEqual([2, 8]);
    expect(saved).toEqual([1, 2].map((step) => join(checkpoints, `global_step_${step}`, "actor")));
    for (const [at, update] of updates.entries()) {
      expect(update).toHaveLength(4 * 2 * 2 * 3);
      expect(update.every(({ isFlat, groundTruth }) => isFlat && groundTruth === "A")).toBe(true);
      const written = await collected(variantRows(config, SHOWN, at + 1));
      const own = groupsOf(update, ({ pair }) => pair?.[0] === pair?.[1]);
      for (const row of update) {
        const [k = 0, j = 0, i = 0] = row.pair ?? [];
        expect(row.variant).toBe(k);
        const asked = written.find((one) => one.question_id === row.question && one.variant === k);
        expect(row.prompt).toContain(asked?.problem.replace("<image>", "").trim());
        expect(row.pixels).toEqual([await pixelsOf(asked?.images[0]?.bytes ?? new Uint8Array())]);
        const variants = [...(own.get(row.question) ?? [])].sort(([a], [b]) => Number(a) - Number(b));
        const rewards_M_N = variants.map(([, found]) =>
          [...found].sort((a, b) => (a.pair?.[2] ?? 0) - (b.pair?.[2] ?? 0)).map(({ reward }) => reward),
        );
        const wanted = hierarchicalAdvantages(rewards_M_N, ADVANTAGE_MODES.default);
        expect(row.advantage).toBeCloseTo(advantageOf(wanted, { j, k, i }), 5);
        expect(row.reward).toBeCloseTo(rewards_M_N[j]?.[i] ?? Number.NaN, 6);
      }
    }
    // Some groups have something to learn from, and EasyR1's rows become ours.
    expect(updates.flat().some(({ advantage }) => Math.abs(advantage) > 0.5)).toBe(true);
    expect(rows.map(({ step }) => step)).toEqual([1, 2]);
    expect(Object.keys(ownRow(rows[0]?.values ?? {}))).toContain("reward/overall");
  });
});

describe.skipIf(!python || !shareVl)("a job's folder in the released R1-ShareVL code's own loop", () => {
  it("trains on wordings that the code draws from our file, by its own advantages, as mode=code has them", {
    timeout: 900_000,
  }, async () => {
    const { checkpoints, rows, updates, saved, optimizer } = await course("r1-sharevl", shareVl);
    expect(updates).toHaveLength(2);
    expect(optimizer).toEqual([2, 2]);
    // The last step's is written once more, or not at all where it is there: the names are those of the steps.
    expect(new Set(saved)).toEqual(
      new Set([1, 2].map((step) => join(checkpoints, `global_step_${step}`, "actor"))),
    );
    let compared = 0;
    for (const [at, update] of updates.entries()) {
      expect(update).toHaveLength(4 * 2 * 2 * 3);
      expect(update.every(({ isFlat, groundTruth }) => isFlat && groundTruth === "A")).toBe(true);
      const own = groupsOf(update, ({ isOwn }) => isOwn === true);
      expect(own.size).toBe(4);
      const numbers = [0, 1, 2, 3].map((n) => 4 * at + n);
      const wordings = (await Promise.all(numbers.map(shownQuestion))).flatMap(({ text, rewrites }) => [
        text,
        ...rewrites,
      ]);
      for (const row of update) {
        expect(wordings.some((text) => row.prompt.includes(text.replace("<image>", "")))).toBe(true);
        const variants = [...(own.get(row.question) ?? [])];
        const rewards_M_N = variants.map(([, found]) => found.map(({ reward }) => reward));
        // Equal rewards are the float32 rounding that this stack is asked for by name.
        const all = rewards_M_N.flat();
        if (rewards_M_N.some((group) => new Set(group).size === 1) || new Set(all).size === 1) continue;
        const k = variants.findIndex(([variant]) => variant === row.variant);
        const j = row.isOwn ? k : 1 - k;
        const i = rewards_M_N[j]?.indexOf(row.reward) ?? -1;
        const wanted = hierarchicalAdvantages(rewards_M_N, ADVANTAGE_MODES.code);
        expect(row.advantage).toBeCloseTo(advantageOf(wanted, { j, k, i }), 4);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(20);
    expect(rows.map(({ step }) => step)).toEqual([1, 2]);
    expect(Object.keys(ownRow(rows[0]?.values ?? {}))).toContain("reward/overall");
  });
});

describe.skipIf(!python || !easyR1 || !shareVl)("what a job runs", () => {
  it.each([
    ["easyr1", easyR1, "main"],
    ["r1-sharevl", shareVl, "released"],
  ] as const)(
    "comes as far as the GPUs: versions, settings, Ray's actor, data and trainer (%s)",
    {
      timeout: 600_000,
    },
    async (stack, source, module) => {
      const { stdout, stderr, status } = await inJob(stack, source, [
        "-u",
        "-m",
        `sharegrpo_easyr1.${module}`,
      ]);
      expect(status).not.toBe(0);
      const said = stdout + stderr;
      expect(said).toContain("Size of train dataloader: 2");
      expect(said).toContain("Total training steps: 2");
      expect(said).toContain("Total available GPUs 0 is less than total desired GPUs 1");
    },
  );
});
