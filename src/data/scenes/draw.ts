/**
 * @module Draws scenes: a family and a stream of random numbers make a picture, a question and its answer.
 */

import { createHash } from "node:crypto";
import sharp from "sharp";
import type { OwnWording } from "../../config/data.js";
import type { Rng } from "../../core/rng.js";
import { IMAGE_MARKER } from "../../model/prompt.js";
import type { Question } from "../../records.js";
import { angle } from "./families/angle.js";
import { barSum, barValue } from "./families/bars.js";
import { cards } from "./families/cards.js";
import { count } from "./families/count.js";
import { dice } from "./families/dice.js";
import { difference } from "./families/difference.js";
import { fraction } from "./families/fraction.js";
import { grid } from "./families/grid.js";
import { rectangle } from "./families/rectangle.js";
import { relation } from "./families/relation.js";
import { svgDocument } from "./ink.js";
import type { Draft, FamilyName, Scene } from "./scene.js";

export { FAMILIES, type FamilyName, type Scene, type Shortcut } from "./scene.js";

const DRAW: Readonly<Record<FamilyName, (rng: Rng) => Draft>> = {
  count,
  difference,
  barValue,
  barSum,
  relation,
  grid,
  angle,
  fraction,
  dice,
  cards,
  rectangle,
};

/** First words of a worked reasoning. */
export const CAREFUL_OPENINGS: readonly string[] = ["let me look.", "step by step:"];
/** First words of a hurried answer. */
export const HURRIED_OPENINGS: readonly string[] = ["at a glance,", "quick guess:"];

const digest = (...parts: readonly string[]): string =>
  createHash("sha256").update(parts.join("\u0000")).digest("hex");

/** All ways to ask, the question's own first. */
function ownFirst(wordings: readonly string[], wording: OwnWording, manner: Rng): string[] {
  const shuffled = manner.shuffle(wordings);
  if (wording === "any") return shuffled;
  const [common = ""] = wordings;
  return [common, ...shuffled.filter((words) => words !== common)];
}

/** One scene of a family. The same stream draws the same scene, byte for byte; the wording changes nothing but whose turn is first. */
export function drawScene(family: FamilyName, rng: Rng, wording: OwnWording = "any"): Scene {
  const draft = DRAW[family](rng.split("scene", family));
  const manner = rng.split("manner", family);
  const svg = svgDocument(draft.picture);
  const [question = "", ...rewrites] = ownFirst(draft.wordings, wording, manner).map(
    (words) => IMAGE_MARKER + words,
  );
  return {
    id: `${family}-${digest(svg, question, draft.gold).slice(0, 12)}`,
    family,
    question,
    rewrites,
    gold: draft.gold,
    reasoning: `${manner.pick(CAREFUL_OPENINGS)} ${draft.reasoning}`,
    shortcut: {
      reasoning: `${manner.pick(HURRIED_OPENINGS)} ${draft.shortcut.reasoning}`,
      answer: draft.shortcut.answer,
    },
    svg,
    width: draft.picture.width,
    height: draft.picture.height,
    forbiddenTransforms: draft.forbiddenTransforms ?? [],
    contentHash: digest(svg),
  };
}

/** The picture as PNG bytes: RGB, no alpha. */
export async function renderScene(scene: Pick<Scene, "svg">): Promise<Uint8Array> {
  const png = await sharp(Buffer.from(scene.svg)).removeAlpha().png({ compressionLevel: 6 }).toBuffer();
  return new Uint8Array(png);
}

/** The scene as a question whose image is the drawing itself (SVG bytes): the pixels of `sceneQuestion`, sooner. */
export function drawnQuestion(scene: Scene): Question {
  return {
    id: scene.id,
    text: scene.question,
    images: [{ kind: "bytes", bytes: Buffer.from(scene.svg) }],
    gold: scene.gold,
    rewrites: scene.rewrites,
    category: scene.family,
    forbiddenTransforms: scene.forbiddenTransforms,
  };
}

/** The scene as a question of a data set, its image as PNG bytes. */
export async function sceneQuestion(scene: Scene): Promise<Question> {
  return { ...drawnQuestion(scene), images: [{ kind: "bytes", bytes: await renderScene(scene) }] };
}
