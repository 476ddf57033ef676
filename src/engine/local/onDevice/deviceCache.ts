/**
 * @module Keys and values of responses in progress, in memory of a device: `KvCache` without a copy to or from the host.
 */
import type { KernelQueue } from "../../../compile/runtime/deviceKernel.js";
import type { Block, DeviceArray, DeviceMemory } from "../../../compile/runtime/session.js";
import { type NdArray, ndarray, sizeOf, zeros } from "../../../core/ndarray.js";
import { gatherBlocks, keepsAll, moreSlots, openSlot, withEmptySlots } from "../kvCache.js";
import { APPEND_SLOT, GATHER_ROWS } from "./cacheKernels.js";

const THREADS = 256;
const MOST_BLOCKS = 4096;

const over = (work: number) => ({
  blocks: Math.min(MOST_BLOCKS, Math.max(1, Math.ceil(work / THREADS))),
  threads: THREADS,
});

/** Memory of a device and the kernels on it. */
export interface Device {
  readonly memory: DeviceMemory;
  readonly kernels: KernelQueue;
}

/** A block of `count` float32 arrays of one shape. */
export function alike(memory: DeviceMemory, count: number, shape: readonly number[]): Block {
  const kinds = Array.from({ length: count }, (_, at) => [at, { dtype: "float32", shape }] as const);
  return memory.block(Object.fromEntries(kinds));
}

/** From one array of a block of like ones to the next, in 32-bit words. */
const strideOf = ({ parts, bytes }: Block): number => (parts[1]?.start ?? bytes) / 4;

/** How a block's rows move into a new one. */
interface Move {
  /** Rows of the old block, in the new order. */
  readonly indices: readonly number[];
  /** 32-bit words of a row of the old block; the new one may have more, zeros. */
  readonly words: number;
  /** Of the new block's arrays. */
  readonly shape: readonly number[];
}

/** A block with these rows of every array; the old one is freed. */
function moved({ memory, kernels }: Device, block: Block, { indices, words, shape }: Move): Block {
  const parts = block.parts.length;
  const count = indices.length;
  const made = alike(memory, parts, shape);
  const wanted = ndarray(indices, [count], "int32");
  const rows = memory.block({ wanted });
  rows.write({ wanted });
  kernels.launch(GATHER_ROWS, over(parts * count * words), {
    ...{ to: made.address(), toStride: strideOf(made), toWords: sizeOf(shape) / count },
    ...{ from: block.address(), fromStride: strideOf(block), words },
    ...{ indices: rows.address(), parts, count },
  });
  kernels.synchronize();
  rows.dispose();
  block.dispose();
  return made;
}

/** A block with only these rows of every array, in this order; the old one is freed. */
function gathered(device: Device, block: Block, indices: readonly number[]): Block {
  const [, ...rest] = only(block).shape;
  return moved(device, block, { indices, words: sizeOf(rest), shape: [indices.length, ...rest] });
}

/** A block of `[rows, K, C + more, D]` for one of `[rows, K, C, D]`, which is freed. */
function withMoreSlots(device: Device, block: Block, more: number): Block {
  const [rows, K, C, D] = only(block).shape as [number, number, number, number];
  const indices = [...Array(rows * K).keys()];
  return moved(device, block, { indices, words: C * D, shape: [rows, K, C + more, D] });
}

/** What was read of prompts. */
export interface DevicePrompt {
  /** `2·layers` of `[U, K, P, D]`: keys, then values, of every layer. */
  readonly keysAndValues: Block;
  /** `[U, P]` */
  readonly mask: NdArray;
}

/** A prompt that several rows read, its mask a block, too. */
type SharedPrompt = Readonly<Record<"keysAndValues" | "mask", Block>>;

/** The first half of a block's arrays, and the second. */
export function halvesOf(block: Block): { keys: readonly DeviceArray[]; values: readonly DeviceArray[] } {
  const arrays = Object.values(block.arrays);
  return { keys: arrays.slice(0, arrays.length / 2), values: arrays.slice(arrays.length / 2) };
}

