/**
 * @module Kernels that read or write by index.
 */
import { sizeOf } from "../../core/ndarray.js";
import type { Traced, TracedType } from "../tracer.js";
import {
  type Call,
  cast,
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
    const axis = positiveAxis(number(call, "axis") ?? 0, x.shape.length);
    const batch = positiveAxis(number(call, "batchDims") ?? 0, indices.shape.length);
    if (batch > 0) {
      if (batch !== axis) unsupported("gather", "batchDims that is not the axis");
      const column = tracer.integers([...indices.shape, 1]);
      const positions = tracer.emit("Reshape", [castTo(call, indices, "int64"), column]);
      const picked = tracer.emit("GatherND", [tracer.nameOf(x), positions], { batch_dims: batch });
      return tracer.result(picked, [...indices.shape, ...x.shape.slice(axis + 1)], typeOf(x));
    }
    const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
    const gathered = tracer.emit("Gather", [tracer.nameOf(x), castTo(call, indices, "int32")], { axis });
    return tracer.result(gathered, shape, typeOf(x));
  },
  /** The gradient of gather: rows are added where their index says. */
  UnsortedSegmentSum: (call) => {
    const [x, ids] = [call.input("x"), call.input("segmentIds")];
    if (ids.shape.length !== 1) unsupported("unsortedSegmentSum", "segment ids of more than one axis");
    const shape = [number(call, "numSegments"), ...x.shape.slice(1)];
    return scatterAdd(call, { rows: x, ids: castTo(call, ids, "int32"), shape, depth: 1 });
  },
  OneHot: (call) => {
    // Compared with 0 … depth − 1: ONNX's own OneHot counts negative indices from the end.
    const { tracer } = call;
    const indices = call.input("indices");
    const depth = number(call, "depth");
    const type = (call.attrs["dtype"] ?? "float32") as TracedType;
    const column = tracer.integers([...indices.shape, 1]);
    const compared = tracer.emit("Reshape", [castTo(call, indices, "int32"), column]);
    const places = tracer.constant(
      Array.from({ length: depth }, (_, at) => at),
      [depth],
      "int32",
    );
    const isHot = tracer.emit("Equal", [compared, places]);
    const shape = [...indices.shape, depth];
    const [on, off] = [number(call, "onValue"), number(call, "offValue")];
    if (on === 1 && off === 0) return tracer.result(cast(call, isHot, type), shape, type);
    const values = [on, off].map((value) => tracer.constant([value], [], type));
    return tracer.result(tracer.emit("Where", [isHot, ...values]), shape, type);
  },
  GatherNd: (call) => {
    const { tracer } = call;
    const [x, indices] = [call.input("params"), call.input("indices")];
    const depth = indices.shape.at(-1) as number;
    const shape = [...indices.shape.slice(0, -1), ...x.shape.slice(depth)];
    const gathered = tracer.emit("GatherND", [tracer.nameOf(x), castTo(call, indices, "int64")]);
    return tracer.result(gathered, shape, typeOf(x));
  },
  /** Each place once: of several updates for one, any may stay. */
  TensorScatterUpdate: (call) => {
    const { tracer } = call;
    const [x, indices] = [call.input("tensor"), call.input("indices")];
    const names = [tracer.nameOf(x), castTo(call, indices, "int64"), call.name("updates")];
    return tracer.result(tracer.emit("ScatterND", names), x.shape, typeOf(x));
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
    /** graph name, int32 or int64, one for each row */
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
  if (count === 0) return tracer.result(tracer.fill(0, shape, type), shape, type);
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
