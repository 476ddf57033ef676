/**
 * @module AdamW with decoupled weight decay, to PyTorch's arithmetic (Loshchilov & Hutter, 2019).
 *
 *     p ← p·(1 − lr·λ)
 *     m ← β1·m + (1 − β1)·g,   v ← β2·v + (1 − β2)·g²
 *     p ← p − (lr / c1) · m / (√v / √c2 + ε),   c1 = 1 − β1^t,   c2 = 1 − β2^t
 *
 * What changes from step to step (lr, c1, √c2, whether the step counts) enters as tensors, so that one traced graph
 * serves the whole run; c1 and c2 are computed on the host in float64 (in float32, 1 − 0.999 is off by 1e-5).
 */
import { CheckpointError, ShapeError } from "../core/errors.js";
import { type NdArray, scalar } from "../core/ndarray.js";
import { type Tensor, type TensorParams, tf } from "../core/tf.js";

export interface AdamWOptions {
  readonly beta1: number;
  readonly beta2: number;
  /** Added outside the square root. */
  readonly epsilon: number;
  /** λ */
  readonly weightDecay: number;
  /** Which parameters decay; the released code decays all of them. */
  readonly decays: (name: string, shape: readonly number[]) => boolean;
}

/** As the released code. */
export const ADAMW_DEFAULTS: AdamWOptions = {
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.01,
  decays: () => true,
};

/** Matrices decay; norms and biases do not. */
export function decaysMatrices(_name: string, shape: readonly number[]): boolean {
  return shape.length >= 2;
}

/** First and second moments, by parameter name, in the parameters' shapes. */
export interface AdamWState<Array = Tensor> {
  readonly first: Readonly<Record<string, Array>>;
  readonly second: Readonly<Record<string, Array>>;
}

/** What one step needs besides gradients. Scalars `[]` f32; make them with `adamwScalars`. */
export interface AdamWStep<Scalar = Tensor> {
  readonly learningRate: Scalar;
  /** 1 − β1^t */
  readonly correction1: Scalar;
  /** √(1 − β2^t) */
  readonly rootCorrection2: Scalar;
}

/**
 * The step's scalars, computed in float64.
 * @param step number of this optimizer step, 1 for the first; a skipped step does not count
 */
export function adamwScalars(
  step: number,
  learningRate: number,
  options: Pick<AdamWOptions, "beta1" | "beta2"> = ADAMW_DEFAULTS,
): AdamWStep<number> {
  return {
    learningRate,
    correction1: 1 - options.beta1 ** step,
    rootCorrection2: Math.sqrt(1 - options.beta2 ** step),
  };
}

/** The step's scalars as host arrays, for a compiled step. */
export function adamwHostStep(...args: Parameters<typeof adamwScalars>): AdamWStep<NdArray> {
  const { learningRate, correction1, rootCorrection2 } = adamwScalars(...args);
  return {
    learningRate: scalar(learningRate),
    correction1: scalar(correction1),
    rootCorrection2: scalar(rootCorrection2),
  };
}

/** Moments of zero for these parameters. */
export function init(params: TensorParams): AdamWState {
  const zeros = () =>
    Object.fromEntries(Object.entries(params).map(([name, param]) => [name, tf.zerosLike(param)]));
  return { first: zeros(), second: zeros() };
}

/** The tensor of that name. @throws CheckpointError when the state belongs to other parameters */
function named(what: string, tensors: TensorParams, name: string): Tensor {
  const tensor = tensors[name];
  if (!tensor) throw new CheckpointError(`adamw.update: missing ${what}: ${name}`);
  return tensor;
}

interface OneParameter {
  readonly param: Tensor;
  readonly grad: Tensor;
  readonly first: Tensor;
  readonly second: Tensor;
  readonly decay: number;
}

function updateOne(one: OneParameter, step: AdamWStep, options: AdamWOptions) {
  const first = tf.add(tf.mul(one.first, options.beta1), tf.mul(one.grad, 1 - options.beta1));
  const second = tf.add(tf.mul(one.second, options.beta2), tf.mul(tf.square(one.grad), 1 - options.beta2));
  const denominator = tf.add(tf.div(tf.sqrt(second), step.rootCorrection2), options.epsilon);
  const rate = tf.div(step.learningRate, step.correction1);
  const decayed =
    one.decay === 0 ? one.param : tf.mul(one.param, tf.sub(1, tf.mul(step.learningRate, one.decay)));
  return { param: tf.sub(decayed, tf.mul(rate, tf.div(first, denominator))), first, second };
}

/**
 * One step. Parameters without a gradient (frozen ones) are returned as they are.
 * @param grads same names as `params`, or fewer
 * @throws CheckpointError when a gradient has no parameter or no moment of its name
 * @throws ShapeError when a gradient does not have its parameter's shape
 */
export function update(
  params: TensorParams,
  grads: TensorParams,
  state: AdamWState,
  step: AdamWStep & { readonly options?: AdamWOptions },
): { readonly params: TensorParams; readonly state: AdamWState } {
  const options = step.options ?? ADAMW_DEFAULTS;
  const updated = Object.entries(grads).map(([name, grad]) => {
    const param = named("parameter", params, name);
    if (grad.shape.join() !== param.shape.join()) {
      throw new ShapeError(`adamw.update: ${name}: expected gradient [${param.shape}], got [${grad.shape}]`);
    }
    const first = named("first moment", state.first, name);
    const second = named("second moment", state.second, name);
    const decay = options.decays(name, param.shape) ? options.weightDecay : 0;
    return [name, updateOne({ param, grad, first, second, decay }, step, options)] as const;
  });
  const pick = (part: "param" | "first" | "second") =>
    Object.fromEntries(updated.map(([name, results]) => [name, results[part]]));
  return {
    params: { ...params, ...pick("param") },
    state: { first: { ...state.first, ...pick("first") }, second: { ...state.second, ...pick("second") } },
  };
}

/**
 * Undoes a step that must not count: `previous` where `finite` is 0, else `next`.
 * @param finite `[]` f32, 0 or 1, from `clipByGlobalNorm`
 */
export function keepIfFinite(finite: Tensor, next: TensorParams, previous: TensorParams): TensorParams {
  const holds = tf.greater(finite, 0.5);
  return Object.fromEntries(
    Object.entries(next).map(([name, tensor]) => [
      name,
      tf.where(holds, tensor, named("tensor", previous, name)),
    ]),
  );
}
