/**
 * @module Settings of a learner whose single update is easy to reason about: no decay, no clipping of gradients.
 */
import type { LearnerOptions } from "../../src/engine/local/learner.js";

export const LEARNER_OPTIONS: LearnerOptions = {
  temperature: 1,
  clipLow: 0.2,
  clipHigh: 0.3,
  dualClip: 3,
  weightDecay: 0,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  maxGradNorm: 1e9,
  microBatchUnits: 2,
};
