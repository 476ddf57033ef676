/**
 * @module What jobs on a cluster are made of in tests: settings, and questions with pictures and wordings.
 */
import sharp from "sharp";
import { resolveConfig } from "../../src/config/load.js";
import type { RunConfig } from "../../src/config/schema.js";
import type { QuestionSource } from "../../src/data/source.js";
import type { ClusterSettings } from "../../src/engine/ray/stackSettings.js";
import type { Question } from "../../src/records.js";

export const CLUSTER: ClusterSettings = {
  ...{ model: "Qwen/Qwen2.5-VL-7B-Instruct", nodes: 1, gpusPerNode: 8, trainFile: "./train.parquet" },
  ...{ checkpoints: "/shared/r1", overrides: {} },
};

type Tree = { [key: string]: unknown };
/** Settings by dotted name. */
export const leaves = (tree: Tree, before = ""): [string, unknown][] =>
  Object.entries(tree).flatMap(([name, value]): [string, unknown][] =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? leaves(value as Tree, `${before}${name}.`)
      : [[`${before}${name}`, value]],
  );

/** Question `index`: a picture of its own colour, two other wordings, and the answer A. */
export async function shownQuestion(index: number): Promise<Question> {
  const background = { r: (index * 37) % 256, g: (index * 91) % 256, b: 128 };
  const png = await sharp({ create: { width: 84, height: 56, channels: 3, background } })
    .png()
    .toBuffer();
  return {
    id: `q${index}`,
    text: `<image>What is shown in picture ${index}?`,
    images: [{ kind: "bytes", bytes: new Uint8Array(png) }],
    gold: "A",
    rewrites: [`<image>Name what picture ${index} shows.`, `<image>Picture ${index}: what is it?`],
    category: "shown",
  };
}

export const SHOWN: QuestionSource = {
  train: shownQuestion,
  heldout: (index) => shownQuestion(1000 + index),
  async *all() {},
  heldoutCount: 0,
};

/** Settings of a job on one GPU that the bundled policy's files suit. @param changes over them, one level deep */
export function smallJob(stack: "easyr1" | "r1-sharevl", model: string, checkpoints: string): RunConfig {
  return resolveConfig(
    {
      ...(stack === "r1-sharevl" ? { mode: "code", advantage: { arithmetic: "float32" } } : {}),
      data: { maxPromptLength: 512, minPixels: 3136, maxPixels: 50_176 },
      expand: { variants: 2 },
      rollout: { responses: 3, maxResponseLength: 24 },
      update: { optimizerStepsPerRollout: 2, microBatchUnits: 2 },
      train: { steps: 2, questionsPerStep: 4, evaluateQuestions: 0, saveEvery: 1 },
      engine: {
        ...{ kind: "ray", stack, url: "http://127.0.0.1:1", baseModel: model, checkpoints, gpusPerNode: 1 },
      },
    },
    "test",
  );
}
