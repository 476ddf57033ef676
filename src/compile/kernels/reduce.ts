/**
 * @module Kernels that fold an axis: sums, means, extremes, softmax, running sums, positions of extremes.
 */
import { sizeOf } from "../../core/ndarray.js";
import { tf } from "../../core/tf.js";
import type { Traced, TracedType } from "../tracer.js";
import {
  cast,
  castTo,
  type Kernel,
  type KernelTable,
  number,
  numbers,
  positiveAxis,
  typeOf,
} from "./kernel.js";

/** Folds `axis`; the result has no axes of size 1 in their place. */
const reduction =
  (op: string, type: (input: TracedType) => TracedType): Kernel =>
  (call) => {
    const { tracer } = call;
    const x = call.input("x");
    // Max alone calls its axes by another name.
    const axis = call.attrs["reductionIndices"] ?? call.attrs["axis"] ?? null;
    const axes = tf.util.parseAxisParam(axis as number | number[], x.shape);
    const [shape] = tf.backend_util.computeOutAndReduceShapes(x.shape, axes);
    const dtype = type(typeOf(x));
    const keepDims = call.attrs["keepDims"] === true;
    const outShape = keepDims ? tf.backend_util.expandShapeToKeepDim(shape, axes) : shape;
    if (axes.length === 0)
      return tracer.result(tracer.emit("Identity", [castTo(call, x, dtype)]), outShape, dtype);
    const folded = tracer.emit(op, [castTo(call, x, dtype), tracer.integers(axes)], {
      keepdims: keepDims ? 1 : 0,
    });
    return tracer.result(folded, outShape, dtype);
  };

const numeric = (type: TracedType): TracedType => (type === "bool" ? "int32" : type);

/** Any and All as the extreme of integers, which of nothing would be the largest or smallest there is. */
const truth =
  (op: "ReduceMax" | "ReduceMin"): Kernel =>
  (call) => {
    const { tracer } = call;
    const folded = reduction(op, () => "int32")(call) as Traced;
    const isOfNothing = sizeOf(call.input("x").shape) === 0;
    const name = isOfNothing
      ? tracer.fill(op === "ReduceMin" ? 1 : 0, folded.shape, "bool")
      : cast(call, tracer.nameOf(folded), "bool");
    return tracer.result(name, folded.shape, "bool");
  };

const positionOf =
  (op: "ArgMax" | "ArgMin"): Kernel =>
  (call) => {
    const { tracer } = call;
    const x = call.input("x");
    const axis = positiveAxis(numbers(call, "axis")[0] ?? 0, x.shape.length);
    const found = tracer.emit(op, [castTo(call, x, numeric(typeOf(x)))], { axis, keepdims: 0 });
    const shape = x.shape.filter((_, at) => at !== axis);
    return tracer.result(tracer.emit("Cast", [found], { to: 6 }), shape, "int32");
  };

const softmax =
  (op: "Softmax" | "LogSoftmax"): Kernel =>
  (call) => {
    const x = call.input("logits");
    const axis = positiveAxis(number(call, op === "Softmax" ? "dim" : "axis") ?? -1, x.shape.length);
    return call.tracer.result(
      call.tracer.emit(op, [castTo(call, x, "float32")], { axis }),
      x.shape,
      "float32",
    );
  };

export const REDUCE: KernelTable = {
  TopK: (call) => {
    const { tracer } = call;
    const x = call.input("x");
    const shape = [...x.shape.slice(0, -1), number(call, "k")];
    const inputs = [tracer.nameOf(x), tracer.integers([number(call, "k")])];
    const [values, indices] = tracer.emitMany("TopK", inputs, 2, { axis: -1 }) as [string, string];
    return [
      tracer.result(values, shape, typeOf(x)),
      tracer.result(cast(call, indices, "int32"), shape, "int32"),
    ];
  },
  Sum: reduction("ReduceSum", numeric),
  Mean: reduction("ReduceMean", () => "float32"),
  Max: reduction("ReduceMax", numeric),
  Min: reduction("ReduceMin", numeric),
  Prod: reduction("ReduceProd", numeric),
  Any: truth("ReduceMax"),
  All: truth("ReduceMin"),
  ArgMax: positionOf("ArgMax"),
  ArgMin: positionOf("ArgMin"),
  Softmax: softmax("Softmax"),
  LogSoftmax: softmax("LogSoftmax"),
  Cumsum: (call) => {
    const { tracer } = call;
    const x = call.input("x");
    const axis = tracer.constant([positiveAxis(number(call, "axis"), x.shape.length)], [], "int64");
    const attributes = {
      exclusive: call.attrs["exclusive"] === true ? 1 : 0,
      reverse: call.attrs["reverse"] === true ? 1 : 0,
    };
    return tracer.result(tracer.emit("CumSum", [tracer.nameOf(x), axis], attributes), x.shape, typeOf(x));
  },
};
