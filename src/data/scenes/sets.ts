/**
 * @module Endless sets of scenes: an index and a seed name a scene, and a picture belongs to one side of the
 * train / held-out split by its own hash, whatever the seed.
 */

import type { OwnWording } from "../../config/data.js";
import { ConfigError } from "../../core/errors.js";
import { Rng } from "../../core/rng.js";
import { drawScene, FAMILIES, type FamilyName, type Scene } from "./draw.js";

export type SplitName = "train" | "heldout";

/** One picture in eight is held out. */
const HELD_OUT_EVERY = 8;
/** Far beyond what one picture in eight needs (chance of failing 1e-58). */
const MAX_REDRAWS = 1000;

/** The side a picture falls on: a function of its bytes, so no picture can be on both. */
export function splitOf(scene: Pick<Scene, "contentHash">): SplitName {
  return Number.parseInt(scene.contentHash.slice(0, 8), 16) % HELD_OUT_EVERY === 0 ? "heldout" : "train";
}

/** Families by name, as a config lists them; none means all. @throws ConfigError naming every unknown one */
export function familiesNamed(names: readonly string[]): readonly FamilyName[] {
  const known = FAMILIES.filter((family) => names.includes(family));
  const unknown = names.filter((name) => !known.some((family) => family === name));
  if (unknown.length > 0) {
    const list = unknown.map((name) => `"${name}"`).join(", ");
    throw new ConfigError(`familiesNamed: unknown families: ${list}; known: ${FAMILIES.join(", ")}`);
  }
  return names.length === 0 ? FAMILIES : known;
}

export interface SceneStreamOptions {
  readonly seed: number;
  readonly split: SplitName;
  /** Families to draw, taking turns; all by default. */
  readonly families?: readonly FamilyName[];
  /** What questions are asked in; `any` by default. Pictures and golds are the same. */
  readonly wording?: OwnWording;
}

/** An endless stream of drawn scenes; `at(i)` is always the same scene. */
export interface SceneStream {
  /** The scene at an index from 0; the same one however often and in whichever order it is asked for. */
  at(index: number): Scene;
}

/** Scenes of one side of the split. @throws RangeError for a negative or fractional index, or no families */
export function sceneStream(options: SceneStreamOptions): SceneStream {
  const { seed, split, families = FAMILIES, wording = "any" } = options;
  if (families.length === 0) throw new RangeError("sceneStream: missing families: give at least one");
  const rng = Rng.fromSeed(seed).split("scenes", split);
  return {
    at(index) {
      const family = families[index % families.length];
      if (family === undefined) {
        throw new RangeError(`sceneStream: invalid index: ${index}; give a whole number from 0`);
      }
      for (let redraw = 0; redraw < MAX_REDRAWS; redraw++) {
        const scene = drawScene(family, rng.split(index, redraw), wording);
        if (splitOf(scene) === split) return { ...scene, id: `${family}-${split}-${seed}-${index}` };
      }
      throw new RangeError(`sceneStream: no ${split} scene of "${family}" in ${MAX_REDRAWS} draws`);
    },
  };
}
