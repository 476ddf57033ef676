import { describe, expect, it } from "vitest";
import { resolveConfig } from "../../src/config/load.js";
import type { RunConfigInput } from "../../src/config/schema.js";
import { ConfigError } from "../../src/core/errors.js";

/** Settings that do not go together, the key they are refused under, and the nearest ones that do. */
const RULES: readonly (readonly [key: string, refused: RunConfigInput, taken: RunConfigInput])[] = [
  ["data.path", { data: { kind: "files" } }, { data: { kind: "files", path: "a.jsonl" } }],
  ["data.kind", { data: { path: "a.jsonl" } }, { data: {} }],
  ["data.kind", { data: { validation: "a.jsonl" } }, { data: { validation: "" } }],
  [
    "data.minPixels",
    { data: { minPixels: 4000, maxPixels: 3999 } },
    { data: { minPixels: 4000, maxPixels: 4000 } },
  ],
  [
    "lora.rank",
    { lora: { rank: 4 }, engine: { kind: "tinker", url: "http://a" } },
    { lora: { rank: 4 }, engine: { kind: "process" } },
  ],
  [
    "rollout.server",
    { rollout: { server: "http://a", adapters: "b" } },
    { rollout: { server: "http://a", adapters: "b" }, lora: { rank: 4 } },
  ],
  [
    "rollout.server",
    { rollout: { server: "http://a" }, lora: { rank: 4 } },
    { rollout: { server: "http://a", adapters: "b" }, lora: { rank: 4 } },
  ],
  ...(["temperature", "topP"] as const).map(
    (name) =>
      [
        "rollout.importanceCap",
        { rollout: { server: "http://a", adapters: "b", [name]: 0.5 }, lora: { rank: 4 } },
        {
          rollout: { server: "http://a", adapters: "b", [name]: 0.5, importanceCap: null },
          lora: { rank: 4 },
        },
      ] as const,
  ),
  ["rollout.weights", { rollout: { weights: "int8" } }, { rollout: { weights: "int8" }, lora: { rank: 4 } }],
  [
    "update.frozen",
    { update: { frozen: "vision" }, engine: { kind: "tinker", url: "http://a" } },
    { update: { frozen: "vision" } },
  ],
  [
    "update.frozen",
    { update: { frozen: "vision" }, lora: { rank: 4 } },
    { update: { frozen: "none" }, lora: { rank: 4 } },
  ],
  [
    "rollout.responses",
    { expand: { variants: 1 }, rollout: { responses: 1 }, advantage: { terms: "global" } },
    { expand: { variants: 2 }, rollout: { responses: 1 }, advantage: { terms: "global" } },
  ],
  [
    "rollout.responses",
    { expand: { variants: 2 }, rollout: { responses: 1 } },
    { expand: { variants: 2 }, rollout: { responses: 1 }, update: { algorithm: "reinforce++" } },
  ],
  ["engine.url", { engine: { kind: "tinker" } }, { engine: { kind: "tinker", url: "http://a" } }],
  [
    "engine.kind",
    { engine: { kind: "ray", url: "http://a", baseModel: "m" } },
    { engine: { kind: "ray", url: "http://a", baseModel: "m", checkpoints: "c" } },
  ],
  [
    "update.optimizerStepsPerRollout",
    { train: { questionsPerStep: 6 }, update: { optimizerStepsPerRollout: 4 } },
    { train: { questionsPerStep: 8 }, update: { optimizerStepsPerRollout: 4 } },
  ],
  [
    "update.ratio",
    { update: { loss: "gspo", ratio: "response" } },
    { update: { loss: "clip", ratio: "response" } },
  ],
  ["kl.estimator", { kl: { estimator: "full", use: "reward" } }, { kl: { estimator: "full", use: "loss" } }],
  ["reward.custom", { reward: { kind: "custom" } }, { reward: { kind: "custom", custom: "a.js#b" } }],
  ["reward.custom", { reward: { custom: "a.js#b" } }, { reward: { custom: "" } }],
  [
    "reward.overlongBuffer",
    { reward: { overlongBuffer: 65 }, rollout: { maxResponseLength: 64 } },
    { reward: { overlongBuffer: 64 }, rollout: { maxResponseLength: 64 } },
  ],
  [
    "rollout.filter.low",
    { rollout: { filter: { low: 0.5, high: 0.5 } } },
    { rollout: { filter: { low: 0.49, high: 0.5 } } },
  ],
];

describe("settings that do not go together", () => {
  it.each(RULES)("%s: %j is refused by name, %j is taken", (key, refused, taken) => {
    const resolve = () => resolveConfig(refused, "run.yaml");
    expect(resolve).toThrow(ConfigError);
    expect(resolve).toThrow(`run.yaml: ${key}: `);
    expect(resolve).not.toThrow("Invalid");
    expect(() => resolveConfig(taken, "run.yaml")).not.toThrow();
  });
});
