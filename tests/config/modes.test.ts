import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ADVANTAGE_MODES } from "../../src/advantage/shareGrpo.js";
import { presetInput, resolveConfig } from "../../src/config/load.js";
import { DEPARTURES, departuresMarkdown } from "../../src/config/modes.js";
import { MODES, runSchema } from "../../src/config/schema.js";
import { TRANSFORMS } from "../../src/records.js";
import { miniBatchCount } from "../../src/train/miniBatches.js";
import { golden } from "../golden/load.js";

interface BatchCase {
  readonly rollout_batch_size: number;
  readonly global_batch_size: number;
  readonly m: number;
  readonly n: number;
  readonly optimizer_steps_per_rollout: number;
}
const batches = golden<{ readonly batch_arithmetic: { readonly cases: BatchCase[] } }>("shareGrpo.json");

const switches = DEPARTURES.flatMap((departure) => departure.switches);

/** What a dotted key leads to. */
function at(value: unknown, key: string): unknown {
  return key.split(".").reduce<unknown>((inner, part) => (inner as Record<string, unknown>)[part], value);
}

describe("the modes", () => {
  it.each(MODES)("%s sets every switch to its documented value", (mode) => {
    const config = resolveConfig({ mode }, "x");
    for (const { key, values } of switches) expect(at(config, key), key).toEqual(values[mode]);
  });

  it("are default when none is named", () => {
    expect(resolveConfig({}, "x")).toEqual(resolveConfig({ mode: "default" }, "x"));
  });

  it("give way to settings that are written out", () => {
    const config = resolveConfig({ mode: "code", update: { clipHigh: 0.5 } }, "x");
    expect(config.update).toMatchObject({ clipHigh: 0.5, startsAtZero: true, scalesStepsByVariants: true });
  });

  it("refuse a name that is none of them", () => {
    expect(() => resolveConfig({ mode: "paperr" }, "x")).toThrow("x: mode: ");
  });

  it("decide each point by settings of their own, every one described in the schema", () => {
    const keys = switches.map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
    const schema = z.toJSONSchema(runSchema, { io: "input" });
    for (const key of keys) {
      const path = key.split(".").join(".properties.");
      const property = at(schema, `properties.${path}`) as { readonly description?: string };
      expect(property.description?.length ?? 0, key).toBeGreaterThan(10);
    }
  });

  it("say why where there is nothing to choose", () => {
    const silent = DEPARTURES.filter((departure) => departure.switches.length === 0 && !departure.note);
    expect(silent.map(({ topic }) => topic)).toEqual([]);
  });

  it.each(MODES)("%s has the advantages of the same name", (mode) => {
    expect(resolveConfig({ mode }, "x").advantage).toMatchObject(ADVANTAGE_MODES[mode]);
  });

  it("leave `code` and `default` all nine transforms", () => {
    expect(resolveConfig({ mode: "code" }, "x").expand.transforms).toEqual(TRANSFORMS);
    expect(resolveConfig({ mode: "paper" }, "x").expand.transforms).toHaveLength(6);
  });
});

describe("optimizer steps per rollout step", () => {
  it.each(batches.batch_arithmetic.cases)(
    "of the released code: $optimizer_steps_per_rollout for m = $m",
    (each) => {
      const steps = each.rollout_batch_size / each.global_batch_size;
      const config = resolveConfig(
        {
          mode: "code",
          expand: { variants: each.m },
          rollout: { responses: Math.max(2, each.n) },
          update: { optimizerStepsPerRollout: steps },
          train: { questionsPerStep: each.rollout_batch_size },
        },
        "x",
      );
      expect(miniBatchCount(config)).toBe(each.optimizer_steps_per_rollout);
      const mended = { ...config, update: { ...config.update, scalesStepsByVariants: false } };
      expect(miniBatchCount(mended)).toBe(steps);
    },
  );
});

describe("presets", () => {
  it("paper-7b is the paper's mode, reference-code the code's, both 512 questions a step", () => {
    const paper = resolveConfig(presetInput("paper-7b"), "--preset paper-7b");
    const code = resolveConfig(presetInput("reference-code"), "--preset reference-code");
    expect(paper).toMatchObject({ mode: "paper", rollout: { temperature: 0.7, topP: 1, responses: 6 } });
    expect(code).toMatchObject({ mode: "code", rollout: { temperature: 1, topP: 0.99, responses: 6 } });
    for (const { train, update } of [paper, code]) {
      expect([train.questionsPerStep, update.optimizerStepsPerRollout, update.learningRate]).toEqual([
        512, 4, 1e-6,
      ]);
    }
  });

  it("tiny takes its mode from the command line", () => {
    const settings = { ...presetInput("tiny"), mode: "paper" };
    expect(resolveConfig(settings, "x").rollout.temperature).toBe(0.7);
    expect(resolveConfig(presetInput("tiny"), "x").rollout).toMatchObject({
      temperature: 1,
      topP: 1,
      responses: 6,
    });
  });
});

describe("departuresMarkdown", () => {
  it("is the page kept beside the table", () => {
    const page = readFileSync(new URL("../../src/config/departures.md", import.meta.url), "utf8");
    expect(page.endsWith(departuresMarkdown())).toBe(true);
  });

  it("has a row for each point, four cells each", () => {
    const rows = departuresMarkdown()
      .split("\n")
      .filter((line) => line.startsWith("| ") && !line.includes("settings: paper"));
    expect(rows).toHaveLength(DEPARTURES.length);
    for (const row of rows) expect(row.match(/(?<!\\)\|/g), row).toHaveLength(5);
  });
});
