/**
 * @module TensorFlow.js for the whole project: one instance, gradients registered, banner off.
 *
 * `@tensorflow/tfjs` registers the gradients and the `cpu` backend as a side effect; the names come from
 * `tfjs-core`, which it shares. Import `tf` from here and nowhere else.
 */
import "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs-core";

tf.env().set("PROD", true); // also silences the advice to install tfjs-node

export { tf };
export type Tensor = tf.Tensor;
