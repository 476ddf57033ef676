/**
 * @module Kernels that read or write by index.
 */
import { ONNX_TYPE_CODE } from "../onnxWriter.js";
import type { TracedType } from "../tracer.js";
import { castTo, type KernelTable, number, numbers, positiveAxis, typeOf, unsupported } from "./kernel.js";

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
    const { tracer } = call;
    const [x, ids] = [call.input("x"), call.input("segmentIds")];
    if (ids.shape.length !== 1) unsupported("unsortedSegmentSum", "segment ids of more than one axis");
    const shape = [number(call, "numSegments"), ...x.shape.slice(1)];
    const column = tracer.emit("Reshape", [
      castTo(call, ids, "int64"),
      tracer.integers([ids.shape[0] as number, 1]),
    ]);
    const base = tracer.fill(0, shape, typeOf(x));
    const summed = tracer.emit("ScatterND", [base, column, tracer.nameOf(x)], { reduction: "add" });
    return tracer.result(summed, shape, typeOf(x));
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
    const updates = call.input("updates");
    const shape = numbers(call, "shape");
    const base = tracer.fill(0, shape, typeOf(updates));
    const inputs = [base, castTo(call, call.input("indices"), "int64"), tracer.nameOf(updates)];
    return tracer.result(tracer.emit("ScatterND", inputs, { reduction: "add" }), shape, typeOf(updates));
  },
};
