import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import {
  configYaml,
  presetInput,
  presetNames,
  readConfigFile,
  resolveConfig,
  withOverride,
} from "../../src/config/load.js";
import type { RunConfig } from "../../src/config/schema.js";
import { ConfigError } from "../../src/core/errors.js";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "sharegrpo-config-"));
});
afterAll(() => rm(dir, { recursive: true }));

describe("resolveConfig", () => {
  it("fills in the documented defaults", () => {
    const config = resolveConfig({}, "defaults");
    expect(config.expand).toMatchObject({ variants: 2, transformProbability: 0.3, isOriginalFirst: true });
    expect(config.rollout).toMatchObject({ responses: 6, temperature: 1, topP: 1, topK: 0 });
    expect(config.update).toMatchObject({
      algorithm: "share-grpo",
      clipLow: 0.2,
      clipHigh: 0.3,
      dualClip: 3,
      learningRate: 1e-6,
      weightDecay: 0.01,
      beta1: 0.9,
      beta2: 0.999,
      maxGradNorm: 1,
    });
    expect(config.reward.formatWeight).toBe(0.1);
  });

  it.each<{ kind?: "tinker"; url?: string }>([{}, { kind: "tinker", url: "http://127.0.0.1:1" }])(
    "refuses rollouts from 8 bits where all weights are trained or another engine samples: %o",
    (engine) => {
      expect(() => resolveConfig({ rollout: { weights: "int8" }, engine }, "int8")).toThrow(
        /rollout\.weights: int8 samples from models .* lora\.rank above 0, with engine\.kind process or local/,
      );
      const lora = { rank: 4 };
      const both = () => resolveConfig({ rollout: { weights: "int8" }, engine, lora }, "int8");
      if (engine.kind)
        expect(both).toThrow(/lora\.rank: adapters are trained by the kinds process and local/);
      else expect(both().rollout.weights).toBe("int8");
    },
  );

  it("freezes the result at every level", () => {
    const config = resolveConfig({ data: { families: ["count"] } }, "defaults");
    for (const part of [config, config.data, config.data.families, config.update]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  it("leaves its argument as it was", () => {
    const families = ["count"];
    resolveConfig({ data: { families } }, "x");
    families.push("grid");
    expect(families).toEqual(["count", "grid"]);
  });

  it.each([
    [
      { update: { learnigRate: 1e-4 } },
      "run.yaml: unknown setting update.learnigRate: did you mean update.learningRate?",
    ],
    [{ rolout: {} }, "run.yaml: unknown setting rolout: did you mean rollout?"],
    [{ rollout: { top_p: 0.9 } }, "run.yaml: unknown setting rollout.top_p: did you mean rollout.topP?"],
    [{ learningRate: 1 }, "run.yaml: unknown setting learningRate: did you mean update.learningRate?"],
    [{ train: { colour: "blue" } }, "run.yaml: unknown setting train.colour"],
  ])("refuses the misspelt key of %j by name", (settings, message) => {
    expect(() => resolveConfig(settings, "run.yaml")).toThrow(ConfigError);
    expect(() => resolveConfig(settings, "run.yaml")).toThrow(message);
  });

  it("names every misspelt key of a level", () => {
    expect(() => resolveConfig({ sed: 1, modle: "x" }, "x")).toThrow(
      "x: unknown setting sed: did you mean seed?; unknown setting modle: did you mean model?",
    );
  });

  it("suggests nothing when no key is near", () => {
    expect(() => resolveConfig({ quasimodo: 1 }, "x")).toThrow(/^x: unknown setting quasimodo$/);
  });

  it.each([
    [{ rollout: { temperature: 0 } }, "rollout.temperature"],
    [{ rollout: { responses: 2.5 } }, "rollout.responses"],
    [{ rollout: { topP: 0 } }, "rollout.topP"],
    [{ rollout: { topK: -1 } }, "rollout.topK"],
    [{ rollout: { maxResponseLength: 0 } }, "rollout.maxResponseLength"],
    [{ update: { clipLow: 1 } }, "update.clipLow"],
    [{ update: { dualClip: 1 } }, "update.dualClip"],
    [{ update: { beta1: 1 } }, "update.beta1"],
    [{ update: { beta2: 1 } }, "update.beta2"],
    [{ update: { learningRate: "fast" } }, "update.learningRate"],
    [{ update: { algorithm: "ppo" } }, "update.algorithm"],
    [{ reward: { formatWeight: 1.5 } }, "reward.formatWeight"],
    [{ expand: { transformProbability: Number.NaN } }, "expand.transformProbability"],
    [{ train: null }, "train"],
    [{ seed: -1 }, "seed"],
  ])("refuses %j and names %s", (settings, key) => {
    expect(() => resolveConfig(settings, "x")).toThrow(ConfigError);
    expect(() => resolveConfig(settings, "x")).toThrow(`x: ${key}: `);
  });

  it.each([
    ["a list", []],
    ["text", "tiny"],
    ["nothing", undefined],
  ])("refuses %s in place of settings", (_, settings) => {
    expect(() => resolveConfig(settings, "x")).toThrow(/^x: settings: /);
  });

  it("says in a sentence what fields contradict each other", () => {
    const broken = (settings: object) => () => resolveConfig(settings, "x");
    expect(
      broken({ expand: { variants: 1 }, rollout: { responses: 1 }, update: { algorithm: "grpo" } }),
    ).toThrow("variants × responses must be at least 2");
    expect(broken({ expand: { variants: 4 }, rollout: { responses: 1 } })).toThrow(
      "x: rollout.responses: responses of one variant are compared with each other",
    );
    expect(broken({ kl: { use: "reward", estimator: "full" } })).toThrow("kl.use must be loss");
    expect(broken({ train: { questionsPerStep: 5 }, update: { optimizerStepsPerRollout: 2 } })).toThrow(
      "x: update.optimizerStepsPerRollout: questions are split evenly",
    );
  });

  it("lists every problem at once", () => {
    const settings = { seed: -1, rollout: { temperature: 0 }, trian: {} };
    expect(() => resolveConfig(settings, "x")).toThrow(
      /seed: .*; rollout\.temperature: .*; unknown setting trian/,
    );
  });
});

describe("presets", () => {
  it.each(presetNames())("%s resolves, and names a scale that runs", (name) => {
    const config = resolveConfig(presetInput(name), `--preset ${name}`);
    expect(config.expand.variants * config.rollout.responses).toBeGreaterThanOrEqual(2);
  });

  it("are handed out as copies", () => {
    const tiny = presetInput("tiny");
    (tiny["rollout"] as { responses: number }).responses = 99;
    expect(presetInput("tiny")).not.toEqual(tiny);
  });

  it("tiny and tiny-grpo spend equally many responses and optimizer steps", () => {
    const [share, grpo] = ["tiny", "tiny-grpo"].map((name) => resolveConfig(presetInput(name), name)) as [
      RunConfig,
      RunConfig,
    ];
    const responses = ({ expand, rollout }: RunConfig) => expand.variants * rollout.responses;
    expect(responses(grpo)).toBe(responses(share));
    expect(grpo.train).toEqual(share.train);
    expect({ ...grpo.update, algorithm: "" }).toEqual({ ...share.update, algorithm: "" });
  });

  it("refuses an unknown name and lists the known ones", () => {
    expect(() => presetInput("paper-70b")).toThrow(ConfigError);
    expect(() => presetInput("paper-70b")).toThrow(
      /unknown preset: paper-70b: choose one of tiny, tiny-grpo/,
    );
    expect(() => presetInput("toString")).toThrow("unknown preset: toString");
  });
});

describe("withOverride", () => {
  it.each([
    ["update.learningRate=1e-4", { update: { learningRate: 1e-4, algorithm: "grpo" } }],
    ["update.learningRate=0.5", { update: { learningRate: 0.5, algorithm: "grpo" } }],
    ["seed=7", { update: { algorithm: "grpo" }, seed: 7 }],
    ["data.families=[count, grid]", { update: { algorithm: "grpo" }, data: { families: ["count", "grid"] } }],
    ["model=/models/a=b", { update: { algorithm: "grpo" }, model: "/models/a=b" }],
    ["expand.formatPrompt=", { update: { algorithm: "grpo" }, expand: { formatPrompt: null } }],
    ["expand.isOriginalFirst=false", { update: { algorithm: "grpo" }, expand: { isOriginalFirst: false } }],
  ])("%s", (assignment, expected) => {
    const settings = { update: { algorithm: "grpo" } };
    expect(withOverride(settings, assignment)).toEqual(expected);
    expect(settings).toEqual({ update: { algorithm: "grpo" } });
  });

  it("replaces a value that is in the way of a deeper key", () => {
    expect(withOverride({ update: 3 }, "update.epochs=2")).toEqual({ update: { epochs: 2 } });
  });

  it.each(["steps", "=3", ""])("refuses %j, which assigns nothing", (assignment) => {
    expect(() => withOverride({}, assignment)).toThrow(ConfigError);
    expect(() => withOverride({}, assignment)).toThrow("write key=value, for example train.steps=50");
  });

  it("refuses a value that is not YAML, with the assignment", () => {
    expect(() => withOverride({}, "data.families=[count")).toThrow(ConfigError);
    expect(() => withOverride({}, "data.families=[count")).toThrow(
      /^data\.families=\[count: not a YAML value: [^\n]+$/,
    );
  });

  it("a misspelt key is refused when the settings are resolved", () => {
    expect(() => resolveConfig(withOverride({}, "train.stps=3"), "arguments")).toThrow(
      "arguments: unknown setting train.stps: did you mean train.steps?",
    );
  });
});

describe("configYaml", () => {
  it("reads back as the same settings, whatever they are", () => {
    const settings = fc.record({
      seed: fc.nat(),
      model: fc.string(),
      data: fc.record({ families: fc.array(fc.string()) }),
      expand: fc.record({
        formatPrompt: fc.string(),
        transformProbability: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
      update: fc.record({ learningRate: fc.double({ min: 1e-12, max: 1, noNaN: true }) }),
    });
    fc.assert(
      fc.property(settings, (given) => {
        const config = resolveConfig(given, "given");
        expect(resolveConfig(parse(configYaml(config)), "read back")).toEqual(config);
      }),
      { seed: 1, numRuns: 50 },
    );
  });

  it("holds every setting, defaults included", () => {
    const config = resolveConfig({}, "x");
    expect(parse(configYaml(config))).toEqual(config);
  });
});

describe("readConfigFile", () => {
  const write = async (name: string, text: string) => {
    const path = join(dir, name);
    await writeFile(path, text);
    return path;
  };

  it("reads a mapping, comments and all", async () => {
    const path = await write("run.yaml", "# mine\nseed: 3\nupdate: {learningRate: 2e-4}\n");
    expect(readConfigFile(path)).toEqual({ seed: 3, update: { learningRate: 2e-4 } });
  });

  it("refuses a missing file, broken YAML and anything but a mapping, each with the path", async () => {
    const missing = join(dir, "nowhere.yaml");
    expect(() => readConfigFile(missing)).toThrow(`${missing}: cannot read the config`);
    const broken = await write("broken.yaml", "a: [1\n");
    expect(() => readConfigFile(broken)).toThrow(`${broken}: cannot read the config`);
    for (const text of ["- 1\n", "hello\n", ""]) {
      const path = await write("other.yaml", text);
      expect(() => readConfigFile(path)).toThrow(`${path}: expected a YAML mapping`);
    }
  });
});
