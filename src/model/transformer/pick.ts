/**
 * @module Log-probabilities of given tokens, with a gradient in two passes over the scores where the tape has ten.
 */
import { dims } from "../../core/dims.js";
import { type Tensor, tf } from "../../core/tf.js";

/**
 * log softmax(scores) at each row's label. With p = softmax(scores): ∂scores = ∂y·(onehot − p), which is −∂y·p but for
 * one place of each row.
 * @param scores `[N, V]` f32
 * @param labels `[N]` i32
 * @returns `[N]` f32, nats
 */
export function pickLogProbs(scores: Tensor, labels: Tensor): Tensor {
  const { N } = dims("pickLogProbs: scores", scores, "N V");
  dims("pickLogProbs: labels", labels, "N", { N });
  const places = tf.stack([tf.range(0, N, 1, "int32"), labels], 1);
  const differentiable = tf.customGrad((given, save) => {
    const logSoftmax = tf.logSoftmax(given as Tensor);
    const value = tf.gatherND(logSoftmax, places);
    (save as tf.GradSaveFunc)([logSoftmax, value, places]);
    return {
      value,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [all, picked, at] = saved as [Tensor, Tensor, Tensor];
        const elsewhere = tf.mul(tf.exp(all), tf.neg(tf.reshape(dy, [N, 1])));
        return tf.tensorScatterUpdate(elsewhere, at, tf.mul(dy, tf.sub(1, tf.exp(picked))));
      },
    };
  });
  return differentiable(scores);
}
