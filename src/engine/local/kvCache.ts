/**
 * @module Keys and values of the responses in progress, on the host: read by the decode graph, written between steps.
 */
import { type NdArray, zeros } from "../../core/ndarray.js";
import type { DecoderSizes } from "../../model/modelConfig.js";
import { MASKED } from "../../model/transformer/prefix.js";

/** New array whose block b is block `indices[b]` of `source`; blocks are along the first axis. */
export function gatherBlocks(source: NdArray, indices: readonly number[]): NdArray {
  const [blocks = 1, ...rest] = source.shape;
  const block = source.data.length / blocks;
  const gathered = zeros([indices.length, ...rest], source.dtype);
  indices.forEach((from, to) => {
    gathered.data.set(source.data.subarray(from * block, (from + 1) * block), to * block);
  });
  return gathered;
}

/** The room for tokens grows so many times by as much as it began with, then doubles. */
const EQUAL_GROWTHS = 4;

/** Slots to be added where there is `room`; the first are `slots`. */
export function moreSlots(room: number, slots: number): number {
  return room < EQUAL_GROWTHS * slots ? slots : room;
}

/** `source` `[rows, K, C, D]` with `more` slots of zeros after the C. */
function withMoreSlots(source: NdArray, more: number): NdArray {
  const [rows, K, C, D] = source.shape as [number, number, number, number];
  const roomy = zeros([rows, K, C + more, D]);
  for (let from = 0, to = 0; to < roomy.data.length; from += C * D, to += (C + more) * D) {
    roomy.data.set(source.data.subarray(from, from + C * D), to);
  }
  return roomy;
}

/** `mask` `[rows, C]` with `more` empty slots after the C. */
export function withEmptySlots(mask: NdArray, more: number): NdArray {
  const [rows, C] = mask.shape as [number, number];
  const roomy = zeros([rows, C + more]);
  roomy.data.fill(MASKED);
  for (let row = 0; row < rows; row++) {
    roomy.data.set(mask.data.subarray(row * C, (row + 1) * C), row * (C + more));
  }
  return roomy;
}

/** Opens a slot of every row of `mask` `[rows, C]`. */
export function openSlot({ data, shape }: NdArray, slot: number): void {
  for (let at = slot; at < data.length; at += shape[1] as number) data[at] = 0;
}

/** Keys and values, and which of them are tokens' (0) and which are not (MASKED). */
export interface Slots {
  /** per layer `[rows, K, C, D]` */
  readonly keys: readonly NdArray[];
  readonly values: readonly NdArray[];
  /** `[rows, C]`, or `[1, C]` for all rows */
  readonly mask: NdArray;
}

/** Only these rows of keys and values, in this order. */
function gathered({ keys, values }: Pick<Slots, "keys" | "values">, rows: readonly number[]) {
  const ofRows = (source: NdArray) => gatherBlocks(source, rows);
  return { keys: keys.map(ofRows), values: values.map(ofRows) };
}

/** Whether `kept` are all of `count` prompts, in their order. */
export function keepsAll(kept: readonly number[], count: number): boolean {
  return kept.length === count && kept.every((unit, at) => unit === at);
}

/** Only these prompts, in this order. */
function keptPrompts(prompt: Slots, units: readonly number[]): Slots {
  const { mask } = prompt;
  if (keepsAll(units, mask.shape[0] as number)) return prompt;
  return { ...gathered(prompt, units), mask: gatherBlocks(mask, units) };
}

/** Cache of U prompts with R response rows each. A prompt that one row alone reads lies in the row's own slots. */
export class KvCache {
  /** per layer `[U·R, K, C, D]` */
  readonly keys: NdArray[];
  readonly values: NdArray[];
  /** `[U·R, C]`, or `[1, C]` for all rows: 0 for tokens, MASKED for padding and empty slots */
  mask: NdArray;
  /** Response tokens per row, and the slots there are for them. */
  private filled = 0;
  private room = 0;

  private constructor(
    /** `[U, …]`: what all rows of a prompt read. */
    readonly prompt: Slots | undefined,
    own: Slots,
    /** The room to begin with. */
    private readonly slots: number,
  ) {
    this.keys = [...own.keys];
    this.values = [...own.values];
    this.mask = own.mask;
  }

  /**
   * An empty cache for `responses` rows per prompt; `slots` tokens per row find room before it grows.
   * @param prompt per layer `[U, K, P, D]`; mask `[U, P]`
   */
  static create(
    prompt: Slots,
    config: DecoderSizes,
    { responses, slots }: { readonly responses: number; readonly slots: number },
  ): KvCache {
    const empty = () => {
      const rows = (prompt.mask.shape[0] as number) * responses;
      const none = prompt.keys.map(() => zeros([rows, config.keyValueHeads, 0, config.headSize]));
      return { keys: none, values: none, mask: zeros([1, 0]) };
    };
    const isAlone = responses === 1;
    const cache = new KvCache(isAlone ? undefined : prompt, isAlone ? prompt : empty(), slots);
    cache.grow();
    return cache;
  }

  /** Response tokens per row. */
  get length(): number {
    return this.filled;
  }

  /**
   * Appends one token per row.
   * @param keys per layer `[U·R, K, D]`
   */
  append(keys: readonly NdArray[], values: readonly NdArray[]): void {
    if (this.filled === this.room) this.grow();
    const at = (this.mask.shape[1] as number) - this.room + this.filled;
    this.keys.forEach((cache, layer) => {
      write(cache, keys[layer] as NdArray, at);
      write(this.values[layer] as NdArray, values[layer] as NdArray, at);
    });
    openSlot(this.mask, at);
    this.filled++;
  }

  private grow(): void {
    const more = moreSlots(this.room, this.slots);
    // One by one: the old ones are not all there beside the new.
    for (const arrays of [this.keys, this.values]) {
      for (const [layer, each] of arrays.entries()) arrays[layer] = withMoreSlots(each, more);
    }
    this.mask = withEmptySlots(this.mask, more);
    this.room += more;
  }

  /** The same tokens, keeping only these prompts and these rows of them. */
  keeping(units: readonly number[], rows: readonly number[]): KvCache {
    const { prompt } = this;
    // Beside shared prompts there is one mask for all rows.
    const mask = gatherBlocks(this.mask, prompt ? [0] : rows);
    const kept = prompt && keptPrompts(prompt, units);
    const next = new KvCache(kept, { ...gathered(this, rows), mask }, this.slots);
    next.filled = this.filled;
    next.room = this.room;
    return next;
  }
}

/** Puts `fresh` `[rows, K, D]` into slot `slot` of `cache` `[rows, K, C, D]`. */
function write(cache: NdArray, fresh: NdArray, slot: number): void {
  const [rows, K, C, D] = cache.shape as [number, number, number, number];
  const to = cache.data;
  const from = fresh.data;
  let read = 0;
  // Plain loops: for short heads they are several times faster than `set(subarray)`.
  for (let row = 0, at = slot * D; row < rows * K; row++, at += C * D) {
    for (let d = 0; d < D; d++) to[at + d] = from[read++] as number;
  }
}
