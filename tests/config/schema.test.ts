import { describe, expect, it } from "vitest";
import { z } from "zod";
import { resolveConfig, withOverride } from "../../src/config/load.js";
import { runSchema } from "../../src/config/schema.js";
import { ConfigError } from "../../src/core/errors.js";

/** The part of a JSON schema that bounds are read from. */
interface Node {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly anyOf?: readonly Node[];
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
}

interface Setting {
  readonly key: string;
  readonly node: Node;
  readonly isNullable: boolean;
}

function settingsOf(node: Node, key = ""): Setting[] {
  const inner = node.anyOf?.find(({ type }) => type !== "null");
  if (inner) return settingsOf(inner, key).map((setting) => ({ ...setting, isNullable: true }));
  if (!node.properties) return [{ key, node, isNullable: false }];
  return Object.entries(node.properties).flatMap(([name, child]) =>
    settingsOf(child, key === "" ? name : `${key}.${name}`),
  );
}

const settings = settingsOf(z.toJSONSchema(runSchema, { io: "input" }) as Node);
const ofType = (...types: readonly string[]) =>
  settings.filter(({ node }) => types.includes(node.type ?? ""));
const withValue = (key: string, value: unknown) => () =>
  resolveConfig(withOverride({}, `${key}=${JSON.stringify(value)}`), "x");

/** Values next to a bound and outside it. Zod bounds integers by the safe ones, which are no one's choice. */
function outside({ node }: Setting): number[] {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = node;
  const step = node.type === "integer" ? 1 : 1e-9;
  const isChosen = (bound: number) => Math.abs(bound) < Number.MAX_SAFE_INTEGER;
  const values = [
    ...(minimum === undefined ? [] : [minimum - step].filter(isChosen)),
    ...(maximum === undefined ? [] : [maximum + step].filter(isChosen)),
  ];
  return [...values, ...[exclusiveMinimum, exclusiveMaximum].filter((bound) => bound !== undefined)];
}

describe("every setting", () => {
  it.each(ofType("number", "integer"))(
    "$key refuses what is outside its bounds, words and lists",
    (setting) => {
      for (const value of [...outside(setting), "much", [1], true]) {
        expect(withValue(setting.key, value), String(value)).toThrow(ConfigError);
        expect(withValue(setting.key, value), String(value)).toThrow(`x: ${setting.key}: `);
      }
      expect(() => resolveConfig(withOverride({}, `${setting.key}=.nan`), "x")).toThrow(
        `x: ${setting.key}: `,
      );
      if (setting.node.type === "integer") expect(withValue(setting.key, 1.5)).toThrow(`x: ${setting.key}: `);
    },
  );

  it.each(ofType("boolean"))("$key is true or false, not a word or a number", ({ key }) => {
    for (const value of ["yes", 1, 0]) expect(withValue(key, value)).toThrow(`x: ${key}: `);
    for (const value of [true, false]) expect(withValue(key, value)).not.toThrow();
  });

  it.each(settings.filter(({ node }) => node.enum))(
    "$key refuses a word that is not among its own",
    ({ key, node }) => {
      for (const value of ["", "of", node.enum?.[0]?.toUpperCase(), 1]) {
        expect(withValue(key, value), String(value)).toThrow(`x: ${key}: `);
      }
    },
  );

  it.each(settings)("$key takes null only where it means something", ({ key, isNullable }) => {
    if (isNullable) expect(withValue(key, null)).not.toThrow();
    else expect(withValue(key, null)).toThrow(`x: ${key}: `);
  });
});

describe("settings that belong together", () => {
  it.each<readonly [why: string, accepted: object, refused: object, message: string]>([
    [
      "responses are compared with others",
      { expand: { variants: 2 }, rollout: { responses: 1 }, advantage: { terms: "global" } },
      { expand: { variants: 2 }, rollout: { responses: 1 } },
      "rollout.responses: responses of one variant are compared",
    ],
    [
      "a single response has none to be compared with, whatever the terms",
      { expand: { variants: 1 }, rollout: { responses: 2 }, advantage: { terms: "global" } },
      { expand: { variants: 1 }, rollout: { responses: 1 }, advantage: { terms: "global" } },
      "rollout.responses: responses are compared with each other: variants × responses must be at least 2",
    ],
    [
      "REINFORCE++ compares with the whole batch",
      { rollout: { responses: 1 }, update: { algorithm: "reinforce++" } },
      { rollout: { responses: 1 }, update: { algorithm: "rloo" } },
      "rollout.responses: responses of one variant",
    ],
    [
      "questions are split evenly",
      { train: { questionsPerStep: 9 }, update: { optimizerStepsPerRollout: 3 } },
      { train: { questionsPerStep: 9 }, update: { optimizerStepsPerRollout: 2 } },
      "update.optimizerStepsPerRollout: questions are split evenly",
    ],
    [
      "the ratio of responses is one loss's",
      { update: { loss: "clip", ratio: "response" } },
      { update: { loss: "gspo", ratio: "response" } },
      "update.ratio: the ratio of whole responses belongs to loss clip",
    ],
    [
      "the whole divergence is part of the loss",
      { kl: { use: "loss", estimator: "full" } },
      { kl: { use: "reward", estimator: "full" } },
      "kl.estimator: full is summed over the vocabulary",
    ],
    [
      "a reward of one's own has a file",
      { reward: { kind: "custom", custom: "mine.js" } },
      { reward: { kind: "custom" } },
      "reward.custom: reward.kind custom and reward.custom",
    ],
    ["a file has a reward of one's own", {}, { reward: { custom: "mine.js" } }, "reward.custom: "],
    [
      "the penalty grows within the limit",
      { rollout: { maxResponseLength: 64 }, reward: { overlongBuffer: 64 } },
      { rollout: { maxResponseLength: 64 }, reward: { overlongBuffer: 65 } },
      "reward.overlongBuffer: the over-long penalty grows within the limit",
    ],
    [
      "a filter lets something through",
      { rollout: { filter: { low: 0.1, high: 0.2 } } },
      { rollout: { filter: { low: 0.2, high: 0.2 } } },
      "rollout.filter.low: low must be below high",
    ],
    [
      "files have a path",
      { data: { kind: "files", path: "a.jsonl" } },
      { data: { kind: "files" } },
      "data.path: missing: kind files needs a file",
    ],
    [
      "drawn scenes have none",
      { data: { kind: "files", path: "a.jsonl", validation: "b.jsonl" } },
      { data: { validation: "b.jsonl" } },
      "data.kind: path and validation are read with data.kind=files only",
    ],
    [
      "limits are in order",
      { data: { minPixels: 100, maxPixels: 100 } },
      { data: { minPixels: 101, maxPixels: 100 } },
      "data.minPixels: minPixels is above maxPixels",
    ],
    [
      "one limit alone has no order",
      { data: { minPixels: 1e9 } },
      { data: { minPixels: 0 } },
      "data.minPixels: ",
    ],
  ])("%s", (_, accepted, refused, message) => {
    expect(() => resolveConfig(accepted, "x")).not.toThrow();
    expect(() => resolveConfig(refused, "x")).toThrow(ConfigError);
    expect(() => resolveConfig(refused, "x")).toThrow(`x: ${message}`);
  });
});
