import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COMMON_WORDS, POLICIES } from "../../../../benchmarks/measured/learning/policies.js";
import {
  finishedRun,
  newestModel,
  pairedBySeed,
  pointsOf,
} from "../../../../benchmarks/measured/learning/runs.js";
import {
  benchSharing,
  departuresOf,
  REGISTERED_QUESTIONS,
  SHARING_ARMS,
  type SharingOptions,
} from "../../../../benchmarks/measured/learning/sharing.js";
import {
  type ArmSeed,
  joinedSharing,
  type SharingDocument,
  sharingDifference,
  sharingMarkdown,
} from "../../../../benchmarks/measured/learning/sharingTable.js";
import { FORECAST } from "../../../../benchmarks/measured/learning/variants.js";
import { presetInput, resolveConfig, withOverride } from "../../../../src/config/load.js";
import { BenchmarkError } from "../../../../src/core/errors.js";
import { evaluationRecord, jsonl } from "../../../report/fixtures.js";

const configOf = ({ preset, settings, id }: (typeof SHARING_ARMS)[number]) =>
  resolveConfig(settings.reduce(withOverride, presetInput(preset)), id);

describe("the arms of the sharing experiment", () => {
  it("differ in what is shared, not in responses or optimizer steps", () => {
    for (const arm of SHARING_ARMS) {
      const { expand, rollout, train, update } = configOf(arm);
      expect(expand.variants * rollout.responses).toBe(12);
      expect(train.steps * update.optimizerStepsPerRollout).toBe(128);
    }
  });

  it("are GRPO as it is and augmented, and Share-GRPO with ever more of it", () => {
    const told = SHARING_ARMS.map(configOf).map(({ update, advantage, expand }) => [
      ...[update.algorithm, advantage.terms, advantage.crossWeight, expand.transformProbability],
    ]);
    expect(told).toEqual([
      ["grpo", "both", 1, 0],
      ["grpo", "both", 1, 0.3],
      ["share-grpo", "global", 0, 0.3],
      ["share-grpo", "global", 1, 0.3],
      ["share-grpo", "both", 1, 0.3],
    ]);
  });
});

describe("differences paired by seed", () => {
  it("use the seeds that both have", () => {
    const a = new Map([
      [1, 0.5],
      [2, 0.7],
      [3, 0.9],
    ]);
    const b = new Map([
      [2, 0.6],
      [3, 0.6],
      [4, 0.1],
    ]);
    // 0.1 and 0.3: mean 0.2, s = 0.1·√2, t(1) = 12.706: half width 12.706 · 0.1
    const { value, low } = pairedBySeed(a, b);
    expect(value).toBeCloseTo(0.2, 12);
    expect(value - low).toBeCloseTo(1.2706, 4);
  });

  it("are printed with their interval where there is one", () => {
    expect(pointsOf({ value: 0.02, low: -0.01, high: 0.05 })).toBe("+2.0 [−1.0, 5.0]");
    expect(pointsOf({ value: -0.02, low: Number.NaN, high: Number.NaN })).toBe("−2.0");
  });
});

const done = (arm: string, seed: number, variants: number): ArmSeed => ({
  ...{ policy: "narrow", arm, name: arm, seed, before: 0.4, early: 0.8 },
  outcomes: { original: 0.6, variants, consistency: 0.5, valid: 0.7 },
});

const documentOf = (runs: readonly ArmSeed[]): SharingDocument => ({
  ...{ command: "npm run bench -- sharing", registeredSeeds: 2, departures: [], forecasts: [], done: runs },
  arms: SHARING_ARMS.map(({ id, name }) => ({ id, name })),
});

