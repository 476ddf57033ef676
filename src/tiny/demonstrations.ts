/**
 * @module What the tiny policy learns to imitate before any reinforcement: scenes with worked reasoning, and some with
 * a hurried shortcut, as a base model's habits are mixed.
 *
 * A share of demonstrations answers by a shortcut that is usually wrong; the share differs between families, so that
 * greedy decoding has good habits in some and bad ones in others. Reinforcement then has something to choose between.
 */
import type { Rng } from "../core/rng.js";
import type { Scene } from "../data/scenes/draw.js";
import { drawnQuestion } from "../data/scenes/draw.js";
import { pictureReading, READING_REQUEST } from "../data/scenes/reading.js";
import { expandQuestion } from "../expand/expand.js";
import type { ImageSource } from "../records.js";

export interface DemonstrationOptions {
  /** Appended to the words, as in training. */
  readonly formatPrompt: string;
  /** Share of demonstrations whose image is transformed. */
  readonly transformProbability: number;
  /** Share of demonstrations that forget a part of the format. */
  readonly sloppyShare: number;
  /** Share of demonstrations that read the picture out loud instead of answering, where a scene can be read so. */
  readonly readingShare: number;
  /** Share of demonstrations in the question's own words, the others in any wording alike; default 0. */
  readonly commonShare?: number;
  /** Share of shortcuts for a family, in [0, 1], where the question is asked in its own words with the picture as it is, and elsewhere. */
  readonly shortcutShare: (family: Scene["family"], isFamiliar: boolean) => number;
}

export interface Demonstration {
  readonly text: string;
  readonly images: readonly ImageSource[];
  readonly response: string;
}

/** `<think>…</think> \boxed{…}`; a sloppy one lacks the closing tag or the box. */
export function formatResponse(
  reasoning: string,
  answer: string,
  sloppiness: "none" | "tag" | "box" = "none",
): string {
  const close = sloppiness === "tag" ? "" : "</think>";
  const final = sloppiness === "box" ? answer : `\\boxed{${answer}}`;
  return `<think>${reasoning}${close} ${final}`;
}

/** One demonstration: any wording of the question, sometimes another view of the image, one way to answer. */
export async function demonstration(
  scene: Scene,
  rng: Rng,
  options: DemonstrationOptions,
): Promise<Demonstration> {
  const question = drawnQuestion(scene);
  const reading = pictureReading(scene);
  if (reading !== undefined && rng.split("reading").uniform() < options.readingShare) {
    return { text: READING_REQUEST, images: question.images, response: reading };
  }
  const { variants } = await expandQuestion(
    question,
    {
      variants: 1,
      transformProbability: options.transformProbability,
      formatPrompt: options.formatPrompt,
      isOriginalFirst: rng.split("common").uniform() < (options.commonShare ?? 0),
    },
    rng.split("expand"),
  );
  const [variant] = variants;
  if (!variant) throw new Error(`demonstration: no variant of ${scene.id}`);
  const draw = rng.split("habit");
  const isFamiliar = variant.wording === "original" && variant.transform === "none";
  const isShortcut = draw.uniform() < options.shortcutShare(scene.family, isFamiliar);
  const isSloppy = draw.uniform() < options.sloppyShare;
  const sloppiness = isSloppy ? draw.pick(["tag", "box"] as const) : "none";
  const response = isShortcut
    ? formatResponse(scene.shortcut.reasoning, scene.shortcut.answer, sloppiness)
    : formatResponse(scene.reasoning, scene.gold, sloppiness);
  return { text: variant.text, images: variant.images, response };
}
