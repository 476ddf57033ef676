/**
 * @module Ways to train that more than one experiment compares. They differ from the presets `tiny` and `tiny-grpo` in
 * what their names say, and in nothing else.
 */
import type { Arm } from "./runs.js";

/** Share-GRPO with settings of its own. */
export const share = (id: string, name: string, ...settings: string[]): Arm => ({
  id,
  name,
  preset: "tiny",
  settings,
});

/** GRPO with as many responses to a question, and settings of its own. */
export const grpo = (id: string, name: string, ...settings: string[]): Arm => ({
  id,
  name,
  preset: "tiny-grpo",
  settings,
});

export const IMAGES = "expand.transformProbability=0.3";
export const REWRITES = "expand.isOriginalFirst=false";
export const GLOBAL = "advantage.terms=global";

export const SHARE = share("share-2x6", "Share-GRPO, 6+6");
export const GRPO = grpo("grpo-12", "GRPO, N = 12");
/** Each group on one drawn variant: Table 6's strongest baseline. */
export const GRPO_AUGMENTED = grpo("grpo-both", "GRPO with both", IMAGES, REWRITES);
export const SHARE_GLOBAL = share("share-both-global", "rewrites and images, global", GLOBAL);
