/**
 * @module Response tokens in chunks of rows, so that their scores `[N, V]` are never held whole: a chunk's are computed,
 * read and dropped, and computed once more for the gradient, which costs a third of the head's products. Where all of
 * them are few there is one chunk, and nothing is computed twice. The gradient of the head's weights, `[V, hidden]`, is there
 * once more meanwhile, so that chunks save memory from about twice as many rows as the head is wide.
 *
 * A runtime may run what does not depend on each other in any order, and would have all chunks at once; and of equal
 * nodes it runs one, and would keep the first pass for the gradient. So every chunk waits for the one before it, and in
 * the gradient for that of its result: a zero is added to its rows that is made of these.
 */
import { vjp } from "../../compile/grad.js";
import { type Tensor, type TensorParams, tf } from "../../core/tf.js";
import { zip } from "../../core/zip.js";

/** Numbers of `[rows, V]` that are held at once: a gigabyte in float32. */
export const HELD_SCORES = 2 ** 28;

/** Rows of each chunk, as even as can be: `held` numbers at most, but at least one row. */
export function chunkSizes(rows: number, columns: number, held: number = HELD_SCORES): number[] {
  const chunks = Math.max(1, Math.ceil(rows / Math.max(1, Math.floor(held / columns))));
  const end = (chunk: number) => Math.floor((chunk * rows) / chunks);
  return Array.from({ length: chunks }, (_, chunk) => end(chunk + 1) - end(chunk));
}

/** 0 once the values are there, whatever they are. */
function zeroAfter(...values: Tensor[]): Tensor {
  const zeros = values.map((value) => {
    const first = tf.slice(tf.reshape(value, [-1]), 0, 1);
    return tf.cast(tf.greater(tf.reshape(first, []), Number.POSITIVE_INFINITY), "float32");
  });
  return zeros.reduce((sum, zero) => tf.add(sum, zero));
}

/** A chunk that waits for what a zero is made of. */
const late = (chunk: readonly Tensor[], zero: Tensor): Tensor[] =>
  chunk.map((part) => (part.dtype === "float32" ? tf.add(part, zero) : part));

type OfChunk = (chunk: readonly Tensor[], shared: Tensor) => Tensor;

/** @returns like `f`, of all rows; `[N, …]` */
function chunked(f: OfChunk, sizes: readonly number[]) {
  const cut = (rows: readonly Tensor[]) => {
    const parts = rows.map((all) => tf.split(all, [...sizes]));
    return sizes.map((_, chunk) => parts.map((part) => part[chunk] as Tensor));
  };
  const forward = (rows: readonly Tensor[], shared: Tensor): Tensor => {
    let zero: Tensor = tf.scalar(0);
    const values = cut(rows).map((chunk) => {
      const value = f(late(chunk, zero), shared);
      zero = zeroAfter(value);
      return value;
    });
    return tf.concat(values);
  };
  const backward = (dy: Tensor, rows: readonly Tensor[], shared: Tensor): Tensor[] => {
    let zero = zeroAfter(dy);
    let sum: Tensor | undefined;
    const ofChunk = vjp(([chunk, each]: [Tensor[], Tensor]) => f(chunk, each));
    const grads = zip(cut(rows), tf.split(dy, [...sizes])).map(([chunk, d]) => {
      const [ofRows, ofShared] = ofChunk([late(chunk, zero), shared], d).grads;
      sum = sum ? tf.add(sum, ofShared) : ofShared;
      zero = zeroAfter(sum, ...ofRows.filter(({ dtype }) => dtype === "float32"));
      return ofRows;
    });
    return [...rows.map((_, at) => tf.concat(grads.map((each) => each[at] as Tensor))), sum as Tensor];
  };
  return tf.customGrad((...given) => {
    const tensors = given.slice(0, -1) as Tensor[];
    (given.at(-1) as tf.GradSaveFunc)(tensors);
    const split = (all: readonly Tensor[]) => [all.slice(0, -1), all.at(-1) as Tensor] as const;
    return { value: forward(...split(tensors)), gradFunc: (dy, saved) => backward(dy, ...split(saved)) };
  });
}

/**
 * @param sizes rows of each chunk
 * @param rows `[N, …]` each, by name; `shared` is what all of them read. Gradients are taken of float32 ones
 * @param numbers of a chunk, `[rows]` each, by the same names in every chunk
 * @returns `[N]` each; their gradients are those of one chunk of all rows
 */
export function inChunks<Rows extends TensorParams, Numbers extends TensorParams>(
  sizes: readonly number[],
  { rows, shared }: { readonly rows: Rows; readonly shared: Tensor },
  numbers: (rows: Rows, shared: Tensor) => Numbers,
): Numbers {
  if (sizes.length === 1) return numbers(rows, shared);
  let names: string[] = [];
  const stacked: OfChunk = (chunk, each) => {
    const named = Object.fromEntries(zip(Object.keys(rows), chunk)) as Rows;
    const found = numbers(named, each);
    names = Object.keys(found);
    return tf.stack(Object.values(found), 1);
  };
  const all = chunked(stacked, sizes)(...Object.values(rows), shared);
  const column = (at: number) => tf.reshape(tf.slice(all, [0, at], [-1, 1]), [-1]);
  return Object.fromEntries(names.map((name, at) => [name, column(at)])) as Numbers;
}
