/**
 * @module Log-probabilities of given tokens, with a gradient in one pass over the scores where the tape has ten.
 */
import { dims } from "../../core/dims.js";
import { type Tensor, tf } from "../../core/tf.js";

/**
 * log softmax(scores) at each row's label. With p = softmax(scores), p_max = 1 / Σ exp(scores − max), so that the largest
 * of both, which cannot vanish, give every row's log Σ exp. ∂scores = ∂y·(onehot − p), which is −∂y·p but for one place
 * of each row.
 * @param scores `[N, V]` f32
 * @param labels `[N]` i32
 * @returns `[N]` f32, nats
 */
export function pickLogProbs(scores: Tensor, labels: Tensor): Tensor {
  const { N } = dims("pickLogProbs: scores", scores, "N V");
  dims("pickLogProbs: labels", labels, "N", { N });
  const places = tf.stack([tf.range(0, N, 1, "int32"), labels], 1);
  const differentiable = tf.customGrad((given, save) => {
    const probs = tf.softmax(given as Tensor);
    const below = tf.sub(tf.gatherND(given as Tensor, places), tf.max(given as Tensor, 1));
    const value = tf.add(below, tf.log(tf.max(probs, 1)));
    (save as tf.GradSaveFunc)([probs, value, places]);
    return {
      value,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [all, picked, at] = saved as [Tensor, Tensor, Tensor];
        const elsewhere = tf.mul(all, tf.neg(tf.reshape(dy, [N, 1])));
        return tf.tensorScatterUpdate(elsewhere, at, tf.mul(dy, tf.sub(1, tf.exp(picked))));
      },
    };
  });
  return differentiable(scores);
}
