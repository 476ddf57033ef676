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

/** Up to this many first blocks a new block has their size; later ones double the room. */
const EQUAL_BLOCKS = 4;

/** Slots of the block to be added where there is `room`; the first has `slots`. */
export function blockSlots(room: number, slots: number): number {
  return room < EQUAL_BLOCKS * slots ? slots : room;
}

/** Keys and values of consecutive tokens, per layer `[U·R, K, C, D]`. */
interface Block {
  readonly keys: readonly NdArray[];
  readonly values: readonly NdArray[];
}

interface PromptCache {
  /** per layer `[U, K, P, D]` */
  readonly keys: readonly NdArray[];
  readonly values: readonly NdArray[];
  /** `[U, P]` */
  readonly mask: NdArray;
}

/** Cache of U prompts with R response rows each. It grows by blocks, so that no token is ever copied to make room. */
export class KvCache {
  /** Oldest first; all are full but the last. */
  readonly blocks: Block[] = [];
  /** `[C]` of the last block: 0 for filled slots, MASKED for empty ones. */
  slotMask: NdArray = zeros([0]);
  private filled = 0;
  private room = 0;

  private constructor(
    private readonly prompt: PromptCache,
    /** `[U·R, K, D]`, and the slots of the first block. */
    private readonly sizes: {
      readonly rows: number;
      readonly K: number;
      readonly D: number;
      readonly slots: number;
    },
  ) {}

  /** An empty cache for `responses` rows per prompt; the first block has `slots` tokens. */
  static create(
    prompt: PromptCache,
    config: DecoderSizes,
    { responses, slots }: { readonly responses: number; readonly slots: number },
  ): KvCache {
    const rows = (prompt.mask.shape[0] ?? 0) * responses;
    const cache = new KvCache(prompt, { rows, K: config.keyValueHeads, D: config.headSize, slots });
    cache.grow();
    return cache;
  }

  get promptKeys(): readonly NdArray[] {
    return this.prompt.keys;
  }

  get promptValues(): readonly NdArray[] {
    return this.prompt.values;
  }

  get promptMask(): NdArray {
    return this.prompt.mask;
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
    const { keys: keySlots, values: valueSlots } = this.blocks.at(-1) as Block;
    const slots = this.slotMask.data.length;
    const at = this.filled - (this.room - slots);
    keySlots.forEach((cache, layer) => {
      write(cache, keys[layer] as NdArray, at);
      write(valueSlots[layer] as NdArray, values[layer] as NdArray, at);
    });
    this.slotMask.data[at] = 0;
    this.filled++;
  }

  private grow(): void {
    const { rows, K, D, slots } = this.sizes;
    const more = blockSlots(this.room, slots);
    const empty = () => this.prompt.keys.map(() => zeros([rows, K, more, D]));
    this.blocks.push({ keys: empty(), values: empty() });
    this.room += more;
    this.slotMask = zeros([more]);
    this.slotMask.data.fill(MASKED);
  }

  /** The same tokens, keeping only these prompts and these rows of them. */
  keeping(units: readonly number[], rows: readonly number[]): KvCache {
    const { mask, keys, values } = this.prompt;
    const keepsAllUnits = units.length === mask.shape[0] && units.every((unit, at) => unit === at);
    const ofUnits = (source: NdArray) => (keepsAllUnits ? source : gatherBlocks(source, units));
    const prompt = { keys: keys.map(ofUnits), values: values.map(ofUnits), mask: ofUnits(mask) };
    const next = new KvCache(prompt, { ...this.sizes, rows: rows.length });
    const ofRows = (source: NdArray) => gatherBlocks(source, rows);
    next.blocks.push(
      ...this.blocks.map((block) => ({ keys: block.keys.map(ofRows), values: block.values.map(ofRows) })),
    );
    next.slotMask = { ...this.slotMask, data: this.slotMask.data.slice() };
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
