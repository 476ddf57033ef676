/**
 * @module The fake model after a minute lesson: it answers any question with a think block and one of four boxed
 * numbers, so that rewards differ between responses and training has something to do.
 */
import { join } from "node:path";
import { Rng } from "../../src/core/rng.js";
import { zip } from "../../src/core/zip.js";
import { loadModel } from "../../src/model/load.js";
import { buildPrompt } from "../../src/model/prompt.js";
import { writeSafetensors } from "../../src/model/safetensors.js";
import type { Question } from "../../src/records.js";
import { writeFakeModel } from "./fakeModel.js";
import { testLearner } from "./testLearner.js";

const ANSWERS = ["1", "2", "3", "4"];
const LESSONS = 80;

/** Question `index` of an endless stream: text only, three rewrites, answers 1 … 4. */
export function taughtQuestion(index: number): Question {
  const rng = Rng.fromSeed(1).split("question", index);
  const colour = rng.pick(["red", "blue"]);
  const shape = rng.pick(["circles", "squares"]);
  return {
    id: `q${index}`,
    text: `How many ${colour} ${shape}?`,
    images: [],
    gold: rng.pick(ANSWERS),
    rewrites: [
      `How many ${colour} ${shape} are there?`,
      `${colour} ${shape}: how many?`,
      `${shape}, ${colour}?`,
    ],
    category: shape,
  };
}

/** Writes the taught model to a folder. */
export async function writeTaughtModel(dir: string, formatPrompt: string): Promise<void> {
  await writeFakeModel(dir, { sharpness: 4 });
  const model = await loadModel(dir);
  const { config, processor } = model;
  const learner = testLearner(model, { update: { maxGradNorm: 1 } });
  const end = config.tokens.eos[0] as number;
  const responses = ANSWERS.map((answer) => [
    ...processor.encode(`<think>1</think> \\boxed{${answer}}`),
    end,
  ]);
  const units = await Promise.all(
    [0, 1].map(async (index) => {
      const { text, images } = taughtQuestion(index);
      const prompt = await buildPrompt(processor, { text: `${text} ${formatPrompt}`, images }, "lesson");
      return { prompt, responses_R: responses, advantages_R: ANSWERS.map(() => 1) };
    }),
  );
  for (let step = 1; step <= LESSONS; step++) {
    const old = await learner.logProbs(units);
    const onPolicy = zip(units, old).map(([unit, oldLogProbs_R]) => ({ ...unit, oldLogProbs_R }));
    await learner.update(onPolicy, { learningRate: 1e-2, step });
  }
  await writeSafetensors(join(dir, "model.safetensors"), model.params);
}