/** The one array of a block. */
export const only = ({ arrays }: Block): DeviceArray => Object.values(arrays)[0] as DeviceArray;

/** The part of these prompts; the rest is freed. */
function keptPrompts(device: Device, prompt: SharedPrompt, units: readonly number[]): SharedPrompt {
  const { mask, keysAndValues } = prompt;
  if (keepsAll(units, only(mask).shape[0] as number)) return prompt;
  return { mask: gathered(device, mask, units), keysAndValues: gathered(device, keysAndValues, units) };
}

/** Keys and values in a cache, and which slots are tokens'. */
interface Held {
  readonly prompt?: SharedPrompt;
  /** `2·layers` of `[rows, K, C, D]` */
  readonly own: Block;
  /** `[rows, C]`, or `[1, C]` for all rows */
  readonly mask: NdArray;
}

/** Prompts that several rows read stay apart; one that a row has alone lies in the row's own slots. */
function startOf(
  device: Device,
  { keysAndValues, mask }: DevicePrompt,
  { responses, slots }: { readonly responses: number; readonly slots: number },
): Held {
  if (responses === 1) {
    return { own: withMoreSlots(device, keysAndValues, slots), mask: withEmptySlots(mask, slots) };
  }
  const { memory } = device;
  const [U = 0, K = 0, , D = 0] = only(keysAndValues).shape;
  const masks = memory.block({ mask });
  masks.write({ mask });
  return {
    prompt: { keysAndValues, mask: masks },
    own: alike(memory, keysAndValues.parts.length, [U * responses, K, slots, D]),
    mask: withEmptySlots(zeros([1, 0]), slots),
  };
}

/** A cache of `responses` rows under each prompt, which it takes over; it has room for `slots` tokens before it grows. */
export function deviceCache(
  device: Device,
  start: DevicePrompt,
  options: { readonly responses: number; readonly slots: number },
) {
  const { kernels } = device;
  let { prompt, own, mask } = startOf(device, start, options);
  let [filled, room] = [0, options.slots];
  const grow = () => {
    const more = moreSlots(room, options.slots);
    own = withMoreSlots(device, own, more);
    mask = withEmptySlots(mask, more);
    room += more;
  };
  return {
    /** Response tokens per row. */
    length: () => filled,
    /** What the decode graph reads, but for the mask of slots. */
    inputs() {
      if (!prompt) return halvesOf(own);
      return { ...halvesOf(own), prompt: { ...halvesOf(prompt.keysAndValues), mask: only(prompt.mask) } };
    },
    /** `[rows, C]`, or `[1, C]` for all rows: 0 for tokens, MASKED for padding and empty slots. */
    mask: () => mask,
    /**
     * Appends one token per row.
     * @param fresh `2·layers` of `[rows, K, D]`
     * @returns whether the arrays are others now
     */
    append(fresh: Block): boolean {
      const isFull = filled === room;
      if (isFull) grow();
      const [rows, K, C, D] = only(own).shape as [number, number, number, number];
      const slot = C - room + filled;
      kernels.launch(APPEND_SLOT, over(own.parts.length * rows * K * D), {
        ...{ cache: own.address(), cacheStride: strideOf(own) },
        ...{ fresh: fresh.address(), freshStride: strideOf(fresh) },
        ...{ parts: own.parts.length, rows: rows * K, slots: C, words: D, slot },
      });
      openSlot(mask, slot);
      filled++;
      return isFull;
    },
    /** Keeps only these prompts and these rows. */
    keep(units: readonly number[], rows: readonly number[]) {
      if (prompt) prompt = keptPrompts(device, prompt, units);
      else mask = gatherBlocks(mask, rows);
      own = gathered(device, own, rows);
    },
    dispose() {
      for (const block of [own, ...Object.values(prompt ?? {})]) block.dispose();
    },
  };
}
