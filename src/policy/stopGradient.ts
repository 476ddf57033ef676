/**
 * @module A number taken as given: where differentiation stops.
 */
import { type Tensor, tf } from "../core/tf.js";

/** The same values with no gradient to what they came from. */
export function stopGradient(x: Tensor): Tensor {
  const identity = tf.customGrad((given) => ({
    value: tf.clone(given as Tensor),
    gradFunc: (upstream: Tensor) => tf.zerosLike(upstream),
  }));
  return identity(x);
}