describe("the sharing table", () => {
  const whole = [done("share-2x6", 1, 0.7), done("share-2x6", 2, 0.72)];

  it("holds whole Share-GRPO against the better baseline", () => {
    const runs = [
      ...whole,
      done("grpo-12", 1, 0.4),
      done("grpo-12", 2, 0.41),
      done("grpo-both", 1, 0.6),
      done("grpo-both", 2, 0.62),
    ];
    const document = documentOf(runs);
    expect(sharingDifference(document, "narrow", "grpo-both", "variants").value).toBeCloseTo(0.1, 12);
    const page = sharingMarkdown(document);
    expect(page).toContain(
      "right, all wordings and views: better than the best baseline (GRPO, augmented data): +10.0",
    );
    expect(page).toContain("right, questions as they are: not told apart");
  });

  it("puts a reader's runs below the kept ones", () => {
    const { head, rows } = joinedSharing({
      kept: documentOf(whole),
      yours: documentOf([done("grpo-12", 5, 0.5)]),
    });
    expect(head.slice(0, 3)).toEqual(["runs", "policy", "arm"]);
    expect(rows.map((row) => [row[0], row[2], row.at(-1)])).toEqual([
      ["kept", "Share-GRPO", "2"],
      ["yours", "GRPO", "1"],
    ]);
  });

  it("names in what it is not the registered experiment", () => {
    const whole = { policies: POLICIES, questions: REGISTERED_QUESTIONS, isEqualTime: true, settings: [] };
    expect(departuresOf(whole)).toEqual([]);
    const departures = departuresOf({
      ...whole,
      policies: ["narrow"],
      isEqualTime: false,
      settings: ["train.steps=8"],
    });
    expect(departures).toEqual([
      "without policy tiny",
      "without the baselines at equal time",
      "train.steps=8",
    ]);
    const page = sharingMarkdown({ ...documentOf([]), departures });
    expect(page).toContain("**Not the registered experiment**: without policy tiny, ");
    expect(sharingMarkdown(documentOf([]))).not.toContain("Not the registered");
  });

  it("says that it is partial, and concludes nothing from one seed", () => {
    const page = sharingMarkdown({
      ...documentOf([done("share-2x6", 1, 0.7), done("grpo-12", 1, 0.4)]),
      forecasts: [
        {
          ...{ policy: "narrow", questions: 1, samples: 1, consistency: 0.5, contrasts: [] },
          success: { original: 0.4, variants: 0.2 },
        },
      ],
    });
    expect(page).toContain("**Partial**: 0 of the 2 registered seeds");
    expect(page).toContain("no conclusion: a single seed has no interval");
  });
});

describe("a kept table", () => {
  let folder: string;
  let options: SharingOptions;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sharegrpo-kept-"));
    options = {
      ...{ policies: ["tiny"], seeds: [1], registeredSeeds: 2, questions: REGISTERED_QUESTIONS, forecast: 2 },
      ...{ runs: join(folder, "runs"), results: folder, isEqualTime: false, settings: [], print: () => {} },
    };
    const args = ["scenes", COMMON_WORDS, "--model", "tiny", "--questions", "2", "--samples"];
    const found = { success: { original: 0.4, variants: 0.3 }, consistency: 0.5, contrasts: [] };
    await mkdir(join(options.runs, "tiny"), { recursive: true });
    await writeFile(
      join(options.runs, "tiny", "forecast.json"),
      JSON.stringify({ args: [...args, String(FORECAST.samples)], found }),
    );
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const kept = SHARING_ARMS.map(({ id }) => ({ ...done(id, 1, 0.5), policy: "tiny" as const }));
  const keep = (departures: readonly string[]) =>
    writeFile(join(folder, "sharing.json"), JSON.stringify({ ...documentOf(kept), departures }));

  it("is gone on from: what is there is not run again, whichever arms and policies it was called with", async () => {
    await keep(["without policy tiny"]);
    const document = await benchSharing(options);
    expect(document.done).toEqual(kept);
    expect(document.departures).toEqual(departuresOf(options));
    expect(await readFile(join(folder, "sharing.md"), "utf8")).toBe(sharingMarkdown(document));
  });

  it("of another experiment is refused by its command", async () => {
    await keep(["train.steps=8"]);
    await expect(benchSharing(options)).rejects.toThrow(
      /sharing\.json: holds another experiment \(npm run bench -- sharing\): name another --out/,
    );
  });
});

describe("a finished run", () => {
  let folder: string;
  const [arm] = SHARING_ARMS as readonly [(typeof SHARING_ARMS)[number]];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sharegrpo-runs-"));
    const out = join(folder, `${arm.id}-seed1`);
    await mkdir(join(out, "checkpoints", "step-000008"), { recursive: true });
    await mkdir(join(out, "checkpoints", "step-000016"));
    await mkdir(join(out, "checkpoints", "step-000032.partial"));
    await writeFile(join(out, "config.yaml"), JSON.stringify({ ...configOf(arm), seed: 1 }));
    const rows = [evaluationRecord("before", 0), evaluationRecord("after", 64)];
    await writeFile(join(out, "evaluations.jsonl"), jsonl(rows));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("is read, not repeated", async () => {
    const { before, after } = await finishedRun(arm, 1, folder);
    expect([before.label, after.label]).toEqual(["before", "after"]);
  });

  it("is refused under other settings", async () => {
    const other = { ...arm, settings: [...arm.settings, "train.steps=24"] };
    await expect(finishedRun(other, 1, folder)).rejects.toThrow(BenchmarkError);
    await expect(finishedRun(other, 1, folder)).rejects.toThrow(/train\.steps: 64, now 24/);
  });

  it("has its newest whole checkpoint as its model", async () => {
    expect(await newestModel(join(folder, `${arm.id}-seed1`))).toMatch(/step-000016$/);
  });
});
