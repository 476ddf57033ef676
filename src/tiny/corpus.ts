/**
 * @module Every text that training on drawn scenes can meet, for training a tokenizer.
 */

import { FAMILIES } from "../data/scenes/draw.js";
import { sceneStream } from "../data/scenes/sets.js";
import { guidanceSentence } from "../expand/guidance.js";
import { IMAGE_MARKER } from "../model/prompt.js";
import { TRANSFORMS } from "../records.js";

/**
 * Texts of `count` training scenes: wordings, reasonings, whole responses; and all guidance sentences, once per
 * round of the families so that their share does not shrink.
 */
export function* corpus(seed: number, count: number): Iterable<string> {
  const stream = sceneStream({ seed, split: "train" });
  for (let index = 0; index < count; index++) {
    const { question, rewrites, reasoning, gold, shortcut } = stream.at(index);
    yield* [question, ...rewrites].map((words) => words.replace(IMAGE_MARKER, ""));
    yield `<think>${reasoning}</think> \\boxed{${gold}}`;
    yield `<think>${shortcut.reasoning}</think> \\boxed{${shortcut.answer}}`;
    if (index % FAMILIES.length === 0) yield* TRANSFORMS.map((name) => guidanceSentence(name));
  }
}
