/**
 * @module `sharegrpo install-tensorflow`: TensorFlow's own kernels for eager mode, and what a product on them says.
 */
import type { Command } from "commander";
import { eager } from "../compile/eager.js";
import { installTensorflow, isOnCard } from "../compile/nativeTensorflow.js";
import { ndarray } from "../core/ndarray.js";
import { tf } from "../core/tf.js";
import type { CommandContext } from "./context.js";

export function addInstallTensorflow(program: Command, { signal, print }: CommandContext): void {
  program
    .command("install-tensorflow")
    .description(
      "build @tensorflow/tfjs-node against the TensorFlow that Python has, for functions that run eagerly",
    )
    .option("--python <path>", "Python with tensorflow, on a card tensorflow[and-cuda]", "python3")
    .action(async ({ python }: { python: string }) => {
      const { folder, version, tensorflow } = await installTensorflow({ python, signal: signal("stopping") });
      print(`built  ${folder}\nagainst TensorFlow ${version} in ${tensorflow}`);
      const product = (x: tf.Tensor2D) => tf.sum(tf.matMul(x, x, false, true));
      const sum = await eager(product, { backend: "tensorflow" })(ndarray([1, 2, 3, 4], [2, 2]));
      print(`tried  Σ x·xᵀ = ${sum.data[0]}, on ${isOnCard() ? "a card" : "the processor"}`);
    });
}
