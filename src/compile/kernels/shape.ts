/**
 * @module Kernels that move numbers: reshape, transpose, slice, pad, join, split, tile.
 */

import { sizeOf } from "../../core/ndarray.js";
import { tf } from "../../core/tf.js";
import type { Traced, TracedType } from "../tracer.js";
import {
  type Call,
  type Input,
  type Kernel,
  type KernelTable,
  number,
  numbers,
  positiveAxis,
  typeOf,
} from "./kernel.js";

const product = (shape: readonly number[]): number => sizeOf(shape);

/** The same numbers in another shape. */
function reshaped(call: Call, x: Input, shape: readonly number[]): Traced {
  const { tracer } = call;
  return tracer.result(tracer.emit("Reshape", [tracer.nameOf(x), tracer.integers(shape)]), shape, typeOf(x));
}

/** Rows `begin` … `end` of every axis by `steps`. */
function sliced(
  call: Call,
  x: Input,
  at: { begin: number[]; end: number[]; steps?: number[] },
  shape: number[],
): Traced {
  const { tracer } = call;
  const axes = x.shape.map((_, axis) => axis);
  const kept = axes.filter((axis) => {
    const isWhole = at.begin[axis] === 0 && at.end[axis] === x.shape[axis];
    return !isWhole || (at.steps?.[axis] ?? 1) !== 1;
  });
  const pick = (values: readonly number[]) => tracer.integers(kept.map((axis) => values[axis] as number));
  if (kept.length === 0) return tracer.result(tracer.emit("Identity", [tracer.nameOf(x)]), shape, typeOf(x));
  const inputs = [tracer.nameOf(x), pick(at.begin), pick(at.end), tracer.integers(kept)];
  if (at.steps) inputs.push(pick(at.steps));
  return tracer.result(tracer.emit("Slice", inputs), shape, typeOf(x));
}

const concat: Kernel = (call) => {
  const { tracer, inputs } = call;
  const [first] = inputs as [Input, ...Input[]];
  const axis = positiveAxis(number(call, "axis"), first.shape.length);
  const shape = tf.backend_util.computeOutShape(
    inputs.map((each) => each.shape),
    axis,
  );
  const full = inputs.filter((each) => product(each.shape) > 0);
  if (full.length === 0) return tracer.result(tracer.fill(0, shape, typeOf(first)), shape, typeOf(first));
  const names = full.map((each) => tracer.nameOf(each));
  return tracer.result(tracer.emit("Concat", names, { axis }), shape, typeOf(first));
};

const stridedSlice: Kernel = (call) => {
  const x = call.input("x");
  const { begin, end, strides } = call.attrs as { begin: number[]; end: number[]; strides: number[] };
  const masks = ["beginMask", "endMask", "ellipsisMask", "newAxisMask", "shrinkAxisMask"].map((name) =>
    number(call, name),
  );
  const info = tf.slice_util.sliceInfo(
    x.shape,
    begin,
    end,
    strides,
    ...(masks as [number, number, number, number, number]),
  );
  const { begin: from, end: to, strides: steps, finalShape } = info;
  const isEmpty = finalShape.some((side) => side === 0);
  if (isEmpty) return call.tracer.result(call.tracer.fill(0, finalShape, typeOf(x)), finalShape, typeOf(x));
  // A negative stride that runs through row 0 ends at −1, which a graph reads as "the last row".
  const ends = to.map((each, axis) =>
    (steps[axis] as number) < 0 && each < 0 ? Number.MIN_SAFE_INTEGER : each,
  );
  const kept = to.map((each, axis) => Math.ceil((each - (from[axis] as number)) / (steps[axis] as number)));
  const picked = sliced(call, x, { begin: from, end: ends, steps }, kept);
  return reshaped(call, picked, finalShape);
};

const pack: Kernel = (call) => {
  const { tracer, inputs } = call;
  const [first] = inputs as [Input, ...Input[]];
  const axis = positiveAxis(number(call, "axis"), first.shape.length + 1);
  const expanded = [...first.shape.slice(0, axis), 1, ...first.shape.slice(axis)];
  const names = inputs.map((each) => tracer.nameOf(reshaped(call, each, expanded)));
  const shape = expanded.map((side, at) => (at === axis ? inputs.length : side));
  return tracer.result(tracer.emit("Concat", names, { axis }), shape, typeOf(first));
};

const unpack: Kernel = (call) => {
  const x = call.input("value");
  const axis = positiveAxis(number(call, "axis"), x.shape.length);
  const shape = x.shape.filter((_, at) => at !== axis);
  return Array.from({ length: x.shape[axis] as number }, (_, at) => {
    const begin = x.shape.map((_side, each) => (each === axis ? at : 0));
    const end = x.shape.map((side, each) => (each === axis ? at + 1 : side));
    const kept = x.shape.map((side, each) => (each === axis ? 1 : side));
    return reshaped(call, sliced(call, x, { begin, end }, kept), shape);
  });
};

