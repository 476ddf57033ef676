/**
 * @module The graders by name: `mathruler` reproduces the reference's verdicts, `math` is the recommended one.
 */
import { gradeMath } from "./math/gradeMath.js";
import { gradeMathruler } from "./mathruler/gradeMathruler.js";
import type { Verdict } from "./verdict.js";

export const GRADER_NAMES = ["mathruler", "math"] as const;
/** A grader of `GRADERS`. */
export type GraderName = (typeof GRADER_NAMES)[number];

/** Whether `given` answers what `truth` answers, and why. Never throws. */
export type Grader = (given: string, truth: string) => Verdict;

/** The graders by name; each compares an extracted answer with the gold one. */
export const GRADERS: Readonly<Record<GraderName, Grader>> = { mathruler: gradeMathruler, math: gradeMath };
