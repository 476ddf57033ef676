import { beforeAll, describe, expect, it } from "vitest";
import { resolveConfig } from "../../src/config/load.js";
import { Rng } from "../../src/core/rng.js";
import { sceneQuestion } from "../../src/data/scenes/draw.js";
import { sceneStream } from "../../src/data/scenes/sets.js";
import { createEngine } from "../../src/engine/local/engine.js";
import { localSettings } from "../../src/engine/local/settings.js";
import { stopwatch } from "../../src/train/stopwatch.js";
import { type AskedVariants, askAllVariants, choicesOf, consistencyOf } from "../../src/train/variants.js";
import { variantsReport } from "../../src/train/variantsReport.js";
import { fakeModel } from "../support/fakeModel.js";
import { taughtQuestion } from "../support/taughtModel.js";

const rng = () => Rng.fromSeed(1);
const config = resolveConfig({ rollout: { responses: 3, maxResponseLength: 8 } }, "x");

describe("choicesOf", () => {
  it("is the plain question, every rewrite, and different views in some wording", async () => {
    const question = await sceneQuestion(sceneStream({ seed: 1, split: "train" }).at(0));
    const choices = choicesOf(question, 4, { expand: config.expand, rng: rng() });
    const upright = choices.filter(({ transform }) => transform === "none");
    expect(upright.map(({ wording }) => wording)).toEqual(["original", ...question.rewrites.keys()]);
    const views = choices.slice(upright.length).map(({ transform }) => transform);
    expect(new Set(views).size).toBe(4);
    expect(views.some((view) => view === "none" || question.forbiddenTransforms?.includes(view))).toBe(false);
    expect(choices.map(({ index }) => index)).toEqual([...choices.keys()]);
  });

  it("has no views of a question without a picture", () => {
    const choices = choicesOf(taughtQuestion(0), 4, { expand: config.expand, rng: rng() });
    expect(choices.map(({ transform }) => transform)).toEqual(["none", "none", "none", "none"]);
  });
});

describe("askAllVariants", () => {
  let asked: AskedVariants[];
  beforeAll(async () => {
    const model = await fakeModel({ sharpness: 10, endWeight: 6 });
    const engine = createEngine(model, localSettings(config));
    const context = { config, engine, processor: model.processor, rng: rng(), stopwatch: stopwatch(() => 0) };
    const rewarder = async (rows: readonly { response: string }[]) =>
      rows.map(({ response }) => ({
        overall: response.length % 2,
        accuracy: response.length % 2,
        format: 0,
        extracted: { kind: "answer" as const, text: ` ${response}` },
        reason: "",
      }));
    asked = await askAllVariants(
      [0, 1, 2].map(taughtQuestion),
      { views: 2, atOnce: 2 },
      { ...context, rewarder },
    );
  });

  it("counts right answers of every variant, with rewards and answers", () => {
    expect(asked.map(({ id }) => id)).toEqual(["q0", "q1", "q2"]);
    for (const { samples, variants } of asked) {
      expect(samples).toBe(3);
      expect(variants).toHaveLength(4);
      for (const { correct, rewards, answers } of variants) {
        expect(rewards).toHaveLength(3);
        expect(correct).toBe(rewards.filter((reward) => reward === 1).length);
        expect(answers.every((answer) => answer === answer?.trim())).toBe(true);
      }
    }
  });

  it("is reported with a forecast where samples suffice, and without one where they do not", () => {
    const group = { variants: 3, responses: 1, transformProbability: 0.3 };
    const report = variantsReport(asked, group, rng());
    expect(report.asked).toBe(12);
    expect(report.contrasts.map(({ name }) => name)).toEqual([
      "any rewrite",
      "rewrite 1",
      "rewrite 2",
      "rewrite 3",
    ]);
    expect(report.sharing?.verdict).toMatch(/points/);
    expect(variantsReport(asked, { ...group, responses: 2 }, rng()).sharing).toBeUndefined();
  });
});

describe("variantsReport", () => {
  const variant = (wording: "original" | number, rewards: readonly number[]) => ({
    ...{ wording, transform: "none" as const, rewards },
    correct: rewards.filter((reward) => reward === 1).length,
    answers: rewards.map(String),
  });

  it("counts drawn groups by the whole reward", () => {
    // Always right as it is, always wrong in other words: GRPO's group is constant, the shared one is not.
    const differing = variant("original", [1, 1, 1, 1]);
    const asked = {
      id: "a",
      category: "c",
      samples: 4,
      variants: [differing, variant(0, [0.1, 0.1, 0.1, 0.1])],
    };
    const group = { variants: 2, responses: 2, transformProbability: 0.3 };
    const { sharing } = variantsReport([asked], group, rng());
    expect(sharing?.observed.grpo.value).toBe(0);
    expect(sharing?.observed.shared.value).toBe(1);
    expect(sharing?.predicted.grpo.value).toBe(0);
    expect(sharing?.predicted.shared.value).toBe(1);
  });
});

describe("consistencyOf", () => {
  const question = (answers: readonly (string | null)[]): AskedVariants => ({
    ...{ id: "", category: "", samples: 1 },
    variants: answers.map((answer, at) => ({
      ...{ wording: at, transform: "none", correct: 0, rewards: [0] },
      answers: [answer],
    })),
  });

  it("is the share of pairs that answer alike, and no answer is like none", () => {
    // a a b: one of three pairs. null null: none of one.
    expect(consistencyOf([question(["a", "a", "b"])])).toBeCloseTo(1 / 3, 12);
    expect(consistencyOf([question(["a", "a", "b"]), question([null, null])])).toBeCloseTo(1 / 6, 12);
    expect(consistencyOf([question(["a"])])).toBeNaN();
  });
});
