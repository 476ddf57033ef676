/**
 * @module Operators of ONNX that TensorFlow.js has no kernels for. Called from `operators.ts` one folder up, which says
 * what they compute.
 */
import { type KernelTable, number } from "./kernel.js";

export const OPERATORS: KernelTable = {
  RotaryEmbedding: (call) => {
    const names = [call.name("x"), call.name("cos"), call.name("sin")];
    const turned = call.tracer.emit("RotaryEmbedding", names, { num_heads: number(call, "heads") });
    return call.tracer.result(turned, call.input("x").shape, "float32");
  },
  Silu: (call) => {
    const alpha = { alpha: { float: 1 } };
    const active = call.tracer.emit("QuickGelu", [call.name("x")], alpha, "com.microsoft");
    return call.tracer.result(active, call.input("x").shape, "float32");
  },
};
