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

/** What a step did. */
export interface InPlaceResult {
  /** √Σ g² before clipping. */
  readonly norm: number;
  /** Whether the step counts: false leaves everything as it is. */
  readonly isApplied: boolean;
}

type Floats = Float32Array | Int32Array;

function squares(data: Floats): number {
  let sum = 0;
  for (let at = 0; at < data.length; at++) sum += (data[at] as number) * (data[at] as number);
  return sum;
}

/**
 * What becomes of a step whose gradients have this sum of squares.
 * @returns `factor`: what the gradients are multiplied by
 */
export function clipStep(sum: number, maxGradNorm: number): InPlaceResult & { readonly factor: number } {
  const norm = Math.sqrt(sum);
  // As where squares are summed in float32: what overflows there does not count.
  const isApplied = Number.isFinite(Math.fround(sum));
  return { norm, isApplied, factor: isApplied ? clipFactor(norm, maxGradNorm) : 0 };
}

/** A step's numbers as every parameter of one decay needs them, rounded to float32. */
export function stepNumbers(
  step: AdamWStep<number>,
  { beta1, beta2, epsilon }: AdamWOptions,
  { factor, decay }: { readonly factor: number; readonly decay: number },
) {
  const f = Math.fround;
  return {
    clip: f(factor),
    b1: f(beta1),
    rest1: f(1 - beta1),
    b2: f(beta2),
    rest2: f(1 - beta2),
    rate: f(f(step.learningRate) / f(step.correction1)),
    root2: f(step.rootCorrection2),
    eps: f(epsilon),
    kept: decay === 0 ? 1 : f(1 - f(f(step.learningRate) * f(decay))),
  };
}

/**
 * One step. Parameters without a gradient stay as they are; where the gradients' norm is not finite, everything does.
 * @param params change in place, as the moments do
 * @param grads same names as `params`, or fewer; not changed
 * @throws CheckpointError when a gradient has no parameter or no moment of its name
 */
export function updateInPlace(
  params: Params,
  grads: Params,
  { first, second }: AdamWState<NdArray>,
  { maxGradNorm, options = ADAMW_DEFAULTS, ...step }: InPlaceStep,
): InPlaceResult {
  const sum = Object.values(grads).reduce((total, { data }) => total + squares(data), 0);
  const { norm, isApplied, factor } = clipStep(sum, maxGradNorm);
  if (!isApplied) return { norm, isApplied };
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
    updateOne(one, grad, stepNumbers(step, options, { factor, decay }));
  }
  return { norm, isApplied };
}

function updateOne(
  one: Readonly<Record<"param" | "first" | "second", NdArray>>,
  { data: grads }: NdArray,
  { clip, b1, rest1, b2, rest2, rate, root2, eps, kept }: ReturnType<typeof stepNumbers>,
): void {
  const f = Math.fround;
  const [params, first, second] = [one.param.data, one.first.data, one.second.data];
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
