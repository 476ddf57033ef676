/**
 * @module A compiled policy as a sampler.
 */
import type { Sampler } from "../engine.js";
import { generate } from "./generate.js";
import type { LocalPolicy } from "./policy.js";

export interface SamplerOptions {
  /** Responses decoded at once; default 256. */
  readonly maxRows?: number;
  /** Optimizer steps that the weights have seen; default 0 throughout. */
  readonly policyStep?: () => number;
}

/** Samples from a policy's weights of the moment of each call. */
export function createSampler(policy: LocalPolicy, options: SamplerOptions = {}): Sampler {
  const { maxRows = 256, policyStep = () => 0 } = options;
  return {
    async sample(request, watch) {
      const step = policyStep();
      const rollouts = await generate(policy, { ...request, ...watch, maxRows });
      return rollouts.map((rollouts_N) => rollouts_N.map((rollout) => ({ ...rollout, policyStep: step })));
    },
  };
}
