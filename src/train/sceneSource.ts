/**
 * @module Drawn scenes as the trainer's questions: an endless training stream and a fixed held-out one.
 */
import type { RunConfig } from "../config/schema.js";
import { sceneQuestion } from "../data/scenes/draw.js";
import { familiesNamed, sceneStream } from "../data/scenes/sets.js";
import type { QuestionSource } from "../data/source.js";

/** Held-out questions are the same for every run, so that runs can be compared row by row. */
const HELD_OUT_SEED = 2024;

export function sceneSource(config: Pick<RunConfig, "seed" | "data">): QuestionSource {
  const families = familiesNamed(config.data.families);
  const train = sceneStream({ seed: config.seed, split: "train", families });
  const heldout = sceneStream({ seed: HELD_OUT_SEED, split: "heldout", families });
  return {
    train: (index) => sceneQuestion(train.at(index)),
    heldout: (index) => sceneQuestion(heldout.at(index)),
  };
}