const splitV: Kernel = (call) => {
  const { tracer } = call;
  const x = call.input("x");
  const axis = positiveAxis(number(call, "axis"), x.shape.length);
  const sizes = tf.backend_util.prepareSplitSize(
    x as tf.Tensor,
    call.attrs["numOrSizeSplits"] as number | number[],
    axis,
  );
  const outputs = tracer.emitMany("Split", [tracer.nameOf(x), tracer.integers(sizes)], sizes.length, {
    axis,
  });
  return outputs.map((name, at) => {
    const shape = x.shape.map((side, each) => (each === axis ? (sizes[at] as number) : side));
    return tracer.result(name, shape, typeOf(x));
  });
};

const padV2: Kernel = (call) => {
  const { tracer } = call;
  const x = call.input("x");
  const paddings = call.attrs["paddings"] as [number, number][];
  const shape = x.shape.map((side, axis) => side + (paddings[axis]?.[0] ?? 0) + (paddings[axis]?.[1] ?? 0));
  const value = number(call, "constantValue") ?? 0;
  if (product(x.shape) === 0) return tracer.result(tracer.fill(value, shape, typeOf(x)), shape, typeOf(x));
  const pads = tracer.integers([
    ...paddings.map(([before]) => before),
    ...paddings.map(([, after]) => after),
  ]);
  const padded = tracer.emit("Pad", [tracer.nameOf(x), pads, tracer.constant([value], [], typeOf(x))], {
    mode: "constant",
  });
  return tracer.result(padded, shape, typeOf(x));
};

export const SHAPE: KernelTable = {
  Reshape: (call) => {
    const x = call.input("x");
    const wanted = numbers(call, "shape");
    const known = product(wanted.filter((side) => side !== -1));
    const size = product(x.shape);
    return reshaped(
      call,
      x,
      wanted.map((side) => (side === -1 ? size / known : side)),
    );
  },
  ExpandDims: (call) => {
    const x = call.input("input");
    const dim = positiveAxis(number(call, "dim"), x.shape.length + 1);
    return reshaped(call, x, [...x.shape.slice(0, dim), 1, ...x.shape.slice(dim)]);
  },
  Transpose: (call) => {
    const { tracer } = call;
    const x = call.input("x");
    const perm = numbers(call, "perm");
    const shape = perm.map((axis) => x.shape[axis] as number);
    return tracer.result(tracer.emit("Transpose", [tracer.nameOf(x)], { perm }), shape, typeOf(x));
  },
  Concat: concat,
  Slice: (call) => {
    const x = call.input("x");
    const given = call.attrs as { begin: number | number[]; size?: number | number[] };
    const parsed = tf.slice_util.parseSliceParams(x, given.begin, given.size);
    const [begin, size] = parsed as [number[], number[]];
    const end = begin.map((from, axis) => from + (size[axis] as number));
    if (product(size) === 0) return call.tracer.result(call.tracer.fill(0, size, typeOf(x)), size, typeOf(x));
    return sliced(call, x, { begin, end }, size);
  },
  StridedSlice: stridedSlice,
  PadV2: padV2,
  Tile: (call) => {
    const { tracer } = call;
    const x = call.input("x");
    const reps = numbers(call, "reps");
    const shape = x.shape.map((side, axis) => side * (reps[axis] as number));
    const isBroadcast = x.shape.every((side, axis) => side === 1 || reps[axis] === 1);
    const repeated = isBroadcast
      ? tracer.emit("Expand", [tracer.nameOf(x), tracer.integers(shape)])
      : tracer.emit("Tile", [tracer.nameOf(x), tracer.integers(reps)]);
    return tracer.result(repeated, shape, typeOf(x));
  },
  Pack: pack,
  Unpack: unpack,
  SplitV: splitV,
  Reverse: (call) => {
    const x = call.input("x");
    const axes = tf.util.parseAxisParam((call.attrs["dims"] ?? null) as number[], x.shape);
    const begin = x.shape.map((side, axis) => (axes.includes(axis) ? side - 1 : 0));
    const end = x.shape.map((side, axis) => (axes.includes(axis) ? Number.MIN_SAFE_INTEGER : side));
    const steps = x.shape.map((_, axis) => (axes.includes(axis) ? -1 : 1));
    return axes.length === 0 ? reshaped(call, x, x.shape) : sliced(call, x, { begin, end, steps }, x.shape);
  },
  BroadcastTo: (call) => {
    const { tracer } = call;
    const x = call.input("x");
    const shape = numbers(call, "shape");
    return tracer.result(tracer.emit("Expand", [tracer.nameOf(x), tracer.integers(shape)]), shape, typeOf(x));
  },
  LinSpace: (call) => {
    const { start, stop, num } = call.attrs as { start: number; stop: number; num: number };
    const values = Array.from(
      { length: num },
      (_, at) => start + (at * (stop - start)) / Math.max(1, num - 1),
    );
    return call.tracer.result(call.tracer.constant(values, [num], "float32"), [num], "float32");
  },
  Range: (call) => {
    const { start, stop, dtype, ...given } = call.attrs as {
      start: number;
      stop: number;
      step: number;
      dtype?: TracedType;
    };
    // TensorFlow.js counts backwards where no step is given and the end lies before the start.
    const step = stop < start && given.step === 1 ? -1 : given.step;
    const count = Math.max(0, Math.ceil((stop - start) / step));
    const values = Array.from({ length: count }, (_, at) => start + at * step);
    const type = dtype ?? "float32";
    return call.tracer.result(call.tracer.constant(values, [count], type), [count], type);
  },
};
