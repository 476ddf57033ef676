/**
 * @module What a drawn scene is: a picture made of marks, a question with one answer, the same question in other
 * words, a worked reasoning, and what a hurried person would say.
 *
 * Why scenes carry a shortcut: pretrained models arrive with habits that are quick, plausible and often wrong.
 * A policy trained from scratch has none, so the supervised warm-up demonstrates both manners and lets
 * reinforcement find out which one pays. The shortcut is a function of the scene (it can be learnt), opens with
 * other words than the careful reasoning, and is right in a minority of scenes.
 */

import type { TransformName } from "../../records.js";

/** Kinds of scenes, easiest to picture first. */
export const FAMILIES = [
  "count",
  "difference",
  "barValue",
  "barSum",
  "relation",
  "grid",
  "angle",
  "fraction",
  "dice",
  "cards",
  "rectangle",
] as const;
/** A kind of drawn question. */
export type FamilyName = (typeof FAMILIES)[number];

/** A quick answer and the one line that goes with it. */
export interface Shortcut {
  readonly reasoning: string;
  readonly answer: string;
}

/** A drawn question before it is rendered: picture, words, answer, worked reasoning. */
export interface Scene {
  /** Unique for distinct pictures, questions and wordings. */
  readonly id: string;
  readonly family: FamilyName;
  /** Starts with the one `<image>` marker. */
  readonly question: string;
  /** The same question in other words and order, at least four, each with one `<image>` marker. */
  readonly rewrites: readonly string[];
  readonly gold: string;
  /** Careful worked reasoning that ends in the answer. */
  readonly reasoning: string;
  readonly shortcut: Shortcut;
  readonly svg: string;
  /** Pixels; a multiple of 28. */
  readonly width: number;
  /** Pixels; a multiple of 28. */
  readonly height: number;
  readonly forbiddenTransforms: readonly TransformName[];
  /** SHA-256 of the picture alone, in hexadecimal: whatever is asked about a picture, it has one hash. */
  readonly contentHash: string;
}

/** What a family decides; identifiers, markers and hashes are added by `drawScene`. */
export interface Draft {
  /** At least five ways to ask, the common one first, without the image marker. */
  readonly wordings: readonly string[];
  readonly gold: string;
  /** Without its opening words. */
  readonly reasoning: string;
  /** Without its opening words. */
  readonly shortcut: Shortcut;
  readonly picture: Picture;
  readonly forbiddenTransforms?: readonly TransformName[];
}

/** SVG elements on a plain ground. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly ground: string;
  readonly elements: readonly string[];
}
