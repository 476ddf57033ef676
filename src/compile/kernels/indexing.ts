/**
 * @module Kernels that read or write by index.
 */
import { sizeOf } from "../../core/ndarray.js";
import { ONNX_TYPE_CODE } from "../onnxWriter.js";
import type { Traced, TracedType } from "../tracer.js";
import {
  type Call,
  castTo,
  type Input,
  type KernelTable,
  number,
  numbers,
  positiveAxis,
  typeOf,
  unsupported,
} from "./kernel.js";

export const INDEXING: KernelTable = {
  GatherV2: (call) => {
    const { tracer } = call;
    const [x, indices] = [call.input("x"), call.input("indices")];
    if ((number(call, "batchDims") ?? 0) !== 0) unsupported("gather", "batchDims");
    const axis = positiveAxis(number(call, "axis") ?? 0, x.shape.length);
    const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
    const gathered = tracer.emit("Gather", [tracer.nameOf(x), castTo(call, indices, "int32")], { axis });
    return tracer.result(gathered, shape, typeOf(x));
  },
  /** The gradient of gather: rows are added where their index says. */
  UnsortedSegmentSum: (call) => {
    const [x, ids] = [call.input("x"), call.input("segmentIds")];
    if (ids.shape.length !== 1) unsupported("unsortedSegmentSum", "segment ids of more than one axis");
    const shape = [number(call, "numSegments"), ...x.shape.slice(1)];
    return scatterAdd(call, { rows: x, ids: castTo(call, ids, "int64"), shape, depth: 1 });
  },
  OneHot: (call) => {
    const { tracer } = call;
    const indices = call.input("indices");
    const depth = number(call, "depth");
    const type = (call.attrs["dtype"] ?? "int32") as TracedType;
    const values = tracer.constant([number(call, "offValue"), number(call, "onValue")], [2], "float32");
    const size = tracer.constant([depth], [], "int64");
    const hot = tracer.emit("OneHot", [castTo(call, indices, "int64"), size, values], { axis: -1 });
    const typed = type === "float32" ? hot : tracer.emit("Cast", [hot], { to: ONNX_TYPE_CODE[type] });
    return tracer.result(typed, [...indices.shape, depth], type);
  },
  GatherNd: (call) => {
    const { tracer } = call;
    const [x, indices] = [call.input("params"), call.input("indices")];
    const depth = indices.shape.at(-1) as number;
    const shape = [...indices.shape.slice(0, -1), ...x.shape.slice(depth)];
    const gathered = tracer.emit("GatherND", [tracer.nameOf(x), castTo(call, indices, "int64")]);
    return tracer.result(gathered, shape, typeOf(x));
  },
  ScatterNd: (call) => {
    const { tracer } = call;
    const [indices, updates] = [call.input("indices"), call.input("updates")];
    const shape = numbers(call, "shape");
    const depth = indices.shape.at(-1) as number;
    const strides = shape.slice(0, depth).map((_, axis) => sizeOf(shape.slice(axis + 1, depth)));
    const places = tracer.emit("Mul", [castTo(call, indices, "int64"), tracer.integers(strides)]);
    const ids = tracer.emit("ReduceSum", [places, tracer.integers([-1])], { keepdims: 0 });
    return scatterAdd(call, { rows: updates, ids, shape, depth });
  },
};

/**
 * Zeros of `shape` with `rows` added in the places of its first `depth` axes that `ids` number. Not by ScatterND: ONNX
 * Runtime adds its rows from several threads at once, and of rows with one index some are lost.
 */
function scatterAdd(
  call: Call,
  options: {
    readonly rows: Input;
    /** graph name, int64, one for each row */
    readonly ids: string;
    readonly shape: readonly number[];
    readonly depth: number;
  },
): Traced {
  const { tracer } = call;
  const { rows, shape, depth } = options;
  const type = typeOf(rows);
  const C = sizeOf(shape.slice(depth));
  const flat = [sizeOf(shape.slice(0, depth)), C];
  const count = C === 0 ? 0 : sizeOf(rows.shape) / C;
  const column = tracer.emit("Reshape", [options.ids, tracer.integers([count, 1])]);
  const summed = tracer.emit(
    "ScatterElements",
    [
      tracer.fill(0, flat, type),
      tracer.emit("Expand", [column, tracer.integers([count, C])]),
      tracer.emit("Reshape", [tracer.nameOf(rows), tracer.integers([count, C])]),
    ],
    { axis: 0, reduction: "add" },
  );
  return tracer.result(tracer.emit("Reshape", [summed, tracer.integers(shape)]), shape, type);
}
