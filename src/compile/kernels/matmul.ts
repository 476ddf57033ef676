/**
 * @module Matrix products. Two-dimensional ones are Gemm, which transposes for free; batched ones with a transposed
 * operand are ONNX Runtime's FusedMatMul, so that no transposed copy is made.
 */
import { sizeOf } from "../../core/ndarray.js";
import { tf } from "../../core/tf.js";
import type { Traced, Tracer } from "../tracer.js";
import { type Call, type KernelTable, typeOf, unsupported } from "./kernel.js";

/** A value with its last two axes exchanged. */
function swapped(tracer: Tracer, value: ReturnType<Call["input"]>): string {
  const axes = value.shape.map((_, axis) => axis);
  const perm = [...axes.slice(0, -2), axes.length - 1, axes.length - 2];
  return tracer.emit("Transpose", [tracer.nameOf(value)], { perm });
}

function matMul(call: Call): Traced {
  const { tracer } = call;
  const [a, b] = [call.input("a"), call.input("b")];
  const transA = call.attrs["transposeA"] === true ? 1 : 0;
  const transB = call.attrs["transposeB"] === true ? 1 : 0;
  const rows = a.shape.at(transA ? -1 : -2) as number;
  const columns = b.shape.at(transB ? -2 : -1) as number;
  const batch = tf.broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const names = [tracer.nameOf(a), tracer.nameOf(b)];
  const shape = [...batch, rows, columns];
  if (sizeOf(a.shape) === 0) return tracer.result(tracer.fill(0, shape, typeOf(a)), shape, typeOf(a));
  if (a.shape.length === 2 && b.shape.length === 2) {
    return tracer.result(tracer.emit("Gemm", names, { transA, transB }), shape, "float32");
  }
  if (tracer.isPlain) {
    const turned = [transA ? swapped(tracer, a) : names[0], transB ? swapped(tracer, b) : names[1]];
    return tracer.result(tracer.emit("MatMul", turned as string[]), shape, typeOf(a));
  }
  const product =
    transA || transB
      ? tracer.emit("FusedMatMul", names, { transA, transB }, "com.microsoft")
      : tracer.emit("MatMul", names);
  return tracer.result(product, shape, typeOf(a));
}

export const MATMUL: KernelTable = {
  Einsum: (call) => {
    const equation = String(call.attrs["equation"]);
    const sides = new Map(
      call.inputs.flatMap(({ shape }, at) => {
        const letters = [...(equation.split("->")[0]?.split(",")[at]?.replaceAll(" ", "") ?? "")];
        return letters.map((letter, axis) => [letter, shape[axis] as number] as const);
      }),
    );
    const kept = [...(equation.split("->")[1]?.replaceAll(" ", "") ?? "")];
    const names = call.inputs.map((each) => call.tracer.nameOf(each));
    const product = call.tracer.emit("Einsum", names, { equation });
    return call.tracer.result(
      product,
      kept.map((letter) => sides.get(letter) as number),
      "float32",
    );
  },
  BatchMatMul: matMul,
  _FusedMatMul: (call) => {
    const { tracer } = call;
    const product = matMul(call);
    const bias = call.attrs["activation"];
    if (bias !== "linear" && bias !== "relu") unsupported("fused.matMul", `activation ${String(bias)}`);
    const hasBias = call.inputs.length > 2;
    const sum = hasBias
      ? tracer.emit("Add", [tracer.nameOf(product), call.name("bias")])
      : tracer.nameOf(product);
    const active = bias === "relu" ? tracer.emit("Relu", [sum]) : sum;
    return tracer.result(active, product.shape, "float32");
  },
};
