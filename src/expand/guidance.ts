/**
 * @module What a variant says about its own picture (the paper's τ, Eq. 4): one short sentence per image transform
 * that tells truthfully what was done, and to answer for the picture as it was.
 *
 * The released code swaps the two directions of the quarter turns (spec §1.4, B15); `"released"` keeps that.
 */

import type { TransformName } from "../records.js";

/** Whose directions the sentences state: ours, or the swapped ones of the released code. */
export type GuidanceStyle = "truthful" | "released";

const turned = (how: string): string => `the image was turned ${how}. turn it back, then answer.`;
const flipped = (how: string): string => `the image was flipped ${how}. flip it back, then answer.`;
const NOISY = "the image has noise. answer for the clean image.";

const TRUTHFUL: Readonly<Record<TransformName, string>> = {
  rotate_90cw: turned("90 degrees clockwise"),
  rotate_90ccw: turned("90 degrees counter-clockwise"),
  rotate_180cw: turned("180 degrees"),
  gaussian_noise_mean0_std10: NOISY,
  gaussian_noise_mean0_std25: NOISY,
  gaussian_noise_mean0_std50: NOISY,
  vertically_flipped: flipped("top to bottom"),
  horizontally_flipped: flipped("left to right"),
  horizontally_vertically_flipped: flipped("both ways"),
};

const RELEASED: Readonly<Record<TransformName, string>> = {
  ...TRUTHFUL,
  rotate_90cw: TRUTHFUL.rotate_90ccw,
  rotate_90ccw: TRUTHFUL.rotate_90cw,
};

/** The sentence that goes in front of the words when the images were transformed so. */
export function guidanceSentence(transform: TransformName, style: GuidanceStyle = "truthful"): string {
  return (style === "released" ? RELEASED : TRUTHFUL)[transform];
}
