/**
 * @module TensorFlow.js for the whole project: one instance, gradients and the `cpu` backend registered, advice off.
 *
 * Only the parts in use: the umbrella package `@tensorflow/tfjs` is five times their size. `tfjs-core` keeps its
 * gradients in files that Node cannot import by themselves; `tfjs-layers` registers them when it is loaded, and is
 * here for that alone. Import `tf` from here and nowhere else.
 */
import { createRequire } from "node:module";
import * as tf from "@tensorflow/tfjs-core";

// Loaded for what they do. `import` would search these megabytes of CommonJS for names, a tenth of a second each time.
const require = createRequire(import.meta.url);
require("@tensorflow/tfjs-backend-cpu");
require("@tensorflow/tfjs-layers");

/** The gradient of a batched gather calls these methods, which only the umbrella package registers. */
Object.assign(tf.Tensor.prototype, {
  split(this: tf.Tensor, sizes: number | number[], axis?: number): tf.Tensor[] {
    return tf.split(this, sizes, axis);
  },
  slice(this: tf.Tensor, begin: number | number[], size?: number | number[]): tf.Tensor {
    return tf.slice(this, begin, size);
  },
  reshape(this: tf.Tensor, shape: number[]): tf.Tensor {
    return tf.reshape(this, shape);
  },
});

tf.env().set("PROD", true); // also silences the advice to install tfjs-node

export { tf };
/** A TensorFlow.js tensor, eager or traced. */
export type Tensor = tf.Tensor;
/** Tensors by parameter name. */
export type TensorParams = Readonly<Record<string, Tensor>>;
