/**
 * @module Keys and values of the responses in progress, on the host: read by the decode graph, written between steps.
 */
import { type NdArray, zeros } from "../core/ndarray.js";
import type { ModelConfig } from "../model/qwen25vl/config.js";
import { MASKED } from "../model/qwen25vl/prefix.js";

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

/** Cache of U prompts with R response rows each. */
export class KvCache {
  private filled = 0;
  readonly slotMask: NdArray;

  private constructor(
    /** per layer `[U, K, P, D]` */
    readonly promptKeys: readonly NdArray[],
    readonly promptValues: readonly NdArray[],
    /** `[U, P]` */
    readonly promptMask: NdArray,
    /** per layer `[U·R, K, C, D]` */
    readonly keys: readonly NdArray[],
    readonly values: readonly NdArray[],
  ) {
    const slots = keys[0]?.shape[2] ?? 0;
    this.slotMask = zeros([slots]);
    this.slotMask.data.fill(MASKED);
  }

  /** An empty cache for `responses` rows per prompt and `slots` response tokens. */
  static create(
    prompts: {
      readonly keys: readonly NdArray[];
      readonly values: readonly NdArray[];
      readonly mask: NdArray;
    },
    config: ModelConfig,
    { responses, slots }: { readonly responses: number; readonly slots: number },
  ): KvCache {
    const rows = (prompts.mask.shape[0] ?? 0) * responses;
    const empty = () => prompts.keys.map(() => zeros([rows, config.keyValueHeads, slots, config.headSize]));
    return new KvCache(prompts.keys, prompts.values, prompts.mask, empty(), empty());
  }

  get length(): number {
    return this.filled;
  }

  get isFull(): boolean {
    return this.filled === this.slotMask.data.length;
  }

  /**
   * Appends one token per row.
   * @param keys per layer `[U·R, K, D]`
   */
  append(keys: readonly NdArray[], values: readonly NdArray[]): void {
    this.keys.forEach((cache, layer) => {
      this.write(cache, keys[layer] as NdArray);
      this.write(this.values[layer] as NdArray, values[layer] as NdArray);
    });
    this.slotMask.data[this.filled] = 0;
    this.filled++;
  }

  private write(cache: NdArray, fresh: NdArray): void {
    const [rows, K, C, D] = cache.shape as [number, number, number, number];
    const to = cache.data;
    const from = fresh.data;
    let read = 0;
    // Plain loops: for short heads they are several times faster than `set(subarray)`.
    for (let row = 0, at = this.filled * D; row < rows * K; row++, at += C * D) {
      for (let d = 0; d < D; d++) to[at + d] = from[read++] as number;
    }
  }

  /** The same tokens with room for `slots`, keeping only these prompts and these rows of them. */
  rebuilt(options: {
    readonly slots: number;
    readonly units: readonly number[];
    readonly rows: readonly number[];
  }): KvCache {
    const { slots } = options;
    const resize = (source: NdArray): NdArray => {
      const [, K, C, D] = source.shape as [number, number, number, number];
      const resized = zeros([options.rows.length, K, slots, D]);
      options.rows.forEach((from, to) => {
        for (let head = 0; head < K; head++) {
          const start = (from * K + head) * C * D;
          const used = source.data.subarray(start, start + this.filled * D);
          resized.data.set(used, (to * K + head) * slots * D);
        }
      });
      return resized;
    };
    const keepsAllUnits =
      options.units.length === this.promptMask.shape[0] && options.units.every((unit, at) => unit === at);
    const ofUnits = (source: NdArray) => (keepsAllUnits ? source : gatherBlocks(source, options.units));
    const next = new KvCache(
      this.promptKeys.map(ofUnits),
      this.promptValues.map(ofUnits),
      ofUnits(this.promptMask),
      this.keys.map(resize),
      this.values.map(resize),
    );
    next.filled = this.filled;
    next.slotMask.data.fill(0, 0, this.filled);
    return next;
  }
}
