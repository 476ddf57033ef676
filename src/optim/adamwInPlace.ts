/**
 * @module Clipping and AdamW on host arrays that change in place: one pass over memory, nothing beside it. The same
 * arithmetic as adamw.ts, rounded to float32 where that rounds, but for the gradients' norm, which is summed in float64.
 */
import { CheckpointError, invariant } from "../core/errors.js";
import type { NdArray, Params } from "../core/ndarray.js";
import { ADAMW_DEFAULTS, type AdamWOptions, type AdamWState, type AdamWStep } from "./adamw.js";
import { clipFactor } from "./clip.js";

/** A step's scalars, and what does not change from step to step. */
export interface InPlaceStep extends AdamWStep<number> {
  readonly maxGradNorm: number;
  readonly options?: AdamWOptions;
}

type Floats = Float32Array | Int32Array;

function squares(data: Floats): number {
  let sum = 0;
  for (let at = 0; at < data.length; at++) sum += (data[at] as number) * (data[at] as number);
  return sum;
}

/**
 * One step. Parameters without a gradient stay as they are; where the gradients' norm is not finite, everything does.
 * @param params change in place, as the moments do
 * @param grads same names as `params`, or fewer; not changed
 * @returns √Σ g² before clipping, and whether the step counts
 * @throws CheckpointError when a gradient has no parameter or no moment of its name
 */
export function updateInPlace(
  params: Params,
  grads: Params,
  { first, second }: AdamWState<NdArray>,
  { maxGradNorm, options = ADAMW_DEFAULTS, ...step }: InPlaceStep,
): { readonly norm: number; readonly isApplied: boolean } {
  const sum = Object.values(grads).reduce((total, { data }) => total + squares(data), 0);
  const norm = Math.sqrt(sum);
  // As where squares are summed in float32: what overflows there does not count.
  if (!Number.isFinite(Math.fround(sum))) return { norm, isApplied: false };
  const factor = clipFactor(norm, maxGradNorm);
  for (const [name, grad] of Object.entries(grads)) {
    const named = (what: string, arrays: Params): NdArray => {
      const array = arrays[name];
      if (!array) throw new CheckpointError(`adamw.updateInPlace: missing ${what}: ${name}`);
      invariant(array.data.length === grad.data.length, `adamw.updateInPlace: ${name}: shapes differ`);
      return array;
    };
    const one = {
      param: named("parameter", params),
      first: named("first moment", first),
      second: named("second moment", second),
    };
    const decay = options.decays(name, grad.shape) ? options.weightDecay : 0;
    updateOne(one, grad, step, { ...options, factor, decay });
  }
  return { norm, isApplied: true };
}

function updateOne(
  one: Readonly<Record<"param" | "first" | "second", NdArray>>,
  { data: grads }: NdArray,
  step: AdamWStep<number>,
  { beta1, beta2, epsilon, factor, decay }: AdamWOptions & { factor: number; decay: number },
): void {
  const f = Math.fround;
  const [params, first, second] = [one.param.data, one.first.data, one.second.data];
  const [b1, rest1, b2, rest2, eps] = [f(beta1), f(1 - beta1), f(beta2), f(1 - beta2), f(epsilon)];
  const [root2, clip] = [f(step.rootCorrection2), f(factor)];
  const rate = f(f(step.learningRate) / f(step.correction1));
  const kept = decay === 0 ? 1 : f(1 - f(f(step.learningRate) * f(decay)));
  for (let at = 0; at < grads.length; at++) {
    const g = f((grads[at] as number) * clip);
    const m = f(f((first[at] as number) * b1) + f(g * rest1));
    const v = f(f((second[at] as number) * b2) + f(f(g * g) * rest2));
    const ratio = f(m / f(f(f(Math.sqrt(v)) / root2) + eps));
    params[at] = f((params[at] as number) * kept) - f(rate * ratio);
    first[at] = m;
    second[at] = v;
  }
}
