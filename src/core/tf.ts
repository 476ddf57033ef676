/**
 * @module TensorFlow.js for the whole project: one instance, gradients and the `cpu` backend registered, advice off.
 *
 * Only the parts in use: the umbrella package `@tensorflow/tfjs` is four times their size. Import `tf` from here and
 * nowhere else.
 */
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-core/dist/register_all_gradients.js";
import "@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js";

tf.env().set("PROD", true); // also silences the advice to install tfjs-node

export { tf };
export type Tensor = tf.Tensor;
