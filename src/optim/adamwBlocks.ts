/**
 * @module Clipping and AdamW on blocks of a device's memory, in place: `updateInPlace` where the memory is the host's; on
 * a card by kernels, one launch for all parameters that decay alike and stand together.
 */
import type { Card, KernelArgument } from "../compile/runtime/capi/card.js";
import { ADAMW_SOURCE, FOLD, SQUARES } from "../compile/runtime/capi/kernels/adamw.js";
import type { AddressSpace, Block, DeviceMemory } from "../compile/runtime/session.js";
import { CompileError } from "../core/errors.js";
import { type NdArray, type Params, sizeOf } from "../core/ndarray.js";
import { ADAMW_DEFAULTS } from "./adamw.js";
import {
  clipStep,
  type InPlaceResult,
  type InPlaceStep,
  stepNumbers,
  updateInPlace,
} from "./adamwInPlace.js";

/** Float32 blocks of the same parts. */
export type AdamWBlocks = Readonly<Record<"params" | "grads" | "first" | "second", Block>>;

const FLOAT = Float32Array.BYTES_PER_ELEMENT;
const DOUBLE = Float64Array.BYTES_PER_ELEMENT;
const THREADS = 256;
/** Of one multiprocessor: enough threads to keep its memory busy. */
const BLOCKS = 8;

const countOf = ({ blocks, threads }: { readonly blocks: number; readonly threads: number }) =>
  blocks * threads;

/** Room for partial sums: those of `squares`, then those of `fold`. */
export function scratchFor(memory: DeviceMemory): Block {
  const doubles = (count: number) => ({ dtype: "int32" as const, shape: [2 * count] });
  return memory.block({ partial: doubles(countOf(SQUARES)), sums: doubles(countOf(FOLD)) });
}

/** Σ x² over a block, gaps included. */
function sumOfSquares(card: Card, { address, bytes }: Block, scratch: Block): number {
  const partial = scratch.address();
  const sums = partial + BigInt(DOUBLE * countOf(SQUARES));
  card.kernel(ADAMW_SOURCE, "squares")(SQUARES, [address(), BigInt(bytes / FLOAT), partial]);
  card.kernel(ADAMW_SOURCE, "fold")(FOLD, [partial, BigInt(countOf(SQUARES)), sums]);
  const found = new Float64Array(new ArrayBuffer(DOUBLE * countOf(FOLD)));
  card.download(sums, found);
  return found.reduce((total, sum) => total + sum, 0);
}

/** Neighbours that decay alike, as bytes of the blocks; the gaps after them count. */
function ranges({ parts, bytes }: Block, { decays, weightDecay } = ADAMW_DEFAULTS) {
  const found: { start: number; end: number; readonly decay: number }[] = [];
  for (const [at, { name, shape, start }] of parts.entries()) {
    const decay = decays(name, shape) ? weightDecay : 0;
    const end = parts[at + 1]?.start ?? bytes;
    const last = found.at(-1);
    if (last?.decay === decay) last.end = end;
    else found.push({ start, end, decay });
  }
  return found.filter(({ start, end }) => end > start);
}

function updateOnCard(
  card: Card,
  { params, grads, first, second }: AdamWBlocks,
  scratch: Block,
  { maxGradNorm, options = ADAMW_DEFAULTS, ...step }: InPlaceStep,
): InPlaceResult {
  const { norm, isApplied, factor } = clipStep(sumOfSquares(card, grads, scratch), maxGradNorm);
  if (!isApplied) return { norm, isApplied };
  const adamw = card.kernel(ADAMW_SOURCE, "adamw");
  for (const { start, end, decay } of ranges(params, options)) {
    const count = (end - start) / FLOAT;
    const { clip, b1, rest1, b2, rest2, ...last } = stepNumbers(step, options, { factor, decay });
    const numbers = [clip, b1, rest1, b2, rest2, last.rate, last.root2, last.eps, last.kept];
    const args: KernelArgument[] = [
      ...[params, grads, first, second].map((block) => block.address() + BigInt(start)),
      BigInt(count),
      ...numbers.map((float32) => ({ float32 })),
    ];
    const blocks = Math.min(Math.ceil(count / THREADS), BLOCKS * card.multiprocessors);
    adamw({ blocks, threads: THREADS }, args);
  }
  card.synchronize();
  return { norm, isApplied };
}

/** A block's numbers as host arrays, where the memory is the host's. */
function viewOf({ address, parts }: Block, view: NonNullable<AddressSpace["view"]>): Params {
  const arrays = parts.map(({ name, shape, start }): [string, NdArray] => {
    return [name, { dtype: "float32", shape, data: view(address() + BigInt(start), sizeOf(shape)) }];
  });
  return Object.fromEntries(arrays);
}

/**
 * One step. Where the gradients' norm is not finite, everything stays as it is.
 * @param memory what the blocks were made in
 * @param scratch from `scratchFor`
 */
export function updateBlocks(
  { card, view }: AddressSpace,
  blocks: AdamWBlocks,
  scratch: Block,
  at: InPlaceStep,
): InPlaceResult {
  if (card) return updateOnCard(card, blocks, scratch, at);
  if (!view) throw new CompileError("adamw: memory that neither a card nor the host computes on");
  const { params, grads, first, second } = blocks;
  const moments = { first: viewOf(first, view), second: viewOf(second, view) };
  return updateInPlace(viewOf(params, view), viewOf(grads, view), moments, at);
}
