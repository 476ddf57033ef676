/**
 * @module Drawn scenes as the trainer's questions: an endless training stream and a fixed held-out one.
 */
import type { RunConfig } from "../config/schema.js";
import { type Scene, sceneQuestion } from "../data/scenes/draw.js";
import { familiesNamed, sceneStream } from "../data/scenes/sets.js";
import type { QuestionSource } from "../data/source.js";
import type { Question } from "../records.js";

/** Held-out questions are the same for every run, so that runs can be compared row by row. */
const HELD_OUT_SEED = 2024;

export function sceneSource(config: Pick<RunConfig, "seed" | "data" | "train">): QuestionSource {
  const families = familiesNamed(config.data.families);
  const { wording } = config.data;
  const train = sceneStream({ seed: config.seed, split: "train", families, wording });
  const heldout = sceneStream({ seed: HELD_OUT_SEED, split: "heldout", families, wording });
  return {
    train: (index) => sceneQuestion(train.at(index)),
    heldout: (index) => sceneQuestion(heldout.at(index)),
    async *all() {
      const count = Math.min(MOST_CHECKED, config.train.steps * config.train.questionsPerStep);
      for (let index = 0; index < count; index++) yield withoutImage(train.at(index));
    },
  };
}

/** Scenes have no end; their golds come from the same few families. */
const MOST_CHECKED = 1000;

function withoutImage({ id, question, gold, rewrites, family }: Scene): Question {
  return { id, text: question, images: [], gold, rewrites, category: family };
}
